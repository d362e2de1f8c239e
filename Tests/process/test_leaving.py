"""Who sends and leaves at once: what the server had taken is done all the same, though each room is on another loop."""
import json

import pytest

from wsraw import CLOSE, HELLO, frame, session, text_frame, works

ROOMS = [f"room-{n}" for n in range(12)]
HELLO1 = {"v": 1, "type": "hello", "payload": {"versions": [1]}}


def hears_all(watcher, tag):
    """The watcher gets one message of each room; those of others are passed over."""
    heard = []
    while len(heard) < len(ROOMS):
        message = watcher.receive("event")
        if message["payload"] == tag:
            heard.append(message["room"])
    assert sorted(heard) == sorted(ROOMS)


@pytest.fixture
def watched(start_server, io):
    server = start_server("--io", io, "--loops", "3", "--presence-grace", "100ms")
    with session(server.url, HELLO1) as watcher:
        for room in ROOMS:
            watcher.say({"v": 1, "type": "join", "room": room, "id": room})
            watcher.receive("reply")
        yield server, watcher


def last_words(version, room, tag):
    """join, and an event that waits for it."""
    words = [{"type": "join", "room": room}, {"type": "event", "event": "said", "room": room, "payload": tag}]
    return [{"v": version, **({"seq": n} if version == 2 else {}), **word} for n, word in enumerate(words, 1)]


def say_all(raw, messages):
    """In one piece."""
    raw.send(b"".join(text_frame(json.dumps(message)) for message in messages))


def watch_presence(watcher, room):
    for message in ({"type": "leave"}, {"type": "join", "payload": {"presence": True}}):
        watcher.say({"v": 1, "room": room, "id": room} | message)
        watcher.receive("reply")


LEAVING = {
    "close frame": lambda raw, _: raw.send(frame(b"\x03\xe8", CLOSE)),
    "half-close": lambda raw, _: raw.socket.shutdown(1),
    "bye and half-close": lambda raw, version: (raw.say({"v": version, "type": "bye", "payload": {}}), raw.socket.shutdown(1)),
}


@pytest.mark.parametrize("io", ["epoll", "uring", "nio"])
@pytest.mark.parametrize("leaving", LEAVING)
@pytest.mark.parametrize("version", [1, 2])
def test_last_words_are_heard(watched, version, leaving):
    server, watcher = watched
    tag = f"{version} {leaving}"
    for room in ROOMS:
        with session(server.url, HELLO1 if version == 1 else HELLO) as raw:
            say_all(raw, last_words(version, room, tag))
            LEAVING[leaving](raw, version)
            raw.at_end()
    hears_all(watcher, tag)
    assert works(server.url)


@pytest.mark.parametrize("io", ["epoll", "uring", "nio"])
@pytest.mark.parametrize("leaving", LEAVING)
def test_more_last_words_than_a_window_has(watched, leaving):
    """The server stops reading meanwhile, and then goes on: the end of the connection is behind all of it."""
    server, watcher = watched
    with session(server.url, HELLO1) as raw:
        join, event = last_words(1, ROOMS[0], None)
        raw.say(join)
        say_all(raw, [event | {"payload": n} for n in range(1000)])
        LEAVING[leaving](raw, 1)
        raw.at_end()
    assert [watcher.receive("event")["payload"] for _ in range(1000)] == list(range(1000))


@pytest.mark.parametrize("io", ["epoll", "uring", "nio"])
def test_who_joins_by_its_last_words_is_seen_to_be_away(watched):
    server, watcher = watched
    for room in ROOMS:
        watch_presence(watcher, room)
    for room in ROOMS:
        with session(server.url) as raw:
            raw.say({"v": 2, "seq": 1, "type": "join", "room": room})
            LEAVING["half-close"](raw, 2)
            raw.at_end()
    changes = {}
    while len(changes) < len(ROOMS) or {"suspended"} != {last for _, last in changes.values()}:
        member = watcher.receive("member")
        first, _ = changes.get(member["room"], (member["payload"]["change"], None))
        changes[member["room"]] = (first, member["payload"]["change"])
    assert {first for first, _ in changes.values()} == {"joined"}


@pytest.mark.parametrize("io", ["epoll", "uring", "nio"])
def test_a_bye_that_waits_ends_the_session(watched):
    server, watcher = watched
    for room in ROOMS:
        watch_presence(watcher, room)
        with session(server.url) as raw:
            say_all(raw, last_words(2, room, 1))
            LEAVING["bye and half-close"](raw, 2)
            raw.at_end()
        changes = []
        while not changes or changes[-1] != "left":
            changes.append(watcher.receive("member")["payload"]["change"])
        assert changes[0] == "joined"
