"""Credentials from outside: API keys, files that change, headers, options that contradict each other."""
import hashlib
import json
import os
import secrets
import signal
import subprocess

import pytest

from conftest import WSCORE, eventually
from wsclient import Client, ServerError, Wire

KEY = secrets.token_hex(16)


def hashed(key):
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()


@pytest.fixture
def write(tmp_path):
    """Writes a file of credentials as an operator should: in one step, for nobody else to read."""

    def write(name, text, mode=0o600):
        path, new = tmp_path / name, tmp_path / (name + ".new")
        new.write_text(text)
        new.chmod(mode)
        new.rename(path)
        return str(path)

    return write


@pytest.fixture
def no_environment():
    return {name: value for name, value in os.environ.items() if not name.startswith("WSCORE_")}


def refusal(client):
    with pytest.raises(ServerError) as refused:
        client.connect()
    return refused.value.code, refused.value.close_code


def by_header(url, name, value):
    """The first message for a client that shows its credential in the upgrade only."""
    wire = Wire(url, headers={name: value})
    wire.send({"v": 2, "type": "hello", "payload": {"versions": [2]}})
    return wire.receive()


def user(message):
    return message["payload"]["principal"]["user"] if message["type"] == "welcome" else message["payload"]["code"]


# API keys

@pytest.fixture
def keys(write):
    return write("keys", f"# name hash user permissions\nci-1 {hashed(KEY)} builder join:build-* publish:build-*\n")


def test_an_api_key(start_server, keys):
    server = start_server("--auth", "api-key", "--api-key-file", keys, "--log-level", "debug")
    client = Client(server.url, auth={"scheme": "api-key", "credential": KEY})
    assert client.connect()["principal"] == {"user": "builder", "permissions": ["join:build-*", "publish:build-*"]}
    client.join("build-7")
    with pytest.raises(ServerError) as refused:
        client.join("lobby")
    assert refused.value.code == "room.forbidden"
    for name, value in (("Authorization", f"Bearer {KEY}"), ("authorization", f"bearer {KEY}"), ("X-API-Key", KEY)):
        assert user(by_header(server.url, name, value)) == "builder"
    server.stop()
    log = "".join(server.lines)
    assert '"key":"ci-1"' in log and KEY not in log


@pytest.mark.parametrize("auth", [
    {"scheme": "api-key", "credential": KEY + "x"}, {"scheme": "api-key", "credential": KEY[:-1]},
    {"scheme": "api-key", "credential": ""}, {"scheme": "api-key"}, {"scheme": "api-key", "credential": hashed(KEY)},
    {"scheme": "api-key", "credential": "ci-1"}, {"scheme": "token", "credential": KEY},
    {"scheme": "none", "credential": "builder"}, {"scheme": "jwt", "credential": KEY}, None,
])
def test_a_wrong_api_key(start_server, keys, auth):
    server = start_server("--api-key-file", keys)
    assert refusal(Client(server.url, auth=auth)) == ("auth.failed", 4503)


def test_the_documented_command_makes_the_hash():
    said = subprocess.run(["sh", "-c", "printf %s KEY | sha256sum"], capture_output=True, text=True).stdout
    assert "sha256:" + said.split()[0] == hashed("KEY")


def test_another_header(start_server, keys):
    server = start_server("--api-key-file", keys, "--auth-header", "X-Session-Key")
    assert user(by_header(server.url, "X-Session-Key", KEY)) == "builder"
    assert user(by_header(server.url, "x-session-key", KEY)) == "builder"
    assert user(by_header(server.url, "Authorization", f"Bearer {KEY}")) == "builder"
    assert user(by_header(server.url, "X-API-Key", KEY)) == "auth.failed"
    # What hello says goes before the header.
    wire = Wire(server.url, headers={"X-Session-Key": KEY})
    wire.send({"v": 2, "type": "hello", "payload": {
        "versions": [2], "auth": {"scheme": "api-key", "credential": "wrong"}}})
    assert user(wire.receive()) == "auth.failed"


def test_a_header_that_comes_twice_counts_as_absent(start_server, keys):
    server = start_server("--api-key-file", keys)
    wire = Wire(server.url, headers=[("X-API-Key", KEY), ("X-API-Key", KEY)])
    wire.send({"v": 2, "type": "hello", "payload": {"versions": [2]}})
    assert user(wire.receive()) == "auth.failed"


# Files that change

def test_a_user_who_is_taken_off_the_list_does_not_come_back(start_server, write):
    path = write("tokens", "secret-of-ann ann\nsecret-of-bob bob\n")
    server = start_server("--token-file", path, "--auth-reload-interval", "0s")
    ann = Client(server.url, auth={"scheme": "token", "credential": "secret-of-ann"})
    bob = Client(server.url, auth={"scheme": "token", "credential": "secret-of-bob"})
    ann.connect(), bob.connect()
    write("tokens", "secret-of-bob bob\nsecret-of-eve eve\n")
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: any("credentials reloaded" in line for line in server.lines))
    # Who is connected stays; who resumes is judged anew.
    assert ann.request("echo", 1) == 1
    ann.drop(), bob.drop()
    assert refusal(ann) == ("auth.failed", 4503)
    assert bob.connect()["resumed"]
    eve = Client(server.url, auth={"scheme": "token", "credential": "secret-of-eve"})
    assert eve.connect()["principal"]["user"] == "eve"


@pytest.mark.parametrize("option, name, good, bad, auth", [
    ("--token-file", "tokens", "secret-of-ann ann\n", "# x\nsecret-of-ann\n",
     {"scheme": "token", "credential": "secret-of-ann"}),
    ("--api-key-file", "keys", f"ci-1 {hashed(KEY)} ann\n", f"# x\nci-1 {KEY} ann\n",
     {"scheme": "api-key", "credential": KEY}),
])
def test_a_bad_file_keeps_what_was_read_before(start_server, write, option, name, good, bad, auth):
    path = write(name, good)
    server = start_server(option, path, "--auth-reload-interval", "50ms")
    for mode in (0o600, 0o644):
        write(name, bad if mode == 0o600 else good, mode)
        count = len(server.lines)
        server.process.send_signal(signal.SIGHUP)
        line = json.loads(eventually(lambda: [x for x in server.lines[count:] if "not reloaded" in x])[0])
        assert line["level"] == "error" and path in line["error"]
        assert f"{path}:2:" in line["error"] or "chmod 600" in line["error"]
    assert Client(server.url, auth=auth).connect()["principal"]["user"] == "ann"
    server.stop()
    assert server.process.returncode == 0
    assert KEY not in "".join(server.lines) and "secret-of" not in "".join(server.lines)


def test_a_change_is_seen_without_a_signal(start_server, write):
    path = write("tokens", "secret-of-ann ann\n")
    server = start_server("--token-file", path, "--auth-reload-interval", "50ms")
    write("tokens", "secret-of-bob bob\n")
    bob = Client(server.url, auth={"scheme": "token", "credential": "secret-of-bob"})

    def is_in():
        try:
            return bob.connect()["principal"]["user"] == "bob"
        except ServerError:
            return False

    eventually(is_in)


def test_a_signal_with_nothing_to_read_is_harmless(server):
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: any("nothing to reload" in line for line in server.lines))
    assert Client(server.url).connect()


# Operators

def test_refusals_are_counted_and_logged_by_reason(start_server, keys, tmp_path):
    socket = tmp_path / "admin.sock"
    server = start_server("--api-key-file", keys, "--admin-socket", str(socket), "--log-level", "debug")
    for auth in ({"scheme": "api-key", "credential": "not-the-key"}, {"scheme": "api-key"}, {"scheme": "none"}):
        refusal(Client(server.url, auth=auth))
    stats = subprocess.run([WSCORE, "inspect", "stats", "--socket", str(socket), "--json"], capture_output=True, text=True)
    assert json.loads(stats.stdout)["refused_credentials"] == {"missing": 1, "scheme": 1, "unknown": 1}
    metrics = subprocess.run([WSCORE, "inspect", "metrics", "--socket", str(socket)], capture_output=True, text=True)
    assert 'wscore_refused_credentials_total{reason="unknown"} 1' in metrics.stdout
    server.stop()
    refused = [json.loads(line) for line in server.lines if "credential refused" in line]
    assert {line["reason"] for line in refused} == {"missing", "scheme", "unknown"}
    assert "not-the-key" not in "".join(server.lines)


# Options

def serve(*arguments, env):
    return subprocess.run(
        [WSCORE, "serve", "--listen", "127.0.0.1:0", "--admin-socket", "none", *arguments], capture_output=True,
        text=True, timeout=10, env=env)


@pytest.mark.parametrize("arguments, text", [
    (["--auth", "token-file"], "needs --token-file"),
    (["--auth", "api-key"], "needs --api-key-file"),
    (["--auth", "jwt"], "needs one of --jwt-key-file, --jwt-secret-file and --jwt-jwks-file"),
    (["--auth", "jwt", "--jwt-key-file", "a", "--jwt-jwks-file", "b"], "needs one of"),
    (["--auth", "none", "--token-file", "a"], "--auth none and --token-file contradict each other"),
    (["--auth", "api-key", "--token-file", "a"], "--token-file is for --auth token-file"),
    (["--token-file", "a", "--api-key-file", "b"], "--token-file and --api-key-file contradict each other"),
    (["--auth", "token-file", "--token-file", "a", "--jwt-issuer", "x"], "--jwt-issuer is for --auth jwt"),
    (["--jwt-issuer", "x"], "needs one of"),
    (["--auth", "jwtt"], 'did you mean "jwt"?'),
    (["--auth-header", "a b"], "is not the name of a header field"),
    (["--auth-header", "Authorization"], "is looked at in any case"),
    (["--api-key-file", ""], "is empty"),
    (["--auth", "jwt", "--jwt-secret-file", "a", "--jwt-leeway", "30"], "is not a duration"),
    (["--auth", "jwt", "--jwt-secret-file", "a", "--jwt-require-exp", "maybe"], "is not one of yes, no"),
])
def test_contradictions(arguments, text, no_environment):
    done = serve(*arguments, env=no_environment)
    assert done.returncode == 64 and text in done.stderr and done.stdout == ""


def test_contradictions_of_variables(no_environment):
    done = serve(env=no_environment | {"WSCORE_AUTH": "none", "WSCORE_API_KEY_FILE": "x"})
    assert done.returncode == 78 and "contradict" in done.stderr


@pytest.mark.parametrize("option, text, mode, reason", [
    ("--api-key-file", "ci-1 plainkey ann\n", 0o600, ":1: behind the name comes sha256:"),
    ("--api-key-file", f"ci-1 {hashed(KEY)} ann\n", 0o644, "chmod 600"),
    ("--api-key-file", "# none\n", 0o600, "names no key"),
    ("--token-file", "secret-of-ann ann fly\n", 0o600, 'unknown permission "fly"'),
    ("--jwt-secret-file", "short", 0o600, "openssl rand -hex 32"),
    ("--jwt-key-file", "no key", 0o644, "holds no public key"),
    ("--jwt-jwks-file", "{}", 0o644, "is no JSON Web Key Set"),
])
def test_bad_files(write, no_environment, option, text, mode, reason):
    path = write("file", text, mode)
    done = serve(option, path, env=no_environment)
    assert done.returncode == 78 and reason in done.stderr and path in done.stderr
    assert "plainkey" not in done.stderr and "secret-of" not in done.stderr


def test_a_file_that_is_not_there(no_environment):
    for option in ("--token-file", "--api-key-file", "--jwt-key-file", "--jwt-secret-file", "--jwt-jwks-file"):
        done = serve(option, "/nonexistent/file", env=no_environment)
        assert done.returncode == 78 and "cannot read /nonexistent/file: No such file" in done.stderr


# The client of ours

def test_client_and_load_show_every_scheme(start_server, keys, client, environment, tmp_path):
    server = start_server("--api-key-file", keys)
    for scheme in ([], ["--auth-scheme", "bearer"], ["--auth-scheme", "api-key"]):
        done = client(server.url, *scheme, "-c", "join build-1", WSCORE_TOKEN=KEY)
        assert done.returncode == 0, done.stderr
    assert client(server.url, "--auth-scheme", "token", "-c", "join build-1", WSCORE_TOKEN=KEY).returncode == 77
    assert client(server.url, "--auth-scheme", "", "-c", "join build-1").returncode == 64
    done = subprocess.run(
        [WSCORE, "load", server.url, "--sessions", "2", "--rooms", "1", "--rate", "0", "--duration", "100ms",
         "--auth-scheme", "api-key"],
        capture_output=True, text=True, env=environment | {"WSCORE_TOKEN": KEY}, timeout=30)
    # Let in; its rooms are not theirs.
    assert "4503" not in done.stdout + done.stderr and KEY not in done.stdout + done.stderr
