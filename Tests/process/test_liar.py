"""An outside client that lies in every field of PROTOCOL.md: each lie gets the documented answer, and another session
in the same room, with traffic, is never disturbed."""
import threading
import time

import pytest

from wsclient import Client
from wsraw import BINARY, HELLO, Raw, frame, hello_with, memory, session, text_frame, works

TOP = 2**53 - 1
EPOCH = "0123456789abcdef"
MIB = 1 << 20

MALFORMED = ("envelope.malformed", 4500)
INVALID = ("hello.invalid", 4500)
SEQUENCE = ("sequence.gap", 4501)
MISSING = ("sequence.missing", 4501)
FUTURE = ("ack.invalid", 4501)
UNEXPECTED = ("type.unexpected", 4500)
TAKEN = None  # no error: the connection goes on


class Bystander(threading.Thread):
    """Two sessions of a room that talk all the while. Each number must arrive once, in order; nothing else matters."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.talker, self.listener = Client(url, user="talker"), Client(url, user="listener")
        for client in (self.talker, self.listener):
            client.connect()
            client.join("lobby")
        self.count, self.worst, self.fault, self.stopped = 0, 0.0, None, threading.Event()

    def run(self):
        try:
            while not self.stopped.is_set():
                self._round()
                time.sleep(0.005)
        except Exception as fault:  # told to the test when it stops
            self.fault = fault

    def _round(self):
        start = time.monotonic()
        self.talker.publish("lobby", "tick", self.count, timeout=20)
        while True:
            message = self.listener.receive(timeout=20)
            if message.get("event") == "tick" and message["from"] == self.talker.sid:
                break
        assert message["payload"] == self.count
        self.talker.inbox.clear()
        self.count += 1
        self.worst = max(self.worst, time.monotonic() - start)

    def stop(self):
        """Raises what went wrong."""
        self.stopped.set()
        self.join(60)
        if self.fault:
            raise self.fault
        for client in (self.talker, self.listener):
            assert (client.welcome["gen"], client.duplicates, client.gaps, client.unknown) == (1, 0, [], [])
            client.close()
        print(f"bystander: {self.count} rounds, the longest {self.worst * 1000:.0f} ms")


@pytest.fixture
def server(start_server):
    return start_server("--drain-timeout", "100ms")


@pytest.fixture
def bystander(server):
    thread = Bystander(server.url)
    thread.start()
    yield thread
    thread.stop()


def liar(url, **hello):
    """A session in the bystander's room; it has processed seq 1, and has used 1 itself."""
    raw = session(url, hello_with(auth={"scheme": "none", "credential": "liar"}, **hello))
    raw.say('{"v":2,"seq":1,"type":"join","id":"j","room":"lobby"}')
    raw.receive("reply")
    return raw


def tell(url, lie):
    """What the server answers: (code, close code) if it ends the connection, the code alone if not, None if it takes
    the lie. The session must live on in each case."""
    with liar(url) as raw:
        raw.send(lie) if isinstance(lie, bytes) else raw.say(lie)
        # Whatever number the lie used up, if it used one: an answer to one of these shows that the connection lives.
        raw.say('{"v":2,"seq":2,"type":"event","event":"echo","id":"probe","payload":0}')
        raw.say('{"v":2,"seq":3,"type":"event","event":"echo","id":"probe","payload":0}')
        code = None
        while got := raw.next_frame():
            opcode, payload = got
            if opcode == 8:
                return code, int.from_bytes(payload[:2])
            if opcode == 1 and b'"re":"probe"' in payload:
                return code
            if opcode == 1 and b'"type":"error"' in payload:
                code = payload.split(b'"code":"')[1].split(b'"')[0].decode()
        return code, 1006


def check(url, lies):
    wrong = []
    for name, lie, expected in lies:
        got = tell(url, lie)
        if got != expected:
            wrong.append(f"{name}: {got}, not {expected}")
    assert not wrong, f"{len(wrong)} of {len(lies)}:\n" + "\n".join(wrong)


# Numbers that are no counters, as they are written, and what stays a counter and is too high

NO_COUNTERS = ["-1", "-0", "1.0", "1.5", "1e0", "1E2", "01", "00", "+1", "9007199254740992", "9007199254740993",
               "18446744073709551615", "18446744073709551616", "9" * 40, "9" * 1000, "1e400", "-1e400", '"1"', '""',
               "null", "true", "false", "[]", "[1]", "{}", "NaN", "Infinity", "-Infinity", "0x10", "1_0", "٣", ".5",
               "1.", "--1", ""]
NO_TEXTS = ["1", "0", "-1", "1.5", "null", "true", "[]", '["a"]', "{}", '{"a":1}', "'a'", '"a', "a", '"\x01"',
            r'"\ud800"', r'"\udc00"', r'"\ud800a"', r'"\ud800\u0041"', r'"\udc00\ud800"', r'"\u12"', r'"\u12g4"', r'"\x"',
            r'"\U0041"', '"']
# Of valid JSON, what is no text.
NO_TEXT_VALUES = NO_TEXTS[:10]


def event(**fields):
    """An event's text with fields as they are written."""
    fields = {"v": "2", "seq": "2", "type": '"event"', "event": '"echo"', "id": '"x"', "payload": "1"} | fields
    return "{" + ",".join(f'"{name}":{value}' for name, value in fields.items() if value is not None) + "}"


def short(text):
    return text if len(text) < 40 else f"{text[:30]}… of {len(text)}"


def lies_about(field, values, expected, **others):
    return [(f"{field}: {short(value)!r}", event(**{field: value}, **others), expected) for value in values]


def text_of(count, character="a"):
    return '"' + character * count + '"'


COUNTERS = [
    *(lie for field in ("v", "seq", "ack", "ev") for lie in lies_about(field, NO_COUNTERS, MALFORMED)),
    *lies_about("v", ["0", "1", "3", "99", str(TOP)], "version.unsupported"),
    *lies_about("seq", ["0"], MALFORMED), *lies_about("ev", ["0"], MALFORMED),
    *lies_about("seq", ["4", "1000000", "4294967296", str(TOP)], SEQUENCE),
    *lies_about("seq", ["1"], TAKEN),
    # Far above what the room may have said meanwhile.
    *lies_about("ack", ["1000", "1000000", "4294967296", str(TOP - 1), str(TOP)], FUTURE),
    *lies_about("ack", ["0", "1"], TAKEN), *lies_about("ev", ["2", "256", str(TOP)], "event.version"),
    *(("ack from the future on " + kind, f'{{"v":2,"ack":{TOP},"type":"{kind}"{rest}}}', FUTURE) for kind, rest in (
        ("ack", ""), ("pong", ""), ("bye", ""), ("join", ',"room":"lobby","seq":2'), ("leave", ',"room":"x","seq":2'))),
    ("ack is judged before seq", event(seq=str(TOP), ack="3"), FUTURE),
    ("ack is judged before a missing seq", event(seq=None, ack="3"), FUTURE),
    ("the form is judged before ack", event(seq="0", ack=str(TOP)), MALFORMED),
    ("v is judged before all else", event(v="3", ack=str(TOP), type="1", seq=str(TOP)), MALFORMED),
    ("v of another version with a bad ack", event(v="3", ack=str(TOP)), "version.unsupported"),
]

TEXTS = [
    *(lie for field in ("type", "event", "id", "re", "room", "from", "key", "delivery")
      for lie in lies_about(field, NO_TEXTS, MALFORMED)),
    *lies_about("type", ['""', '"EVENT"', '"event "', '"events"', '"x"', text_of(100_000), '"event\\u0000"'], MALFORMED),
    *(lie for kind in ("welcome", "live", "reply", "member", "ping", "gap", "draining", "session", "error", "hello")
      for lie in lies_about("type", [f'"{kind}"'], UNEXPECTED)),
    *lies_about("event", ['""', '"A"', '"a b"', '"a..b"', '".a"', '"a."', '"."', '"ä"', '"a-b"', '"a\\u0000"', '"a/b"',
                          text_of(129), text_of(100_000)], MALFORMED),
    *lies_about("event", [text_of(128), '"0"', '"_"', '"a.b.c"'], "event.unknown"),
    *(lie for field, most in (("id", 64), ("re", 64), ("key", 128), ("room", 128)) for lie in [
        *lies_about(field, ['""', text_of(most + 1), text_of(most // 2 + 1, "é"), text_of(most // 4 + 1, "😀"),
                            text_of(most // 2 + 1, "\\u00e9"), text_of(100_000)], MALFORMED),
        *lies_about(field, [text_of(1), text_of(most), text_of(most // 2, "é"), text_of(most // 4, "\\ud83d\\ude00")],
                    TAKEN)]),
    *lies_about("key", ['"\\u0000"', '"😀"'], TAKEN), *lies_about("id", ['"\\u0000"', '"\\""'], TAKEN),
    *lies_about("from", ['""', '"s_"', '"bob"', text_of(129), '"S_AAAAAAAAAAAAAAAAAAAAAA"'], MALFORMED),
    *lies_about("from", ['"s_AAAAAAAAAAAAAAAAAAAAAA"'], TAKEN),
    *lies_about("re", ['"c-1"'], TAKEN),
    *lies_about("delivery", ['""', '"Transient"', '"at-most-once"', '"reliable "'], MALFORMED),
    *lies_about("delivery", ['"reliable"', '"rel\\u0069able"'], TAKEN),
    # Section 4: on what is not sequenced, seq is ignored.
    *lies_about("delivery", ['"transient"'], TAKEN, seq="2"), *lies_about("delivery", ['"transient"'], TAKEN, seq=str(TOP)),
    *lies_about("delivery", ['"transient"'], TAKEN, seq=None), *lies_about("delivery", ['"transient"'], MALFORMED, seq="0"),
    ("seq on an ack", '{"v":2,"seq":77,"ack":1,"type":"ack"}', TAKEN),
    ("seq on a pong", f'{{"v":2,"seq":{TOP},"ack":1,"type":"pong"}}', TAKEN),
    ("a room on an ack", '{"v":2,"ack":1,"type":"ack","room":""}', MALFORMED),
    # The same text, spelt with escapes: RFC 8259 section 8.3.
    *lies_about("type", ['"ev\\u0065nt"'], TAKEN), *lies_about("event", ['"ech\\u006f"'], TAKEN),
    *lies_about("event", ['"ech\\u004f"', '"\\u0000"'], MALFORMED),
]

POSITIONS = ["1", '"x"', "null", "{}", "[]", f'["{EPOCH}"]', f'["{EPOCH}",1,2]', f'["{EPOCH}",-1]', f'["{EPOCH}",1.0]',
             f'["{EPOCH}",{TOP + 1}]', '["0123456789ABCDEF",1]', '["0123456789abcde",1]', f'[1,"{EPOCH}"]', "[null,1]"]
REST = [
    *lies_about("pos", POSITIONS, MALFORMED), *lies_about("pos", [f'["{EPOCH}",0]', f'[ "{EPOCH}" , {TOP} ]'], TAKEN),
    *lies_about("crit", ["1", '"x"', "null", "{}", "true", "[1]", "[null]", '["x",1]', "[[]]"], MALFORMED),
    *lies_about("crit", ['["x"]', '[""]', '["resume","x"]', f'[{text_of(100_000)}]'], "extension.unsupported"),
    *lies_about("crit", ["[]"], TAKEN),
    *lies_about("payload", ["null", "[]", "{}", '""', "0", "-0", "1e400", "-1.5E-7", "9" * 1000, '"\\u0000"',
                            '{"a":1,"a":2}', '"\\ud83d\\ude00"', text_of(500_000)], TAKEN),
    *lies_about("payload", ["", "01", "1.", ".1", "+1", "NaN", "tru", "[1,]", "[,1]", '{"a":1,}', '{"a"}', "{1:2}",
                            "[1 2]", '{"a":1 "b":2}', "]", "}", '"\\ud800"', '["\\udfff"]', '{"\\ud800":1}', "//", "'a'",
                            "[1}", '{"a":1]', "1 2", "\x00", "1\x0b"], MALFORMED),
    *((f"{name} left out", event(**{name: None}), expected) for name, expected in (
        ("v", MALFORMED), ("type", MALFORMED), ("event", MALFORMED), ("payload", MALFORMED), ("seq", MISSING))),
    ("join without room", '{"v":2,"seq":2,"type":"join"}', MALFORMED),
    ("leave without room", '{"v":2,"seq":2,"type":"leave"}', MALFORMED),
    ("join without seq", '{"v":2,"type":"join","room":"x"}', MISSING),
    ("join, transient", '{"v":2,"type":"join","room":"x","delivery":"transient"}', MISSING),
    ("join of presence 1", '{"v":2,"seq":2,"type":"join","room":"x","payload":{"presence":1}}', "payload.invalid"),
    ("join of payload 1", '{"v":2,"seq":2,"type":"join","room":"x","payload":1}', "payload.invalid"),
    ("leave of a room it is not in", '{"v":2,"seq":2,"type":"leave","room":"x"}', TAKEN),
    ("join of a control character", '{"v":2,"seq":2,"type":"join","id":"x","room":"a\\u0000"}', "room.invalid"),
    ("leave of a control character", '{"v":2,"seq":2,"type":"leave","id":"x","room":"a\\u007f"}', "room.invalid"),
    ("publish to a control character", event(event='"n"', room='"a\\u001f"'), "room.invalid"),
    ("publish from outside", event(event='"n"', room='"elsewhere"'), "room.not_joined"),
    ("direct to nobody", event(event='"direct.send"', payload='{"to":{"user":"\\u0000"},"event":"a","payload":1}'),
     "direct.unknown"),
]

# Keys twice, nesting, what stands around the object


def twice(key, value):
    return event()[:-1] + f',{key}:{value}}}'


def nested(levels, inner="1"):
    return "[" * levels + inner + "]" * levels


SHAPE = [
    *((f"{key} twice", twice(key, value), MALFORMED) for key, value in (
        ('"v"', "2"), ('"\\u0076"', "2"), ('"seq"', "2"), ('"s\\u0065q"', "2"), ('"type"', '"event"'),
        ('"typ\\u0065"', '"event"'), ('"payload"', "1"), ('"\\u0070\\u0061yload"', "1"), ('"id"', '"y"'),
        ('"new":1,"new"', "1"), ('"new":1,"n\\u0065w"', "1"), ('"":1,""', "1"), ('"\\u0000":1,"\\u0000"', "1"),
        ('"😀":1,"\\ud83d\\ude00"', "1"))),
    # Two keys that look alike and are not the same code points: RFC 8259 section 8.3.
    ("keys that only look alike", twice('"\u00e9":1,"e\u0301"', "1"), TAKEN),
    ("payload with keys that only look alike", event(payload='{"\u00e9":1,"e\u0301":2}'), TAKEN),
    ("unknown fields", twice('"x":[1,{"y":null}],"":0,"V":3,"v "', "1"), TAKEN),
    ("a thousand unknown fields", twice(",".join(f'"k{n}":{n}' for n in range(1000)) + ',"z"', "1"), TAKEN),
    ("63 levels in payload", event(payload=nested(63)), TAKEN),
    ("64 levels in payload", event(payload=nested(64)), MALFORMED),
    ("100 levels in payload", event(payload=nested(100)), MALFORMED),
    ("100 levels of objects", event(payload='{"a":' * 100 + "1" + "}" * 100), MALFORMED),
    ("100,000 levels", event(payload=nested(100_000)), MALFORMED),
    ("100,000 levels without an end", event(payload="[" * 100_000), MALFORMED),
    ("100 levels in an unknown field", twice('"x"', nested(100)), MALFORMED),
    ("100 levels in pos", event(pos=nested(100)), MALFORMED), ("100 levels in crit", event(crit=nested(100)), MALFORMED),
    ("100 levels around", nested(100, event()), MALFORMED),
    *((f"around it: {short(text)!r}", text, MALFORMED) for text in (
        "", " ", "null", "true", "1", '"x"', "[]", "{}", "[" + event() + "]", event() + event(), event() + "x",
        event() + "\x00", "\x00" + event(), "\ufeff" + event(), event()[:-1], event() + ",", "{" + event() + "}",
        "\u00a0" + event(), event() + "//", "\x1e" + event())),
    ("space around it", " \t\r\n" + event().replace(":", " : ").replace(",", "\n,\t") + " \r\n", TAKEN),
    ("a binary message", frame(event().encode(), opcode=BINARY), MALFORMED),
    ("an empty binary message", frame(b"", opcode=BINARY), MALFORMED),
    ("a message in 60 fragments", b"".join(
        frame(event().encode()[n:n + 1] if n < 59 else event().encode()[59:], opcode=0 if n else 1, fin=n == 59)
        for n in range(60)), TAKEN),
    *((f"bytes {raw!r}", frame(event(payload='"@"').encode().replace(b"@", raw)), (None, 1007)) for raw in (
        b"\xc0\x80", b"\xc1\xbf", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf0\x80\x80\x80", b"\xf4\x90\x80\x80",
        b"\xf8\x88\x80\x80\x80", b"\xff", b"\x80", b"\xc3")),
    ("a frame that claims 2^63 bytes", frame(b"x", length=1 << 63, length_bytes=8), (None, 1002)),
    ("a frame that claims 2^64-1 bytes", frame(b"x", length=(1 << 64) - 1, length_bytes=8), (None, 1002)),
    ("a frame that claims 2^62 bytes", frame(b"x", length=1 << 62, length_bytes=8), (None, 1009)),
    ("a frame that claims a gigabyte", frame(b"x", length=1 << 30, length_bytes=8), (None, 1009)),
    ("a message longer than the limit", event(payload=text_of(MIB)), (None, 1009)),
]


@pytest.mark.parametrize("lies", [COUNTERS, TEXTS, REST, SHAPE], ids=["counters", "texts", "rest", "shape"])
def test_every_lie_gets_its_answer(server, bystander, lies):
    works(server.url)
    check(server.url, lies)
    before = memory(server)
    for _, lie, _ in lies:
        tell(server.url, lie)
    # The sessions stay for their time to live, with what belongs to them.
    assert memory(server) - before < 32 * MIB


def test_a_session_survives_its_lies(server, bystander):
    """Each lie that ends the connection leaves the session as it was: it is resumed, over and over, and goes on."""
    raw = liar(server.url)
    seq, last = 1, 1
    for _, lie, expected in COUNTERS + SHAPE:
        # Numbers that are relative to what was sent before mean something else each time.
        if expected != MALFORMED and expected not in ((None, code) for code in (1002, 1007, 1009)):
            continue
        raw.send(lie) if isinstance(lie, bytes) else raw.say(lie)
        assert raw.finish()[1] == expected[1]
        raw.close()
        w, raw = raw.welcome, Raw(server.url).upgrade()
        raw.say(hello_with(auth={"scheme": "none", "credential": "liar"}, resume={
            "sid": w["sid"], "token": w["token"], "epoch": w["epoch"], "ack": last}))
        # Ticks of the bystander come meanwhile; what this session said itself is counted exactly.
        raw.welcome = raw.receive("welcome")["payload"]
        assert raw.welcome["resumed"] and raw.welcome["last_in"] == seq, short(str(lie))
        replay = raw.welcome["replay"]
        assert replay is None or replay["from"] == last + 1
        last = replay["to"] if replay else last
        raw.receive("live")
        seq += 1
        raw.say(f'{{"v":2,"seq":{seq},"ack":{last},"type":"event","event":"echo","id":"{seq}","payload":1}}')
        reply = raw.receive("reply")
        assert reply["re"] == str(seq)
        last = reply["seq"]
    raw.close()


# hello

HELLO_COUNTERS = {
    "versions": '"versions":[%s]', "window.messages": '"versions":[2],"window":{"messages":%s}',
    "window.bytes": '"versions":[2],"window":{"bytes":%s}', "ttl_ms": '"versions":[2],"ttl_ms":%s',
    **{f"resume.{name}": '"versions":[2],"resume":{"sid":"s","token":"t",' + "".join(
        f'"{key}":{"%s" if key == name else value},' for key, value in (
            ("epoch", f'"{EPOCH}"'), ("ack", "0"), ("first_unacked", "1"))) + '"x":0}'
       for name in ("ack", "first_unacked")},
    "resume.pos": '"versions":[2],"resume":{"sid":"s","token":"t","epoch":"' + EPOCH + '","ack":0,"pos":{"a":["' + EPOCH
                  + '",%s]}}'}
HELLO_TEXTS = {
    "instance": '"versions":[2],"instance":%s', "auth.scheme": '"versions":[2],"auth":{"scheme":%s}',
    "auth.credential": '"versions":[2],"auth":{"scheme":"none","credential":%s}',
    **{f"resume.{name}": '"versions":[2],"resume":{"ack":0' + "".join(
        f',"{key}":{"%s" if key == name else value}' for key, value in (
            ("sid", '"s"'), ("token", '"t"'), ("epoch", f'"{EPOCH}"'))) + "}"
       for name in ("sid", "token", "epoch")}}
# `null` stands for an absent member where the member may be absent.
NULLABLE = {"window.messages", "window.bytes", "ttl_ms", "resume.first_unacked", "instance", "auth.credential"}


def is_json(text):
    """Whether it is one JSON value by RFC 8259, in the judgement of another parser made strict."""
    import json
    try:
        json.loads(text, parse_constant=lambda name: 1 / 0)
    except (ValueError, ZeroDivisionError, RecursionError):
        return False
    return "\\ud800" not in text and "\\udc00" not in text


def first_words(url, text):
    with Raw(url).upgrade() as raw:
        raw.say(text)
        message = raw.receive()
        if message["type"] == "welcome":
            return "welcome"
        return message["payload"]["code"], raw.outcome()[1]


def test_every_lie_in_hello_gets_its_answer(server, bystander):
    wrong, count = [], 0
    for fields, values in ((HELLO_COUNTERS, NO_COUNTERS), (HELLO_TEXTS, NO_TEXTS)):
        for name, form in fields.items():
            for value in values:
                text = '{"v":2,"type":"hello","payload":{' + form % value + "}}"
                expected = INVALID if is_json(text) else MALFORMED
                expected = "welcome" if value == "null" and name in NULLABLE else expected
                count += 1
                if (got := first_words(server.url, text)) != expected:
                    wrong.append(f"{name} {short(value)!r}: {got}, not {expected}")
    assert not wrong, f"{len(wrong)} of {count}:\n" + "\n".join(wrong)


def test_keys_twice_and_nesting_in_hello(server, bystander):
    def hello(payload):
        return '{"v":2,"type":"hello","payload":%s}' % payload

    resume = '"sid":"s","token":"t","epoch":"%s","ack":0' % EPOCH
    lies = [
        (hello('{"versions":[2],"v\\u0065rsions":[2]}'), INVALID), (hello('{"versions":[2],"x":1,"\\u0078":2}'), INVALID),
        (hello('{"versions":[2],"auth":{"scheme":"none","sch\\u0065me":"none"}}'), INVALID),
        (hello('{"versions":[2],"window":{"bytes":1,"byt\\u0065s":1}}'), INVALID),
        (hello('{"versions":[2],"resume":{%s,"ack":0}}' % resume), INVALID),
        (hello('{"versions":[2],"resume":{%s,"pos":{"a":["%s",1],"\\u0061":["%s",1]}}}' % (resume, EPOCH, EPOCH)), INVALID),
        (hello('{"versions":[2],"x":%s}' % nested(100)), MALFORMED), (hello(nested(100)), MALFORMED),
        (hello('{"versions":%s}' % nested(60, "2")), INVALID), (hello('{"versions":[2],"x":%s}' % nested(61)), "welcome"),
        (hello('{"versions":[2],"window":{"messages":%d,"bytes":%d},"ttl_ms":%d}' % (TOP, TOP, TOP)), "welcome"),
        ('{"v":2,"type":"hello","type":"hello","payload":{"versions":[2]}}', MALFORMED),
        ('{"v":2,"\\u0076":2,"type":"hello","payload":{"versions":[2]}}', MALFORMED),
        ('{"v":2,"type":"hello","ack":%d,"seq":%d,"payload":{"versions":[2]}}' % (TOP, TOP), "welcome"),
        (hello('{"versions":[2],"instance":"\\u0000\\ud83d\\ude00"}'), "welcome"),
        (hello('{"versions":[%s]}' % ",".join(["2"] * 100_000)), INVALID)]
    wrong = [f"{short(text)}: {got}, not {expected}" for text, expected in lies
             if (got := first_words(server.url, text)) != expected]
    assert not wrong, "\n".join(wrong)


def test_lies_about_who_one_is(server, bystander):
    """The bystander's session, by name, number and user, without its secret."""
    sid = bystander.listener.sid
    for name in ("listener", "eve", "\u006cistener"):
        for token in ("", "x", "A" * 43, "A" * 128):
            for epoch, ack in ((bystander.listener.epoch, 0), (EPOCH, TOP)):
                hello = hello_with(auth={"scheme": "none", "credential": name}, resume={
                    "sid": sid, "token": token, "epoch": epoch, "ack": ack, "first_unacked": TOP})
                with session(server.url, hello) as raw:
                    assert (raw.welcome["resumed"], raw.welcome["reason"]) == (False, "token")
                    assert "lost" not in raw.welcome and "skipped" not in raw.welcome
    # As another user's message, to the session itself, and with positions and names of the server's own.
    with liar(server.url) as raw:
        raw.say(event(event='"tick"', room='"lobby"', **{"from": f'"{bystander.talker.sid}"'},
                      pos=f'["{EPOCH}",{TOP}]', re='"c-1"', ack="1"))
        while (message := raw.receive("event", "reply")).get("from") != raw.welcome["sid"]:
            assert message["type"] == "event"
        assert message["pos"] != [EPOCH, TOP] and "re" not in message


def test_a_client_that_skips_its_own_numbers_hurts_itself_alone(server, bystander):
    """`first_unacked` of 2^53-1: all before it is given up, and one number is left."""
    raw = liar(server.url)
    w = raw.welcome
    raw.close()
    hello = hello_with(auth={"scheme": "none", "credential": "liar"}, resume={
        "sid": w["sid"], "token": w["token"], "epoch": w["epoch"], "ack": 1, "first_unacked": TOP})
    with session(server.url, hello) as raw:
        assert raw.welcome["resumed"] and raw.welcome["last_in"] == TOP - 1
        assert raw.welcome["skipped"] == {"from": 2, "to": TOP - 1}
        raw.say(event(seq=str(TOP), id='"last"'))
        assert raw.receive("reply")["re"] == "last"
        raw.say(event(seq=str(TOP)))
        raw.receive("ack")
        raw.say(event(seq=str(TOP + 1)))
        assert raw.outcome() == MALFORMED


def test_a_million_rooms(server, bystander):
    """128 at a time; joined and left in turn, they leave nothing behind."""
    with session(server.url, hello_with(window={"messages": 1 << 20, "bytes": 1 << 40})) as raw:
        seq = 0

        def storm(numbers):
            nonlocal seq
            part = []
            for number in numbers:
                for kind in ("join", "leave"):
                    seq += 1
                    part.append(text_frame(f'{{"v":2,"seq":{seq},"type":"{kind}","room":"{number:0128d}"}}'))
            for start in range(0, len(part), 128):
                raw.send(b"".join(part[start:start + 128]))
                for _ in part[start:start + 128]:
                    message = raw.receive("reply", "error")
                    assert message["type"] == "reply"
                raw.say({"v": 2, "ack": message["seq"], "type": "ack"})

        storm(range(1000))
        before = memory(server)
        storm(range(1000, 11_000))
        assert memory(server) - before < 16 * MIB
        answers = []
        raw.send(b"".join(text_frame({"v": 2, "seq": seq + n, "type": "join", "id": f"r-{n}", "room": f"many-{n}"})
                          for n in range(1, 201)))
        for _ in range(200):
            message = raw.receive("reply", "error")
            answers.append(message["payload"].get("code"))
        assert answers == [None] * 128 + ["room.limit"] * 72


def test_names_that_only_look_alike_are_two_rooms(server):
    """é as one character and as two: names are compared by their bytes, and each member hears of its own room."""
    names = ["caf\u00e9", "cafe\u0301"]
    clients = [Client(server.url, user=name) for name in names]
    for client, name in zip(clients, names):
        client.connect()
        assert client.join(name)["members"] == 1
    for client, name in zip(clients, names):
        client.publish(name, "n", name)
        message = client.receive(type="event")
        assert (message["room"], message["payload"], message["from"]) == (name, name, client.sid)
        assert client.quiet(0.1) == []
        client.bye()


def test_users_that_only_look_alike_are_two_users(server):
    one, two = (session(server.url, hello_with(auth={"scheme": "none", "credential": name}))
                for name in ("caf\u00e9", "cafe\u0301"))
    w = one.welcome
    hello = hello_with(auth={"scheme": "none", "credential": "cafe\u0301"}, resume={
        "sid": w["sid"], "token": w["token"], "epoch": w["epoch"], "ack": 0})
    with session(server.url, hello) as raw:
        assert (raw.welcome["resumed"], raw.welcome["reason"]) == (False, "principal")
    two.say({"v": 2, "seq": 1, "type": "event", "event": "direct.send", "id": "d", "payload": {
        "to": {"user": "caf\u00e9"}, "event": "note", "payload": 1}})
    assert two.receive("reply", "event")["payload"] == {"sessions": 1}
    one.close()
    two.close()


def test_state_may_not_break_welcome(server):
    """A state is nested two levels deeper in `welcome`, which keeps to 64 levels like every message."""
    with session(server.url) as raw:
        raw.say(event(seq="1", event='"state.set"', payload=nested(62)))
        assert raw.receive("reply", "error")["type"] == "reply"
        raw.say(event(seq="2", event='"state.set"', payload=nested(63)))
        assert raw.receive("reply", "error")["payload"]["code"] == "payload.invalid"
        w = raw.welcome
    with session(server.url, hello_with(resume={"sid": w["sid"], "token": w["token"], "epoch": w["epoch"], "ack": 2})) as raw:
        assert str(raw.welcome["state"]) == nested(62)


def test_version_1_is_judged_by_the_same_form(server, bystander):
    for field, value in (("seq", "0"), ("seq", "-1"), ("ack", "1.0"), ("ack", '"1"'), ("id", '""'), ("pos", "1"),
                         ("key", text_of(129)), ("room", '""'), ("from", '"x"'), ("ev", "0")):
        with session(server.url, {"v": 1, "type": "hello", "payload": {"versions": [1]}}) as raw:
            raw.say(event(v="1", **{field: value}))
            assert raw.outcome() == MALFORMED, (field, value)
    with session(server.url, {"v": 1, "type": "hello", "payload": {"versions": [1]}}) as raw:
        raw.say(event(v="1", seq=str(TOP), ack=str(TOP)))
        assert raw.receive("reply")["re"] == "x"


def test_hello_again_and_again(server, bystander):
    with liar(server.url) as raw:
        raw.send(text_frame(HELLO) * 100)
        assert raw.outcome() == UNEXPECTED
    with Raw(server.url).upgrade() as raw:
        raw.send(text_frame(HELLO) * 100)
        assert raw.outcome()[1] == 4500
