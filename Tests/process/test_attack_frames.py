"""Frames that break RFC 6455, messages that break PROTOCOL.md section 4: each ends its own connection, nothing else."""
import json

import pytest

from wsraw import (BINARY, BROKEN, CLOSE, HELLO, PING, PONG, TEXT, Raw, frame, request, session, text_frame, works)


@pytest.fixture
def server(start_server):
    return start_server("--drain-timeout", "100ms")

ECHO = {"v": 2, "seq": 1, "type": "event", "event": "echo", "payload": 1}
LIMIT = 1_048_576
MALFORMED = ("envelope.malformed", 4500)


def echo_text(inside, seq=1):
    """An echo whose payload is written as it is given."""
    return '{"v":2,"seq":%d,"type":"event","event":"echo","id":"e","payload":%s}' % (seq, inside)


def nested(levels):
    return "[" * levels + "]" * levels


# Each: name, bytes after `welcome`, (error code, close code).
FRAMES = [
    ("unmasked", text_frame(ECHO, masked=False), (None, 1002)),
    ("rsv1", text_frame(ECHO, rsv=4), (None, 1002)),
    ("rsv2", text_frame(ECHO, rsv=2), (None, 1002)),
    ("rsv3", text_frame(ECHO, rsv=1), (None, 1002)),
    *((f"opcode {code:x}", frame(b"", opcode=code), (None, 1002)) for code in (3, 7, 11, 15)),
    ("fragmented ping", frame(b"a", opcode=PING, fin=False), (None, 1002)),
    ("fragmented close", frame(b"\x03\xe8", opcode=CLOSE, fin=False), (None, 1002)),
    ("ping of 126", frame(b"a" * 126, opcode=PING), (None, 1002)),
    ("ping that claims 2^62", frame(b"", opcode=PING, length=1 << 62), (None, 1002)),
    ("close of 126", frame(b"\x03\xe8" + b"a" * 124, opcode=CLOSE), (None, 1002)),
    ("close of 1 byte", frame(b"\x03", opcode=CLOSE), (None, 1002)),
    *((f"close with {code}", frame(code.to_bytes(2, "big"), opcode=CLOSE), (None, 1002))
      for code in (0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535)),
    ("close with a reason that is not UTF-8", frame(b"\x03\xe8\xff", opcode=CLOSE), (None, {1002, 1007})),
    ("continuation without a start", frame(b"{}", opcode=0), (None, 1002)),
    ("text within a fragmented text", text_frame("{", fin=False) + text_frame("{}"), (None, 1002)),
    ("binary within a fragmented text", text_frame("{", fin=False) + frame(b"", opcode=BINARY), (None, 1002)),
    ("length with its highest bit set", frame(b"", length=1 << 63), (None, {1002, 1009})),
    ("16-bit length for a short payload", frame(b"{}", length_bytes=2),
     (None, 1002)),
    ("64-bit length for a short payload", frame(b"{}", length_bytes=8), (None, 1002)),
    ("a claim of 2^62 bytes", frame(b"", length=1 << 62), (None, 1009)),
    ("a claim of 4 GiB", frame(b"", length=1 << 32), (None, 1009)),
    ("a claim of one byte too many", frame(b"", length=LIMIT + 1), (None, 1009)),
    ("one byte too many", frame(b" " * (LIMIT + 1)), (None, 1009)),
    ("one byte too many, fragmented", frame(b" " * LIMIT, fin=False) + frame(b" ", opcode=0), (None, 1009)),
    ("claims that add up", text_frame(" ", fin=False) + frame(b"", opcode=0, length=LIMIT), (None, 1009)),
    ("not UTF-8", frame(b'{"v":2,"type":"ack","x":"\xff"}'), (None, 1007)),
    ("overlong UTF-8", frame(b'{"x":"\xc0\xaf"}'), (None, 1007)),
    ("a surrogate in UTF-8", frame(b'{"x":"\xed\xa0\x80"}'), (None, 1007)),
    ("UTF-8 above U+10FFFF", frame(b'{"x":"\xf4\x90\x80\x80"}'), (None, 1007)),
    ("UTF-8 cut off at the end", frame(b'{"x":"\xe2\x82'), (None, 1007)),
    ("not UTF-8, over two fragments", frame(b'{"x":"\xe2\x82', fin=False) + frame(b'"}', opcode=0), (None, 1007)),
    ("binary", frame(b"{}", opcode=BINARY), MALFORMED),
    ("empty binary", frame(b"", opcode=BINARY), MALFORMED),
    ("binary in fragments", frame(b"{", opcode=BINARY, fin=False) + frame(b"}", opcode=0), MALFORMED),
    ("close 1000", frame(b"\x03\xe8", opcode=CLOSE), (None, 1000)),
    ("close 1001 with a reason", frame(b"\x03\xe9bye", opcode=CLOSE), (None, 1001)),
    ("close 4999", frame(b"\x13\x87", opcode=CLOSE), (None, 4999)),
    ("close without a code", frame(b"", opcode=CLOSE), (None, {1000, 1005})),
]

MESSAGES = [
    ("empty", ""), ("blank", "  "), ("an array", "[]"), ("text", '"x"'), ("null", "null"), ("two objects", "{}{}"),
    ("bytes behind", '{"v":2,"type":"ack"} x'), ("a BOM", '\ufeff{"v":2,"type":"ack"}'), ("empty object", "{}"),
    ("cut off", '{"v":2,"type":"ack"'), ("comma at the end", '{"v":2,"type":"ack",}'),
    ("single quotes", "{'v':2,'type':'ack'}"), ("a comment", '{"v":2,/**/"type":"ack"}'),
    *((f"v:{v}", f'{{"v":{v},"type":"ack"}}') for v in
      ('"2"', "2.0", "2e0", "-2", "-0", "02", "+2", "null", "true", "[2]", "0x2", "NaN", "9007199254740992",
       "99999999999999999999999999", "2.", "")),
    ("no v", '{"type":"ack"}'), ("no type", '{"v":2}'), ("unknown type", '{"v":2,"type":"Ack"}'),
    ("type:1", '{"v":2,"type":1}'),
    ("v twice", '{"v":2,"v":2,"type":"ack"}'), ("v twice, escaped", '{"v":2,"\\u0076":2,"type":"ack"}'),
    ("unknown key twice", '{"v":2,"type":"ack","x":1,"x":1}'),
    ("unknown key twice, escaped", '{"v":2,"type":"ack","x":1,"\\u0078":1}'),
    ("an emoji key twice, escaped", '{"v":2,"type":"ack","😀":1,"\\ud83d\\ude00":1}'),
    ("65 levels", echo_text(nested(64))), ("100,000 levels", echo_text(nested(100_000))),
    ("500,000 open", "[" * 500_000), ("65 levels in an unknown field", '{"v":2,"type":"ack","x":%s}' % nested(64)),
    ("high surrogate alone", echo_text('"\\ud800"')), ("low surrogate alone", echo_text('"\\udc00"')),
    ("surrogates in the wrong order", echo_text('"\\udc00\\ud800"')),
    ("surrogate, then another escape", echo_text('"\\ud800\\n"')),
    ("surrogate in a key", '{"v":2,"type":"ack","\\ud800":1}'),
    ("bare control character", echo_text('"\x01"')), ("bare NUL", echo_text('"\0"')), ("bare tab", echo_text('"\t"')),
    ("NUL behind", '{"v":2,"type":"ack"}\0'), ("bad escape", echo_text('"\\x41"')), ("short \\u", echo_text('"\\u12"')),
    *((f"payload {text}", echo_text(text)) for text in ("01", ".5", "5.", "1e", "1e+", "-", "+1", "tru", "NaN", "")),
    *((f"seq:{seq}", f'{{"v":2,"seq":{seq},"type":"event","event":"echo","payload":1}}') for seq in
      ("0", "-1", "1.0", "1e0", '"1"', "null", "9007199254740992", "18446744073709551617", "true")),
    *((f"ack:{ack}", f'{{"v":2,"ack":{ack},"type":"ack","payload":{{}}}}') for ack in
      ("-1", "0.0", "9007199254740992", '"0"', "null", "{}")),
    *((f"{name}:{value}", '{"v":2,"seq":1,"type":"event","event":"echo","payload":1,"%s":%s}' % (name, value))
      for name, value in (("id", '""'), ("id", '"%s"' % ("x" * 65)), ("id", "1"), ("id", "null"), ("room", '""'),
                          ("room", '"%s"' % ("é" * 64 + "x")), ("room", "[]"), ("key", '""'), ("ev", "0"),
                          ("ev", "1.0"), ("ev", "9007199254740992"), ("key", '"%s"' % ("x" * 129)), ("key", "7"),
                          ("delivery", '"fast"'), ("delivery", "true"), ("crit", '"x"'), ("crit", "[1]"))),
    *((f"event:{event[:20]}", '{"v":2,"seq":1,"type":"event","event":%s,"payload":1}' % event)
      for event in ('""', '"Echo"', '"a..b"', '".a"', '"a."', '"a b"', '"é"', '"%s"' % ("x" * 129), "1", "null")),
    ("event without event", '{"v":2,"seq":1,"type":"event","payload":1}'),
    ("event without payload", '{"v":2,"seq":1,"type":"event","event":"echo"}'),
    ("join without room", '{"v":2,"seq":1,"type":"join","payload":{}}'),
    ("leave without room", '{"v":2,"seq":1,"type":"leave"}'),
]


def matches(outcome, expected):
    error, code = expected
    return outcome[0] == error and (outcome[1] in code if isinstance(code, set) else outcome[1] == code)


def test_frames_that_break_the_rules(server):
    wrong = []
    with session(server.url) as other:
        for name, data, expected in FRAMES:
            with session(server.url) as raw:
                raw.send(data)
                outcome = raw.outcome()
                if not matches(outcome, expected):
                    wrong.append(f"{name}: {outcome}, not {expected}")
        other.say(ECHO)
        assert other.receive("reply")["payload"] == 1
    assert not wrong, "\n".join(wrong)


def test_the_same_before_hello(server):
    wrong = []
    for name, data, expected in FRAMES:
        with Raw(server.url).upgrade() as raw:
            raw.send(data)
            outcome = raw.outcome()
            if not matches(outcome, expected):
                wrong.append(f"{name}: {outcome}, not {expected}")
    assert not wrong, "\n".join(wrong)


def test_malformed_messages(server):
    wrong = []
    with session(server.url) as other:
        for name, text in MESSAGES:
            with session(server.url) as raw:
                raw.say(text)
                outcome = raw.outcome()
                if outcome != MALFORMED:
                    wrong.append(f"{name}: {outcome}")
        other.say(ECHO)
        assert other.receive("reply")["payload"] == 1
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("inside", [
    nested(63),
    '"\\u0000"', '"\\ud83d\\ude00😀"', '"\\/\\b\\f"', "1e400", "-0.0E-0", "123456789012345678901234567890",
    '{"a":1,"\\u0062":[{}]}', '" \x7f\u2028\uffff"', " [ 1 , 2 ] "])
def test_payloads_are_passed_on_as_they_were_written(server, inside):
    with session(server.url) as raw:
        raw.say(echo_text(inside))
        while (got := raw.next_frame()) and b'"reply"' not in got[1]:
            assert got[0] == TEXT and b'"error"' not in got[1], got
        assert inside.strip().encode() in got[1]


def test_a_message_of_exactly_the_limit(server):
    with session(server.url) as raw:
        for seq, cut in ((1, None), (2, 1000), (3, 126)):
            empty = echo_text('""', seq)
            text = echo_text('"' + "x" * (LIMIT - len(empty)) + '"', seq).encode()
            assert len(text) == LIMIT
            raw.send(frame(text) if cut is None else frame(text[:cut], fin=False) + frame(text[cut:], opcode=0))
            assert len(raw.receive("reply")["payload"]) == LIMIT - len(empty)
            raw.say({"v": 2, "type": "ack", "ack": seq})


def test_every_byte_alone(server):
    """The request, hello and an echo, one byte in each segment; pings lie between the fragments."""
    with Raw(server.url) as raw:
        data = request(server.url) + text_frame(HELLO)
        text = json.dumps(ECHO | {"payload": "€😀"}, ensure_ascii=False).encode()
        for i, byte in enumerate(text):
            data += frame(bytes([byte]), opcode=0 if i else TEXT, fin=i == len(text) - 1)
            data += frame(b"p", opcode=PING) if i % 16 == 0 and i < len(text) - 1 else b""
        for byte in data:
            raw.send(bytes([byte]))
        assert raw.response()[0] == 101
        assert raw.receive("reply")["payload"] == "€😀"


def test_bytes_right_behind_the_request(server):
    with Raw(server.url) as raw:
        raw.send(request(server.url) + text_frame(HELLO))
        assert raw.response()[0] == 101
        assert raw.receive()["type"] == "welcome"
        raw.say(ECHO)
        assert raw.receive("reply")["payload"] == 1


def test_many_messages_in_one_segment(server):
    with session(server.url) as raw:
        raw.send(b"".join(text_frame(ECHO | {"seq": seq, "payload": seq}) for seq in range(1, 201)))
        assert [raw.receive("reply")["payload"] for _ in range(200)] == list(range(1, 201))


def test_pings_are_answered(server):
    with session(server.url) as raw:
        for payload in (b"", b"\0\xff", b"x" * 125):
            raw.send(frame(payload, opcode=PING) + frame(b"unasked", opcode=PONG))
            assert raw.next_frame_of(PONG) == payload
        # Of several at once the newest is enough: RFC 6455, 5.5.3.
        raw.send(b"".join(frame(b"%d" % n, opcode=PING) for n in range(10)))
        while raw.next_frame_of(PONG) != b"9":
            pass
    with Raw(server.url).upgrade() as raw:  # before hello too
        raw.send(frame(b"early", opcode=PING))
        assert raw.next_frame() == (PONG, b"early")


def test_a_message_in_many_frames(server):
    text = json.dumps(ECHO).encode()
    with session(server.url) as raw:
        raw.send(frame(b"", fin=False))
        raw.send(b"".join(frame(text[n:n + 1], opcode=0, fin=False) for n in range(len(text))))
        raw.send(frame(b"", opcode=0))
        assert raw.receive("reply")["payload"] == 1


def test_empty_fragments_without_an_end(server):
    with session(server.url) as raw, session(server.url) as other:
        raw.send(frame(b"", fin=False))
        for _ in range(100):
            raw.send(frame(b"", opcode=0, fin=False) * 10_000)
        assert raw.outcome()[1] in (1009, BROKEN)  # BROKEN: the reset overtook the close frame
        other.say(ECHO)
        assert other.receive("reply")["payload"] == 1


def test_the_end_of_the_connection_at_any_byte(server):
    whole = request(server.url) + text_frame(HELLO) + text_frame(ECHO) + frame(b"\x03\xe8", opcode=CLOSE)
    for cut in range(0, len(whole), 7):
        for end in ("reset", "close"):
            raw = Raw(server.url)
            raw.send(whole[:cut])
            getattr(raw, end)()
    assert works(server.url)


def test_nothing_is_processed_behind_a_fault(server):
    """What follows in the same segment is discarded: sections 2 and 17.1."""
    with session(server.url) as raw:
        raw.send(text_frame("{") + text_frame(ECHO) + text_frame("{") + frame(b"", opcode=PING))
        messages, code = raw.finish()
        assert code == 4500 and [m["type"] for m in messages if m["type"] != "live"] == ["error"]
    with session(server.url) as raw:
        raw.send(frame(b"\x03\xe8", opcode=CLOSE) + text_frame(ECHO))
        messages, code = raw.finish()
        assert code == 1000 and not [m for m in messages if m["type"] == "reply"]


def test_the_server_ends_tcp_after_the_close_handshake(server):
    with session(server.url) as raw:
        raw.send(frame(b"\x03\xe8", opcode=CLOSE))
        assert raw.finish()[1] == 1000
        assert raw.at_end()


def test_a_peer_that_does_not_answer_the_close_is_cut_off(server):
    with session(server.url, timeout=20) as raw:
        raw.say("{")
        assert raw.outcome() == MALFORMED
        assert raw.at_end()
