"""What one peer may take from the server: memory, descriptors, the time of others."""
import concurrent.futures
import contextlib
import http.client
import json
import socket
import stat
import time

import pytest

from wsclient import Client, ServerError
from wsraw import (CLOSE, HELLO, PING, Raw, descriptors, frame, hello_with, memory, request, session, text_frame,
                   wait_for, works)

MIB = 1 << 20


@pytest.fixture
def server(start_server):
    return start_server("--drain-timeout", "100ms")


def event(seq, name="echo", payload=1, **fields):
    return {"v": 2, "seq": seq, "type": "event", "event": name, "id": f"c-{seq}", "payload": payload, **fields}


def user(name):
    return {"auth": {"scheme": "none", "credential": name}}


def push(raw, data, times, stall=1.0):
    """Sends `data` up to `times` times; stops when the server took nothing for `stall` seconds. Bytes that went."""
    raw.socket.settimeout(stall)
    sent = 0
    with contextlib.suppress(TimeoutError, BrokenPipeError, ConnectionResetError):
        for _ in range(times):
            view = memoryview(data)
            while view:
                went = raw.socket.send(view)
                sent, view = sent + went, view[went:]
    raw.socket.settimeout(10)
    return sent


def round_trip(client):
    start = time.monotonic()
    client.request("echo", 1, timeout=10)
    return time.monotonic() - start


def grown(server, before):
    return memory(server) - before


def test_a_sender_that_never_acknowledges_waits(server):
    """Section 14: while replies fill the outbox, the client's messages wait, and are not read."""
    works(server.url)
    before = memory(server)
    with session(server.url, hello_with(window={"messages": 1})) as raw:
        sent = 0
        for start in range(1, 400_000, 1000):
            data = b"".join(text_frame(event(seq, payload="x" * 200)) for seq in range(start, start + 1000))
            sent += (went := push(raw, data, 1))
            if went < len(data):
                break
        assert sent < 64 * MIB, "the server never stopped reading"
        assert grown(server, before) < 32 * MIB
        assert works(server.url)


def stalled(url):
    """A connection that keeps to the window of `welcome` and never acknowledges, until its replies fill the outbox.

    Returns it, and the number of its last message."""
    raw = session(url, hello_with(window={"messages": 1}))
    sent, processed = 0, 0
    while processed < 1024:
        raw.send(b"".join(text_frame(event(seq)) for seq in range(sent + 1, processed + 257)))
        sent = processed + 256
        processed = raw.receive()["ack"]
    raw.send(b"".join(text_frame(event(seq)) for seq in range(sent + 1, processed + 257)))
    return raw, processed + 256


@pytest.mark.parametrize("resumes", [False, True])
def test_a_stalled_sender_goes_on_when_it_acknowledges(server, resumes):
    """Each answer once, in order; over a resume too."""
    raw, sent = stalled(server.url)
    last = 1
    if resumes:
        raw.reset()
        w = raw.welcome
        raw = session(server.url, hello_with(window={"messages": 1}, resume={
            "sid": w["sid"], "token": w["token"], "epoch": w["epoch"], "ack": 1}))
        assert raw.welcome["last_in"] == 1024 and raw.welcome["replay"] == {"from": 2, "to": 1024}
        raw.send(b"".join(text_frame(event(seq)) for seq in range(1025, sent + 1)))
    else:
        raw.say({"v": 2, "ack": last, "type": "ack"})
    while last < sent:
        reply = raw.receive("reply", "gap", "error")
        assert (reply["type"], reply["seq"], reply["re"]) == ("reply", last + 1, f"c-{last + 1}")
        last += 1
        raw.say({"v": 2, "ack": last, "type": "ack"})
    raw.close()


def test_bye_while_replies_fill_the_outbox(server):
    raw, _ = stalled(server.url)
    raw.socket.settimeout(2)
    raw.say({"v": 2, "type": "bye"})
    assert raw.finish()[1] == 1000


def test_a_receiver_that_never_reads(server):
    """The others of the room keep their pace, memory is bounded; when it comes back, the gaps are exact."""
    bob = Client(server.url, user="bob")
    bob.connect()
    bob.join("lobby")
    raw = session(server.url, hello_with(**user("ann")), receive_buffer=4096)
    raw.say({"v": 2, "seq": 1, "type": "join", "room": "lobby"})
    welcome, joined = raw.welcome, raw.receive("reply")
    before, text, count = memory(server), "x" * 2000, 4000
    for number in range(count):
        bob.send("chat", [number, text], room="lobby")
        if number % 64 == 63:
            assert round_trip(bob) < 5
            bob.inbox.clear()
    bob.publish("lobby", "chat", [count, ""])
    assert grown(server, before) < 48 * MIB
    ann = Client(server.url, user="ann")
    ann.sid, ann.token, ann.epoch, ann.last = welcome["sid"], welcome["token"], welcome["epoch"], joined["seq"]
    ann.last_seq = ann.acked = 1
    assert ann.connect()["resumed"]
    got = []
    while not got or got[-1] != count:
        message = ann.receive(type=None, timeout=10)
        if message["type"] == "event":
            got.append(message["payload"][0])
    missing = sum(gap["count"] for gap in ann.gaps)
    assert missing > 0 and len(got) + missing == count + 1 and got == sorted(set(got))
    assert all(gap["rooms"] == ["lobby"] for gap in ann.gaps)
    raw.close()


def test_floods_without_reading(server):
    """Pings, bad transient events, duplicates: each is answered or not, the memory stays, others are served."""
    floods = [frame(b"x" * 125, opcode=PING),
              text_frame({"v": 2, "type": "event", "event": "no.such", "delivery": "transient", "id": "t",
                          "payload": 1}),
              text_frame(event(1, "no.such") | {"seq": 1}), text_frame(event(1) | {"v": 1}),
              text_frame(event(9) | {"v": 2, "crit": ["x"], "seq": 9}),
              text_frame({"v": 2, "type": "event", "event": "echo", "delivery": "transient", "payload": "y" * 1000})]
    works(server.url)
    before = memory(server)
    with contextlib.ExitStack() as stack:
        for data in floods:
            raw = stack.enter_context(session(server.url, receive_buffer=4096))
            push(raw, data * 1000, 60 if len(data) < 500 else 20, stall=0.5)
            assert works(server.url)
        assert grown(server, before) < 64 * MIB


def test_everything_at_the_limit_is_answered_soon(server):
    """Messages of 1 MiB that are costly to read."""
    def keys(form):
        return ",".join(form % n for n in range(1_000_000 // (len(form % 1) + 6)))

    texts = ['{"v":2,"type":"ack",%s}' % keys('"%06d":1'), '{"v":2,"type":"ack",%s}' % keys('"\\u0061%06d":1'),
             '{"v":2,"type":"ack","x":%s}' % ("9" * 1_000_000), '{"v":%s}' % ("9" * 1_000_000),
             '{"v":2,"type":"ack","x":"%s"}' % ("\\u00e9" * 160_000),
             '{"v":2,"seq":1,"type":"event","event":"%s","payload":1}' % ("a." * 500_000),
             '{"v":2,"type":"ack","crit":[%s]}' % ",".join(['"x"'] * 200_000)]
    start = time.monotonic()
    for text in texts:
        with session(server.url) as raw:
            raw.say(text)
            raw.send(frame(b"\x03\xe8", opcode=CLOSE))
            assert raw.finish()[1] in (1000, 4500)
    with Raw(server.url).upgrade() as raw:
        raw.say('{"v":2,"type":"hello","payload":{"versions":[2],%s}}' % keys('"%06d":1'))
        raw.finish() if raw.receive()["type"] == "error" else None
    assert time.monotonic() - start < 10


def test_large_messages_that_are_never_finished(server):
    works(server.url)
    before = memory(server)
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            raw = stack.enter_context(session(server.url))
            raw.send(frame(b"", length=MIB - 1))
        assert grown(server, before) < 24 * MIB, "memory is taken for bytes that only were announced"
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            raw = stack.enter_context(session(server.url))
            raw.send(frame(b" " * (MIB - 1), fin=False))
        time.sleep(0.5)
        assert grown(server, before) < 160 * MIB
    assert works(server.url)


def open_and_drop(url, number):
    kind = number % 8
    with contextlib.suppress(OSError):
        raw = Raw(url)
        if kind > 0:
            raw.send(request(url)[:100 if kind == 1 else None])
        if kind > 2:
            raw.response()
        if kind > 3:
            raw.say(HELLO if kind > 4 else "{")
        if kind > 5:
            raw.receive("welcome")
            raw.say({"v": 2, "type": "bye"} if kind == 6 else {"v": 2, "seq": 1, "type": "join", "room": f"r{number}"})
        raw.reset() if number % 16 < 8 and kind != 2 else raw.close()


def test_2000_connections_leave_nothing(start_server):
    server = start_server("--drain-timeout", "20s", "--session-ttl", "1s")
    for number in range(16):
        open_and_drop(server.url, number)
    wait_for(lambda: descriptors(server) <= 20)
    idle, before = descriptors(server), memory(server)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: open_and_drop(server.url, number), range(2000)))
    wait_for(lambda: descriptors(server) <= idle)
    assert grown(server, before) < 64 * MIB
    assert works(server.url)
    server.process.terminate()
    assert server.process.wait(10) == 0, "no connection is left that drain would wait for"


def test_the_memory_of_a_storm_is_given_back(start_server):
    """Also of one that is over before anybody looks, and whose connections a deadline holds for a while."""
    server = start_server()

    def storm(count):
        for _ in range(count):
            with Raw(server.url) as raw:
                raw.send(request(server.url))

    storm(64)
    before = memory(server)
    storm(20_000)
    most = memory(server) - before
    assert most > 4 * MIB, "else this shows nothing"
    wait_for(lambda: memory(server) - before < most / 3, timeout=40)


def test_resets_behind_the_request_free_their_places(start_server):
    server = start_server("--max-connections", "20", "--drain-timeout", "100ms")
    for _ in range(40):
        raw = Raw(server.url)
        raw.send(request(server.url))
        raw.reset()
    wait_for(lambda: upgraded(server.url), timeout=3)


def upgraded(url):
    with Raw(url) as raw:
        raw.send(request(url))
        return raw.response()[0] == 101


def test_sessions_with_a_ttl_of_0_end_at_once(server):
    for _ in range(200):
        raw = session(server.url, hello_with(ttl_ms=0, **user("gone")))
        raw.reset()
    ann = Client(server.url, user="ann")
    ann.connect()

    def nobody():
        try:
            ann.request("direct.send", {"to": {"user": "gone"}, "event": "a", "payload": 1})
        except ServerError as error:
            return error.code == "direct.unknown"

    wait_for(nobody)


# The admin socket


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(self.path)


@pytest.fixture
def admin(start_server, tmp_path):
    """(server, path of its socket, ask); ask(method, target) returns the status and the body."""
    path = tmp_path / "admin.sock"
    server = start_server("--admin-socket", str(path), "--drain-timeout", "100ms")

    def ask(target, method="GET"):
        connection = UnixConnection(path)
        connection.request(method, target)
        response = connection.getresponse()
        return response.status, response.read()

    return server, path, ask


def unix(path, data):
    raw = socket.socket(socket.AF_UNIX)
    raw.settimeout(10)
    raw.connect(str(path))
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        raw.sendall(data)
    return raw


def test_admin_socket_is_private_and_goes_away(admin):
    server, path, _ = admin
    assert stat.S_ISSOCK(path.stat().st_mode) and stat.S_IMODE(path.stat().st_mode) == 0o600
    server.stop()
    assert not path.exists()


@pytest.mark.parametrize("data", [
    b"garbage\r\n\r\n", b"\0" * 1000, b"GET /v1/sessions HTTP/1.1\r\n" + b"x: y\r\n" * 20_000,
    b"GET /" + b"x" * 200_000, b"POST /v1/sessions HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n",
    b"DELETE /v1/sessions HTTP/1.1\r\nhost: x\r\n\r\n", b"DELETE /v1/sessions/ HTTP/1.1\r\nhost: x\r\n\r\n",
    b"DELETE /v1/sessions/%00%ff HTTP/1.1\r\nhost: x\r\n\r\n", b"GET /v1/rooms/%zz HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET /v1/sessions?limit=-1 HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET /v1/sessions?limit=99999999999999999999 HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET /v1/sessions?state=%F0%9F HTTP/1.1\r\nhost: x\r\n\r\n", b"GET /../../etc/passwd HTTP/1.1\r\nhost: x\r\n\r\n",
    b"PUT /metrics HTTP/1.1\r\nhost: x\r\n\r\n"], ids=range(14))
def test_admin_refuses(admin, data):
    _, path, ask = admin
    with unix(path, data) as raw:
        head = b""
        with contextlib.suppress(ConnectionResetError):
            while part := raw.recv(65536):
                head += part
        assert head.split()[1][:1] == b"4", head[:200]
    assert ask("/healthz")[0] == 200


def test_admin_followers_that_never_read(admin):
    server, path, ask = admin
    followers = [unix(path, b"GET /v1/events?follow=1 HTTP/1.1\r\nhost: x\r\n\r\n") for _ in range(50)]
    before = memory(server)
    for _ in range(1000):
        raw = session(server.url)
        raw.say({"v": 2, "type": "bye"})
        raw.finish()
        raw.close()
    assert grown(server, before) < 64 * MIB
    assert ask("/v1/stats")[0] == 200 and works(server.url)
    for follower in followers:
        follower.close()
    wait_for(lambda: descriptors(server) < 40)


def test_kick(admin):
    server, _, ask = admin
    ann = session(server.url, hello_with(**user("ann")))
    sid = ann.welcome["sid"]
    assert ask(f"/v1/sessions/{sid}?reason=enough%20%22now%22", "DELETE")[0] == 200
    messages, code = ann.finish()
    told = [m["payload"] for m in messages if m["type"] == "session"]
    assert (told, code) == ([{"state": "revoked", "reason": 'enough "now"'}], 4507)
    w = ann.welcome
    hello = hello_with(resume={"sid": sid, "token": w["token"], "epoch": w["epoch"], "ack": 0}, **user("ann"))
    with session(server.url, hello) as again:
        assert again.welcome["reason"] == "ended"
    assert ask(f"/v1/sessions/{sid}", "DELETE")[0] == 404
    status, body = ask("/v1/events")
    said = body + ask("/v1/sessions")[1] + json.dumps(server.lines).encode()
    assert status == 200 and w["token"].encode() not in said


def test_a_reason_is_short(admin):
    server, _, ask = admin
    with session(server.url, hello_with(**user("ann"))) as ann:
        for target in (f"/v1/sessions/{ann.welcome['sid']}", "/v1/users/ann"):
            assert ask(f"{target}?reason={'x' * 129}", "DELETE")[0] == 400
        assert ask(f"/v1/sessions/{ann.welcome['sid']}?reason={'%F0%9F%87%A6' * 32}", "DELETE")[0] == 200
        assert ann.finish()[1] == 4507
