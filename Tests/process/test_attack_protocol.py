"""PROTOCOL.md by its bounds: hello, sequence, resume, takeover, rooms, built-ins; from outside."""
import concurrent.futures
import os
import signal
import subprocess
import sys

import pytest

from wsclient import Client, ServerError
from wsraw import HELLO, Raw, hello_with, session, text_frame, works


@pytest.fixture
def server(start_server):
    return start_server("--drain-timeout", "100ms")

TOP = 9_007_199_254_740_991
EPOCH = "0123456789abcdef"
SID = "s_" + "A" * 22


def resume(**changes):
    return {"sid": SID, "token": "t", "epoch": EPOCH, "ack": 0, **changes}


def without(mapping, name):
    return {key: value for key, value in mapping.items() if key != name}


def user(name):
    return {"auth": {"scheme": "none", "credential": name}}


def event(seq, name="echo", payload=1, **fields):
    return {"v": 2, "seq": seq, "type": "event", "event": name, "id": f"c-{seq}", "payload": payload, **fields}


INVALID = ("hello.invalid", 4500)
VERSION = ("version.unsupported", 4502)
MALFORMED = ("envelope.malformed", 4500)
BAD_HELLOS = [
    *((f"versions {value!r}", {"v": 2, "type": "hello", "payload": {"versions": value}}, INVALID) for value in
      ([], "2", 2, None, {}, ["2"], [2.5], [-1], [None], [True], [2] * 17, [TOP + 1])),
    *((f"versions {value!r}", {"v": 2, "type": "hello", "payload": {"versions": value}}, VERSION) for value in
      ([99], [0], [3, 4], [TOP])),
    ("no versions", {"v": 2, "type": "hello", "payload": {}}, INVALID),
    ("no payload", {"v": 2, "type": "hello"}, MALFORMED),
    *((f"payload {value!r}", {"v": 2, "type": "hello", "payload": value}, INVALID) for value in ([], None, "x", 1)),
    *((f"v:{v}", {"v": v, "type": "hello", "payload": {"versions": [2]}}, VERSION) for v in (0, 3, 99, TOP)),
    *((f"window {value!r}", hello_with(window=value), INVALID) for value in
      ([], 1, {"messages": 0}, {"messages": -1}, {"messages": TOP + 1}, {"bytes": 0}, {"messages": "1"},
       {"bytes": 1.5}, {"bytes": TOP + 1})),
    *((f"ttl_ms {value!r}", hello_with(ttl_ms=value), INVALID) for value in (-1, "1", 1.5, TOP + 1)),
    *((f"instance {value!r}"[:30], hello_with(instance=value), INVALID) for value in (1, "x" * 129)),
    *((f"auth {value!r}"[:40], hello_with(auth=value), INVALID) for value in
      ("x", {}, {"credential": "x"}, {"scheme": "x" * 65}, {"scheme": 1},
       {"scheme": "none", "credential": 1}, {"scheme": "none", "credential": "x" * 8193})),
    *((f"no {name} in resume", hello_with(resume=without(resume(), name)), INVALID) for name in resume()),
    *((f"resume {changes!r}"[:50], hello_with(resume=resume(**changes)), INVALID) for changes in
      ({"epoch": 1}, {"ack": -1}, {"ack": TOP + 1}, {"ack": "0"},
       {"token": "x" * 129}, {"token": 1}, {"sid": 1}, {"first_unacked": TOP + 1},
       {"pos": []})),
    ("resume []", hello_with(resume=[]), INVALID), ("crit", HELLO | {"crit": ["x"]}, ("extension.unsupported", 4500)),
    *((f"first {kind}", {"v": 2, "type": kind, "payload": {}}, ("hello.expected", 4500)) for kind in
      ("ack", "pong", "bye", "welcome", "live", "ping")),
    ("first event", event(1), ("hello.expected", 4500)),
    ("versions twice", '{"v":2,"type":"hello","payload":{"versions":[2],"versions":[2]}}', INVALID),
    ("versions twice, escaped", '{"v":2,"type":"hello","payload":{"versions":[2],"version\\u0073":[2]}}', INVALID),
    ("deep key twice", '{"v":2,"type":"hello","payload":{"versions":[2],"window":{"bytes":9,"bytes":9}}}', INVALID),
]

# What section 6.1 forbids too.
LOOSE_HELLOS = [
    ("empty instance", hello_with(instance=""), INVALID), ("empty scheme", hello_with(auth={"scheme": ""}), INVALID),
    *((f"resume {changes!r}", hello_with(resume=resume(**changes)), INVALID) for changes in
      ({"epoch": "0123456789ABCDEF"}, {"epoch": EPOCH[1:]}, {"first_unacked": 0}, {"pos": {"a": 1}},
       {"pos": {"a": [EPOCH]}}, {"pos": {"a": ["x", 1]}}, {"pos": {"a": [EPOCH, -1]}})),
]

GOOD_HELLOS = [
    *((f"{name} null", {name: None}) for name in ("window", "ttl_ms", "auth", "instance")),
    ("versions [1,2,3]", {"versions": [1, 2, 3]}), ("versions of 16", {"versions": [2] * 16}),
    ("versions [99,2]", {"versions": [99, 2]}), ("window of 1", {"window": {"messages": 1, "bytes": 1}}),
    ("window of 2^53-1", {"window": {"messages": TOP, "bytes": TOP}}), ("empty window", {"window": {}}),
    ("ttl 2^53-1", {"ttl_ms": TOP}), ("ttl 0", {"ttl_ms": 0}), ("unknown members", {"x": [1], "": None}),
    ("instance of 128", {"instance": "é" * 64}), ("NUL in instance", {"instance": "\0"}),
    ("bad sid", {"resume": resume(sid="")}), ("long sid", {"resume": resume(sid="x" * 60)}),
    ("emoji sid", {"resume": resume(sid="s_😀")}), ("garbage token", {"resume": resume(token="\0😀")}),
    ("empty token", {"resume": resume(token="")}), ("ack 2^53-1", {"resume": resume(ack=TOP)}),
    ("pos", {"resume": resume(pos={"lobby": [EPOCH, TOP]})}),
    ("long credential", user("é" * 64)), ("emoji credential", user("😀")),
]


@pytest.mark.parametrize("hellos", [
    BAD_HELLOS, LOOSE_HELLOS], ids=["bad", "loose"])
def test_hellos_that_are_refused(server, hellos):
    wrong = []
    for name, hello, expected in hellos:
        with Raw(server.url).upgrade() as raw:
            raw.say(hello)
            first = raw.receive()
            outcome = "welcome" if first["type"] == "welcome" else (first["payload"]["code"], raw.outcome()[1])
            if outcome != expected:
                wrong.append(f"{name}: {outcome}, not {expected}")
    assert not wrong, "\n".join(wrong)
    assert works(server.url)


def test_hellos_that_are_taken(server):
    for name, payload in GOOD_HELLOS:
        with session(server.url, hello_with(**payload)) as raw:
            assert raw.welcome["resumed"] is False and raw.welcome["version"] == 2, name
            assert raw.welcome.get("reason") == ("unknown" if "resume" in payload else None), name
            assert raw.welcome["ttl_ms"] <= 120_000 or payload.get("ttl_ms") == TOP, name


@pytest.mark.parametrize("name", ["x" * 129, "a\nb", "a\0", "\x7f"])
def test_users_that_are_no_users(server, name):
    with Raw(server.url).upgrade() as raw:
        raw.say(hello_with(**user(name)))
        error, code = raw.outcome()
        assert (error, code) in (INVALID, ("auth.failed", 4503))


MESSAGES = [
    ("hello twice", HELLO, ("type.unexpected", 4500)),
    *((kind, {"v": 2, "type": kind, "payload": {}}, ("type.unexpected", 4500)) for kind in
      ("welcome", "live", "ping", "gap", "draining", "session", "reply", "member", "error")),
    ("seq 2", event(2), ("sequence.gap", 4501)), ("seq 2^53-1", event(TOP), ("sequence.gap", 4501)),
    ("event without seq", without(event(1), "seq"), ("sequence.missing", 4501)),
    ("join without seq", {"v": 2, "type": "join", "room": "a"}, ("sequence.missing", 4501)),
    ("ack 1", {"v": 2, "ack": 1, "type": "ack"}, ("ack.invalid", 4501)),
    ("ack 2^53-1 on an event", event(1, ack=TOP), ("ack.invalid", 4501)),
    ("ack before seq", event(5, ack=TOP), ("ack.invalid", 4501)),
    ("ack 1 on a pong", {"v": 2, "ack": 1, "type": "pong"}, ("ack.invalid", 4501)),
    ("ack 1 on a transient", {"v": 2, "ack": 1, "type": "event", "event": "echo", "delivery": "transient",
                              "payload": 1}, ("ack.invalid", 4501)),
    ("bye", {"v": 2, "type": "bye"}, (None, 1000)),
    ("bye with a reason", {"v": 2, "type": "bye", "payload": {"reason": "x" * 128}}, (None, 1000)),
]


def test_messages_that_end_the_connection(server):
    wrong = []
    for name, message, expected in MESSAGES:
        with session(server.url) as raw:
            raw.say(message)
            outcome = raw.outcome()
            if outcome != expected:
                wrong.append(f"{name}: {outcome}, not {expected}")
    assert not wrong, "\n".join(wrong)


def test_v_and_crit_after_welcome_take_no_number(server):
    with session(server.url) as raw:
        for v in (1, 0, 3, TOP):
            raw.say(event(1, ack=TOP) | {"v": v})
            error = raw.receive("error")
            assert error["payload"]["code"] == "version.unsupported" and error["payload"]["supported"] == [2]
        raw.say(event(1, crit=["x"]))
        assert raw.receive("error")["payload"]["code"] == "extension.unsupported"
        raw.say(event(1, crit=[]))
        assert raw.receive("reply")["re"] == "c-1"


REQUESTS = [
    ("unknown event", {"event": "no.such"}, "event.unknown"),
    ("unknown version", {"event": "echo", "ev": 2}, "event.version"),
    ("ev 2^53-1", {"event": "time", "ev": TOP}, "event.version"),
    ("not in", {"event": "chat", "room": "elsewhere"}, "room.not_joined"),
    ("room with a control character", {"event": "chat", "room": "a\u0001"}, {"room.invalid", "room.not_joined"}),
    ("state of 4097 bytes", {"event": "state.set", "payload": "x" * 4095}, "state.too_large"),
    ("direct to nobody", {"event": "direct.send", "payload": {"to": {"session": SID}, "event": "a", "payload": 1}},
     "direct.unknown"),
    ("direct to no user", {"event": "direct.send", "payload": {"to": {"user": "nobody"}, "event": "a", "payload": 1}},
     "direct.unknown"),
    *((f"direct {payload!r}"[:60], {"event": "direct.send", "payload": payload}, "payload.invalid") for payload in
      (None, [], {}, {"to": {}, "event": "a", "payload": 1}, {"to": {"user": "a"}, "payload": 1},
       {"to": {"user": "a"}, "event": "a"}, {"to": {"user": "a"}, "event": "A B", "payload": 1},
       {"to": {"user": 1}, "event": "a", "payload": 1}, {"to": "a", "event": "a", "payload": 1},
       {"to": {"user": "a", "session": SID}, "event": "a", "payload": 1}, {"to": {"user": "a"}, "event": 1,
                                                                           "payload": 1})),
]
JOINS = [("\u0001", "room.invalid"), ("a\nb", "room.invalid"), ("\0", "room.invalid"), ("\x7f", "room.invalid"),
         ("😀", None), ("é" * 64, None), ("x" * 128, None), (" ", None), ("../a?b#c%00", None), ("\\\"'", None)]


def test_errors_that_are_answers(server):
    with session(server.url) as raw:
        wrong, seq = [], 0
        messages = [(name, event(0, **{"name": fields["event"], **without(fields, "event")}), code)
                    for name, fields, code in REQUESTS]
        messages += [(f"join {room!r}", {"v": 2, "type": kind, "id": "j", "room": room}, code)
                     for room, code in JOINS for kind in (("join",) if code else ("join", "leave"))]
        for name, message, code in messages:
            seq += 1
            raw.say(message | {"seq": seq, "id": "r"})
            answer = raw.receive("reply", "error")
            got = answer["payload"]["code"] if answer["type"] == "error" else None
            if got not in (code if isinstance(code, set) else {code}) or answer["seq"] != seq or answer["re"] != "r":
                wrong.append(f"{name}: {answer}")
        assert not wrong, "\n".join(wrong)
        raw.say(event(seq + 1, "state.set", "x" * 4094))
        assert raw.receive("reply")["payload"] == {"bytes": 4096}


def test_129_rooms(server):
    client = Client(server.url, user="ann")
    client.connect()
    for number in range(128):
        assert client.join(f"r{number}")["members"] == 1
    with pytest.raises(ServerError) as refused:
        client.join("one-more")
    assert refused.value.code == "room.limit"
    assert client.join("r0")["members"] == 1  # a member already
    client.leave("r1")
    assert client.join("one-more")["members"] == 1
    client.drop()
    assert len(client.connect()["rooms"]) == 128
    client.bye()


def test_direct_send(server):
    ann, bob, bob2 = (Client(server.url, user=name) for name in ("ann", "bob", "bob"))
    for client in (ann, bob, bob2):
        client.connect()
    note = {"event": "note", "payload": [1.0]}
    assert ann.request("direct.send", {"to": {"session": ann.sid}, **note}) == {"sessions": 1}
    assert ann.receive(type="event")["payload"] == [1.0]
    assert ann.request("direct.send", {"to": {"user": "bob"}, **note}) == {"sessions": 2}
    bob.drop()
    assert ann.request("direct.send", {"to": {"user": "bob"}, **note}) == {"sessions": 2}
    bob.connect()
    for client in (bob, bob2):
        got = [client.receive(type="event") for _ in range(2)]
        assert all(m["from"] == ann.sid and "room" not in m and "pos" not in m for m in got)


def test_duplicates_are_dropped_and_acknowledged(server):
    with session(server.url) as raw:
        raw.say(event(1))
        raw.receive("reply")
        frames = text_frame(event(1, name="no.such")) * 1000
        for _ in range(20):
            raw.send(frames)
            acks = 0
            while acks == 0 or raw.buffer:
                acks += raw.receive("ack", "error", "reply")["type"] == "ack"
        raw.say(event(2))
        answer = raw.receive("reply", "error")
        assert (answer["type"], answer["re"], answer["seq"]) == ("reply", "c-2", 2)


def test_messages_behind_hello(server):
    """They are pipelined before `welcome`: hello.expected, or taken if the decision was faster. Never half of both."""
    with Raw(server.url).upgrade() as raw:
        raw.send(text_frame(HELLO) + b"".join(text_frame(event(seq)) for seq in range(1, 4)))
        error, code = raw.outcome() if raw.receive()["type"] == "error" else (None, None)
        assert (error, code) in (("hello.expected", 4500), (None, 4500), (None, None))
    assert works(server.url)


def resume_hello(client_or_welcome, ack, **changes):
    w = client_or_welcome
    return hello_with(resume={"sid": w["sid"], "token": w["token"], "epoch": w["epoch"], "ack": ack}, **changes)


def test_strangers_change_nothing(server):
    """A stolen sid without its token, a wrong epoch, an ack from the future: the session goes on as it was."""
    ann = session(server.url, hello_with(**user("ann")))
    ann.say(event(1))
    ann.receive("reply")
    w = ann.welcome
    cases = [(user("eve"), w, "principal"), (user("ann"), w | {"token": "x" * 43}, "token"),
             (user("eve"), w | {"token": "x"}, "token"), (user("ann"), w | {"token": ""}, "token"),
             (user("ann"), w | {"epoch": EPOCH}, "epoch")]
    for who, pretended, reason in cases:
        with session(server.url, resume_hello(pretended, 1, **who)) as eve:
            assert (eve.welcome["resumed"], eve.welcome["reason"]) == (False, reason)
            assert "lost" not in eve.welcome and eve.welcome["sid"] != w["sid"] and eve.welcome["rooms"] == []
    with Raw(server.url).upgrade() as raw:
        raw.say(resume_hello(w, TOP, **user("ann")))
        assert raw.outcome() == ("ack.invalid", 4501)
    ann.say(event(2))
    assert ann.receive("reply", "session", "error")["re"] == "c-2"
    ann.close()


def test_twenty_connections_take_one_session(server):
    """Exactly one stays; whoever was welcomed before it was then replaced."""
    first = session(server.url)
    hello = resume_hello(first.welcome, 0)
    raws = [Raw(server.url, timeout=15).upgrade() for _ in range(20)]

    def greet(raw):
        raw.say(hello)
        got = raw.receive()
        return got["payload"].get("gen") if got["type"] == "welcome" and got["payload"]["resumed"] else None

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        gens = list(pool.map(greet, raws))
    taken = [gen for gen in gens if gen]
    assert taken and len(set(taken)) == len(taken), gens
    last = raws[gens.index(max(taken))]
    ends = [raw.finish()[1] for raw, gen in zip(raws, gens) if gen and raw is not last]
    assert set(ends) <= {4504}, ends
    assert first.finish()[1] == 4504
    last.say(event(1))
    assert last.receive("reply")["re"] == "c-1"
    for raw in raws:
        raw.close()


@pytest.mark.parametrize("traffic", [False, True])
def test_500_resumes(server, traffic):
    client, sender = Client(server.url, user="ann"), Client(server.url, user="bob")
    client.connect()
    sender.connect()
    client.join("lobby")
    sender.join("lobby")
    base = client.last
    for number in range(1, 501):
        if traffic:
            sender.send("chat", number, room="lobby")
            client.send("chat", -number, room="lobby")
        client.drop("rst" if number % 2 else "fin")
        welcome = client.connect()
        assert (welcome["resumed"], welcome["gen"]) == (True, number + 1)
        if number % 32 == 0:
            sender.quiet(0.01)
    if not traffic:
        assert (client.last, client.last_seq, client.duplicates) == (base, 1, 0)
        return
    got = client.events(1000, timeout=20)
    assert [n for n in got if n > 0] == list(range(1, 501))
    assert [-n for n in got if n < 0] == list(range(1, 501))
    assert not client.gaps and not client.unknown


def test_resume_while_the_old_connection_is_silent(server):
    """The old one is not closed and reads nothing; the new one is served at once, nothing is lost."""
    old = session(server.url, hello_with(**user("ann")))
    old.say({"v": 2, "seq": 1, "type": "join", "room": "lobby"})
    old.receive("reply")
    bob = Client(server.url, user="bob")
    bob.connect()
    bob.join("lobby")
    for number in range(5):
        bob.publish("lobby", "chat", number)
    with session(server.url, resume_hello(old.welcome, 1, **user("ann"))) as new:
        assert new.welcome["resumed"] and new.welcome["replay"] == {"from": 2, "to": 6}
        assert [new.receive("event")["payload"] for _ in range(5)] == list(range(5))
        assert new.receive()["type"] == "live"
        bob.publish("lobby", "chat", "more")
        assert new.receive("event")["seq"] == 7
        old.say(event(2, "chat", "too late", room="lobby"))
        bob.publish("lobby", "chat", "last")
        assert new.receive("event")["payload"] == "last"
    old.close()


def test_takeover_in_the_middle_of_a_burst(server):
    """What the old connection sends is processed up to `last_in`, and nothing of it later: the room sees each once."""
    watcher, publisher = Client(server.url, user="bob"), session(server.url)
    watcher.connect()
    watcher.join("lobby")
    publisher.say({"v": 2, "seq": 1, "type": "join", "room": "lobby"})
    w, seq, last, got = publisher.welcome, 1, 0, []
    for turn in range(40):
        burst = [text_frame(event(n, "chat", n, room="lobby")) for n in range(seq + 1, seq + 2 + 17 * turn % 120)]
        with_hello, seq = Raw(server.url).upgrade(), seq + len(burst)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            pool.submit(publisher.send, b"".join(burst))
            with_hello.say(resume_hello(w, last))
        publisher.close()
        publisher, message = with_hello, with_hello.receive("welcome")
        w, taken = message["payload"], message["payload"]["last_in"]
        assert w["resumed"]
        for n in range(taken + 1, seq + 1):
            publisher.say({"v": 2, "seq": 1, "type": "join", "room": "lobby"} if n == 1 else
                          event(n, "chat", n, room="lobby"))
        while message["ack"] < seq or message["type"] == "welcome":
            message = publisher.receive()
            assert message["type"] != "error", message
            last = max(last, message.get("seq", 0))
            publisher.say({"v": 2, "ack": last, "type": "ack"})
        got += watcher.events(seq - 1 - len(got))
    assert got == list(range(2, seq + 1)) and not watcher.gaps


STOPPED = """
import sys, time
sys.path.insert(0, sys.argv[2])
from wsclient import Client, Closed
client = Client(sys.argv[1], user="ann")
client.connect()
client.join("lobby")
print("ready", flush=True)
got = []
while len(got) < 3:
    try:
        got.append(client.receive(timeout=20, type="event")["payload"])
    except Closed as end:
        print("closed", end.code, flush=True)
        print("resumed", client.connect()["resumed"], flush=True)
print(got, client.gaps, flush=True)
"""


def test_a_client_that_is_stopped(start_server):
    server = start_server("--ping-interval", "300ms", "--ping-timeout", "300ms")
    process = subprocess.Popen([sys.executable, "-c", STOPPED, server.url, os.path.dirname(__file__)],
                               stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        bob = Client(server.url, user="bob")
        bob.connect()
        bob.join("lobby", presence=True)
        process.send_signal(signal.SIGSTOP)
        assert bob.receive(timeout=10, type="member")["payload"]["change"] == "suspended"
        for number in range(3):
            bob.publish("lobby", "chat", number)
        process.send_signal(signal.SIGCONT)
        assert bob.receive(timeout=10, type="member")["payload"]["change"] == "resumed"
        assert process.communicate(timeout=10)[0].splitlines() == ["closed 4002", "resumed True", "[0, 1, 2] []"]
    finally:
        process.kill()


def test_versions_mixed_in_one_room(server):
    old = session(server.url, {"v": 1, "type": "hello", "payload": {"versions": [1], **user("ann")}})
    old.say({"v": 1, "type": "join", "room": "lobby", "payload": {"presence": True}})
    assert old.receive("reply")["payload"]["members"] == 1
    bob = Client(server.url, user="bob")
    bob.connect()
    bob.join("lobby")
    assert old.receive("member")["payload"]["change"] == "joined"
    old.say({"v": 1, "type": "event", "event": "chat", "room": "lobby", "payload": "one", "seq": 7, "ack": 9})
    bob.send("chat", "two", room="lobby", transient=True)
    bob.publish("lobby", "chat", "three")
    for client, v in ((old, 1), (bob, 2)):
        events = [client.receive(type="event") if v == 2 else client.receive("event") for _ in range(3)]
        assert sorted(m["payload"] for m in events) == ["one", "three", "two"]
        assert all(("seq" in m) == (v == 2 and m.get("delivery") != "transient") and m["v"] == v for m in events)
    for kind in ("ack", "pong"):
        with session(server.url, {"v": 1, "type": "hello", "payload": {"versions": [1]}}) as raw:
            raw.say({"v": 1, "type": kind, "payload": {}})
            assert raw.outcome() == ("type.unexpected", 4500)


def test_bye_while_messages_wait(server):
    with session(server.url, hello_with(window={"messages": 1})) as raw:
        raw.send(b"".join(text_frame(event(seq)) for seq in range(1, 51)) + text_frame({"v": 2, "type": "bye"}))
        assert raw.outcome() == (None, 1000)
        welcome = raw.welcome
    with session(server.url, resume_hello(welcome, 0)) as raw:
        assert (raw.welcome["reason"], raw.welcome["lost"]) == ("ended", {"last_in": 50})


def test_drain_with_clients(start_server):
    server = start_server("--drain-timeout", "500ms")
    clients = [session(server.url) for _ in range(20)]
    waiting = Raw(server.url).upgrade()
    silent = Raw(server.url)
    server.process.send_signal(signal.SIGTERM)
    for raw in clients:
        payload = raw.receive("draining")["payload"]
        assert 0 <= payload["reconnect_after_ms"] and payload["deadline_ms"] >= 0
    waiting.say(HELLO)
    assert waiting.outcome() == ("server.draining", 1013)
    clients[0].say(event(1))
    assert clients[0].receive("reply")["re"] == "c-1"
    assert [raw.finish()[1] for raw in clients] == [1012] * 20
    assert server.process.wait(10) == 0
    silent.close()


def test_conflation_leaves_the_newest_and_exact_gaps(start_server):
    server = start_server("--outbox-messages", "16", "--drain-timeout", "100ms")
    ann = session(server.url, hello_with(window={"messages": 1}))
    ann.say({"v": 2, "seq": 1, "type": "join", "room": "lobby"})
    ann.receive("reply")
    bob = Client(server.url, user="bob")
    bob.connect()
    bob.join("lobby")
    for number in range(200):
        bob.request("price", number, room="lobby", key=f"k{number % 4}")
    last, values = 1, []
    while not values or values[-1] != 199:
        ann.say({"v": 2, "ack": last, "type": "ack"})
        message = ann.receive("event", "gap")
        first = message["seq"] if message["type"] == "event" else message["payload"]["from"]
        assert first == last + 1
        last = first if message["type"] == "event" else message["payload"]["to"]
        values += [message["payload"]] if message["type"] == "event" else []
    assert last == 201 and set(range(196, 200)) <= set(values)
