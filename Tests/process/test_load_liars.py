"""`wscore load` against servers that break one promise each: it must find every lie, and tell which it was."""
import asyncio
import json
import re
import subprocess

import pytest

from conftest import WSCORE
from lyingserver import LyingServer

CHANGED = "with another event, room or payload than it was sent with"
COUNTS = ("lost", "duplicated", "out_of_order", "unexplained", "not_resumed")
SMALL = ("--sessions", "8", "--rooms", "2", "--rate", "100/s", "--duration", "1s", "--settle", "2s", "--json",
         "--progress", "off")
# Generous: it is over in a few seconds, or never.
LONGEST = 60


@pytest.fixture
def load(environment):
    """Runs `wscore load` against a server of the class that is given."""

    def run(kind, *arguments):
        with kind() as server:
            return subprocess.run([WSCORE, "load", server.url, *(arguments or SMALL)], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=LONGEST, env=environment)

    return run


def broken(report):
    """The counts of the verdict that are not 0."""
    return {name for name in COUNTS if report[name]}


class ToOne(LyingServer):
    """Lies to the member that was first in the first room; about the fifth message it gets, if not said otherwise."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def is_victim(self, room, member):
        return room is next(iter(self.rooms.values())) and member is room.members[0]

    def copies(self, room, member, event):
        if not self.is_victim(room, member):
            return [event]
        self.count += 1
        return self.to_victim(room, event)

    def to_victim(self, room, event):
        return self.lie(room, event) if self.count == 5 else [event]


class LosesOne(ToOne):
    """A copy does not come."""

    def lie(self, room, event):
        return []


class Repeats(ToOne):
    """A message comes again, with a number of its own."""

    def lie(self, room, event):
        return [event, event]


class RepeatsElsewhere(ToOne):
    """A message comes again, at a new position."""

    def lie(self, room, event):
        room.offset += 1
        return [event, event | {"pos": room.position}]


class RepeatsFrames(LyingServer):
    """The fifth message of each session is written twice, number and all."""

    def frames(self, member, message):
        return [message] * (2 if message.get("seq") == 5 else 1)


class Exchanges(ToOne):
    """Two messages of different senders come in the other order."""

    held, is_done = None, False

    def to_victim(self, room, event):
        held = self.held
        if self.is_done or self.count < 5:
            return [event]
        if held is None or held["from"] == event["from"]:
            self.held = event
            return [held] if held else []
        self.is_done = True
        return [event, held]


class OwnLog(Exchanges):
    """A member has a log of its own, in which two messages are exchanged."""

    log = "0123456789abcdef"

    def joined_at(self, room, member):
        return [self.log, room.offset] if self.is_victim(room, member) else room.position

    def to_victim(self, room, event):
        events = super().to_victim(room, event)
        offsets = sorted(event["pos"][1] for event in events)
        return [event | {"pos": [self.log, offset]} for event, offset in zip(events, offsets)]


class NoPositions(LyingServer):
    """No event says where it stands."""

    def copies(self, room, member, event):
        return [{name: value for name, value in event.items() if name != "pos"}]


class OtherRoom(ToOne):
    """A copy has the name of another room."""

    def lie(self, room, event):
        return [event | {"room": "never.joined"}]


class OtherRoomForAll(LyingServer):
    """All copies have the name of another room."""

    def copies(self, room, member, event):
        return [event | {"room": "never.joined"}]


class OtherEvent(ToOne):
    """A copy has the name of another event."""

    def lie(self, room, event):
        return [event | {"event": "other"}]


class OtherPadding(ToOne):
    """A copy has other bytes behind its numbers, and as many."""

    def lie(self, room, event):
        padding = event["payload"]["p"]
        assert padding
        return [event | {"payload": event["payload"] | {"p": padding[:-1] + "y"}}]


class WrongAddress(ToOne):
    """A message of the other room comes, as that room got it."""

    last, is_done = None, False

    def copies(self, room, member, event):
        if room is not next(iter(self.rooms.values())):
            self.last = event
        return super().copies(room, member, event)

    def to_victim(self, room, event):
        if self.is_done or self.last is None or self.count < 5:
            return [event]
        self.is_done = True
        return [event, self.last]


class NeverAcknowledges(LyingServer):
    """It does all that it is told, and does not say so."""

    def acknowledged(self, member):
        return 0


class Refuses(LyingServer):
    """Each event is answered with an error."""

    def take_event(self, member, message):
        self.push(member, {"type": "error", "payload": {"code": "room.forbidden", "message": "no", "retry": "never"}})


class LastWord(LyingServer):
    """It has something to say behind each `bye`, and takes its time to close."""

    async def leave(self, member, connection):
        self.push(member, {"type": "event", "event": "late", "payload": None})
        await asyncio.sleep(1.5)
        await super().leave(member, connection)


def test_an_honest_server_passes(load):
    done = load(LyingServer)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["verdict"] == "ok" and report["counterexample"] is None
    assert report["scheduled"] == report["sent"] == report["acknowledged"] == 100
    assert report["delivered"] == report["expected"] == 400 and not broken(report)


LIES = [
    (LosesOne, "lost", "lost"),
    (Repeats, "duplicated", "duplicated"), (RepeatsElsewhere, "duplicated", "duplicated"),
    (RepeatsFrames, "duplicated", "sequence number repeated"),
    (Exchanges, "out_of_order", "out of order"),
    (OwnLog, "unexplained", "two messages at one position"),
    (NoPositions, "unexplained", "without a position in its room"),
    (OtherRoom, "unexplained", CHANGED), (OtherRoomForAll, "unexplained", CHANGED),
    (OtherEvent, "unexplained", CHANGED), (OtherPadding, "unexplained", CHANGED),
    (WrongAddress, "unexplained", "never sent"),
]


@pytest.mark.parametrize("lie, count, kind", LIES, ids=[lie.__name__ for lie, *_ in LIES])
def test_a_lie_is_found(load, lie, count, kind):
    done = load(lie)
    assert done.returncode == 97, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["verdict"] == "failed" and report["counterexample"]["kind"] == kind, report
    # Nothing else is wrong.
    assert broken(report) == {count}, report


def test_nobody_knows_the_fate_of_what_is_never_acknowledged(load):
    done = load(NeverAcknowledges)
    report = json.loads(done.stdout)
    # All of it came.
    assert done.returncode == 0 and report["delivered"] == report["expected"] == 400, report
    assert report["sent"] == report["unknown_sends"] == 100 and report["acknowledged"] == 0, report
    assert report["scheduled"] == report["acknowledged"] + report["unknown_sends"] + report["unsent"], report


def test_what_is_refused_is_not_lost(load):
    done = load(Refuses)
    assert done.returncode == 77, done.stdout + done.stderr
    assert done.stdout == "" and "lost" not in done.stderr
    assert re.search(r"session \d+ .*room\.forbidden", done.stderr), done.stderr


def test_load_ends_though_the_server_has_the_last_word(load):
    done = load(LastWord, "--sessions", "2", "--rate", "10/s", "--duration", "1s", "--progress", "off")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_client_ends_though_the_server_has_the_last_word(client):
    with LastWord() as server:
        done = client(server.url, "-c", "join lobby", timeout=LONGEST)
    assert done.returncode == 0, done.stdout + done.stderr
