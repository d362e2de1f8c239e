"""Event streams over real sockets, by a client written from PROTOCOL.md, section 23, alone."""
import http.client
import json
import socket
import subprocess
import threading
import time

import pytest

from conftest import WSCORE, eventually
from ssewire import CHANNEL, EventWire, Refused
from transports import open_wire, sse_url
from wsclient import Client, Closed, encode

HELLO = {"v": 2, "type": "hello", "payload": {"versions": [2]}}
SIMPLE = {"v": 1, "type": "hello", "payload": {"versions": [1]}}


@pytest.fixture
def url(server):
    return sse_url(server.url)


def of_type(wire, kind, timeout=5):
    while True:
        message = wire.receive(timeout)
        if message["type"] == kind:
            return message


def close_code(wire, timeout=10):
    with pytest.raises(Closed) as end:
        while True:
            wire.receive(timeout)
    return end.value.code


def echo(seq, payload="x", **fields):
    return {"v": 2, "seq": seq, "type": "event", "event": "echo", "payload": payload, **fields}


def raw(server, request, timeout=10):
    """Sends bytes and reads until the server closes."""
    with socket.create_connection(server.address, timeout=timeout) as connection:
        connection.sendall(request)
        answer = b""
        try:
            while part := connection.recv(65536):
                answer += part
        except ConnectionResetError:
            pass
        return answer


def request(server, method, headers="", body=b"", path="/sse"):
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{length}{headers}\r\n".encode() + body


def status(answer):
    return int(answer.split(b" ", 2)[1]) if answer else None


# Opening

@pytest.mark.parametrize("first", [None, [HELLO]], ids=["GET", "POST"])
def test_both_ways_of_opening(url, first):
    wire = EventWire(url, first=first)
    assert wire.headers["Content-Type"] == "text/event-stream" and wire.headers["Cache-Control"] == "no-store"
    assert wire.headers["X-Accel-Buffering"] == "no"
    assert len(wire.channel) >= 43
    if first is None:
        wire.send(HELLO)
    assert of_type(wire, "welcome")["payload"]["version"] == 2
    wire.send(echo(1, "a"), echo(2, "b"))
    assert [of_type(wire, "reply")["payload"] for _ in "ab"] == ["a", "b"]
    wire.send({"v": 2, "type": "bye"})
    assert close_code(wire) == 1000
    assert wire.post(b"")[0] == 404


def test_version_1(url):
    wire = EventWire(url, first=[SIMPLE])
    of_type(wire, "welcome")
    wire.send({"v": 1, "type": "join", "room": "r"}, {"v": 1, "type": "event", "event": "chat", "room": "r", "payload": 1})
    assert of_type(wire, "event")["payload"] == 1


def test_version_1_lives_on_without_saying_anything(start_server):
    server = start_server("--ping-interval", "100ms", "--ping-timeout", "100ms")
    wire = EventWire(sse_url(server.url), first=[SIMPLE])
    of_type(wire, "welcome")
    time.sleep(1)
    wire.send({"v": 1, "type": "event", "event": "echo", "payload": "still here", "id": "1"})
    assert of_type(wire, "reply")["payload"] == "still here"


def test_version_2_needs_pongs(start_server):
    server = start_server("--ping-interval", "100ms", "--ping-timeout", "200ms")
    wire = EventWire(sse_url(server.url), first=[HELLO])
    for _ in range(3):
        of_type(wire, "ping")
        wire.send({"v": 2, "type": "pong"})
    assert close_code(wire) == 4002


def test_a_credential_in_the_opening_request(start_server, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.touch(0o600)
    tokens.write_text("token-of-ann ann\n")
    url = sse_url(start_server("--auth", "token-file", "--token-file", str(tokens)).url)
    wire = EventWire(url, headers={"Authorization": "Bearer token-of-ann"}, first=[HELLO])
    assert of_type(wire, "welcome")["payload"]["principal"]["user"] == "ann"
    wire = EventWire(url, first=[HELLO])
    assert of_type(wire, "error")["payload"]["code"] == "auth.failed"
    assert close_code(wire) == 4503


def test_no_hello(start_server):
    wire = EventWire(sse_url(start_server("--hello-timeout", "200ms").url))
    assert of_type(wire, "error")["payload"]["code"] == "hello.timeout"
    assert close_code(wire) == 4508


def test_line_ends_in_a_payload_do_not_cut_an_event(server, url):
    publisher, reader = open_wire(server.url), EventWire(url, first=[HELLO])
    publisher.send(HELLO)
    of_type(publisher, "welcome")
    of_type(reader, "welcome")
    for wire in publisher, reader:
        wire.send({"v": 2, "seq": 1, "type": "join", "room": "r", "payload": {}})
        of_type(wire, "reply")
    publisher.send_text('{"v":2,"seq":2,"type":"event","event":"chat","room":"r","payload":{\r\n"a":\n\n"b\\n"}}')
    assert of_type(reader, "event")["payload"] == {"a": "b\n"}


def test_off(start_server):
    server = start_server("--sse-path", "none")
    assert status(raw(server, request(server, "GET"))) == 404
    other = start_server("--sse-path", "/events")
    assert EventWire(sse_url(other.url).replace("/sse", "/events")).channel


# The answers to requests

def test_every_request_gets_its_answer(server, url):
    wire = EventWire(url, first=[HELLO])
    of_type(wire, "welcome")
    mine, json_type = f"{CHANNEL}: {wire.channel}\r\n", "Content-Type: application/json\r\n"
    body, big = encode(echo(1)).encode(), b" " * 1_048_577
    own, foreign = f"Origin: http://127.0.0.1:3000\r\n", "Origin: http://evil.example\r\n"
    stop = "Connection: close\r\n"
    cases = [
        ("messages", request(server, "POST", mine + json_type + stop, body), 202),
        ("ndjson with blank lines", request(server, "POST", mine + stop + "Content-Type: application/x-ndjson\r\n", b"\r\n\n" + encode(echo(2)).encode() + b"\r\n\n"), 202),
        ("a charset", request(server, "POST", mine + stop + "Content-Type: Application/JSON; charset=utf-8\r\n", encode(echo(3)).encode()), 202),
        ("no content", request(server, "POST", mine + stop), 202),
        ("chunks", request(server, "POST", mine + json_type + stop + "Transfer-Encoding: chunked\r\n") + b"%x\r\n" % len(body) + body + b"\r\n0\r\nX: y\r\n\r\n", 202),
        ("another channel", request(server, "POST", f"{CHANNEL}: {'A' * 46}\r\n" + json_type + stop, body), 404),
        ("not a channel", request(server, "POST", f"{CHANNEL}: x\r\n" + json_type + stop, body), 404),
        ("two channels", request(server, "POST", mine + mine + json_type, body), 400),
        ("a form", request(server, "POST", mine + "Content-Type: application/x-www-form-urlencoded\r\n", body), 415),
        ("no type", request(server, "POST", mine, body), 415),
        ("too long", request(server, "POST", mine + json_type, big), 413),
        ("too long, in chunks", request(server, "POST", mine + json_type + "Transfer-Encoding: chunked\r\n") + b"100001\r\n", 413),
        ("both lengths", request(server, "POST", mine + json_type + "Transfer-Encoding: chunked\r\n", body), 400),
        ("a bad chunk", request(server, "POST", mine + json_type + "Transfer-Encoding: chunked\r\n") + b"zz\r\n", 400),
        ("another origin", request(server, "POST", mine + json_type + foreign, body), 403),
        ("another origin, a stream", request(server, "GET", foreign), 403),
        ("another origin, before it asks", request(server, "OPTIONS", foreign), 403),
        ("a method", request(server, "PUT", mine + json_type, body), {405, 413}),
        ("HEAD", request(server, "HEAD"), 405),
        ("GET with content", request(server, "GET", json_type, body), 413),
        ("before it asks", request(server, "OPTIONS", own + stop + "Access-Control-Request-Method: POST\r\n"), 204),
        ("not HTTP", b"POST /sse\r\n\r\n", 400),
    ]
    wrong = []
    for name, bytes_, expected in cases:
        answer = raw(server, bytes_)
        if status(answer) not in (expected if isinstance(expected, set) else {expected}):
            wrong.append((name, expected, answer[:120]))
    assert not wrong
    wire.send(echo(4, "unharmed"))
    while of_type(wire, "reply")["payload"] != "unharmed":
        pass


def test_pages_of_an_allowed_origin_may_read_the_answers(start_server):
    server = start_server("--allow-origin", "https://app.example")
    origin = "Origin: https://app.example\r\nConnection: close\r\n"
    preflight = raw(server, request(server, "OPTIONS", origin)).decode().lower()
    assert "access-control-allow-origin: https://app.example\r\n" in preflight
    assert "access-control-allow-methods: get, post\r\n" in preflight and CHANNEL.lower() in preflight
    wire = EventWire(sse_url(server.url), headers={"Origin": "https://app.example"})
    assert wire.headers["Access-Control-Allow-Origin"] == "https://app.example" and wire.headers["Vary"] == "Origin"
    answer = raw(server, request(server, "POST", origin + f"{CHANNEL}: x\r\n")).decode()
    assert "Access-Control-Allow-Origin: https://app.example\r\n" in answer
    assert "credentials" not in preflight + answer.lower()
    with pytest.raises(Refused) as refusal:
        EventWire(sse_url(server.url), headers={"Origin": "https://evil.example"})
    assert refusal.value.status == 403


def test_requests_one_after_the_other_on_one_socket(server, url):
    wire = EventWire(url, first=[HELLO])
    of_type(wire, "welcome")
    fields = f"{CHANNEL}: {wire.channel}\r\nContent-Type: application/json\r\n"
    posts = b"".join(request(server, "POST", fields, encode(echo(n, n)).encode()) for n in range(1, 101))
    posts += request(server, "GET", "Connection: close\r\n", path="/healthz")
    answer = raw(server, posts)
    assert answer.count(b"HTTP/1.1 202 Accepted\r\n") == 100 and answer.endswith(b"ok\n")
    assert [of_type(wire, "reply")["payload"] for _ in range(100)] == list(range(1, 101))


def test_a_request_in_pieces(server, url):
    wire = EventWire(url, first=[HELLO])
    of_type(wire, "welcome")
    fields = f"{CHANNEL}: {wire.channel}\r\nContent-Type: application/json\r\nConnection: close\r\n"
    with socket.create_connection(server.address, timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request(server, "POST", fields, encode(echo(1, "slow")).encode()):
            connection.sendall(bytes([byte]))
        assert status(connection.recv(4096)) == 202
    assert of_type(wire, "reply")["payload"] == "slow"


def test_a_websocket_may_follow_on_the_socket(server, url):
    wire = EventWire(url)
    upgrade = (f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n").encode()
    hello = encode(HELLO).encode()
    frame = bytes([0x81, 0x80 | len(hello), 0, 0, 0, 0]) + hello
    with socket.create_connection(server.address, timeout=10) as connection:
        connection.sendall(request(server, "POST", f"{CHANNEL}: {wire.channel}\r\n") + upgrade + frame)
        answer = b""
        while b'"welcome"' not in answer:
            part = connection.recv(65536)
            assert part, answer
            answer += part
    assert b"202 Accepted" in answer and b"101 Switching" in answer


def test_expect_continue(server, url):
    wire = EventWire(url, first=[HELLO])
    of_type(wire, "welcome")
    body = encode(echo(1, "after")).encode()
    fields = f"{CHANNEL}: {wire.channel}\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nConnection: close\r\n"
    with socket.create_connection(server.address, timeout=10) as connection:
        connection.sendall(request(server, "POST", fields, body)[:-len(body)])
        assert connection.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert status(connection.recv(4096)) == 202
    assert of_type(wire, "reply")["payload"] == "after"


def test_a_request_that_never_ends(start_server):
    server = start_server("--handshake-timeout", "300ms")
    wire = EventWire(sse_url(server.url))
    fields = f"{CHANNEL}: {wire.channel}\r\nContent-Type: application/json\r\n"
    whole = request(server, "POST", fields, b"x" * 100)
    assert status(raw(server, whole[:-50])) == 408
    # The second request of a socket has its time too.
    answer = raw(server, request(server, "POST", f"{CHANNEL}: {wire.channel}\r\n") + whole[:30])
    assert b"202 Accepted" in answer and b"408 Request Timeout" in answer


def test_what_ends_the_connection_is_told_twice(url):
    wire = EventWire(url, first=[HELLO])
    of_type(wire, "welcome")
    code, answer = wire.post(b'{"v":2,"type":"shout"}')
    assert code == 409 and json.loads(answer)["code"] == 4500
    assert of_type(wire, "error")["payload"]["code"] == "envelope.malformed"
    assert close_code(wire) == 4500
    assert wire.post(encode(echo(1)).encode())[0] == 404


# Bounds

def test_the_bound_on_connections_counts_streams(start_server):
    server = start_server("--max-connections", "16")
    url = sse_url(server.url)
    wires = [EventWire(url) for _ in range(8)] + [open_wire(server.url) for _ in range(8)]
    with pytest.raises(Refused) as refusal:
        EventWire(url)
    assert refusal.value.status == 503
    wires.pop(0).drop("fin")
    eventually(lambda: opens(url))


def opens(url):
    try:
        return EventWire(url)
    except Refused:
        return None


def test_a_client_that_does_not_read_is_too_slow(start_server):
    server = start_server("--ping-interval", "300ms", "--ping-timeout", "300ms", "--admin-socket", "none")
    publisher = Client(server.url)
    # After its welcome nobody reads the socket.
    deaf = socket.create_connection(server.address, timeout=20)
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.sendall(request(server, "POST", "Content-Type: application/json\r\n", encode(SIMPLE).encode()))
    first = b""
    while b'"welcome"' not in first:
        first += deaf.recv(4096)
    deaf_channel = first.split(b'"channel":"')[1].split(b'"')[0].decode()
    up = http.client.HTTPConnection(*server.address, timeout=20)
    fields = {CHANNEL: deaf_channel, "Content-Type": "application/json"}
    up.request("POST", "/sse", encode({"v": 1, "type": "join", "room": "r"}), fields)
    assert up.getresponse().read() == b""
    publisher.connect()
    publisher.join("r")

    def publish_until_gone():
        publisher.publish("r", "chat", "x" * 100_000, timeout=20)
        up.request("POST", "/sse", b"", fields)
        answer = up.getresponse()
        answer.read()
        return answer.status == 404

    eventually(publish_until_gone, timeout=60)


def test_over_the_window(start_server):
    """A request that waits for the session, and another one beside it."""
    server = start_server("--loops", "1")
    url = sse_url(server.url)
    wire = EventWire(url, first=[HELLO])
    welcome = of_type(wire, "welcome")["payload"]
    # Nothing is acknowledged: replies fill the outbox, then the window, then the request waits.
    count = welcome["limits"]["outbox_messages"] + welcome["window"]["messages"] + 100
    body = "\n".join(encode(echo(n, n)) for n in range(1, count + 1)).encode()
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(wire.post(body)))
    waiting.start()
    waiting.join(1)
    assert waiting.is_alive() and not answers
    assert EventWire.post(second(wire), encode({"v": 2, "ack": 1, "type": "ack"}).encode())[0] == 429
    waiting.join(10)
    assert answers[0][0] == 409 and json.loads(answers[0][1])["code"] == 4501
    assert of_type(wire, "error")["payload"]["code"] == "window.exceeded"
    assert close_code(wire) == 4501


def second(wire):
    """The same channel on another socket."""
    other = object.__new__(EventWire)
    other.host, other.path, other.timeout, other.channel, other._up = wire.host, wire.path, 10, wire.channel, None
    return other


# Sessions

def test_drain(start_server):
    server = start_server("--drain-timeout", "1s")
    wire = EventWire(sse_url(server.url), first=[HELLO])
    of_type(wire, "welcome")
    server.process.terminate()
    assert of_type(wire, "draining")["payload"]["deadline_ms"] == 1000
    with pytest.raises(Refused) as refusal:
        EventWire(sse_url(server.url))
    assert refusal.value.status == 503
    wire.send(echo(1, "until the end"))
    assert of_type(wire, "reply")["payload"] == "until the end"
    assert close_code(wire) == 1012


def test_a_session_goes_from_transport_to_transport(start_server):
    """Thousands of messages from a publisher, a session that changes its transport all the time: exactly once, in order."""
    server = start_server("--loops", "2", "--outbox-messages", "8192")
    urls = [server.url, sse_url(server.url)]
    count = 6_000
    publisher, member = Client(server.url), Client(urls[0])
    for one in publisher, member:
        one.connect()
    member.join("r")
    publisher.join("r")
    done = threading.Event()

    def publish():
        for number in range(count):
            publisher.publish("r", "chat", number, timeout=30)
        done.set()

    thread = threading.Thread(target=publish, daemon=True)
    thread.start()
    got, sent, turn = [], 0, 0
    replies = []
    while len(got) < count:
        if len(got) >= (turn + 1) * 150:
            turn += 1
            member.drop("fin" if turn % 3 else "rst")
            member.url = urls[turn % 2]
            assert member.connect()["resumed"]
        message = member.receive(timeout=30)
        if message["type"] == "event":
            got.append(message["payload"])
            if len(got) % 50 == 0:
                sent += 1
                member.send("echo", sent, id=f"e-{sent}")
        elif message["type"] == "reply":
            replies.append(message["payload"])
    while len(replies) < sent:
        message = member.receive(timeout=30)
        if message["type"] == "reply":
            replies.append(message["payload"])
    thread.join(30)
    assert done.is_set() and turn > 30
    assert got == list(range(count)) and not member.gaps
    assert replies == list(range(1, sent + 1))


def test_takeover_between_transports(server, url):
    over_ws, over_sse = Client(server.url), Client(url)
    over_ws.connect()
    over_sse.sid, over_sse.token, over_sse.epoch = over_ws.sid, over_ws.token, over_ws.epoch
    assert over_sse.connect()["resumed"]
    assert over_ws.wait_closed() == 4504
    over_ws.token = over_sse.token
    assert over_ws.connect()["resumed"]
    assert over_sse.wait_closed() == 4504


# Operators

def test_operators_see_the_transport(start_server, tmp_path):
    path = str(tmp_path / "admin.sock")
    server = start_server("--admin-socket", path)
    wires = [EventWire(sse_url(server.url), first=[HELLO]), open_wire(server.url)]
    wires[1].send(HELLO)
    for wire in wires:
        of_type(wire, "welcome")
    run = lambda *words: subprocess.run([WSCORE, "inspect", *words, "--socket", path], capture_output=True, text=True, timeout=20)
    table = run("sessions").stdout
    assert sorted(json.loads(line)["transport"] for line in table.splitlines()) == ["sse", "websocket"]
    assert wires[0].channel not in table + "".join(server.lines) + run("events").stdout
    metrics = run("metrics").stdout
    assert 'wscore_transport_connections{transport="sse"} 1' in metrics
    assert 'wscore_transport_connections{transport="websocket"} 1' in metrics
    assert 'wscore_transport_connections{transport="in-process"} 0' in metrics
