"""`wscore client` and `wscore load` over TLS: whom they trust, and what they say when they do not."""
import json
import socket
import ssl
import subprocess
import threading
import time

import pytest

from certificates import Authority, write
from conftest import WSCORE
from faultproxy import FaultProxy


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def start_tls(start_server, authority):
    def start(*arguments, **how):
        certificate, key = authority.issue(**how)
        return start_server("--tls-cert", certificate, "--tls-key", key, *arguments)
    return start


@pytest.fixture
def load(environment):
    def run(*arguments):
        return subprocess.run(
            [WSCORE, "load", *arguments, "--sessions", "5", "--rate", "50", "--duration", "1s", "--progress", "off"],
            capture_output=True, text=True, timeout=30, env=environment)
    return run


ECHO = ("-c", "send echo 1 --ack")


def named(server, host="localhost"):
    return server.url.replace("127.0.0.1", host)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_name_and_an_address(start_tls, authority, client, load, host):
    server = start_tls()
    done = client(named(server, host), "--tls-ca", authority.path, *ECHO)
    assert done.returncode == 0, done.stderr
    done = load(named(server, host), "--tls-ca", authority.path, "--storm", "100%@500ms", "--json")
    assert done.returncode == 0, done.stderr
    endings = json.dumps(json.loads(done.stdout))
    assert "TLS" not in endings


def test_faults_lose_nothing(start_tls, authority, client):
    server = start_tls()
    for fault in ("rst", "fin", "clean"):
        done = client(
            named(server), "--tls-ca", authority.path, "-c", "join lobby", "-c", 'repeat 20 send tick {"n":1} --room lobby',
            "-c", f"drop {fault}", "-c", "expect state online --no-gap --no-dup", "-c", "wait acks")
        assert done.returncode == 0, done.stderr


EXPIRED = "the server's certificate has expired: it was valid until 20"
CASES = [
    ({"begin": -30, "end": -1}, [], EXPIRED, "--insecure"),
    ({"begin": 1}, [], "the server's certificate is not valid before 20", "clocks"),
    ({"names": ["dns:example.org", "dns:www.example.org"]}, [],
     "the server's certificate is not for localhost; it is for example.org, www.example.org", "the host"),
    ({"names": [], "common_name": "example.org"}, [], "not for localhost; it is for example.org", "the host"),
    ({}, None, "the issuer of the server's certificate is not trusted here: CN=Test Authority", "--tls-ca FILE"),
]


@pytest.mark.parametrize("how, trust, words, advice", CASES)
def test_certificates_that_are_not_trusted(
        start_tls, authority, client, load, tmp_path, lines, how, trust, words, advice):
    server = start_tls("--admin-socket", str(tmp_path / "admin.sock"), **how)
    options = ["--tls-ca", authority.path] if trust is not None else []
    begun = time.monotonic()
    for run in (client, load):
        done = run(named(server), *options, *(ECHO if run is client else ()))
        assert done.returncode == 76, done.stderr
        assert words in done.stderr and advice in done.stderr, done.stderr
        done = run(named(server), "--insecure", *(ECHO if run is client else ()))
        assert done.returncode == 0, done.stderr
    assert time.monotonic() - begun < 15
    # It is final: nobody comes back to be refused again. One of each, and 1 and 5 that were let in.
    handshakes = lines("stats")[0]["tls"]["handshakes"]
    assert handshakes["ok"] + sum(handshakes["failed"].values()) == 2 + 1 + 5


def test_another_authority(start_tls, tmp_path, client):
    server = start_tls()
    stranger = Authority(tmp_path, "Stranger")
    done = client(named(server), "--tls-ca", stranger.path, *ECHO)
    assert done.returncode == 76 and "not trusted here: CN=Test Authority" in done.stderr


def test_tls_and_no_tls(start_tls, start_server, client, load):
    secure, plain = start_tls(), start_server()
    for run in (client, load):
        more = ECHO if run is client else ()
        done = run(named(secure).replace("wss", "ws"), *more)
        assert done.returncode == 76 and "the server speaks TLS on this port" in done.stderr and "wss://" in done.stderr
        done = run(named(plain).replace("ws", "wss", 1), *more)
        assert done.returncode == 76 and "does not speak TLS on this port" in done.stderr and "ws://" in done.stderr


class Answering:
    """A server of one connection at a time that says `data` to the first bytes of each, or speaks Python's TLS."""

    def __init__(self, data=None, context=None):
        self.data, self.context, self.count = data, context, 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.count += 1
            try:
                if self.context:
                    connection = self.context.wrap_socket(connection, server_side=True)
                    connection.recv(65536)
                else:
                    connection.recv(65536)
                    connection.sendall(self.data)
            except OSError:
                pass
            connection.close()


@pytest.fixture
def answering():
    servers = []

    def start(*arguments, **how):
        servers.append(Answering(*arguments, **how))
        return servers[-1]
    yield start
    for server in servers:
        server.socket.close()


@pytest.mark.parametrize("data", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH\r\n"])
def test_another_program_behind_wss(answering, client, data):
    server = answering(data)
    done = client(f"wss://localhost:{server.port}/ws", *ECHO)
    assert done.returncode == 76 and "does not speak TLS on this port" in done.stderr
    assert server.count == 1


def test_another_tls_server_behind_ws(answering, authority, client):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue())
    server = answering(context=context)
    done = client(f"ws://localhost:{server.port}/ws", *ECHO)
    assert done.returncode in (69, 76) and done.stderr.startswith("wscore: ")


def test_a_server_of_another_version(answering, authority, client):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue())
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    done = client(f"wss://localhost:{answering(context=context).port}/ws", "--tls-ca", authority.path, *ECHO)
    assert done.returncode == 76 and "version of TLS in common" in done.stderr


def test_a_server_that_leaves_in_the_handshake_is_tried_again(answering, client):
    server = answering(b"")
    done = client(f"wss://localhost:{server.port}/ws", "--timeout", "1s", *ECHO)
    assert done.returncode == 69 and "closed the connection during the TLS handshake" in done.stderr
    assert server.count > 1


# Client certificates

def test_a_client_certificate(start_tls, authority, client, load):
    server = start_tls("--tls-client-ca", authority.path)
    certificate, key = authority.issue_client()
    shown = ("--tls-ca", authority.path, "--tls-cert", certificate, "--tls-key", key)
    done = client(named(server), *shown, "-c", "session")
    assert done.returncode == 0 and '"cn:ann"' in done.stdout, done.stderr
    assert load(named(server), *shown).returncode == 0
    for run in (client, load):
        done = run(named(server), "--tls-ca", authority.path, *(ECHO if run is client else ()))
        assert done.returncode == 77 and "the server wants a client certificate" in done.stderr, done.stderr
        assert "--tls-cert" in done.stderr


@pytest.mark.parametrize("how", [{"begin": -9, "end": -1}, None])
def test_a_client_certificate_that_is_refused(start_tls, authority, tmp_path, client, how):
    server = start_tls("--tls-client-ca", authority.path)
    signer = authority if how else Authority(tmp_path, "Stranger")
    certificate, key = signer.issue_client(**(how or {}))
    done = client(named(server), "--tls-ca", authority.path, "--tls-cert", certificate, "--tls-key", key, *ECHO)
    assert done.returncode == 77 and "the server refused the client certificate (" in done.stderr, done.stderr


@pytest.mark.parametrize("change, status, words", [
    (lambda p: p.joinpath("client.key").chmod(0o644), 78, ["client.key", "chmod 600"]),
    (lambda p: p.joinpath("client.key").unlink(), 66, ["client.key", "No such file"]),
    (lambda p: p.joinpath("client.pem").unlink(), 66, ["client.pem", "No such file"]),
    (lambda p: write(p / "client.key", b"x"), 78, ["client.key: holds no private key"]),
    (lambda p: write(p / "client.pem", b"x"), 78, ["client.pem: holds no certificate"]),
    (lambda p: write(p / "Test-Authority.pem", b"x"), 78, ["Test-Authority.pem: holds no certificate"]),
    (lambda p: p.joinpath("Test-Authority.pem").unlink(), 66, ["Test-Authority.pem", "No such file"]),
    (lambda p: write(p / "client.key", p.joinpath("server.key").read_bytes()), 78, ["does not belong"]),
])
def test_files_that_are_wrong(authority, tmp_path, client, change, status, words):
    authority.issue()
    certificate, key = authority.issue_client()
    change(tmp_path)
    done = client("wss://localhost:1/ws", "--tls-ca", authority.path, "--tls-cert", certificate, "--tls-key", key, *ECHO)
    assert done.returncode == status and all(word in done.stderr for word in words), done.stderr


@pytest.mark.parametrize("arguments, text", [
    (["--tls-cert", "x"], "go together"), (["--tls-key", "x"], "go together"),
    (["--insecure", "--tls-ca", "x"], "contradict"),
])
def test_options_that_contradict_each_other(client, load, arguments, text):
    for run in (client, load):
        done = run("wss://localhost:1/ws", *arguments)
        assert done.returncode == 64 and text in done.stderr


def test_the_raw_echo_over_tls(authority, environment):
    from websockets.sync.server import serve
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue())
    got = []

    def talk(connection):
        for message in ("one", b"two" * 1_000_000):
            connection.send(message)
            got.append(connection.recv(timeout=10) == message)

    with serve(talk, "127.0.0.1", 0, ssl=context, max_size=None) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"wss://localhost:{server.socket.getsockname()[1]}/"
        command = [WSCORE, "client", "--raw-echo", url]
        done = subprocess.run(
            [*command, "--tls-ca", authority.path], capture_output=True, text=True, timeout=20, env=environment)
        assert done.returncode == 0 and got == [True, True], done.stderr
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, env=environment)
        assert done.returncode == 76 and "not trusted here" in done.stderr and "--tls-ca" in done.stderr
        server.shutdown()


def test_a_server_name_is_sent_for_a_name_and_not_for_an_address(authority, answering, client):
    names = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue())
    context.sni_callback = lambda connection, name, _: names.append(name)
    server = answering(context=context)
    for host in ("localhost", "127.0.0.1"):
        client(f"wss://{host}:{server.port}/ws", "--tls-ca", authority.path, "--no-reconnect", *ECHO)
    assert names == ["localhost", None]


def test_a_connection_that_is_cut_is_a_lost_one(start_tls, authority, client):
    """TLS that ends without close_notify, in mid-session: the client resumes, and says what happened."""
    with FaultProxy(start_tls().url.replace("wss", "ws")) as proxy:
        threading.Timer(1, lambda: proxy.latest.cut("fin", "client")).start()
        done = client(
            f"wss://localhost:{proxy.port}/ws", "--tls-ca", authority.path, "-c", "send echo 1 --ack", "-c", "sleep 2s",
            "-c", "expect state online --no-gap --no-dup", "-c", "send echo 2 --ack")
    assert done.returncode == 0, done.stderr
    assert "the connection was cut without the end that TLS has for it" in done.stdout
