"""`wscore serve --auth jwt` against tokens of PyJWT, and of people who mean harm."""
import base64
import hashlib
import hmac
import json
import secrets
import signal
import subprocess
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from conftest import WSCORE, eventually
from test_auth import by_header, no_environment, refusal, serve, user, write  # noqa: F401
from wsclient import Client

SECRET = secrets.token_hex(32)
MAKE = {
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}
KEYS = {algorithm: make() for algorithm, make in MAKE.items()}


def pem(key):
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def jwk(key, **more):
    return json.loads(jwt.get_algorithm_by_name(
        next(name for name, known in KEYS.items() if isinstance(key, type(known)))).to_jwk(key.public_key())) | more


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(key=SECRET, algorithm="HS256", headers=None, **claims):
    claims = {"sub": "ann", "exp": time.time() + 600, "permissions": ["join:lobby"]} | claims
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, key, algorithm, headers)


def forged(header, claims, sign=lambda signed: b""):
    """A token as PyJWT would not make it."""
    signed = encoded(json.dumps(header).encode()) + "." + encoded(json.dumps(claims).encode())
    return signed + "." + encoded(sign(signed.encode()))


def hs256(secret):
    return lambda signed: hmac.new(secret.encode(), signed, hashlib.sha256).digest()


def client(server, token, scheme="jwt"):
    return Client(server.url, auth={"scheme": scheme, "credential": token})


@pytest.fixture
def server(start_server, write):
    return start_server(
        "--auth", "jwt", "--jwt-secret-file", write("secret", SECRET + "\n"), "--jwt-issuer", "https://issuer.example",
        "--jwt-audience", "chat,chat-test", "--jwt-leeway", "5s", "--log-level", "debug")


GOOD = {"iss": "https://issuer.example", "aud": "chat"}


# Those who are let in

def test_a_token_in_hello_and_in_the_upgrade(server):
    good = token(**GOOD)
    assert client(server, good).connect()["principal"] == {"user": "ann", "permissions": ["join:lobby"]}
    assert client(server, good, "bearer").connect()["principal"]["user"] == "ann"
    assert user(by_header(server.url, "Authorization", f"Bearer {good}")) == "ann"
    assert user(by_header(server.url, "X-API-Key", good)) == "auth.failed"
    server.stop()
    assert good not in "".join(server.lines) and good.split(".")[2] not in "".join(server.lines)


class FromNow(int):
    """Seconds from the moment at which a test runs: what is collected may run minutes later."""


def at_run_time(claims):
    return {name: time.time() + value if isinstance(value, FromNow) else value for name, value in claims.items()}


@pytest.mark.parametrize("claims", [
    {"aud": ["other", "chat-test"]}, {"nbf": FromNow(-60), "iat": FromNow(-60)}, {"exp": FromNow(60)},
    {"exp": None}, {"nbf": FromNow(2)}, {"iat": FromNow(2)}, {"exp": FromNow(-1)},
])
def test_claims_that_are_right(server, claims):
    assert client(server, token(**GOOD | at_run_time(claims))).connect()["principal"]["user"] == "ann"


@pytest.mark.parametrize("algorithm", KEYS)
def test_public_keys(start_server, write, algorithm):
    key = KEYS[algorithm]
    server = start_server("--auth", "jwt", "--jwt-key-file", write("key.pem", pem(key), 0o644))
    assert client(server, token(key, algorithm)).connect()["principal"]["user"] == "ann"
    other = MAKE[algorithm]()
    claims = {"sub": "ann", "exp": time.time() + 600}
    for wrong in (
        token(other, algorithm),
        # The public key taken for a shared secret.
        forged({"alg": "HS256"}, claims, hs256(pem(key))), forged({"alg": "HS256"}, claims, hs256(pem(key).strip())),
        forged({"alg": algorithm}, claims, hs256(pem(key))), forged({"alg": "none"}, claims),
        forged({"alg": algorithm}, claims), token(SECRET),
    ):
        assert refusal(client(server, wrong)) == ("auth.failed", 4503)


def test_a_secret_in_base64url(start_server, write):
    secret = secrets.token_bytes(48)
    server = start_server("--jwt-secret-file", write("secret", "base64url:" + encoded(secret) + "\n"))
    assert client(server, token(secret)).connect()["principal"]["user"] == "ann"


def test_other_claims(start_server, write):
    server = start_server(
        "--auth", "jwt", "--jwt-secret-file", write("secret", SECRET), "--jwt-user-claim", "email",
        "--jwt-permissions-claim", "scope", "--jwt-default-permissions", "join:public publish:public",
        "--jwt-require-exp", "yes")
    good = token(sub=None, email="ann@example.com", scope="openid join:lobby", permissions=None)
    assert client(server, good).connect()["principal"] == {
        "user": "ann@example.com", "permissions": ["openid", "join:lobby"]}
    assert client(server, token(email="ann")).connect()["principal"]["permissions"] == ["join:public", "publish:public"]
    assert refusal(client(server, token(email="ann", exp=None))) == ("auth.failed", 4503)
    assert refusal(client(server, token())) == ("auth.failed", 4503)


# Those who are not

@pytest.mark.parametrize("claims, reason", [
    ({"exp": FromNow(-60)}, "expired"), ({"exp": 0}, "expired"), ({"nbf": FromNow(600)}, "not_yet_valid"),
    ({"iat": FromNow(600)}, "issued_in_the_future"), ({"aud": "mail"}, "audience"), ({"aud": None}, "audience"),
    ({"aud": []}, "audience"), ({"iss": "https://evil.example"}, "issuer"), ({"iss": None}, "issuer"),
    ({"sub": None}, "user"), ({"sub": ""}, "user"), ({"sub": "a" * 129}, "user"), ({"sub": "ü" * 65}, "user"),
    ({"sub": "ann\n"}, "user"), ({"sub": "ann\x00"}, "user"), ({"permissions": 7}, "permissions"),
    ({"permissions": ["join:a", 7]}, "permissions"), ({"permissions": {"*": True}}, "permissions"),
    ({"permissions": ["\x1b[2J"]}, "permissions"), ({"permissions": ["a"] * 129}, "permissions"),
])
def test_claims_that_are_wrong(server, claims, reason):
    wrong = token(**GOOD | at_run_time(claims))
    assert refusal(client(server, wrong)) == ("auth.failed", 4503)
    server.stop()
    said = [json.loads(line) for line in server.lines if "credential refused" in line]
    assert [line["reason"] for line in said] == [reason] and wrong not in "".join(server.lines)


def test_claims_of_other_types(server):
    right = {"sub": "ann", "exp": time.time() + 600} | GOOD
    assert client(server, forged({"alg": "HS256"}, right, hs256(SECRET))).connect()
    for claims in ({"sub": 7}, {"sub": ["ann"]}, {"sub": None}, {"exp": "2099"}, {"exp": None}, {"exp": True},
                   {"nbf": "now"}, {"iat": {}}, {"aud": 7}, {"aud": {"chat": 1}}, {"iss": ["https://issuer.example"]}):
        wrong = forged({"alg": "HS256"}, right | claims, hs256(SECRET))
        assert refusal(client(server, wrong)) == ("auth.failed", 4503), claims
    for claims in ([], "ann", 7, None):
        assert refusal(client(server, forged({"alg": "HS256"}, claims, hs256(SECRET))))[0] == "auth.failed"


@pytest.mark.parametrize("header", [
    {"alg": "none"}, {"alg": "None"}, {"alg": "HS512"}, {"alg": "RS256"}, {"alg": ["HS256"]}, {"alg": None}, {}, [], 7,
    {"alg": "HS256", "crit": ["exp"]}, {"alg": "HS256", "crit": []}, {"alg": "HS256", "kid": 7},
])
def test_headers_that_are_wrong(server, header):
    wrong = forged(header, {"sub": "ann", "exp": time.time() + 600} | GOOD, hs256(SECRET))
    assert refusal(client(server, wrong)) == ("auth.failed", 4503)


def test_what_is_no_token(server):
    good = token(**GOOD)
    head, claims, signature = good.split(".")
    eve = encoded(json.dumps({"sub": "eve", "exp": time.time() + 600} | GOOD).encode())
    for wrong in (
        "", ".", "..", "...", "a", head, f"{head}.{claims}", f"{head}.{claims}.", f"{head}.{eve}.{signature}",
        f"{head}.{claims}.{signature}.{signature}", good + "=", good + "\n", " " + good, good[:-1], good.replace(".", ","),
        f"{head}..{signature}", "\u00fc" + good, f"{head}.{claims}.{signature[::-1]}", good[:-4] + "AAAA",
    ):
        assert refusal(client(server, wrong)) == ("auth.failed", 4503), wrong
    twice = encoded(b'{"sub":"ann","sub":"root","iss":"https://issuer.example","aud":"chat"}')
    signed = f"{head}.{twice}"
    assert refusal(client(server, f"{signed}.{encoded(hs256(SECRET)(signed.encode()))}"))[0] == "auth.failed"
    assert client(server, good).connect()


def test_huge_tokens(server):
    huge = token(**GOOD, padding="x" * 7_000)
    assert len(huge) > 8_192
    # Longer than a credential of hello may be; in the header it is one like another.
    assert refusal(client(server, huge)) == ("hello.invalid", 4500)
    assert user(by_header(server.url, "Authorization", f"Bearer {huge}")) == "auth.failed"
    nested = forged({"alg": "HS256"}, json.loads("[" * 100 + "]" * 100), hs256(SECRET))
    assert refusal(client(server, nested)) == ("auth.failed", 4503)
    assert client(server, token(**GOOD)).connect()


def test_every_refusal_is_one_and_the_same_answer(server):
    answers = set()
    for wrong in ("x", token("another secret of thirty-two bytes!"), token(**GOOD, exp=1), token(**GOOD, sub=None)):
        wire_answer = by_header(server.url, "Authorization", f"Bearer {wrong}")
        answers.add(json.dumps(wire_answer))
    assert len(answers) == 1


# Resume and revocation

def test_every_resume_is_judged_again(server):
    ann = client(server, token(**GOOD))
    ann.connect()
    ann.drop()
    ann.auth["credential"] = token(**GOOD, exp=time.time() - 60)
    assert refusal(ann) == ("auth.failed", 4503)
    ann.auth["credential"] = token(**GOOD, sub="eve")
    sid = ann.sid
    welcome = ann.connect()
    assert welcome["reason"] == "principal" and welcome["sid"] != sid


def test_a_token_ends_in_mid_connection(start_server, write):
    server = start_server("--auth", "jwt", "--jwt-secret-file", write("secret", SECRET))
    ann = client(server, token(exp=time.time() + 2))
    ann.connect()
    ann.join("lobby")
    told = ann.receive(10, type="session")["payload"]
    assert told["state"] == "expiring" and 0 < told["in_ms"] <= 2_000
    assert ann.wait_closed(10) == 4200
    # What comes meanwhile waits for the new token.
    bob = client(server, token(sub="bob", permissions=["*"]))
    bob.connect()
    bob.join("lobby")
    bob.publish("lobby", "chat", {"text": "while you were away"})
    ann.auth["credential"] = token()
    assert ann.connect()["resumed"]
    assert ann.events(1) == [{"text": "while you were away"}]


def test_the_client_reads_its_file_again_when_the_token_ends(start_server, write, environment):
    server = start_server("--auth", "jwt", "--jwt-secret-file", write("secret", SECRET))
    path = write("token", token(exp=time.time() + 2))
    process = subprocess.Popen(
        [WSCORE, "client", server.url, "--token-file", path, "--auth-scheme", "jwt", "-c", "join lobby",
         "-c", "expect state resuming --within 10s", "-c", "expect state online --within 10s", "-c", "join lobby"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert any('"expiring"' in line for line in iter(process.stdout.readline, ""))
    write("token", token())
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 0, output + errors
    assert "eyJ" not in output + errors


# Keys that change

def test_keys_are_rolled_over(start_server, write):
    old, new = MAKE["ES256"](), KEYS["RS256"]

    def keys(*entries):
        return write("jwks.json", json.dumps({"keys": list(entries)}), 0o644)

    path = keys(jwk(old, kid="old"))
    server = start_server("--auth", "jwt", "--jwt-jwks-file", path, "--auth-reload-interval", "50ms")
    by_old = token(old, "ES256", {"kid": "old"})
    by_new = token(new, "RS256", {"kid": "new"})
    ann = client(server, by_old)
    ann.connect()
    for wrong in (by_new, token(old, "ES256", {"kid": "new"}), token(old, "ES256", {"kid": "../old"})):
        assert refusal(client(server, wrong)) == ("auth.failed", 4503)

    # A file that is wrong changes nothing.
    for text in ('{"keys":[{"kty":"RSA","kid":"new"}]}', "{", '{"keys":[]}'):
        write("jwks.json", text, 0o644)
        count = len(server.lines)
        server.process.send_signal(signal.SIGHUP)
        line = json.loads(eventually(lambda: [x for x in server.lines[count:] if "not reloaded" in x])[0])
        assert path in line["error"]
    assert client(server, by_old).connect()

    keys(jwk(old, kid="old"), jwk(new, kid="new", alg="RS256", use="sig"), jwk(KEYS["ES256"], kid="enc", use="enc"))
    count = len(server.lines)
    eventually(lambda: any("credentials reloaded" in line for line in server.lines[count:]))
    assert client(server, by_old).connect() and client(server, by_new).connect()
    # A token without a name is tried with all keys of its algorithm, and with no other.
    assert client(server, token(new, "RS256")).connect()
    assert refusal(client(server, forged({"alg": "HS256"}, {"sub": "ann"}, hs256(pem(new)))))[0] == "auth.failed"

    keys(jwk(new, kid="new"))
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: sum("credentials reloaded" in line for line in server.lines) == 2)
    ann.drop()
    assert refusal(ann) == ("auth.failed", 4503)
    ann.auth["credential"] = by_new
    assert ann.connect()["resumed"]


def test_a_private_key_is_refused(write, no_environment):
    private = KEYS["RS256"].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    done = serve("--jwt-key-file", write("key.pem", private), env=no_environment)
    assert done.returncode == 78 and "-pubout" in done.stderr
