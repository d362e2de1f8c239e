"""The programs of Examples/, each against a real client. `make examples` builds them."""
import hashlib
import json
import os
import secrets
import subprocess
import threading
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from conftest import ADDRESS, ROOT, eventually
from test_auth import by_header, refusal, user
from wsclient import Client, ServerError

BUILT = ROOT / ".build-examples" / "release"


class Example:
    def __init__(self, name, **environment):
        program = BUILT / name
        assert program.exists(), f"{program} is not built; run: make examples"
        self.process = subprocess.Popen(
            [program], env=os.environ | {"PORT": "0"} | environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True)
        self.lines = []
        threading.Thread(target=lambda: self.lines.extend(self.process.stdout), daemon=True).start()
        self.url = ADDRESS.search(eventually(lambda: [line for line in self.lines if ADDRESS.search(line)])[0]).group(0)


@pytest.fixture
def run():
    examples = []

    def run(name, **environment):
        examples.append(Example(name, **environment))
        return examples[-1]

    yield run
    for example in examples:
        example.process.kill()
        example.process.wait()


def client(example, scheme, credential):
    return Client(example.url, auth={"scheme": scheme, "credential": credential})


def test_json_web_tokens(run, tmp_path):
    key = ed25519.Ed25519PrivateKey.generate()
    path = tmp_path / "public.pem"
    path.write_bytes(key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    example = run("JWTAuthentication", JWT_KEY=str(path))
    claims = {"sub": "ann", "aud": "chat", "exp": time.time() + 60, "permissions": ["join:lobby", "event:whoami"]}
    ann = client(example, "jwt", jwt.encode(claims, key, "EdDSA"))
    ann.connect()
    assert ann.request("whoami", None) == "ann"
    ann.join("lobby")
    with pytest.raises(ServerError) as refused:
        ann.join("vault")
    assert refused.value.code == "room.forbidden"
    assert refusal(client(example, "jwt", jwt.encode(claims | {"aud": "mail"}, key, "EdDSA"))) == ("auth.failed", 4503)


def test_a_token_of_ones_own(run):
    example = run("CustomToken")
    ann, bob = client(example, "account", "ann-7f3a"), client(example, "account", "bob-19c2")
    ann.connect(), bob.connect()
    assert ann.request("whoami", None) == "ann"
    assert refusal(client(example, "account", "eve")) == ("auth.failed", 4503)
    assert refusal(client(example, "token", "ann-7f3a")) == ("auth.failed", 4503)
    ann.drop()
    assert ann.connect()["resumed"]
    bob.request("logout", "ann-7f3a")
    ann.drop()
    assert refusal(ann) == ("auth.failed", 4503)


def test_api_keys(run, tmp_path):
    key, path = secrets.token_hex(16), tmp_path / "keys"
    path.write_text(f"ci sha256:{hashlib.sha256(key.encode()).hexdigest()} builder join:build event:whoami\n")
    path.chmod(0o600)
    example = run("APIKeys", API_KEYS=str(path))
    builder = client(example, "api-key", key)
    builder.connect()
    assert builder.request("whoami", None) == "builder"
    builder.join("build")
    assert user(by_header(example.url, "X-API-Key", key)) == "builder"
    assert refusal(client(example, "api-key", key + "x")) == ("auth.failed", 4503)
    assert key not in json.dumps(example.lines)
