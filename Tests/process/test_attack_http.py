"""The upgrade as PROTOCOL.md, 3.1, has it: every request gets its answer, and the connection is then closed."""
import base64
import json
import os
import time

import pytest

from wsraw import HELLO, Raw, request, session, text_frame, works


@pytest.fixture
def server(start_server):
    return start_server("--drain-timeout", "100ms")


def fields(count):
    return {f"x-{n}": "y" for n in range(count)}


def lines(url, *changed, end="\r\n", target="/ws"):
    host = url.split("/")[2]
    head = [f"GET {target} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)).decode(), *changed]
    return (end.join(head) + end + end).encode("latin-1")


KEY16 = base64.b64encode(os.urandom(16)).decode()

# Each: name, how the request is made from the URL, the status.
REQUESTS = [
    ("plain", lambda u: request(u), 101),
    ("values in other cases", lambda u: request(u, upgrade="WebSocket", connection="keep-alive, UPGRADE"), 101),
    ("same origin", lambda u: request(u, origin="http://" + u.split("/")[2]), 101),
    ("a query", lambda u: request(u, target="/ws?x=1"), 101),
    ("an extension offered", lambda u: request(u, sec_websocket_extensions="permessage-deflate"), 101),
    ("Content-Length: 0", lambda u: request(u, content_length="0"), 101),
    ("90 fields", lambda u: request(u, **fields(90)), 101),
    ("12 KiB of header", lambda u: request(u, x="y" * 12_000), 101),
    ("absolute form", lambda u: request(u, target=u.replace("ws://", "http://")), {101, 400, 404}),
    ("space around values", lambda u: lines(u, "X:   a  \t"), 101),
    ("no Host", lambda u: request(u, drop=("host",)), 400),
    ("two Hosts", lambda u: lines(u, "Host: other"), 400),
    ("the same Host twice", lambda u: lines(u, "Host: " + u.split("/")[2]), 400),
    ("no key", lambda u: request(u, drop=("sec-websocket-key",)), 400),
    ("empty key", lambda u: request(u, sec_websocket_key=""), 400),
    ("key of 15 bytes", lambda u: request(u, sec_websocket_key=base64.b64encode(b"x" * 15).decode()), 400),
    ("key of 17 bytes", lambda u: request(u, sec_websocket_key=base64.b64encode(b"x" * 17).decode()), 400),
    ("key that is not base64", lambda u: request(u, sec_websocket_key="!" * 22 + "=="), 400),
    ("two keys", lambda u: lines(u, "Sec-WebSocket-Key: " + KEY16), 400),
    ("no Connection", lambda u: request(u, drop=("connection",)), 400),
    ("Connection without upgrade", lambda u: request(u, connection="keep-alive"), 400),
    ("a body", lambda u: request(u, content_length="5") + b"hello", {400, 413}),
    ("a body to come", lambda u: request(u, content_length="5"), {400, 413}),
    ("chunked", lambda u: request(u, transfer_encoding="chunked") + b"0\r\n\r\n", {400, 501}),
    ("an unknown transfer coding", lambda u: request(u, transfer_encoding="x"), {400, 501}),
    ("both lengths", lambda u: request(u, content_length="0", transfer_encoding="chunked") + b"0\r\n\r\n", {400, 501}),
    ("two different lengths", lambda u: lines(u, "Content-Length: 0", "Content-Length: 5"), 400),
    ("a length of -1", lambda u: request(u, content_length="-1"), 400),
    ("a length of 2^70", lambda u: request(u, content_length=str(1 << 70)), {400, 413}),
    ("a folded line", lambda u: lines(u, "X: a", " b"), 400),
    ("a space before the colon", lambda u: lines(u, "X : a"), 400),
    ("a line without a colon", lambda u: lines(u, "nothing"), 400),
    ("an empty name", lambda u: lines(u, ": a"), 400),
    ("NUL in a value", lambda u: lines(u, "X: a\0b"), 400),
    ("CR in a value", lambda u: lines(u, "X: a\rb"), 400),
    ("not HTTP", lambda u: b"hello\r\n\r\n", 400),
    ("TLS", lambda u: bytes.fromhex("160301020001000001fc0303") + b"\0" * 50, {400, None}),
    ("no target", lambda u: b"GET HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("another origin", lambda u: request(u, origin="http://evil.example"), 403),
    ("origin null", lambda u: request(u, origin="null"), 403),
    ("an origin like ours", lambda u: request(u, origin="http://" + u.split("/")[2] + ".evil.example"), 403),
    ("another path", lambda u: request(u, target="/other"), 404),
    ("the path and a slash", lambda u: request(u, target="/ws/"), 404),
    ("path in another case", lambda u: request(u, target="/WS"), 404),
    ("root", lambda u: request(u, target="/"), 404),
    *((m, lambda u, m=m: request(u, method=m), 405) for m in ("POST", "PUT", "HEAD", "OPTIONS", "DELETE")),
    ("an unknown method", lambda u: request(u, method="BREW"), {400, 405}),
    ("no Upgrade", lambda u: request(u, drop=("upgrade",)), 426),
    ("Upgrade: h2c", lambda u: request(u, upgrade="h2c"), 426),
    ("version 8", lambda u: request(u, sec_websocket_version="8"), 426),
    ("no version", lambda u: request(u, drop=("sec-websocket-version",)), 426),
    ("version 13, 8", lambda u: request(u, sec_websocket_version="13, 8"), {400, 426}),
    ("20 KiB of header", lambda u: request(u, x="y" * 20_480), 431),
    ("1 MiB of header", lambda u: request(u, x="y" * 1_048_576), 431),
    ("20 KiB of target", lambda u: request(u, target="/ws?" + "y" * 20_480), {414, 431}),
    ("200 fields", lambda u: request(u, **fields(200)), 431),
    ("20 KiB of a name", lambda u: lines(u, "y" * 20_480 + ": a"), 431),
    ("a header without an end", lambda u: b"GET /ws HTTP/1.1\r\n" + b"X: y\r\n" * 20_000, 431),
    ("a request line without an end", lambda u: b"GET /" + b"y" * 100_000, {414, 431}),
    ("HTTP/1.0", lambda u: request(u, version="HTTP/1.0"), 505),
    ("HTTP/2.0", lambda u: request(u, version="HTTP/2.0"), {400, 505}),
    ("the preface of HTTP/2", lambda u: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 505}),
    ("HTTP/1.2", lambda u: request(u, version="HTTP/1.2"), {400, 505}),
    ("healthz", lambda u: request(u, target="/healthz", drop=("upgrade", "connection")), 200),
    ("readyz", lambda u: request(u, target="/readyz", drop=("upgrade", "connection")), 200),
    ("POST /healthz", lambda u: request(u, target="/healthz", method="POST", drop=("upgrade", "connection")), 405),
    ("healthz without Host", lambda u: b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    ("healthz in HTTP/1.0", lambda u: b"GET /healthz HTTP/1.0\r\n\r\n", {200, 505}),
]


def is_in(status, expected):
    return status in expected if isinstance(expected, set) else status == expected


def test_every_request_gets_its_answer(server):
    wrong = []
    for name, make, expected in REQUESTS:
        with Raw(server.url, timeout=5) as raw:
            raw.send(make(server.url))
            try:
                status, headers = raw.response()
                if not is_in(status, expected):
                    wrong.append(f"{name}: {status}, not {expected}")
                elif status == 101:
                    raw.say(HELLO)
                    assert raw.receive()["type"] == "welcome"
                    # Only what was offered may be agreed to (RFC 6455 section 4.1).
                    offered = b"sec-websocket-extensions" in make(server.url).lower()
                    assert ("sec-websocket-extensions" in headers) == offered, name
                else:
                    raw.at_end()
            except TimeoutError:
                wrong.append(f"{name}: no answer, or no end of the connection after it")
    assert not wrong, "\n".join(wrong)
    assert works(server.url)


def test_answers_carry_what_they_must(server):
    for changes, name, value in (({"method": "POST"}, "allow", "get"), ({"drop": ("upgrade",)}, "upgrade", "websocket"),
                                 ({"sec_websocket_version": "8"}, "sec-websocket-version", "13")):
        with Raw(server.url) as raw:
            raw.send(request(server.url, **changes))
            assert raw.response()[1].get(name) == value, (changes, name)


def test_head_has_no_body(server):
    with Raw(server.url) as raw:
        raw.send(request(server.url, target="/healthz", method="HEAD", drop=("upgrade", "connection")))
        status, _ = raw.response()
        assert status in (200, 405)
        while raw._more():
            pass
        assert raw.buffer == b""


@pytest.mark.parametrize("offered, echoed", [
    ("wscore.v2.json", "wscore.v2.json"), ("wscore.v1.json", "wscore.v1.json"), ("chat", None),
    ("wscore.v1.json, wscore.v2.json", "wscore.v2.json"), ("a,wscore.v1.json ,b", "wscore.v1.json"),
    ("WSCORE.V2.JSON", None), ("wscore.v3.json", None)])
def test_subprotocols(server, offered, echoed):
    with Raw(server.url) as raw:
        raw.send(request(server.url, sec_websocket_protocol=offered))
        status, headers = raw.response()
        assert (status, headers.get("sec-websocket-protocol")) == (101, echoed)


def test_the_subprotocol_decides_the_version(server):
    for subprotocol, versions, outcome in (("wscore.v1.json", [1, 2], 1), ("wscore.v2.json", [1, 2], 2),
                                           ("wscore.v2.json", [1], None), ("wscore.v1.json", [2], None)):
        with Raw(server.url) as raw:
            raw.upgrade(sec_websocket_protocol=subprotocol)
            raw.say({"v": 1, "type": "hello", "payload": {"versions": versions}})
            if outcome:
                assert raw.receive()["payload"]["version"] == outcome
            else:
                messages, code = raw.finish()
                assert (messages[0]["payload"]["code"], code) == ("version.unsupported", 4502)
                assert messages[0]["v"] == int(subprotocol[8]), "6.3: the subprotocol's version before welcome"


def test_a_bare_line_feed_is_answered(server):
    """RFC 9112 lets a server take it or refuse it; silence is neither."""
    with Raw(server.url) as raw:
        raw.send(lines(server.url, end="\n"))
        assert raw.response()[0] in (101, 400)


def test_an_answer_comes_although_the_body_goes_on(server):
    for header in ("content-length: 100000000", "transfer-encoding: chunked"):
        with Raw(server.url) as raw:
            raw.send(f"POST /ws HTTP/1.1\r\nhost: x\r\n{header}\r\n\r\n".encode())
            raw.send(b"x" * 1000)
            assert raw.response()[0] in (400, 405, 413, 501)


def test_requests_in_a_row_are_not_taken(server):
    """After every answer but 101 the connection is closed: a second request behind it is not answered."""
    with Raw(server.url) as raw:
        raw.send(request(server.url, target="/healthz") + request(server.url))
        assert raw.response()[0] == 200
        while raw._more():
            pass
        assert b"101" not in raw.buffer


def test_slow_requests_end_and_disturb_nobody(start_server):
    server = start_server("--handshake-timeout", "1s")
    slow = [Raw(server.url) for _ in range(50)]
    for index, raw in enumerate(slow):
        raw.send(request(server.url)[:index])
    drip = Raw(server.url)
    start = time.monotonic()
    while time.monotonic() - start < 5:
        drip.send(b"X")
        drip.socket.settimeout(0.2)
        try:
            if not drip._more():
                break
        except TimeoutError:
            pass
    assert drip.ended, "one byte now and then must not keep a request alive"
    assert works(server.url)
    for raw in slow:
        raw.at_end()


def test_silence_after_the_upgrade_ends(start_server):
    server = start_server("--hello-timeout", "500ms")
    with Raw(server.url).upgrade() as raw, Raw(server.url).upgrade() as part:
        part.send(text_frame(HELLO)[:-1])
        assert raw.outcome() == ("hello.timeout", 4508)
        assert part.outcome() == ("hello.timeout", 4508)


def test_half_closed_after_the_request(server):
    """A peer that will send nothing more gets its answer, and the connection ends."""
    for data in (request(server.url, target="/healthz"), request(server.url, method="POST")):
        with Raw(server.url) as raw:
            raw.send(data)
            raw.socket.shutdown(1)
            assert raw.response()[0] in (200, 405)
            raw.at_end()
    with Raw(server.url) as raw:
        raw.send(request(server.url) + text_frame(HELLO))
        raw.socket.shutdown(1)
        raw.at_end()
    assert works(server.url)


@pytest.mark.parametrize("io", ["epoll", "uring", "nio"])
def test_half_closed_behind_a_message(start_server, io):
    """What was sent before the end is answered, however the bytes are moved, and the connection ends."""
    server = start_server("--io", io, "--raw-echo", "/echo")
    for _ in range(20):
        with session(server.url) as raw:
            raw.say({"v": 2, "seq": 1, "type": "event", "event": "echo", "id": "e", "payload": 1})
            raw.socket.shutdown(1)
            assert raw.receive("reply")["payload"] == 1
            raw.at_end()
        with Raw(server.url.replace("/ws", "/echo")).upgrade() as raw:
            raw.say("last words")
            raw.socket.shutdown(1)
            assert raw.next_frame() == (1, b"last words")
            raw.at_end()
    assert works(server.url)


@pytest.mark.parametrize("io", ["epoll", "uring", "nio"])
def test_half_closed_behind_messages_that_wait(start_server, io):
    """What came before the end and is held back, since it came faster than it may, is processed before the end is."""
    server = start_server("--io", io, "--message-rate", "50", "--message-burst", "5")
    with session(server.url) as raw:
        messages = [{"v": 2, "seq": n, "type": "event", "event": "echo", "id": str(n), "payload": n} for n in range(1, 31)]
        raw.send(b"".join(text_frame(json.dumps(message)) for message in messages))
        raw.socket.shutdown(1)
        assert [raw.receive("reply")["payload"] for _ in messages] == list(range(1, 31))
        raw.at_end()
    assert works(server.url)


def test_503_when_full(start_server):
    server = start_server("--max-connections", "3")
    held = [Raw(server.url).upgrade() for _ in range(3)]
    with Raw(server.url) as raw:
        raw.send(request(server.url))
        status, headers = raw.response()
        assert status == 503 and int(headers["retry-after"]) >= 0
    for raw in held:
        raw.close()
    end = time.monotonic() + 5
    while time.monotonic() < end:
        with Raw(server.url) as raw:
            raw.send(request(server.url))
            if raw.response()[0] == 101:
                return
    assert False, "the places did not become free"


def test_bearer_token(start_server, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("secret-of-ann-0123456789abcdef ann\n")
    tokens.chmod(0o600)
    server = start_server("--token-file", str(tokens))
    good = {"scheme": "token", "credential": "secret-of-ann-0123456789abcdef"}
    cases = [({"authorization": "Bearer secret-of-ann-0123456789abcdef"}, None, "ann"), ({}, good, "ann"),
             ({}, None, None), ({"authorization": "Bearer x"}, None, None),
             ({"authorization": "Basic eDp5"}, None, None),
             ({}, {"scheme": "token", "credential": ""}, None), ({}, {"scheme": "token"}, None),
             ({}, {"scheme": "none", "credential": "ann"}, None), ({}, good | {"scheme": "other"}, None),
             ({"authorization": "Bearer " + "x" * 9000}, None, None)]
    for headers, auth, user in cases:
        with Raw(server.url).upgrade(**headers) as raw:
            raw.say({"v": 2, "type": "hello", "payload": {"versions": [2], **({"auth": auth} if auth else {})}})
            if user:
                assert raw.receive()["payload"]["principal"]["user"] == user
            else:
                assert raw.outcome() == ("auth.failed", 4503), (headers, auth)
    assert "secret-of-ann" not in json.dumps(server.lines)
