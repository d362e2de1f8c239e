"""What killed, hung or bloated other servers of this kind: one test for each fault, named after it.

None of them is to end the process, to keep it busy, to grow it, or to hinder a client that does nothing wrong.
"""
import http.client
import json
import os
import random
import time
import zlib

import pytest

from test_limits import limited  # noqa: F401
from wsraw import (BINARY, CLOSE, HELLO, PING, TEXT, Raw, frame, hello_with, memory, request, session, text_frame,
                   wait_for, works)

MIB = 1 << 20
DEFLATE = "permessage-deflate"


class Watch:
    """The server while it is attacked: its processor time and memory, and whether somebody else is served."""

    def __init__(self, server):
        self.server, self.url = server, server.url
        self.bystander = session(self.url)
        self.cpu, self.memory = self.seconds(), memory(server)

    def seconds(self):
        fields = open(f"/proc/{self.server.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def holds(self, cpu=5, grown=64 * MIB):
        """`cpu`: what quadratic time would pass by far, and linear time does not come near."""
        self.bystander.say({"v": 2, "seq": 1, "type": "event", "event": "echo", "id": "b", "payload": 1})
        assert self.bystander.receive("reply")["payload"] == 1
        assert works(self.url) and self.server.process.poll() is None
        assert self.seconds() - self.cpu < cpu
        assert memory(self.server) - self.memory < grown


@pytest.fixture
def watch(start_server):
    return lambda *arguments: Watch(start_server("--raw-echo", "/echo", *arguments))


def echo_url(watched):
    return watched.url.replace("/ws", "/echo")


def deflated(data, final=False):
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    out = compressor.compress(data) + compressor.flush(zlib.Z_FINISH if final else zlib.Z_SYNC_FLUSH)
    return out if final else out[:-4]


def test_ws_cve_2024_37890_more_fields_than_the_limit_and_no_upgrade(watch):
    watched = watch()
    for count in (90, 94, 95, 96, 100, 101, 2000):
        for drop in ((), ("upgrade",), ("connection", "upgrade"), ("host", "upgrade")):
            with Raw(watched.url) as raw:
                raw.send(request(watched.url, drop=drop, **{f"x-{n}": "y" for n in range(count)}))
                assert raw.response()[0] in ((101, 426, 400) if count == 90 else (431, 101, 426, 400))
    watched.holds()


def test_ws_cve_2026_48779_a_million_fragments_of_a_byte(watch):
    """Collected into one buffer: what they cost is their bytes. A limit of some thousands would fail Autobahn 9.3."""
    watched = watch()
    with Raw(echo_url(watched)).upgrade() as raw:
        raw.send(frame(b"x", opcode=BINARY, fin=False))
        for _ in range(10):
            raw.send(frame(b"y", opcode=0, fin=False) * 100_000)
        watched.holds(grown=16 * MIB)
        raw.send(frame(b"", opcode=0))
        opcode, payload = raw.next_frame()
        assert opcode == BINARY and payload == b"x" + b"y" * 1_000_000


def test_ws_issue_2331_a_million_empty_fragments(watch):
    watched = watch()
    with session(watched.url) as raw:
        raw.send(frame(b"", fin=False))
        raw.send(frame(b"", opcode=0, fin=False) * 1_000_000)
        assert raw.outcome()[1] in (1009, 1006)  # 1006: the reset overtook the close frame
    watched.holds(grown=16 * MIB)


def test_ws_pull_2329_a_message_that_is_never_finished(watch):
    watched = watch("--message-timeout", "500ms")
    for begun in (frame(b"x" * 1000, fin=False), frame(b"x" * 1000)[:500], frame(b"")[:1]):
        with session(watched.url) as raw:
            raw.send(begun)
            assert raw.outcome() == (None, 1008)
    watched.holds()


def test_bandit_cve_2026_65623_continuations_cost_their_own_bytes(watch):
    """16 MiB in a hundred thousand continuations: measuring what is there at each of them would be 800 GB to look at."""
    watched = watch()
    with Raw(echo_url(watched), timeout=60).upgrade() as raw:
        piece = frame(b"z" * 160, opcode=0, fin=False)
        raw.send(frame(b"", opcode=BINARY, fin=False))
        for _ in range(100):
            raw.send(piece * 1000)
        raw.send(frame(b"", opcode=0))
        assert len(raw.next_frame()[1]) == 16_000_000
    watched.holds(cpu=10, grown=128 * MIB)


def test_ws_cve_2021_32640_blanks_in_a_list(watch):
    watched = watch()
    for name in ("sec_websocket_protocol", "sec_websocket_extensions", "connection", "upgrade", "x_forwarded_for"):
        for value in ("a" + " " * 15_000 + "b", ("," + " " * 100) * 140, "a;" * 7_000, 'a="' + "\\" * 15_000):
            with Raw(watched.url) as raw:
                raw.send(request(watched.url, **{name: value}))
                assert raw.response()[0] in (101, 400, 426)
    watched.holds()


def test_ws_cve_2016_10542_uws_cve_2016_10544_websockets_cve_2018_1000518_the_limit_of_a_message(watch):
    """It holds for one frame, for fragments together, and for what is decompressed."""
    watched = watch()
    for data in (frame(b" " * (MIB + 1)), frame(b" " * MIB, fin=False) + frame(b" ", opcode=0),
                 frame(b" " * 600_000, fin=False) + frame(b" " * 600_000, opcode=0)):
        with session(watched.url) as raw:
            raw.send(data)
            assert raw.outcome()[1] == 1009
    bomb = deflated(b" " * (64 * MIB))
    for data in (frame(bomb, rsv=4), frame(deflated(b" " * (MIB + 1)), rsv=4),
                 frame(bomb[:100], rsv=4, fin=False) + frame(bomb[100:], opcode=0)):
        with Raw(watched.url).upgrade(sec_websocket_extensions=DEFLATE) as raw:
            raw.send(data)
            assert raw.outcome()[1] == 1009
    watched.holds(grown=32 * MIB)


def test_tungstenite_cve_2023_43669_a_head_in_single_bytes(watch):
    watched = watch()
    with Raw(watched.url) as raw:
        for byte in request(watched.url, x="y" * 15_000):
            raw.send(bytes([byte]))
        assert raw.response()[0] == 101
    watched.holds()


@pytest.mark.parametrize("length", [(1 << 63) - 1, 1 << 63, (1 << 64) - 1, (1 << 63) - 126, (1 << 62) + 1, (1 << 32) + 1])
def test_gorilla_cve_2020_27813_a_length_that_overflows_a_sum(watch, length):
    watched = watch()
    for before in (b"", frame(b"x" * 1000, fin=False)):
        with session(watched.url) as raw:
            raw.send(before + frame(b"", opcode=0 if before else TEXT, length=length))
            assert raw.outcome()[1] in (1002, 1009)
    watched.holds()


def test_tomcat_cve_2020_13935_a_length_below_zero(watch):
    watched = watch()
    with session(watched.url) as raw:
        raw.send(b"\x81\xff" + b"\xff" * 8 + b"mask" + b"data")
        assert raw.outcome()[1] in (1002, 1009)
    before = watched.seconds()
    time.sleep(0.5)
    assert watched.seconds() - before < 0.3, "it goes on in circles"
    watched.holds()


def test_tomcat_cve_2024_23672_a_peer_that_does_not_finish_the_close(limited):  # noqa: F811
    server = limited()
    peers = []
    for _ in range(50):
        raw = session(server.url)
        raw.say("{")
        assert raw.outcome()[1] == 4500
        peers.append(raw)
    wait_for(lambda: server.stats()["sockets"] == 0, timeout=10)
    for raw in peers:
        raw.close()


def test_engine_io_cve_2022_21676_cve_2022_41940_errors_before_anybody_listens_for_them(watch):
    watched = watch()
    for target in ("/ws", "/sse", "/echo", "/none"):
        whole = request(watched.url, target=target) + frame(b"\xff" * 20)
        for cut in range(0, len(whole), 9):
            raw = Raw(watched.url)
            raw.send(whole[:cut])
            raw.reset()
    watched.holds()


def post(watched, body, **fields):
    host = watched.url.split("/")[2]
    connection = http.client.HTTPConnection(host, timeout=10)
    try:
        connection.request("POST", "/sse", body, {"Content-Type": "application/json", **fields})
        return connection.getresponse().status
    except (ConnectionResetError, BrokenPipeError):
        return None  # it was refused while we still wrote
    finally:
        connection.close()


def test_engine_io_cve_2020_36048_cve_2026_59725_bodies(watch):
    """Bodies that are too long, that lie about their length, and that are no text."""
    watched = watch()
    channel = {"Wscore-Channel": "x"}
    assert post(watched, b"x" * (2 * MIB), **channel) in (413, None)
    assert post(watched, iter([b"x" * 65_536] * 32), **channel) in (413, None)
    for body in (b"\xff\xfe\0", os.urandom(1000), b"\x80" * 100_000, b"b64" + b"=" * 1000, b"[" * 100_000, b"\n" * 100_000):
        assert post(watched, body) == 200
        assert post(watched, body, **channel) == 404
        assert post(watched, body, **{"Content-Type": "application/octet-stream"}) == 415
    watched.holds()


def test_socket_io_cve_2022_2421_cve_2023_32695_types_and_counts_of_the_attacker(watch):
    watched = watch()
    placeholder = {"_placeholder": True, "num": 1e9}
    values = [placeholder, [placeholder] * 100, {"__proto__": 1, "constructor": 2, "toString": 3}, -1, 1e300, None, "",
              {"length": 1 << 53, "type": "Buffer", "data": [256, -1]}, 2 ** 63, [[]], True]
    for name in ("seq", "ack", "ev", "id", "room", "key", "delivery", "crit", "payload", "event", "type", "v"):
        for value in values:
            with session(watched.url) as raw:
                raw.say({"v": 2, "seq": 1, "type": "event", "event": "echo", "id": "e", "payload": 1} | {name: value})
                raw.send(frame(b"\x03\xe8", opcode=CLOSE))
                assert raw.finish()[1] in (1000, 4500, 4501)
    most = (1 << 53) - 1
    for payload in ({"window": {"messages": most, "bytes": most}}, {"ttl_ms": most}, {"versions": [2] * 17},
                    {"versions": [most]}, {"events": {"echo": most}}, {"resume": {"sid": "s_" + "A" * 22, "token": "x",
                     "epoch": "0" * 16, "ack": most, "first_unacked": most, "pos": {"r": ["0" * 16, most]}}}):
        with Raw(watched.url).upgrade() as raw:
            raw.say({**HELLO, "payload": {"versions": [2], **payload}})
            raw.send(frame(b"\x03\xe8", opcode=CLOSE))
            assert raw.finish()[1] in (1000, 4500, 4502)
    with session(watched.url) as raw:
        for seq, payload in enumerate(({"history": most}, {"since": ["f" * 16, most]}, {"history": -1}), 1):
            raw.say({"v": 2, "seq": seq, "type": "join", "id": "j", "room": f"r{seq}", "payload": payload})
            assert raw.receive("reply", "error")["re"] == "j"
    watched.holds()


def test_civetweb_cve_2026_29035_what_grows_when_it_is_compressed(watch):
    """Messages that cannot be compressed, of lengths around those of buffers and windows, through the smallest one too."""
    watched = watch()
    noise = random.Random(29035)
    for bits in (9, 15):
        offer = f"{DEFLATE}; server_max_window_bits={bits}"
        with Raw(echo_url(watched), timeout=30).upgrade(sec_websocket_extensions=offer) as raw:
            inflater = zlib.decompressobj(-15)
            for length in (0, 1, 2, 125, 126, 255, 257, 511, 4095, 8191, 16_383, 16_384, 16_385, 32_768, 65_535, 65_536, MIB):
                data = noise.randbytes(length)
                raw.send(frame(data, opcode=BINARY))
                head = raw._take(2)
                size = head[1] & 127
                size = size if size < 126 else int.from_bytes(raw._take(2 if size == 126 else 8))
                payload = raw._take(size)
                assert head[0] == 0xC2 and inflater.decompress(payload + b"\0\0\xff\xff") == data
    watched.holds()


@pytest.mark.parametrize("origin, status", [
    ("https://chat.example.com", 101), ("HTTPS://chat.example.com", 101), ("https://evil-chat.example.com", 403),
    ("https://chat.example.com.evil.example", 403), ("https://x.chat.example.com", 403), ("https://chat.example.co", 403),
    ("https://chat-example.com", 403), ("http://chat.example.com", 403), ("https://chat.example.com:444", 403),
    ("https://evil.example/https://chat.example.com", 403), ("https://evil.example#https://chat.example.com", 403),
    ("https://chat.example.com@evil.example", 403), ("https://chat.example.com\t.evil.example", 403), ("null", 403)])
def test_phoenix_cve_2022_42975_an_origin_that_looks_like_ours(watch, origin, status):
    watched = watch("--allow-origin", "https://chat.example.com")
    with Raw(watched.url) as raw:
        raw.send(request(watched.url, origin=origin))
        assert raw.response()[0] == status


def test_netty_cve_2025_58057_cve_2026_42587_what_is_small_and_becomes_large(watch):
    """Whatever the message is and whoever takes it; on the echo the limit is 16 MiB."""
    watched = watch()
    bomb = deflated(b"\0" * (200 * MIB))
    assert len(bomb) < MIB
    for url in (watched.url, echo_url(watched)):
        for offer in (DEFLATE, f"{DEFLATE}; client_max_window_bits=9", f"{DEFLATE}; server_no_context_takeover"):
            for opcode in (TEXT, BINARY):
                with Raw(url, timeout=30).upgrade(sec_websocket_extensions=offer) as raw:
                    raw.send(frame(bomb, opcode=opcode, rsv=4))
                    assert raw.outcome()[1] == 1009
    watched.holds(cpu=30, grown=160 * MIB)


def test_swift_nio_2020_cve_2022_3215_line_ends_in_our_own_fields(watch):
    """No text of a request gets a line of its own in the answer."""
    watched = watch("--allow-origin", "*")
    host = watched.url.split("/")[2]
    for end in ("\r\n", "\n", "\r", "\0", "\x0b", "\x85", "%0d%0a", "\u010a"):
        injected = f"http://a{end}X-Injected: 1".encode("latin-1", "replace")
        for line in (b"Origin: " + injected, b"Sec-WebSocket-Protocol: wscore.v2.json" + injected[8:],
                     b"Access-Control-Request-Headers: " + injected, b"Wscore-Channel: " + injected):
            for method, path in ((b"GET", b"/ws"), (b"OPTIONS", b"/sse"), (b"GET", b"/sse"), (b"GET", b"/" + injected)):
                with Raw(watched.url) as raw:
                    raw.send(method + b" " + path + b" HTTP/1.1\r\nHost: " + host.encode() + b"\r\n" + line + b"\r\n\r\n")
                    _, fields = raw.response()
                    assert not any(name.startswith("x-injected") for name in fields)
    watched.holds()


def test_swift_nio_extras_cve_2022_3252_bytes_behind_the_end(watch):
    watched = watch()
    for tail in (b"x", b"\0", b"\0" * 1000, b"\xff" * 1000, deflated(b"more", final=True) * 1000, b"\x03\0" * 400_000):
        with Raw(echo_url(watched)).upgrade(sec_websocket_extensions=DEFLATE) as raw:
            raw.send(frame(deflated(b"abc", final=True) + tail, rsv=4, opcode=BINARY))
            raw.send(frame(b"\x03\xe8", opcode=CLOSE))
            opcodes = set()
            while head := raw._take(2):
                size = head[1] & 127
                raw._take(size if size < 126 else int.from_bytes(raw._take(2 if size == 126 else 8)))
                opcodes.add(head[0] & 15)
            assert opcodes, "no answer"
    watched.holds()


def test_swift_nio_http2_five_advisories_no_precondition_on_what_a_peer_sends(watch):
    """Conversations with bytes that were changed, left out, repeated or put in, from a seed: none ends the process."""
    watched = watch()
    chance = random.Random(20260729)
    talks = [request(watched.url) + text_frame(HELLO) + text_frame({"v": 2, "seq": 1, "type": "join", "room": "r"})
             + frame(b"p", opcode=PING) + frame(b"\x03\xe8", opcode=CLOSE),
             request(watched.url, target="/echo", sec_websocket_extensions=DEFLATE)
             + frame(deflated(b"abc" * 100), rsv=4) + frame(b"x", fin=False) + frame(b"y", opcode=0),
             b"POST /sse HTTP/1.1\r\nHost: " + watched.url.split("/")[2].encode()
             + b"\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
             + b"4c\r\n" + json.dumps(HELLO).encode().ljust(76) + b"\r\n0\r\n\r\n"]
    for _ in range(1500):
        data = bytearray(chance.choice(talks))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(data))
            match chance.randrange(4):
                case 0: data[at] = chance.randrange(256)
                case 1: data[at] ^= 1 << chance.randrange(8)
                case 2: del data[at:at + chance.randint(1, 8)]
                case 3: data[at:at] = data[at:at + chance.randint(1, 16)]
            data = data or bytearray(b"x")
        with Raw(watched.url) as raw:
            raw.send(bytes(data))
    watched.holds(cpu=20)
