"""The API by which backends push: docs/BACKENDS.md."""
import http.client
import json
import pathlib
import re
import socket
import subprocess
import sys
import threading
import time

import pytest
from conftest import ROOT, eventually
from httpbackend import free_port, write_secret
from wsclient import Client, Closed

MISSING = object()


class Api:
    """A server with an API, and a client of that API."""

    def __init__(self, server, secret):
        self.server, self.secret = server, secret
        line = eventually(lambda: next((line for line in server.lines if '"api":"http' in line), None))
        self.port = int(re.search(r'"api":"http://127\.0\.0\.1:(\d+)"', line).group(1))

    def connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)

    def call(self, method, path, body=MISSING, connection=None, **headers):
        """The status, the body and the headers."""
        owns = connection is None
        connection = connection or self.connection()
        headers = {"Authorization": f"Bearer {self.secret}"} | {
            name.replace("_", "-"): value for name, value in headers.items()}
        if body is not MISSING and not isinstance(body, (bytes, list)):
            body = json.dumps(body).encode()
        if body is not MISSING:
            headers.setdefault("Content-Type", "application/json")
        headers = {name: value for name, value in headers.items() if value is not None}
        connection.request(method, path, None if body is MISSING else body, headers)
        response = connection.getresponse()
        data = response.read()
        if owns:
            connection.close()
        return response.status, json.loads(data) if data else None, response.headers

    def post(self, path, body, **more):
        status, answer, _ = self.call("POST", path, body, **more)
        return status, answer

    def get(self, path, **more):
        status, answer, _ = self.call("GET", path, **more)
        return status, answer

    def raw(self, data, count=1):
        """The statuses of so many answers to bytes on one connection, and whether it was closed behind them."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(data)
            stream, statuses = connection.makefile("rb"), []
            while len(statuses) < count:
                line = stream.readline()
                if not line:
                    break
                statuses.append(int(line.split()[1]))
                length = 0
                while (line := stream.readline()) not in (b"\r\n", b""):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                stream.read(length)
            connection.settimeout(0.5)
            try:
                closed = not connection.recv(1)
            except TimeoutError:
                closed = False
            except ConnectionError:
                closed = True
            return statuses, closed

    def head(self, method="POST", path="/v1/publish", *lines):
        lines = (f"{method} {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {self.secret}", *lines)
        return "\r\n".join(lines).encode() + b"\r\n\r\n"


@pytest.fixture
def start_api(start_server, tmp_path):
    def start(*arguments, **more):
        secret = write_secret(tmp_path / "secret")
        path = str(tmp_path / "secret")
        return Api(start_server("--api-listen", "127.0.0.1:0", "--api-secret-file", path, *arguments, **more), secret)

    return start


@pytest.fixture
def api(start_api):
    return start_api()


@pytest.fixture
def ann(api):
    ann = Client(api.server.url, user="ann")
    ann.connect()
    yield ann
    ann.drop()


# Doing


def test_publish(api, ann):
    ann.join("lobby")
    body = {"room": "lobby", "event": "news", "ev": 3, "payload": {"n": 1.50, "text": "größer"}, "key": "k"}
    status, answer = api.post("/v1/publish", body)
    event = ann.receive(type="event")
    assert (status, answer) == (200, {"members": 1, "pos": event["pos"]})
    assert {name: event[name] for name in ("event", "ev", "room", "key", "payload")} == {
        "event": "news", "ev": 3, "room": "lobby", "key": "k", "payload": {"n": 1.5, "text": "größer"}}
    assert "from" not in event
    status, answer = api.post("/v1/publish", {"room": "lobby", "event": "news", "payload": None, "transient": True})
    assert (status, answer) == (200, {"members": 1})
    event = ann.receive(type="event")
    assert event["delivery"] == "transient" and event["payload"] is None and "seq" not in event


def test_publish_to_a_room_that_is_not_there(api):
    assert api.post("/v1/publish", {"room": "nowhere", "event": "news", "payload": 1}) == (200, {"members": 0})


def test_send(api, ann):
    assert api.post("/v1/send", {"user": "ann", "event": "note", "payload": [1]}) == (200, {"sessions": 1})
    assert api.post("/v1/send", {"session": ann.sid, "event": "note", "ev": 2, "payload": [2]}) == (200, {"sessions": 1})
    assert [ann.receive(type="event")["payload"] for _ in range(2)] == [[1], [2]]
    # A session that is away gets it when it comes back.
    ann.drop()
    assert api.post("/v1/send", {"user": "ann", "event": "note", "payload": [3]})[0] == 200
    assert ann.connect()["resumed"]
    assert ann.receive(type="event")["payload"] == [3]
    for target in ({"user": "bob"}, {"session": "s_AAAAAAAAAAAAAAAAAAAAAA"}):
        status, answer = api.post("/v1/send", {**target, "event": "note", "payload": 1})
        assert (status, answer["error"]) == (404, "direct.unknown")


def test_disconnect(api):
    clients = [Client(api.server.url, user=user) for user in ("ann", "bob", "bob", "cleo", "cleo")]
    for client in clients:
        client.connect()
    ann, bob, other, cleo, last = clients
    assert api.post("/v1/disconnect", {"session": ann.sid, "reason": "be nice"}) == (200, {"sessions": 1})
    told = ann.receive(type="session")["payload"]
    assert (told["state"], told["reason"]) == ("revoked", "be nice")
    assert ann.wait_closed() == 4507
    # Suspended ones too.
    bob.drop()
    eventually(lambda: api.get(f"/v1/sessions/{bob.sid}")[1]["state"] == "suspended")
    assert api.post("/v1/disconnect", {"user": "bob"}) == (200, {"sessions": 2})
    assert other.wait_closed() == 4507
    assert bob.connect()["reason"] == "ended"
    assert api.call("DELETE", f"/v1/sessions/{cleo.sid}?reason=bye%20now")[:2] == (200, {"sessions": 1})
    assert cleo.receive(type="session")["payload"]["reason"] == "bye now"
    assert api.call("DELETE", "/v1/users/cleo")[:2] == (200, {"sessions": 1})
    assert last.wait_closed() == 4507
    assert api.call("DELETE", f"/v1/sessions/{cleo.sid}")[1]["error"] == "session.unknown"
    assert api.post("/v1/disconnect", {"user": "nobody"})[1]["error"] == "user.unknown"


# Looking


def test_lists_come_in_pages(start_api):
    api = start_api("--loops", "3")
    clients = [Client(api.server.url, user=f"u{number % 2}") for number in range(7)]
    for number, client in enumerate(clients):
        client.connect()
        client.join(f"room{number}")
        client.join("all")

    def pages(path, name, limit):
        found, after = [], None
        while True:
            status, answer = api.get(f"{path}limit={limit}" + (f"&after={after}" if after else ""))
            assert status == 200 and len(answer[name]) <= limit
            found += answer[name]
            after = answer.get("next")
            if after is None:
                return found

    for limit in (1, 2, 3, 100):
        sessions = pages("/v1/sessions?", "sessions", limit)
        assert sorted(session["session"] for session in sessions) == sorted(client.sid for client in clients)
        rooms = pages("/v1/rooms?", "rooms", limit)
        assert {room["room"]: room["members"] for room in rooms} == {"all": 7} | {f"room{n}": 1 for n in range(7)}
        assert len(rooms) == 8
        assert sorted(pages("/v1/rooms/all?", "sessions", limit)) == sorted(client.sid for client in clients)
    assert len(pages("/v1/sessions?user=u1&", "sessions", 2)) == 3
    status, answer = api.get(f"/v1/sessions/{clients[0].sid}")
    assert status == 200 and {name: answer[name] for name in ("session", "user", "state", "rooms")} == {
        "session": clients[0].sid, "user": "u0", "state": "active", "rooms": ["room0", "all"]}
    assert clients[0].token not in json.dumps(answer)
    assert api.get("/v1/rooms/room0")[1] | {"pos": 0} == {
        "room": "room0", "members": 1, "pos": 0, "sessions": [clients[0].sid]}
    assert api.get("/v1/rooms/nowhere")[1]["error"] == "room.unknown"
    assert api.get("/v1/sessions/s_AAAAAAAAAAAAAAAAAAAAAA")[1]["error"] == "session.unknown"
    for query in ("limit=1001", "limit=0", "limit=x", "limit=-1", "after=x", "after=1.-1", "after=9999999999999999999.0"):
        assert api.get(f"/v1/sessions?{query}")[1]["error"] == "request.invalid", query
    assert api.get("/v1/sessions?after=3000000000.4000000000") == (200, {"sessions": []})
    for client in clients:
        client.drop()


def test_health(api):
    assert api.get("/v1/health") == (200, {"status": "ok", "connections": 0})


# Who may


@pytest.mark.parametrize("authorization", [
    None, "Bearer", "Bearer ", "Bearer wrong", "Basic YTpi", "Bearer a-secret-of-the-test", "Bearer a-secret-of-the-testsx",
    "a-secret-of-the-tests"])
def test_without_the_secret_nothing_is_said(api, authorization):
    for method, path, body in (
            ("GET", "/v1/health", MISSING), ("GET", "/nothing", MISSING), ("POST", "/v1/publish", {"room": "x"}),
            ("PUT", "/v1/sessions", MISSING)):
        status, answer, headers = api.call(method, path, body, Authorization=authorization)
        assert (status, answer["error"], headers["WWW-Authenticate"]) == (401, "auth.failed", "Bearer")


def test_the_secret_is_nowhere_to_be_seen(start_api):
    api = start_api("--log-level", "trace")
    api.get("/v1/health")
    api.get("/v1/health", Authorization="Bearer wrong-secret")
    assert api.secret not in "".join(api.server.lines) and "wrong-secret" not in "".join(api.server.lines)
    command = pathlib.Path(f"/proc/{api.server.process.pid}/cmdline").read_bytes()
    assert api.secret.encode() not in command


@pytest.mark.parametrize("text, mode, expected", [
    ("", 0o600, "is empty"), ("k7\n", 0o600, "shorter than"), ("two words\n", 0o600, "more than one word"),
    ("ümläut-secret\n", 0o600, "other characters"), ("long-enough-secret\n", 0o644, "chmod 600")])
def test_a_bad_secret_is_refused_at_the_start(tmp_path, text, mode, expected):
    from conftest import WSCORE
    path = tmp_path / "secret"
    path.write_text(text)
    path.chmod(mode)
    run = subprocess.run(
        [WSCORE, "serve", "--listen", "127.0.0.1:0", "--admin-socket", "none", "--api-listen", "127.0.0.1:0",
         "--api-secret-file", str(path)], capture_output=True, text=True, timeout=20)
    assert run.returncode == 78 and expected in run.stderr and (not text.strip() or text.strip() not in run.stderr)


# What is wrong


@pytest.mark.parametrize("path, body, expected", [
    ("/v1/publish", b"", "the body is not JSON"),
    ("/v1/publish", b"{", "the body is not JSON"),
    ("/v1/publish", b"[]", "the body is not an object"),
    ("/v1/publish", b'{"room":"a","room":"b"}', "duplicate key"),
    ("/v1/publish", b"[" * 100, "nested deeper"),
    ("/v1/publish", b'{"room":"\xff"}', "not UTF-8"),
    ("/v1/publish", {"event": "a", "payload": 1}, "room is missing"),
    ("/v1/publish", {"room": "a", "payload": 1}, "event is missing"),
    ("/v1/publish", {"room": "a", "event": "a"}, "payload is missing"),
    ("/v1/publish", {"room": 1, "event": "a", "payload": 1}, "room is not a string"),
    ("/v1/publish", {"room": "", "event": "a", "payload": 1}, "room has not 1 to 128 bytes"),
    ("/v1/publish", {"room": "x" * 129, "event": "a", "payload": 1}, "room has not 1 to 128 bytes"),
    ("/v1/publish", {"room": "a\nb", "event": "a", "payload": 1}, "room has a control character"),
    ("/v1/publish", {"room": "a", "event": "A", "payload": 1}, "event is no name"),
    ("/v1/publish", {"room": "a", "event": "a", "ev": 0, "payload": 1}, "ev is not"),
    ("/v1/publish", {"room": "a", "event": "a", "ev": 1.5, "payload": 1}, "ev is not"),
    ("/v1/publish", {"room": "a", "event": "a", "ev": -1, "payload": 1}, "ev is not"),
    ("/v1/publish", {"room": "a", "event": "a", "payload": 1, "transient": "yes"}, "transient is neither"),
    ("/v1/publish", {"room": "a", "event": "a", "payload": 1, "transient": True, "key": "k"}, "key is not for"),
    ("/v1/publish", {"room": "a", "event": "a", "payload": 1, "rom": 1}, "rom is not known here"),
    ("/v1/send", {"event": "a", "payload": 1}, "session and user"),
    ("/v1/send", {"session": "s_AAAAAAAAAAAAAAAAAAAAAA", "user": "a", "event": "a", "payload": 1}, "session and user"),
    ("/v1/send", {"session": "s_x", "event": "a", "payload": 1}, "session is no session id"),
    ("/v1/disconnect", {}, "session and user"),
    ("/v1/disconnect", {"user": "a", "reason": "x" * 129}, "reason has not"),
])
def test_a_bad_body_is_named(api, path, body, expected):
    status, answer = api.post(path, body)
    assert (status, answer["error"]) == (400, "request.invalid")
    assert expected in answer["message"], answer


@pytest.mark.parametrize("method, path, headers, status, error", [
    ("GET", "/", {}, 404, "path.unknown"), ("GET", "/v1/publish/x", {}, 404, "path.unknown"),
    ("GET", "/v1/publish", {}, 405, "method.unsupported"), ("PUT", "/v1/sessions", {}, 405, "method.unsupported"),
    ("PATCH", "/v1/rooms/x", {}, 405, "method.unsupported"), ("GET", "/v1/rooms/%zz", {}, 400, "request.invalid"),
    ("GET", "/v1/sessions/x", {}, 400, "request.invalid"), ("GET", "/v1/rooms?limit=%F0", {}, 400, "request.invalid"),
    ("GET", "/v1/sessions?usr=ann", {}, 400, "request.invalid"),
])
def test_what_cannot_be_asked(api, method, path, headers, status, error):
    found, answer, headers = api.call(method, path, **headers)
    assert (found, answer["error"]) == (status, error)
    if status == 405:
        assert headers["Allow"] in ("POST", "GET, HEAD")


def test_content_that_is_not_taken(start_api):
    api = start_api("--api-body-bytes", "1KiB")
    body = {"room": "a", "event": "a", "payload": 1}
    assert api.post("/v1/publish", body, Content_Type="text/plain")[0] == 415
    assert api.post("/v1/publish", body, Content_Type=None)[0] == 415
    assert api.post("/v1/publish", body, Content_Encoding="gzip")[0] == 415
    assert api.post("/v1/publish", body, Content_Type="Application/JSON; charset=utf-8")[0] == 200
    assert api.post("/v1/publish", {**body, "payload": "x" * 1_024}) == (
        413, {"error": "body.too_large", "message": "the content is too long"})
    assert api.post("/v1/publish", [b"{" + b" " * 600, b" " * 600 + b"}"])[0] == 413
    assert api.raw(api.head("POST", "/v1/publish", "Content-Type: application/json")) == ([411], False)
    assert api.raw(api.head("GET", "/v1/health", "Content-Length: 2") + b"{}") == ([413], True)


def test_head_gives_no_body(api):
    connection = api.connection()
    for _ in range(2):
        connection.request("HEAD", "/v1/health", headers={"Authorization": f"Bearer {api.secret}"})
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, b"") and int(response.headers["Content-Length"]) > 0


# The connection


def test_a_connection_serves_many_requests(api, ann):
    ann.join("lobby")
    connection = api.connection()
    for number in range(50):
        status, _, _ = api.call(
            "POST", "/v1/publish", {"room": "lobby", "event": "n", "payload": number}, connection=connection)
        assert status == 200
        assert api.call("GET", "/nothing", connection=connection)[0] == 404
    socket_before = connection.sock
    assert ann.events(50) == list(range(50)) and connection.sock is socket_before


def test_requests_in_one_piece_are_answered_in_their_order(api, ann):
    ann.join("lobby")
    data = b""
    for number in range(100):
        body = json.dumps({"room": "lobby", "event": "n", "payload": number}).encode()
        data += api.head("POST", "/v1/publish", "Content-Type: application/json", f"Content-Length: {len(body)}") + body
        data += api.head("GET", "/nothing")
    assert api.raw(data, 200) == ([200, 404] * 100, False)
    assert ann.events(100) == list(range(100))


def test_thousands_of_requests_in_one_piece(api):
    assert api.raw(api.head("GET", "/nothing") * 5_000, 5_000) == ([404] * 5_000, False)
    assert api.get("/v1/health")[0] == 200


def test_a_request_byte_by_byte_and_one_that_ends_its_sending(api):
    body = b'{"room":"a","event":"a","payload":1}'
    data = api.head("POST", "/v1/publish", "Content-Type: application/json", "Transfer-Encoding: chunked")
    data += b"".join(b"1;x=y\r\n" + bytes([byte]) + b"\r\n" for byte in body) + b"0\r\nX: y\r\n\r\n"
    with socket.create_connection(("127.0.0.1", api.port), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in data:
            connection.sendall(bytes([byte]))
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 200 ") and b'{"members":0}' in answer


def test_a_client_that_asks_before_it_sends(api):
    body = b'{"room":"a","event":"a","payload":1}'
    lines = ("Content-Type: application/json", f"Content-Length: {len(body)}", "Expect: 100-continue")
    with socket.create_connection(("127.0.0.1", api.port), timeout=10) as connection:
        connection.sendall(api.head("POST", "/v1/publish", *lines))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert connection.recv(1_000).startswith(b"HTTP/1.1 200 ")
        connection.sendall(api.head("POST", "/v1/nothing", *lines))
        assert connection.recv(1_000).startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize("lines, body, status", [
    (["Content-Length: 2", "Content-Length: 3"], b"{}", 400),
    (["Content-Length: 2", "Content-Length: 2"], b"{}", 400),
    (["Content-Length: 2, 2"], b"{}", 400),
    (["Content-Length: +2"], b"{}", 400),
    (["Content-Length: 0x2"], b"{}", 400),
    (["Content-Length: 99999999999999999999"], b"{}", 400),
    (["Content-Length: 2", "Transfer-Encoding: chunked"], b"0\r\n\r\n", 400),
    (["Transfer-Encoding: chunked, chunked"], b"0\r\n\r\n", 501),
    (["Transfer-Encoding: gzip, chunked"], b"0\r\n\r\n", 501),
    (["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], b"0\r\n\r\n", 501),
    (["Transfer-Encoding : chunked"], b"0\r\n\r\n", 400),
    (["Transfer-Encoding: chunked"], b"2\n{}\n0\n\n", 400),
    (["Transfer-Encoding: chunked"], b"0x2\r\n{}\r\n0\r\n\r\n", 400),
    (["Transfer-Encoding: chunked"], b"-2\r\n{}\r\n0\r\n\r\n", 400),
    (["Transfer-Encoding: chunked"], b"2\r\n{}0\r\n\r\n", 400),
    (["Transfer-Encoding: chunked"], b"ffffffffffffffff\r\n{}\r\n0\r\n\r\n", 400),
    (["Transfer-Encoding: chunked"], b"fffffffffff\r\n{}\r\n0\r\n\r\n", 413),
    (["Content-Length: 2", " folded: x"], b"{}", 400),
    (["Content-Length: 2", "Host: y"], b"{}", 400),
    (["Content-Length: 2", "X: a\0b"], b"{}", 400),
])
def test_what_two_readers_could_read_as_two_requests_is_refused(api, lines, body, status):
    smuggled = api.head("GET", "/v1/health")
    data = api.head("POST", "/v1/publish", "Content-Type: application/json", *lines) + body + smuggled
    assert api.raw(data, 3) == ([status], True)


def test_what_comes_too_slowly_is_let_go(start_api):
    api = start_api("--api-timeout", "300ms")
    assert api.raw(b"GET /v1/health HTTP/1.1\r\nHost:") == ([408], True)
    assert api.raw(api.head("POST", "/v1/publish", "Content-Type: application/json", "Content-Length: 9") + b"{") == ([408], True)
    with socket.create_connection(("127.0.0.1", api.port), timeout=10) as silent:
        assert silent.recv(1) == b""


def test_too_many_connections_are_told_so(start_api):
    api = start_api("--api-connections", "2")
    held = [api.connection() for _ in range(2)]
    for connection in held:
        assert api.call("GET", "/v1/health", connection=connection)[0] == 200
    status, answer, headers = api.call("GET", "/v1/health")
    assert (status, answer["error"], headers["Retry-After"]) == (503, "server.busy", "1")
    held[0].close()
    eventually(lambda: api.get("/v1/health")[0] == 200)


def test_a_client_that_never_reads_its_answers_costs_nothing(api):
    with socket.create_connection(("127.0.0.1", api.port), timeout=1) as greedy:
        try:
            while True:
                greedy.sendall(api.head("GET", "/v1/sessions") * 1_000)
        except TimeoutError:
            pass  # it is no longer read from
        assert api.get("/v1/health")[0] == 200


def test_two_requests_at_once(api, ann):
    ann.join("lobby")
    answers = []
    bodies = [{"room": "lobby", "event": "n", "payload": number} for number in range(40)]
    threads = [threading.Thread(target=lambda body=body: answers.append(api.post("/v1/publish", body))) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [status for status, _ in answers] == [200] * 40
    assert sorted(answer["pos"][1] for _, answer in answers) == list(range(1, 41))
    assert sorted(ann.events(40)) == list(range(40))


# Idempotency


def test_the_same_key_does_a_thing_once(api, ann):
    ann.join("lobby")
    body = {"room": "lobby", "event": "n", "payload": 1}
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(api.post("/v1/publish", body, Idempotency_Key="order-1")))
        for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 10 and all(answer == answers[0] for answer in answers) and answers[0][0] == 200
    status, answer = api.post("/v1/publish", {**body, "payload": 2}, Idempotency_Key="order-1")
    assert (status, answer["error"]) == (422, "idempotency.mismatch")
    status, answer = api.post("/v1/send", {"user": "ann", "event": "n", "payload": 1}, Idempotency_Key="order-1")
    assert status == 422
    assert api.post("/v1/publish", body, Idempotency_Key="order-2")[1] != answers[0][1]
    assert ann.events(2) == [1, 1]
    assert ann.quiet() == []
    for key in ("", "x" * 129):
        assert api.post("/v1/publish", body, Idempotency_Key=key)[1]["error"] == "request.invalid"


# The example


def test_the_example_backend(start_server, tmp_path):
    write_secret(tmp_path / "secret")
    port, api = free_port(), free_port()
    backend = subprocess.Popen(
        [sys.executable, str(ROOT / "Examples" / "backend.py"), str(port), f"http://127.0.0.1:{api}",
         str(tmp_path / "secret")], stderr=subprocess.DEVNULL)
    try:
        server = start_server(
            "--route", f"order.*=http://127.0.0.1:{port}/hook", "--api-listen", f"127.0.0.1:{api}", "--api-secret-file",
            str(tmp_path / "secret"), "--route-retries", "20", "--route-timeout", "20s")
        ann = Client(server.url, user="ann")
        ann.connect()
        ann.join("orders")
        assert ann.request("order.create", {"item": "tea"}, timeout=20) == {"number": 1}
        assert ann.receive(type="event")["payload"] == {"number": 1, "by": "ann", "item": "tea"}
        with pytest.raises(Exception, match="order.invalid: an order has an item"):
            ann.request("order.create", {})
        ann.drop()
    finally:
        backend.kill()
        backend.wait()
