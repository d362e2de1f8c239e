"""What operators and backends found: odd statuses, places that are given away, answers cut off, files that are no files."""
import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import threading
import urllib.parse

import pytest

from certificates import Authority, write
from conftest import WSCORE, eventually
from fakeadmin import FakeAdmin
from httpbackend import write_secret
from ssewire import EventWire
from test_api import Api
from transports import sse_url
from wsclient import Client, ServerError, encode
from wsraw import HELLO, Raw, request, session, works

HELLO1 = {"v": 1, "type": "hello", "payload": {"versions": [1]}}
KICK = ["kick", "s_AAAAAAAAAAAAAAAAAAAAAA"]
OURS = "Wscore-Admin: 1\r\n"


@pytest.fixture
def held_backend(start_backend):
    """A backend that answers nothing until `free` is set, at the latest at the end of the test."""
    free = threading.Event()
    backend = start_backend(lambda call: (free.wait(60), (200, 1))[1])
    backend.free = free
    yield backend
    free.set()


@pytest.fixture
def fake(tmp_path):
    """Starts a fake admin server that answers everything with these bytes and then closes."""
    servers = []

    def start(response):
        servers.append(FakeAdmin(tmp_path / "admin.sock", lambda connection, _: connection.sendall(response)))

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def serve_ready():
    """Starts `serve` and returns it as a process with the `url` that it says when it is ready."""
    processes = []

    def start(*arguments, stderr=subprocess.DEVNULL):
        process = subprocess.Popen(
            [WSCORE, "serve", "--admin-socket", "none", "--drain-timeout", "100ms", "--ready-fd", "1", *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True)
        processes.append(process)
        assert select.select([process.stdout], [], [], 15)[0], "serve did not become ready"
        process.url = f"ws://127.0.0.1:{urllib.parse.urlsplit(process.stdout.readline().strip()).port}/ws"
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()


def not_started(*arguments, env=None, pass_fds=()):
    """The exit status and the standard error of a `serve` that must not start."""
    process = subprocess.Popen(
        [WSCORE, "serve", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=env, pass_fds=pass_fds)
    try:
        output, error = process.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        pytest.fail(f"it started: {process.communicate()}")
    assert output == ""
    return process.returncode, error


def refusal(client, event):
    with pytest.raises(ServerError) as refused:
        client.request(event, {}, timeout=15)
    return refused.value.code


def replace_by_fifo(path):
    """In one step, as files are replaced."""
    os.mkfifo(f"{path}.fifo", 0o600)
    os.rename(f"{path}.fifo", path)


def is_told_of_a_fifo(server, path):
    """After SIGHUP the log says, as an error, that this is no file to read."""
    server.process.send_signal(signal.SIGHUP)
    record = json.loads(eventually(lambda: next((line for line in server.lines if "regular file" in line), None)))
    assert record["level"] == "error" and str(path) in str(record)


def read_to_end(connection):
    return b"".join(iter(lambda: connection.recv(65_536), b""))


def ends_with_sigterm(process):
    process.terminate()
    assert process.wait(15) == 0


# Backends with a status that is none


def answers_with(status):
    head = f"HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n".encode()
    return lambda call: lambda connection: connection.sendall(head + b"{}")


@pytest.mark.parametrize("status", ["000", "099"])
def test_an_event_that_is_answered_with_no_status(start_server, start_backend, status):
    backend = start_backend(answers_with(status))
    server = start_server("--route", f"order.*={backend.url}/hook")
    ann = Client(server.url, user="ann")
    ann.connect()
    assert refusal(ann, "order.create") == "handler.failed"
    assert works(server.url)
    backend.answer = lambda call: (200, "well")
    assert ann.request("order.create", {}) == "well"
    ann.drop()


@pytest.mark.parametrize("status", ["000", "099"])
def test_a_credential_that_is_answered_with_no_status(start_server, start_backend, status):
    backend = start_backend(answers_with(status))
    server = start_server("--auth", "http", "--auth-url", f"{backend.url}/auth")
    with pytest.raises(ServerError) as refused:
        Client(server.url, user="ann").connect()
    assert (refused.value.code, refused.value.close_code) == ("server.error", 4000)
    backend.answer = lambda call: (200, {"user": "ann", "permissions": ["*"]})
    assert works(server.url)


@pytest.mark.parametrize("status", ["000", "099"])
def test_a_lost_session_that_is_answered_with_no_status(start_server, start_backend, status):
    backend = start_backend(answers_with(status))
    server = start_server("--restore-url", f"{backend.url}/restore")
    ann = Client(start_server().url, user="ann")
    ann.connect()
    ann.drop()
    ann.url = server.url
    welcome = ann.connect()
    assert (welcome["resumed"], welcome["state"], len(backend.calls)) == (False, None, 1)
    assert works(server.url)
    ann.drop()


# Backends that hang


def test_only_what_reached_the_backend_runs_into_its_deadline(start_server, held_backend):
    server = start_server("--route", f"order.*={held_backend.url}/hook", "--route-concurrency", "2", "--route-queue", "4",
                          "--route-timeout", "1s")
    clients = [Client(server.url, user=f"u{number}") for number in range(6)]
    for client in clients:
        client.connect()
    for _ in range(5):
        held_backend.calls.clear()
        for client in clients:
            client.send("order.create", {}, id="x")
        codes = {client.auth["credential"]: client.receive(15, type="error")["payload"]["code"] for client in clients}
        late = {user for user, code in codes.items() if code == "handler.timeout"}
        assert len(late) >= 2 and set(codes.values()) <= {"handler.timeout", "server.busy"}
        eventually(lambda: {call.json["user"] for call in held_backend.calls} == late)


# The id by which a backend knows an event again


@pytest.mark.parametrize("id", ["x", "%" * 64], ids=["short", "long"])
@pytest.mark.parametrize("hello, fields", [(HELLO1, {"v": 1}), (HELLO, {"v": 2, "delivery": "transient"})],
                         ids=["version 1", "transient"])
def test_two_events_with_one_id_are_two_events(start_server, start_backend, hello, fields, id):
    backend = start_backend(lambda call: (200, 1))
    server = start_server("--route", f"order.*={backend.url}/hook")
    with session(server.url, hello) as raw:
        for payload in (1, 2):
            raw.say(fields | {"type": "event", "event": "order.create", "id": id, "payload": payload})
        eventually(lambda: len(backend.calls) == 2)
    keys = [call.headers["Idempotency-Key"] for call in backend.calls]
    assert keys[0] != keys[1]
    assert max(len(key.encode()) for key in keys) <= 128
    assert [(call.json["id"], call.json["client_id"]) for call in backend.calls] == [(key, id) for key in keys]


# A request of an event stream that is cut


def same_channel(wire):
    """The channel of a stream on another socket."""
    other = object.__new__(EventWire)
    other.host, other.path, other.timeout, other.ssl = wire.host, wire.path, 30, None
    other.channel, other._up = wire.channel, None
    return other


@pytest.mark.parametrize("version", [1, 2])
def test_a_request_that_waits_is_not_taken_when_its_stream_is_cut(start_server, held_backend, version):
    server = start_server("--route", f"order.*={held_backend.url}/hook", "--route-timeout", "60s")
    wire = EventWire(sse_url(server.url), first=[HELLO if version == 2 else HELLO1])
    assert wire.receive()["type"] == "welcome"
    events = [{"v": version, "type": "event", "event": "order.create", "id": f"e{n}", "payload": n}
              | ({"seq": n} if version == 2 else {}) for n in range(1, 301)]
    answers = []
    body = "\n".join(map(encode, events)).encode()
    waiting = threading.Thread(target=lambda: answers.append(same_channel(wire).post(body)[0]))
    waiting.start()
    eventually(lambda: held_backend.calls)
    wire.drop("fin")
    waiting.join(30)
    assert answers == [404]
    assert works(server.url)


# The API of backends


def test_requests_whose_last_bytes_come_with_the_end_are_answered(start_server, tmp_path):
    secret = write_secret(tmp_path / "secret")
    server = start_server("--api-listen", "127.0.0.1:0", "--api-secret-file", str(tmp_path / "secret"))
    api = Api(server, secret)
    body = b'{"room":"a","event":"a","payload":1}'
    one = api.head("POST", "/v1/publish", "Content-Type: application/json", f"Content-Length: {len(body)}") + body
    for _ in range(10):
        with socket.create_connection(("127.0.0.1", api.port), timeout=10) as connection:
            # The end goes out in the same segment as the bytes that were held back.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            connection.sendall(one * 10)
            connection.shutdown(socket.SHUT_WR)
            answer = read_to_end(connection)
        assert answer.count(b"HTTP/1.1 200 ") == answer.count(b'{"members":0}') == 10
    assert api.get("/v1/health")[0] == 200


def test_a_secret_that_is_a_directory(tmp_path):
    status, error = not_started("--listen", "127.0.0.1:0", "--admin-socket", "none", "--api-listen", "127.0.0.1:0",
                                "--api-secret-file", str(tmp_path))
    assert status == 78 and str(tmp_path) in error and "listening" not in error


# What operators ask


def response(body, status="200 OK", kind="application/json", fields=""):
    return (f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{fields}"
            f"Connection: close\r\n\r\n{body}").encode()


@pytest.mark.parametrize("format", ["ndjson", "json", "table"])
def test_a_list_that_is_cut_off_is_no_list(inspect, fake, format):
    lines = b"".join(b'{"sid":"s_%d","state":"active","rooms":1}\n' % number for number in range(100))
    head = f"HTTP/1.1 200 OK\r\n{OURS}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n".encode()
    fake(head + b"%x\r\n%s\r\n" % (len(lines), lines))
    result = inspect("sessions", "--format", format)
    assert result.returncode == 69 and "before its answer was complete" in result.stderr


@pytest.mark.parametrize("count", [0, 20])
def test_a_list_says_where_it_ends(start_server, tmp_path, count):
    server = start_server("--admin-socket", str(tmp_path / "admin.sock"))
    held = [session(server.url) for _ in range(count)]
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(tmp_path / "admin.sock"))
        connection.sendall(b"GET /v1/sessions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        head, _, body = read_to_end(connection).partition(b"\r\n\r\n")
    fields = head.decode().lower().split("\r\n")
    assert fields[0].startswith("http/1.1 200 ")
    assert "transfer-encoding: chunked" in fields and "wscore-admin: 1" in fields
    assert body == b"0\r\n\r\n" or body.endswith(b"\r\n0\r\n\r\n")
    assert body.count(b'"sid"') == count
    for raw in held:
        raw.close()


@pytest.mark.parametrize("command", [["health"], ["stats"], ["sessions"], KICK], ids=lambda words: words[0])
def test_the_socket_of_the_clients_is_not_the_admin_socket(start_server, tmp_path, inspect, command):
    start_server("--unix", str(tmp_path / "admin.sock"))
    result = inspect(*command)
    assert (result.returncode, result.stdout) == (76, ""), result.stderr


@pytest.mark.parametrize("command", [["health"], ["stats"], ["sessions"], KICK], ids=lambda words: words[0])
@pytest.mark.parametrize("answer", [
    response("{}"), response("<html>It works!</html>", kind="text/html"), response("{}", "404 Not Found"),
    response("<html>Not Found</html>", "404 Not Found", "text/html")], ids=["JSON", "HTML", "404", "404 HTML"])
def test_another_http_server_is_not_the_admin_server(fake, inspect, command, answer):
    fake(answer)
    result = inspect(*command)
    assert (result.returncode, result.stdout) == (76, ""), result.stderr


def test_health_of_a_server_that_is_busy(fake, inspect):
    fake(response('{"error":"server.busy","message":"too many connections"}', "503 Service Unavailable", fields=OURS))
    result = inspect("health")
    assert result.returncode == 75 and "busy" in result.stdout + result.stderr


# A log that nobody reads


class UnreadLog:
    """A small pipe for standard error; `fill` leaves no room in it, `read` begins to read it."""

    def __init__(self):
        self.reader, self.writer = os.pipe()
        fcntl.fcntl(self.writer, fcntl.F_SETPIPE_SZ, 4096)
        self.records = []

    def fill(self):
        """By an open file of our own, so that the server's does not become non-blocking."""
        own = os.open(f"/proc/self/fd/{self.writer}", os.O_WRONLY | os.O_NONBLOCK)
        try:
            while True:
                os.write(own, b"\n")
        except BlockingIOError:
            pass
        os.close(own)

    def read(self):
        os.close(self.writer)
        self.writer = None
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        with os.fdopen(self.reader) as log:
            for line in filter(str.strip, log):
                self.records.append(json.loads(line))

    def close(self):
        if self.writer is not None:
            os.close(self.writer)
            os.close(self.reader)


@pytest.fixture
def unread_log():
    log = UnreadLog()
    yield log
    log.close()


def echoes(raw, first, count):
    for number in range(first, first + count):
        raw.say({"v": 2, "seq": number, "ack": number - 1, "type": "event", "event": "echo", "id": "e", "payload": number})
        assert raw.receive("reply")["payload"] == number


@pytest.mark.parametrize("io", ["epoll", "uring", "nio"])
def test_a_log_that_nobody_reads_holds_nobody_up(serve_ready, unread_log, io):
    server = serve_ready("--listen", "127.0.0.1:0", "--io", io, "--loops", "1", "--log-level", "trace",
                         "--log-format", "json", stderr=unread_log.writer)
    with session(server.url) as ann:
        unread_log.fill()
        for round in range(50):
            echoes(ann, round * 10 + 1, 10)
            assert works(server.url)
    ends_with_sigterm(server)


def test_what_was_left_out_of_a_log_is_counted(serve_ready, unread_log):
    server = serve_ready("--listen", "127.0.0.1:0", "--loops", "1", "--log-level", "trace", "--log-format", "json",
                         stderr=unread_log.writer)
    unread_log.fill()
    # Two lines each, 6 MB in all: more than anybody keeps for a reader that does not read.
    for _ in range(20_000):
        Raw(server.url).upgrade().reset()
    unread_log.read()
    eventually(lambda: works(server.url) and any(int(record.get("left_out", 0)) > 0 for record in unread_log.records),
               timeout=30)
    ends_with_sigterm(server)


# Files that are no files


def is_user(server, token, user):
    try:
        return Client(server.url, auth={"scheme": "token", "credential": token}).connect()["principal"]["user"] == user
    except ServerError:
        return False


def test_tokens_that_become_a_fifo(start_server, tmp_path):
    path = tmp_path / "tokens"
    write(path, b"secret-of-ann ann\n")
    server = start_server("--token-file", str(path), "--auth-reload-interval", "0s")
    replace_by_fifo(path)
    is_told_of_a_fifo(server, path)
    assert is_user(server, "secret-of-ann", "ann")
    write(path, b"secret-of-bob bob\n")
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: is_user(server, "secret-of-bob", "bob"))
    assert not is_user(server, "secret-of-ann", "ann")
    ends_with_sigterm(server.process)


def test_tokens_that_are_a_fifo_when_it_ends(start_server, tmp_path):
    path = tmp_path / "tokens"
    write(path, b"secret-of-ann ann\n")
    server = start_server("--token-file", str(path), "--auth-reload-interval", "0s")
    replace_by_fifo(path)
    server.process.send_signal(signal.SIGHUP)
    assert is_user(server, "secret-of-ann", "ann")
    ends_with_sigterm(server.process)


def test_a_certificate_that_becomes_a_fifo(start_server, tmp_path):
    authority = Authority(tmp_path)
    certificate, key = authority.issue()
    server = start_server("--tls-cert", certificate, "--tls-key", key)
    replace_by_fifo(certificate)
    server.process.send_signal(signal.SIGHUP)
    ann = Client(server.url, user="ann", ssl=authority.trust())
    ann.connect()
    assert ann.request("echo", 1) == 1
    is_told_of_a_fifo(server, certificate)
    ann.drop()
    ends_with_sigterm(server.process)


# What operators get wrong


@pytest.mark.parametrize("address", ["127.1:0", "0x7f.1:0"])
def test_every_way_to_write_the_own_address_is_the_own_address(serve_ready, address):
    server = serve_ready("--listen", address)
    for host, expected in (("evil.example", 421), ("localhost", 101)):
        with Raw(server.url) as raw:
            raw.send(request(server.url, host=host))
            assert raw.response()[0] == expected, host


@pytest.mark.parametrize("name", ["WSCORE_TOKEN_FILE", "WSCORE_AUTH", "WSCORE_LISTEN"])
def test_an_empty_variable_is_a_mistake(environment, tmp_path, name):
    listen = [] if name == "WSCORE_LISTEN" else ["--listen", "127.0.0.1:0"]
    status, error = not_started(*listen, "--admin-socket", str(tmp_path / "admin.sock"), env=environment | {name: ""})
    assert status == 78 and name in error and "listening" not in error
    assert not (tmp_path / "admin.sock").exists()


@pytest.mark.parametrize("end", ["full device", "closed pipe"])
def test_a_ready_descriptor_that_takes_nothing(end):
    reader, writer = os.pipe()
    os.close(reader)
    if end == "full device":
        with open("/dev/full", "wb") as full:
            os.dup2(full.fileno(), writer)
    status, error = not_started("--listen", "127.0.0.1:0", "--admin-socket", "none", "--ready-fd", str(writer),
                                pass_fds=[writer])
    os.close(writer)
    assert status == 74 and "--ready-fd" in error
