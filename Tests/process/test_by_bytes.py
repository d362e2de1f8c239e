"""What peers choose is cut, counted and compared by its bytes: PROTOCOL.md, section 2. A character has no bound, and two
spellings of one are two texts."""
import json

import pytest

from conftest import eventually
from wsclient import Client, ServerError
from wsraw import HELLO, Raw, hello_with, session

# One character to people, and to a language that counts characters: 200 KB.
LETTER = "a" + "\u0301" * 100_000
COMPOSED, DECOMPOSED = "h-\u00e9", "h-e\u0301"


@pytest.fixture
def server(start_server, tmp_path, lines):
    server = start_server("--admin-socket", str(tmp_path / "admin.sock"), "--room", "h-* history=10")
    server.stats = lambda: lines("stats")[0]
    return server


def connected(server):
    client = Client(server.url, user="ann")
    client.connect()
    return client


@pytest.mark.parametrize("reason, told", [("€" * 70, "€" * 21), (LETTER, "a" + "\u0301" * 31), ("x" * 64, "x" * 64), ("y" * 65, "y" * 64)],
                         ids=["euros", "one character", "64", "65"])
def test_the_reason_of_a_bye_is_cut_to_64_bytes(server, lines, reason, told):
    with session(server.url) as raw:
        raw.say({"v": 2, "type": "bye", "payload": {"reason": reason}})
        raw.finish()
        sid = raw.welcome["sid"]
    reasons = [event["reason"] for event in lines("events") if event.get("sid") == sid and "reason" in event]
    assert reasons and all(text == "bye: " + told for text in reasons), [len(text) for text in reasons]


@pytest.mark.parametrize("name", [LETTER, "x" * 100_000, "€" * 1000], ids=["one character", "letters", "euros"])
def test_an_extension_that_is_not_known_is_named_in_short(server, name):
    with session(server.url) as raw:
        raw.say({"v": 2, "type": "ack", "ack": 0, "crit": [name], "payload": {}})
        error = raw.receive("error")
        assert error["payload"]["code"] == "extension.unsupported" and len(json.dumps(error, ensure_ascii=False).encode()) < 300


def test_a_state_with_a_key_twice_is_none(server):
    """It would not come back: a `welcome` whose payload has a key twice is malformed."""
    with session(server.url) as raw:
        for seq, state in enumerate(['{"a":1,"a":2}', '{"b":[{"a":1,"\\u0061":2}]}', "[" * 63 + "]" * 63], 1):
            raw.say('{"v":2,"seq":%d,"type":"event","event":"state.set","id":"s","payload":%s}' % (seq, state))
            error = raw.receive("error")["payload"]
            assert (error["code"], error["path"]) == ("payload.invalid", ""), error
        raw.say({"v": 2, "seq": 4, "type": "event", "event": "state.get", "id": "g", "payload": {}})
        assert raw.receive("reply")["payload"] is None


@pytest.mark.parametrize("state", ['{"n": 1e0,  "a":[]}', '"\\u0041"', "[" * 62 + "]" * 62, "null"])
def test_a_state_comes_back_as_it_was_set(server, state):
    with session(server.url) as raw:
        raw.say('{"v":2,"seq":1,"type":"event","event":"state.set","id":"s","payload":%s}' % state)
        assert raw.receive("reply")["payload"] == {"bytes": len(state)}
        welcome = raw.welcome
        raw.reset()
    resume = {"sid": welcome["sid"], "token": welcome["token"], "epoch": welcome["epoch"], "ack": 1}
    with session(server.url, HELLO | {"payload": {"versions": [2], "resume": resume}}) as again:
        assert again.welcome["resumed"] and again.welcome["state"] == json.loads(state)


@pytest.mark.parametrize("payload", ['{"presence":true,"presence":true}', '{"history":2,"x":1,"x":2}', '{"x":[{"a":1,"a":1}]}'])
def test_a_join_with_a_key_twice_is_refused(server, payload):
    with session(server.url) as raw:
        raw.say('{"v":2,"seq":1,"type":"join","room":"h-r","id":"j","payload":%s}' % payload)
        error = raw.receive("error", "reply")
        assert error["type"] == "error" and error["payload"]["code"] == "payload.invalid"
        assert "twice" in error["payload"]["message"] or "duplicate key" in error["payload"]["message"]
        raw.say({"v": 2, "seq": 2, "ack": 1, "type": "join", "room": "h-r", "id": "j", "payload": {}})
        assert raw.receive("reply")["payload"]["members"] == 1


def test_two_spellings_of_a_room_are_two_rooms_when_resuming(server):
    ann = connected(server)
    for room in (COMPOSED, DECOMPOSED):
        ann.join(room)
    for number in range(3):
        ann.publish(COMPOSED, "chat", number)
    ann.publish(DECOMPOSED, "chat", 0)
    for _ in range(4):
        message = ann.receive(type="event")
        ann.positions[message["room"]] = message["pos"]
    assert set(ann.positions) == {COMPOSED, DECOMPOSED}
    ann.drop()
    welcome = ann.connect()
    assert welcome["resumed"]
    assert {room["room"]: room["continuous"] for room in welcome["rooms"]} == {COMPOSED: True, DECOMPOSED: True}


@pytest.mark.parametrize("payload, path", [
    ({"event": "a", "payload": 1}, ""), ({"to": {"user": "ann"}, "payload": 1}, ""), ({"to": {"user": "ann"}, "event": "a"}, ""),
    ({"to": {"user": "ann"}, "event": "A", "payload": 1}, "/event"), ({"to": {}, "event": "a", "payload": 1}, "/to"),
    ({"to": None, "event": "a", "payload": 1}, "/to"), ({"to": {"user": "ann"}, "ev": 0, "event": "a", "payload": 1}, "/ev"),
    ({"to": {"user": "ann", "session": "s_"}, "event": "a", "payload": 1}, "/to"),
    ({"to": {"user": 1, "session": "s_"}, "event": "a", "payload": 1}, "/to"),
])
def test_what_is_wrong_with_a_direct_send_is_pointed_at(server, payload, path):
    with pytest.raises(ServerError) as raised:
        connected(server).request("direct.send", payload)
    assert (raised.value.code, raised.value.payload["path"]) == ("payload.invalid", path), raised.value.payload


@pytest.mark.parametrize("changes", [
    {"to": {"user": "ann", "note": 1}}, {"to": {"user": "ann", "session": None}}, {"ev": None}, {"other": [1]}])
def test_members_that_nobody_knows_are_passed_over(server, changes):
    ann = connected(server)
    note = {"to": {"user": "ann"}, "event": "note", "payload": 5}
    assert ann.request("direct.send", note | changes) == {"sessions": 1}
    assert ann.receive(type="event")["payload"] == 5


def test_a_hello_is_bounded_and_its_rooms_have_names(server):
    for pos in ({f"{number:x}": ["0" * 16, 1] for number in range(20_000)}, {"x" * 129: ["0" * 16, 1]}):
        with session_refused(server, pos) as raw:
            assert raw.outcome() == ("hello.invalid", 4500)
    with session_refused(server, {f"r{number}": ["0" * 16, 1] for number in range(2_000)}) as raw:
        assert raw.receive("welcome")["payload"]["reason"] == "unknown"


def session_refused(server, pos):
    raw = Raw(server.url).upgrade()
    resume = {"sid": "s_" + "A" * 22, "token": "t", "epoch": "0" * 16, "ack": 0, "pos": pos}
    raw.say(HELLO | {"payload": {"versions": [2], "resume": resume}})
    return raw


@pytest.mark.parametrize("field", ["id", "room", "key"])
def test_half_a_million_escapes_are_too_many_for_a_name(server, field):
    """Undoing them took a second and a half, before anybody knew who had sent them."""
    with session(server.url) as raw:
        raw.say('{"v":2,"seq":1,"type":"event","event":"echo","payload":1,"%s":"%s"}' % (field, r"\n" * 500_000))
        assert raw.outcome() == ("envelope.malformed", 4500)
    with session(server.url) as raw:
        raw.say('{"v":2,"seq":1,"type":"event","event":"echo","id":"e","payload":"%s"}' % (r"\u000a" * 100_000))
        assert raw.receive("reply")["payload"] == "\n" * 100_000


def test_gaps_are_told_ahead_up_to_a_bound(server):
    """Each of a hundred times a message with a key takes the place of one, and a reply stands between."""
    with session(server.url, hello_with(window={"messages": 1})) as raw:
        raw.say({"v": 2, "seq": 1, "type": "join", "room": "r", "id": "j", "payload": {}})
        raw.receive("reply")
        seq = 1
        for _ in range(100):
            for message in ({"event": "e", "room": "r", "key": "k"}, {"event": "e", "room": "r", "key": "k"}, {"event": "time", "id": "t"}):
                seq += 1
                raw.say({"v": 2, "seq": seq, "type": "event", "payload": 1, **message})
        raw.say({"v": 2, "type": "ack", "ack": 0, "payload": {}})
        welcome = raw.welcome
        eventually(lambda: server.stats()["messages_in"] >= seq + 2)
        raw.reset()
    resume = {"sid": welcome["sid"], "token": welcome["token"], "epoch": welcome["epoch"], "ack": 0}
    with session(server.url, hello_with(resume=resume)) as again:
        assert again.welcome["resumed"] and len(again.welcome["gaps"]) == 64
        came = list(iter(lambda: again.receive()["type"], "live"))
        assert came.count("gap") > 64
