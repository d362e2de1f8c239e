"""TLS of the server, seen from outside: handshakes good and bad, certificates that change, clients that show theirs."""
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import time

import pytest

from certificates import Authority, write
from conftest import WSCORE, eventually
from httpbackend import Backend
from transports import sse_url
from wsclient import Client, ServerError
from wsraw import frame, request, text_frame
from wswire import Wire


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def start_tls(start_server, authority, tmp_path):
    """Starts a server that speaks TLS, with an admin socket that `inspect` and `lines` ask."""
    def start(*arguments, **how):
        certificate, key = authority.issue(**how)
        return start_server(
            "--admin-socket", str(tmp_path / "admin.sock"), "--tls-cert", certificate, "--tls-key", key,
            "--log-level", "debug", *arguments)
    return start


@pytest.fixture
def stats(lines):
    """What operators see of TLS."""
    return lambda: lines("stats")[0]["tls"]


def bare(server, timeout=10):
    return socket.create_connection(server.address, timeout=timeout)


def secure(server, context, timeout=10, name="localhost"):
    return context.wrap_socket(bare(server, timeout), server_hostname=name)


def read_all(connection):
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            data += piece
    return data


def certificate_days(server, context):
    with secure(server, context) as connection:
        end = ssl.cert_time_to_seconds(connection.getpeercert()["notAfter"])
    return round((end - time.time()) / 86_400)


# The connection

def test_a_session_over_tls(start_tls, authority, stats):
    server = start_tls()
    ann = Client(server.url, user="ann", ssl=authority.trust())
    ann.connect()
    assert ann.request("echo", {"n": 1}) == {"n": 1}
    ann.drop("rst")
    assert ann.connect()["resumed"]
    seen = stats()
    assert seen["handshakes"]["ok"] == 2 and not any(seen["handshakes"]["failed"].values())
    assert seen["certificate"]["subject"] == "CN=localhost" and seen["certificate"]["names"] == ["localhost"]
    assert seen["certificate"]["days_left"] in (89, 90) and "PRIVATE" not in json.dumps(seen)


def test_the_health_checks_and_refusals_are_the_same(start_tls, authority):
    server = start_tls()
    for path, status in (("/healthz", b"200"), ("/readyz", b"200"), ("/nothing", b"404")):
        with secure(server, authority.trust()) as connection:
            connection.sendall(b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path.encode())
            # The end is one of TLS too: recv would raise if close_notify were missing.
            assert read_all(connection).startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize("minimum, version, is_taken", [
    ("1.2", ssl.TLSVersion.TLSv1_1, False), ("1.2", ssl.TLSVersion.TLSv1_2, True), ("1.2", ssl.TLSVersion.TLSv1_3, True),
    ("1.3", ssl.TLSVersion.TLSv1_2, False), ("1.3", ssl.TLSVersion.TLSv1_3, True),
])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_versions(start_tls, authority, stats, minimum, version, is_taken):
    server = start_tls("--tls-min-version", minimum)
    context = authority.trust()
    # What Debian's policy would not even send.
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = version, version
    if is_taken:
        with secure(server, context) as connection:
            assert connection.version() == version.name.replace("_", ".")
        return
    with pytest.raises(ssl.SSLError) as refused:
        secure(server, context)
    assert "PROTOCOL_VERSION" in str(refused.value).upper().replace(" ", "_")
    assert eventually(lambda: stats()["handshakes"]["failed"]["version"] == 1)


def test_alpn_is_http_1_1(start_tls, authority):
    server, context = start_tls(), authority.trust()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with secure(server, context) as connection:
        assert connection.selected_alpn_protocol() == "http/1.1"
    context.set_alpn_protocols(["h2"])
    with contextlib.suppress(ssl.SSLError), secure(server, context) as connection:
        assert connection.selected_alpn_protocol() is None


def test_frames_right_behind_the_upgrade(start_tls, authority):
    server = start_tls()
    hello = {"v": 2, "type": "hello", "payload": {"versions": [2]}}
    with secure(server, authority.trust()) as connection:
        connection.sendall(request(server.url, host="localhost") + text_frame(hello) + frame(b"x", opcode=9))
        data = b""
        while b'"live"' not in data or b"\x8a\x01x" not in data:
            piece = connection.recv(65536)
            assert piece, data
            data += piece
    assert data.startswith(b"HTTP/1.1 101") and b'"welcome"' in data


def test_a_request_in_the_same_write_as_the_end_of_the_handshake(start_tls, authority):
    """By hand: the client's Finished and its request reach the server together."""
    server = start_tls()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = authority.trust().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with bare(server) as connection:
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                connection.sendall(outgoing.read())
                incoming.write(connection.recv(65536))
        tls.write(request(server.url, host="localhost") + text_frame(
            {"v": 2, "type": "hello", "payload": {"versions": [2]}}))
        connection.sendall(outgoing.read())
        data = b""
        while b'"live"' not in data:
            incoming.write(connection.recv(65536))
            with contextlib.suppress(ssl.SSLWantReadError):
                while piece := tls.read(65536):
                    data += piece


def test_a_cut_connection_is_a_lost_one_and_a_closed_one_is_closed(start_tls, authority, lines):
    server = start_tls()
    ann = Client(server.url, user="ann", ssl=authority.trust())
    ann.connect()
    # Without close_notify: no application data may be taken for whole because of it, and the session stays.
    ann.wire.socket.socket.unwrap = lambda: None
    sock = socket.socket(fileno=os.dup(ann.wire.socket.socket.fileno()))
    sock.shutdown(socket.SHUT_RDWR)
    sock.close()
    eventually(lambda: lines("sessions")[0]["state"] == "suspended")
    ann.drop()
    assert ann.connect()["resumed"]
    ann.wire.close(1000)
    eventually(lambda: lines("stats")[0]["connections"] == 0)
    assert lines("sessions")[0]["state"] == "suspended"


def test_event_streams_and_the_raw_echo(start_tls, authority):
    server = start_tls("--raw-echo", "/echo")
    ann = Client(sse_url(server.url), user="ann", ssl=authority.trust(), subprotocol=None)
    ann.connect()
    assert ann.request("echo", 7) == 7
    wire = Wire(server.url.replace("/ws", "/echo"), ssl=authority.trust())
    text = "x" * (4 << 20)
    wire.socket.send(text)
    assert wire.socket.recv(timeout=20) == text


def test_compression(start_tls, authority):
    from websockets.sync.client import connect
    server = start_tls()
    with connect(server.url, ssl=authority.trust(), subprotocols=["wscore.v2.json"]) as connection:
        assert "permessage-deflate" in connection.response.headers["Sec-WebSocket-Extensions"]
        connection.send(json.dumps({"v": 2, "type": "hello", "payload": {"versions": [2]}}))
        assert json.loads(connection.recv(timeout=5))["type"] == "welcome"


def test_a_reader_that_stops_holds_nobody_up_and_gets_everything(start_tls, authority):
    server = start_tls("--outbox-messages", "4000", "--outbox-bytes", "64MiB", "--outbox-total-bytes", "256MiB")
    slow, fast = (Client(server.url, user=name, ssl=authority.trust()) for name in ("slow", "fast"))
    slow.connect(), fast.connect()
    slow.join("lobby"), fast.join("lobby")
    for number in range(300):
        fast.publish("lobby", "chat", {"n": number, "text": "x" * 20_000})
    assert fast.request("echo", 1) == 1
    got = []
    while len(got) < 300:
        message = slow.receive(20)
        if message["type"] == "event":
            got.append(message["payload"]["n"])
    assert got == list(range(300)) and not slow.gaps


def test_drain(start_tls, authority):
    server = start_tls("--drain-timeout", "2s")
    ann = Client(server.url, user="ann", ssl=authority.trust())
    ann.connect()
    server.process.send_signal(signal.SIGTERM)
    messages = []
    with pytest.raises(Exception) as end:
        while True:
            messages.append(ann.receive(10)["type"])
    assert "draining" in messages and getattr(end.value, "code", None) == 1012
    assert server.process.wait(10) == 0


# What is no handshake

@pytest.mark.parametrize("data", [
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\r\n", b"POST / HTTP/1.1\r\n\r\n" + b"x" * 100_000, b"G",
])
def test_http_without_tls_is_told_so(start_tls, stats, data):
    server = start_tls()
    with bare(server) as connection:
        connection.sendall(data)
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 400 ") and b"wss://" in answer and b"\r\nUpgrade: TLS/" in answer
    assert stats()["handshakes"]["failed"]["plaintext"] == 1


@pytest.mark.parametrize("data", [b"\x00" * 64, b"\x80\x2e\x01\x03\x01", b"SSH-2.0-x\r\n"[::-1], b"\xff"])
def test_other_bytes_are_closed_upon(start_tls, stats, data):
    server = start_tls()
    with bare(server, timeout=5) as connection:
        connection.sendall(data)
        read_all(connection)
    assert stats()["handshakes"]["failed"]["plaintext"] == 1


def test_broken_handshakes_are_closed_upon(start_tls, authority, stats):
    server = start_tls()
    for data in (b"\x16\x03\x01\x00\x05hello", b"\x16\x03\x01\xff\xff" + os.urandom(70_000)):
        with bare(server, timeout=5) as connection:
            with contextlib.suppress(OSError):
                connection.sendall(data)
            read_all(connection)
    with bare(server) as connection:
        connection.sendall(b"\x16\x03\x01")
    eventually(lambda: stats()["handshakes"]["failed"]["aborted"] == 1)
    eventually(lambda: sum(stats()["handshakes"]["failed"].values()) == 3)
    Client(server.url, user="ann", ssl=authority.trust()).connect()


@pytest.mark.parametrize("beginning", [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"])
def test_half_a_handshake_times_out(start_tls, stats, beginning):
    server = start_tls("--handshake-timeout", "500ms")
    with bare(server, timeout=5) as connection:
        connection.sendall(beginning)
        begun = time.monotonic()
        assert read_all(connection) == b""
        assert 0.3 < time.monotonic() - begun < 4
    eventually(lambda: stats()["handshakes"]["failed"]["timeout"] == 1)


def test_the_request_has_the_same_time_as_over_a_bare_connection(start_tls, authority):
    server = start_tls("--handshake-timeout", "700ms")
    with secure(server, authority.trust()) as connection:
        connection.sendall(b"GET /ws HTTP/1.1\r\n")
        assert read_all(connection).startswith(b"HTTP/1.1 408 ")


def test_the_first_for_whom_there_is_no_place_is_told_so(start_tls, authority):
    server = start_tls("--max-connections", "16")
    context, held, answer = authority.trust(), [], b""
    try:
        for number in range(1_100):
            held.append(secure(server, context))
            # Who has a place hears nothing; the bound with what is spare lies beyond these.
            if number > 700:
                held[-1].settimeout(0.02)
                with contextlib.suppress(TimeoutError):
                    answer = read_all(held[-1])
                    break
        assert answer.startswith(b"HTTP/1.1 503 ") and b"\r\nRetry-After: " in answer
    finally:
        for connection in held:
            connection.close()


def test_a_thousand_half_handshakes_disturb_nobody(start_tls, authority, lines):
    server = start_tls("--handshake-timeout", "3s")
    files = pathlib.Path(f"/proc/{server.process.pid}/fd")
    before = len(list(files.iterdir()))
    half = []
    try:
        for number in range(1_000):
            half.append(bare(server))
            half[-1].sendall(b"\x16\x03\x01\x02\x00"[:number % 6])
        begun = time.monotonic()
        ann = Client(server.url, user="ann", ssl=authority.trust())
        ann.connect()
        assert ann.request("echo", 1) == 1
        assert time.monotonic() - begun < 2.5
        # All of them give their places back.
        ann.drop()
        eventually(lambda: len(list(files.iterdir())) <= before + 2, timeout=15)
        seen = lines("stats")[0]["tls"]["handshakes"]
        assert seen["failed"]["timeout"] == 1_000 and seen["ok"] == 1
    finally:
        for connection in half:
            connection.close()


# Certificates that change

def test_a_new_certificate_is_taken_and_connections_stay(start_tls, authority, stats):
    server = start_tls()
    context = authority.trust()
    ann = Client(server.url, user="ann", ssl=context)
    ann.connect()
    assert certificate_days(server, context) == 90
    authority.issue(end=300)
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: any("certificate reloaded" in line for line in server.lines))
    assert certificate_days(server, context) == 300
    assert ann.request("echo", 2) == 2
    assert stats()["certificate"]["days_left"] in (299, 300)


@pytest.mark.parametrize("name, text, word", [
    ("server.pem", b"nothing", "server.pem: holds no certificate"),
    ("server.pem", None, "cannot read"),
    ("server.key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "server.key: holds a private key"),
    ("server.key", "other", "does not belong"),
])
def test_a_bad_file_keeps_the_former_certificate(start_tls, authority, tmp_path, name, text, word):
    server = start_tls()
    context = authority.trust()
    if text == "other":
        (tmp_path / name).write_bytes(pathlib.Path(authority.issue("other")[1]).read_bytes())
    elif text is None:
        (tmp_path / name).unlink()
    else:
        write(tmp_path / name, text)
    server.process.send_signal(signal.SIGHUP)
    line = json.loads(eventually(lambda: [x for x in server.lines if "certificate not reloaded" in x])[0])
    assert line["level"] == "error" and word in line["error"] and str(tmp_path / name) in line["error"]
    assert certificate_days(server, context) == 90
    authority.issue(end=200)
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: any("certificate reloaded" in x for x in server.lines))
    assert certificate_days(server, context) == 200


def test_certificates_are_swapped_under_load_without_an_error(start_tls, authority, environment):
    server = start_tls()
    load = subprocess.Popen(
        [WSCORE, "load", server.url, "--tls-ca", authority.path, "--sessions", "40", "--rate", "400", "--duration", "5s",
         "--storm", "50%@2s", "--storm", "50%@4s", "--drop", "clean", "--json", "--progress", "off"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    for number in range(20):
        time.sleep(0.2)
        authority.issue(end=100 + number)
        server.process.send_signal(signal.SIGHUP)
    out, error = load.communicate(timeout=60)
    report = json.loads(out)
    assert load.returncode == 0, out + error
    assert report["verdict"] == "ok" and report["dropped"] == report["resumed"] == 40
    # Nothing but what the storms asked for, which the load itself did.
    assert set(report["endings"]) <= {"left with 1001"}, report["endings"]
    assert server.process.poll() is None
    assert not any('"level":"error"' in line for line in server.lines)
    assert sum("certificate reloaded" in line for line in server.lines) >= 15


def test_the_metrics(start_tls, tmp_path, inspect):
    start_tls()
    text = inspect("metrics").stdout
    assert re.search(r'^wscore_tls_handshakes_total\{result="ok"\} 0$', text, re.M)
    assert re.search(r"^wscore_tls_certificate_days_left (89|90)$", text, re.M)
    assert re.search(r"^wscore_tls_certificate_not_after_timestamp_seconds \d{10}$", text, re.M)


def test_the_key_is_shown_nowhere(start_tls, authority, tmp_path, inspect):
    server = start_tls("--log-level", "trace")
    server.process.send_signal(signal.SIGHUP)
    Client(server.url, user="ann", ssl=authority.trust()).connect()
    key = (tmp_path / "server.key").read_text().splitlines()[1:-1]
    seen = "".join(server.lines) + inspect("stats").stdout + inspect("metrics").stdout + inspect("events").stdout
    seen += pathlib.Path(f"/proc/{server.process.pid}/cmdline").read_text()
    seen += pathlib.Path(f"/proc/{server.process.pid}/environ").read_text()
    assert key and not any(line in seen for line in key)


# Operators' mistakes

def serve(*arguments):
    return subprocess.run(
        [WSCORE, "serve", "--listen", "127.0.0.1:0", "--admin-socket", "none", *arguments], capture_output=True, text=True,
        timeout=10)


@pytest.mark.parametrize("change, words", [
    (lambda p: (p / "server.pem").unlink(), ["cannot read", "server.pem", "No such file"]),
    (lambda p: (p / "server.key").unlink(), ["cannot read", "server.key", "No such file"]),
    (lambda p: write(p / "server.pem", b"x"), ["server.pem: holds no certificate"]),
    (lambda p: write(p / "server.pem", b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"),
     ["server.pem: holds a certificate that cannot be read"]),
    (lambda p: write(p / "server.key", (p / "server.pem").read_bytes()), ["server.key: holds no private key"]),
    (lambda p: (p / "server.key").chmod(0o644), ["server.key holds secrets", "chmod 600"]),
    (lambda p: (p / "server.pem").chmod(0o646), ["server.pem can be written by everyone"]),
    (lambda p: write(p / "server.key", b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n"), ["server.key", "passphrase"]),
])
def test_files_that_are_wrong(authority, tmp_path, change, words):
    certificate, key = authority.issue()
    change(tmp_path)
    done = serve("--tls-cert", certificate, "--tls-key", key)
    assert done.returncode == 78 and all(word in done.stderr for word in words), done.stderr


def test_a_key_of_another_certificate(authority):
    certificate, _ = authority.issue()
    _, key = authority.issue("other")
    done = serve("--tls-cert", certificate, "--tls-key", key)
    assert done.returncode == 78
    assert f"{certificate} and {key}: the private key does not belong" in done.stderr


@pytest.mark.parametrize("arguments, text", [
    (["--tls-cert", "x"], "--tls-key is missing"), (["--tls-key", "x"], "--tls-cert is missing"),
    (["--tls-client-ca", "x"], "--tls-client-ca needs --tls-cert"),
    (["--tls-cert", "x", "--tls-key", "x", "--tls-client-auth", "optional"], "--tls-client-auth needs"),
    (["--tls-min-version", "1.2"], "needs --tls-cert"), (["--tls-min-version", "1.1"], "is not one of 1.2, 1.3"),
    (["--auth", "tls"], "--auth tls needs --tls-client-ca"),
    (["--listen", "none", "--unix", "x", "--tls-cert", "x", "--tls-key", "x"], "--listen names none"),
    (["--tls-cert", "x", "--tls-key", "x", "--tls-client-ca", "x", "--auth", "none", "--tls-subject-file", "x"],
     "contradict"),
])
def test_options_that_contradict_each_other(arguments, text):
    done = serve(*arguments)
    assert done.returncode == 64 and text in done.stderr, done.stderr


@pytest.mark.parametrize("when, words", [
    ({"begin": -30, "end": -1}, "has expired"), ({"begin": 1}, "not valid yet"), ({"end": 5}, "expires soon"),
])
def test_a_certificate_at_the_wrong_time_is_told_with_its_date(start_tls, when, words):
    server = start_tls(**when)
    line = json.loads(eventually(lambda: [x for x in server.lines if words in x])[0])
    assert line["level"] == "warning" and re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", line["not_after"])


# Clients that show certificates

def user_of(server, context, auth=None, headers=None):
    ann = Client(server.url, auth=auth, ssl=context)
    return ann.connect()["principal"]


def refusal(server, context, auth=None):
    with pytest.raises(ServerError) as refused:
        Client(server.url, auth=auth, ssl=context).connect()
    return refused.value.code


@pytest.mark.parametrize("names, common_name, user", [
    (["dns:a.example.org", "uri:spiffe://x/ann", "uri:spiffe://x/bob"], "cn", "uri:spiffe://x/ann"),
    (["email:ann@example.org", "dns:a.example.org"], "cn", "dns:a.example.org"),
    (["email:ann@example.org"], "cn", "email:ann@example.org"), ([], "Ann Smith", "cn:Ann Smith"),
])
def test_the_user_is_whom_the_certificate_names(start_tls, authority, names, common_name, user):
    server = start_tls("--tls-client-ca", authority.path)
    context = authority.trust(authority.issue_client(common_name=common_name, names=names))
    assert user_of(server, context) == {"user": user, "permissions": ["*"]}
    # Whatever the client says of itself.
    assert user_of(server, context, {"scheme": "tls", "credential": "cn:root"})["user"] == user
    assert refusal(server, context, {"scheme": "none", "credential": "root"}) == "auth.failed"
    assert refusal(server, context, {"scheme": "token", "credential": "12345678"}) == "auth.failed"


def test_users_and_permissions_from_a_file(start_tls, authority, tmp_path):
    subjects = tmp_path / "subjects"
    subjects.write_text("# subject user permissions\ncn:Ann%20Smith ann join:lobby\nuri:spiffe://x/b builder\n")
    server = start_tls("--tls-client-ca", authority.path, "--tls-subject-file", str(subjects))
    ann = authority.trust(authority.issue_client(common_name="Ann Smith"))
    assert user_of(server, ann) == {"user": "ann", "permissions": ["join:lobby"]}
    builder = authority.trust(authority.issue_client(names=["uri:spiffe://x/b"]))
    assert user_of(server, builder) == {"user": "builder", "permissions": ["*"]}
    assert refusal(server, authority.trust(authority.issue_client(common_name="eve"))) == "auth.failed"
    # A common name that says that it were a URI.
    assert refusal(server, authority.trust(authority.issue_client(common_name="uri:spiffe://x/b"))) == "auth.failed"
    subjects.write_text("cn:eve eve\n")
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: any("credentials reloaded" in line for line in server.lines))
    assert refusal(server, ann) == "auth.failed"


@pytest.mark.parametrize("text, word", [
    ("ann ann\n", "begins with uri:"), ("cn:ann\n", "a user is missing"), ("cn:a a\ncn:a b\n", "an earlier line"),
    ("cn:a a fly:*\n", "unknown permission"), ("", "names no subject"),
])
def test_a_bad_file_of_subjects(authority, tmp_path, text, word):
    certificate, key = authority.issue()
    (tmp_path / "subjects").write_text(text)
    done = serve("--tls-cert", certificate, "--tls-key", key, "--tls-client-ca", authority.path,
                 "--tls-subject-file", str(tmp_path / "subjects"))
    assert done.returncode == 78 and word in done.stderr, done.stderr


def handshake_refusal(server, context):
    with pytest.raises((ssl.SSLError, ConnectionResetError)) as refused:
        with secure(server, context) as connection:
            # With TLS 1.3 the server's word comes behind the client's part of the handshake.
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            connection.recv(1)
    return str(refused.value).upper()


def test_who_has_no_certificate_or_a_bad_one_gets_no_connection(start_tls, authority, tmp_path, stats):
    server = start_tls("--tls-client-ca", authority.path)
    stranger = Authority(tmp_path, "Stranger")
    assert "CERTIFICATE_REQUIRED" in handshake_refusal(server, authority.trust()).replace(" ", "_")
    for certificate in (stranger.issue_client("s"), authority.issue_client("e", begin=-9, end=-1), authority.issue("w")):
        assert "ALERT" in handshake_refusal(server, authority.trust(certificate))
    assert stats()["handshakes"]["failed"]["certificate"] == 4 and stats()["handshakes"]["ok"] == 0


def test_certificates_that_are_optional(start_tls, authority, tmp_path):
    tokens = write(tmp_path / "tokens", b"secret-of-ann ann\n")
    server = start_tls("--tls-client-ca", authority.path, "--tls-client-auth", "optional", "--token-file", tokens)
    token = {"scheme": "token", "credential": "secret-of-ann"}
    assert user_of(server, authority.trust(), token)["user"] == "ann"
    shown = authority.trust(authority.issue_client())
    assert user_of(server, shown, token)["user"] == "ann"
    # The authenticator is asked for tokens; a certificate is none.
    assert refusal(server, shown) == "auth.failed"
    stranger = Authority(tmp_path, "Stranger")
    assert "ALERT" in handshake_refusal(server, authority.trust(stranger.issue_client("s")))


def test_optional_certificates_with_auth_tls(start_tls, authority):
    server = start_tls("--tls-client-ca", authority.path, "--tls-client-auth", "optional")
    assert refusal(server, authority.trust()) == "auth.failed"
    assert user_of(server, authority.trust(authority.issue_client()))["user"] == "cn:ann"


def test_a_backend_is_told_the_subject(start_tls, authority):
    backend = Backend(lambda call: (200, {"user": "ann", "permissions": ["*"]}))
    try:
        server = start_tls("--tls-client-ca", authority.path, "--tls-client-auth", "optional",
                           "--auth-url", f"{backend.url}/auth")
        shown = authority.trust(authority.issue_client())
        user_of(server, shown)
        user_of(server, shown, {"scheme": "token", "credential": "abc"})
        user_of(server, authority.trust(), {"scheme": "tls", "credential": "cn:root"})
        asked = [(call.json["scheme"], call.json["credential"], call.json.get("subject")) for call in backend.calls]
        assert asked == [("tls", None, "cn:ann"), ("token", "abc", "cn:ann"), ("tls", "cn:root", None)]
    finally:
        backend.stop()


def test_only_the_same_subject_resumes(start_tls, authority, lines):
    server = start_tls("--tls-client-ca", authority.path)
    ann = Client(server.url, ssl=authority.trust(authority.issue_client()))
    ann.connect()
    sid = ann.sid
    ann.drop()
    eve = Client(server.url, ssl=authority.trust(authority.issue_client("eve", "eve")))
    eve.sid, eve.epoch, eve.token, eve.last = ann.sid, ann.epoch, ann.token, ann.last
    welcome = eve.connect()
    assert not welcome["resumed"] and welcome["reason"] in ("principal", "unknown") and eve.sid != sid
    # The victim is not disturbed; a new certificate for the same name is the same subject.
    ann.ssl = authority.trust(authority.issue_client("renewed"))
    assert ann.connect()["resumed"] and ann.sid == sid
    assert {one["user"] for one in lines("sessions")} == {"cn:ann", "cn:eve"}


def test_a_resumed_tls_session_keeps_the_subject(start_tls, authority):
    server = start_tls("--tls-client-ca", authority.path)
    context = authority.trust(authority.issue_client())
    hello = text_frame({"v": 2, "type": "hello", "payload": {"versions": [2]}})
    session, reused = None, []
    for _ in range(3):
        with context.wrap_socket(bare(server), server_hostname="localhost", session=session) as connection:
            connection.sendall(request(server.url, host="localhost") + hello)
            data = b""
            while b'"live"' not in data:
                piece = connection.recv(65536)
                assert piece, data
                data += piece
            assert b'"cn:ann"' in data
            reused.append(connection.session_reused)
            session = connection.session
    assert reused[0] is False
