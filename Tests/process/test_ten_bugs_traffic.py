"""The ten bugs that servers of this kind really had, the part about traffic: the seam between replay and live, slow
readers, deliveries that stop without a word, cursors that lie."""
import contextlib
import json
import random
import re
import resource
import selectors
import signal
import subprocess
import threading
import time

import pytest

from conftest import WSCORE, eventually
from faultproxy import FaultProxy
from wsclient import Client
from wsraw import Raw, frame, hello_with, memory, session, text_frame

MIB = 1 << 20


def user(name):
    return {"auth": {"scheme": "none", "credential": name}}


def resume_hello(welcome, ack, name, **changes):
    return hello_with(resume={"sid": welcome["sid"], "token": welcome["token"], "epoch": welcome["epoch"], "ack": ack},
                      **user(name), **changes)


# Bug 5: loss during handoff and at the seam between replay and live (EMQX 6396, ejabberd)


class Publisher(threading.Thread):
    """Publishes 1, 2, 3, … into a room at 10,000 a second, a hundred at a time, until it is told to stop."""

    BATCH, PAUSE = 100, 0.01

    def __init__(self, url, room):
        super().__init__(daemon=True)
        self.raw = session(url, hello_with(window={"messages": 1 << 20, "bytes": 1 << 40}, **user("bob")))
        self.raw.say({"v": 2, "seq": 1, "type": "join", "room": room})
        self.raw.receive("reply")
        self.room, self.count, self.stopped = room, 0, threading.Event()
        self.drain = threading.Thread(target=self._drain, daemon=True)

    def _drain(self):
        """Its own copies: read, and of no interest. They are never acknowledged; the server drops the oldest."""
        with contextlib.suppress(OSError):
            while self.raw.socket.recv(1 << 16):
                pass

    def run(self):
        self.drain.start()
        due = time.monotonic()
        while not self.stopped.is_set():
            self.raw.send(b"".join(
                frame(b'{"v":2,"seq":%d,"type":"event","event":"n","room":"%s","payload":%d}'
                      % (number + 1, self.room.encode(), number))
                for number in range(self.count + 1, self.count + 1 + self.BATCH)))
            self.count += self.BATCH
            due += self.PAUSE
            time.sleep(max(0, due - time.monotonic()))

    def end(self):
        self.stopped.set()
        self.join()


class Receiver:
    """Takes what comes and checks that each number is the next one: of the session, of the room, of the sender."""

    WINDOW = {"messages": 1 << 20, "bytes": 1 << 40}

    def __init__(self, url, room):
        self.url, self.last, self.offset, self.number, self.resumes = url, 0, 0, 0, 0
        self.raw = session(url, hello_with(window=self.WINDOW, **user("ann")))
        self.welcome = self.raw.welcome
        self.raw.say({"v": 2, "seq": 1, "type": "join", "room": room})
        self.offset = self.raw.receive("reply")["payload"]["pos"][1]
        self.last = 1

    def take(self):
        """One message; whether it was new."""
        message = self.raw.receive()
        assert message["type"] in ("event", "live", "ack", "ping"), message
        if message["type"] == "ping":
            self.raw.say({"v": 2, "type": "pong", "ack": self.last})
        if message["type"] != "event":
            return False
        expected = (self.last + 1, self.offset + 1, self.number + 1)
        assert (message["seq"], message["pos"][1], message["payload"]) == expected
        self.last, self.offset, self.number = expected
        return True

    def resume(self, kind, reads_welcome=True):
        """By `rst`, `fin`, or before the old connection ended. Without `welcome` read, the old token must do again."""
        old = self.raw
        if kind == "rst":
            old.reset()
        elif kind == "fin":
            old.close()
        self.raw = Raw(self.url).upgrade()
        self.raw.say(resume_hello(self.welcome, self.last, "ann", window=self.WINDOW))
        if not reads_welcome:
            return self.resume("rst")
        message = self.raw.receive("welcome")
        welcome = message["payload"]
        assert welcome["resumed"] and welcome["last_in"] == 1 and welcome["gaps"] == [], welcome
        assert welcome["replay"] is None or welcome["replay"]["from"] == self.last + 1
        self.welcome = welcome
        self.resumes += 1
        old.close()


@pytest.mark.parametrize("loops", ["1", "2"])
def test_seam_10000_per_second_500_resumes(start_server, loops):
    """10,000 messages a second into a session that is resumed 500 times: the exact contiguous set arrives."""
    server = start_server("--loops", loops, "--outbox-messages", "1000000", "--outbox-bytes", "256MiB",
                          "--drain-timeout", "100ms")
    chance = random.Random(5)
    receiver, publisher = Receiver(server.url, "lobby"), Publisher(server.url, "lobby")
    publisher.start()
    while receiver.resumes < 500:
        for _ in range(chance.randrange(200)):
            receiver.take()
        if chance.random() < 0.5:
            receiver.raw.say({"v": 2, "ack": receiver.last, "type": "ack"})
        receiver.resume(chance.choice(["rst", "fin", "takeover"]), reads_welcome=chance.random() < 0.8)
    publisher.end()
    while receiver.number < publisher.count:
        receiver.take()
    receiver.raw.say({"v": 2, "ack": receiver.last, "type": "ack"})
    assert receiver.number == publisher.count >= 5000
    receiver.raw.close()
    publisher.raw.close()


# Bug 8: one slow reader stalls the room, or eats the memory (SignalR, Zulip, SwiftMCP)


class Crowd:
    """Many members of one room, read by one thread; each must see the same numbers in the same order."""

    FOUND = re.compile(rb'"seq":(\d+),"ack":\d+,"type":"event".{,200}?"payload":(\d+)')

    def __init__(self, url, count):
        self.selector = selectors.DefaultSelector()
        self.members = [session(url, hello_with(window={"messages": 1 << 20}, **user(f"u{n}"))) for n in range(count)]
        for member in self.members:
            member.say({"v": 2, "seq": 1, "type": "join", "room": "lobby"})
            assert member.receive("reply")["seq"] == 1
            member.last, member.number, member.told = 1, 0, 1
            member.socket.setblocking(False)
            self.selector.register(member.socket, selectors.EVENT_READ, member)

    def take(self, until, timeout=60):
        """Reads until all have the message `until`."""
        end = time.monotonic() + timeout
        waiting = sum(member.number < until for member in self.members)
        while waiting:
            assert time.monotonic() < end, f"{waiting} members have not got {until}"
            for key, _ in self.selector.select(1):
                member = key.data
                had = member.number
                self._read(member)
                waiting -= had < until <= member.number

    def _read(self, member):
        data = member.socket.recv(1 << 16)
        assert data, "a member's connection ended"
        member.buffer += data
        taken = 0
        for found in self.FOUND.finditer(member.buffer):
            seq, number = map(int, found.groups())
            assert (seq, number) == (member.last + 1, member.number + 1)
            member.last, member.number, taken = seq, number, found.end()
        member.buffer = member.buffer[taken:]
        assert b'"type":"gap"' not in member.buffer and b'"type":"error"' not in member.buffer
        if member.last - member.told >= 32:
            member.told = member.last
            member.say({"v": 2, "ack": member.last, "type": "ack"})

    def close(self):
        for member in self.members:
            member.close()


@pytest.fixture
def many_files():
    """As many open files as the system lets us have, for the test and the server that it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 20_000) if hard != resource.RLIM_INFINITY else 20_000
    assert wanted >= 4_096, f"ulimit -Hn is {hard}: 4096 are needed"
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_one_slow_reader(start_server, many_files):
    """1,000 members in a room, one of them stopped: the others get everything in order, memory is bounded, and the one
    is told exactly what it missed."""
    server = start_server("--outbox-messages", "256", "--outbox-bytes", "64KiB", "--drain-timeout", "100ms")
    crowd = Crowd(server.url, 999)
    slow = session(server.url, hello_with(**user("slow")), receive_buffer=4096)
    slow.say({"v": 2, "seq": 1, "type": "join", "room": "lobby"})
    last = slow.receive("reply")["seq"]
    count, before = 600, memory(server)
    sender = crowd.members[0]
    for number in range(1, count + 1):
        sender.say({"v": 2, "seq": number + 1, "type": "event", "event": "n", "room": "lobby", "payload": number})
        if number % 50 == 0:
            crowd.take(number)
    assert memory(server) - before < 128 * MIB
    slow.close()
    with session(server.url, resume_hello(slow.welcome, last, "slow")) as back:
        assert back.welcome["resumed"] and back.welcome["replay"] == {"from": 2, "to": count + 1}
        told, got, missing = back.welcome["gaps"], [], []
        while last < count + 1:
            message = back.receive("event", "gap")
            if message["type"] == "gap":
                gap = message["payload"]
                assert gap in told and gap["from"] == last + 1 and gap["rooms"] == ["lobby"]
                assert (gap["reason"], gap["rooms_complete"]) == ("overflow", True)
                missing += range(gap["from"] - 1, gap["to"])
                last = gap["to"]
            else:
                assert message["seq"] == last + 1
                got.append(message["payload"])
                last += 1
            back.say({"v": 2, "ack": last, "type": "ack"})
        # A message's number in the room is one less than its number for this session, which had its join before.
        assert sorted(got + missing) == list(range(1, count + 1)) and len(missing) == sum(g["count"] for g in told) > 0
        assert got == sorted(got) and got[-1] == count
    crowd.close()


# Bug 9: the subscription is silently dead (centrifugo 1189, socket.io 4845). One node has no adapter between server and
# client; what can die in silence is the way between them.


def script(url, *commands, **extra):
    return subprocess.Popen([WSCORE, "client", url, "--format", "ndjson", *sum(
        (["-c", command] for command in commands), [])], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, **extra)


def test_adapter_subscription_dead(start_server, environment):
    """A proxy swallows deliveries and keeps the connection open: the client finds out by the missing pings, comes back
    over another connection, and has missed nothing."""
    server = start_server("--ping-interval", "400ms", "--ping-timeout", "400ms")
    bob = Client(server.url, user="bob")
    bob.connect()
    bob.join("lobby")
    with FaultProxy(server.url) as proxy:
        ann = script(proxy.url, "join lobby", "expect chat --within 20s", "expect chat --within 20s",
                     "expect chat --within 20s", env=environment)
        eventually(lambda: bob.join("lobby")["members"] == 2)
        bob.publish("lobby", "chat", 1)
        eventually(lambda: proxy.latest.bytes["down"] > 0)
        proxy.latest.swallow("down")
        bob.publish("lobby", "chat", 2)
        # The server hears nothing wrong: the client's own bytes still arrive. Only the client can tell.
        bob.publish("lobby", "chat", 3)
        output, errors = ann.communicate(timeout=30)
    lines = [json.loads(line) for line in output.splitlines()]
    got = [line["envelope"]["payload"] for line in lines if line.get("event") == "chat" and line.get("dir") == "in"]
    assert ann.returncode == 0 and got == [1, 2, 3], output + errors
    assert len(proxy.links) >= 2


def test_a_swallowed_delivery_is_a_hole(server):
    """One delivery is lost on the way: the next one shows it by seq and by pos, and a resume brings both."""
    seen = []

    def swallow(payload):
        if b'"payload":2' not in payload or seen:
            return None
        seen.append(payload)
        return []

    bob = Client(server.url, user="bob")
    bob.connect()
    bob.join("lobby")
    with FaultProxy(server.url, swallow) as proxy:
        ann = session(proxy.url, hello_with(**user("ann")))
        ann.say({"v": 2, "seq": 1, "type": "join", "room": "lobby"})
        joined = ann.receive("reply")
        for number in (1, 2, 3):
            bob.publish("lobby", "n", number)
        one, three = ann.receive("event"), ann.receive("event")
        assert (one["payload"], three["payload"]) == (1, 3)
        assert three["seq"] == one["seq"] + 2 and three["pos"] == [one["pos"][0], one["pos"][1] + 2]
        ann.send(frame(b"\x0f\xa1", opcode=8))
        with session(proxy.url, resume_hello(ann.welcome, one["seq"], "ann")) as back:
            assert [back.receive("event")["payload"] for _ in range(2)] == [2, 3]
            assert joined["seq"] == 1


# Bug 10: the cursor lies, or authentication is skipped on resume (mercure 1321, socket.io 5491)


def tokens(path, *lines):
    path.write_text("".join(f"{line}\n" for line in lines))
    path.chmod(0o600)
    return str(path)


def test_cursor_lies(server):
    """An unknown cursor is never taken for a known one."""
    bob = session(server.url, hello_with(**user("bob")))
    ann = session(server.url, hello_with(**user("ann")))
    ann.say({"v": 2, "seq": 1, "type": "join", "room": "lobby"})
    ann.receive("reply")
    w = ann.welcome
    lies = [(w | {"sid": "s_" + "A" * 22}, 0, "unknown"), (w | {"sid": bob.welcome["sid"]}, 0, "token"),
            (w | {"epoch": bob.welcome["epoch"]}, 0, "epoch"), (w | {"epoch": "0" * 16}, 1, "epoch"),
            (w | {"sid": w["sid"].lower()}, 0, "unknown"), (w | {"sid": w["sid"] + " "}, 0, "unknown"),
            (w | {"sid": w["sid"] + "\0"}, 0, "unknown"), (w | {"token": w["token"][:-1]}, 0, "token"),
            (w | {"token": w["token"] + "A"}, 0, "token"), (w | {"token": bob.welcome["token"]}, 0, "token")]
    for pretended, ack, reason in lies:
        with session(server.url, resume_hello(pretended, ack, "ann")) as raw:
            assert (raw.welcome["resumed"], raw.welcome["reason"]) == (False, reason), pretended
            assert raw.welcome["rooms"] == [] and raw.welcome["replay"] is None and raw.welcome["last_in"] == 0
            assert raw.welcome["sid"] not in (w["sid"], bob.welcome["sid"]) and "lost" not in raw.welcome
    for ack in (2, 2**53 - 1):
        with Raw(server.url).upgrade() as raw:
            raw.say(resume_hello(w, ack, "ann"))
            assert raw.outcome() == ("ack.invalid", 4501)
    # After all of it the session is as it was.
    with session(server.url, resume_hello(w, 1, "ann")) as back:
        assert back.welcome["resumed"] and [room["room"] for room in back.welcome["rooms"]] == ["lobby"]


def test_a_stolen_token_ends_the_session(server):
    """A token that was replaced and confirmed is used again by the same user: 4506 to both, and nothing is left."""
    ann = session(server.url, hello_with(**user("ann")))
    stolen = ann.welcome
    ann.reset()
    ann = session(server.url, resume_hello(stolen, 0, "ann"))
    ann.say({"v": 2, "seq": 1, "type": "join", "room": "lobby"})
    ann.receive("reply")
    # By another user it is no token at all, and does nothing.
    with session(server.url, resume_hello(stolen, 0, "eve")) as eve:
        assert eve.welcome["reason"] == "token"
    ann.say({"v": 2, "seq": 2, "type": "event", "event": "echo", "id": "still", "payload": 1})
    assert ann.receive("reply", "session")["re"] == "still"
    with Raw(server.url).upgrade() as thief:
        thief.say(resume_hello(stolen, 0, "ann"))
        assert thief.outcome() == ("session.token_reuse", 4506)
    messages, code = ann.finish()
    assert [m["payload"] for m in messages if m["type"] == "session"] == [{"state": "revoked", "reason": "token_reuse"}]
    assert code == 4506
    with session(server.url, resume_hello(ann.welcome, 0, "ann")) as raw:
        assert (raw.welcome["resumed"], raw.welcome["reason"]) == (False, "ended")


def test_the_authenticator_runs_on_resume(start_server, tmp_path):
    """The right cursor with no credential, a wrong one, or somebody else's is not enough, and does no harm."""
    path = tokens(tmp_path / "tokens", "token-of-ann ann", "token-of-bob bob")
    server = start_server("--auth", "token-file", "--token-file", path, "--drain-timeout", "100ms")

    def token_auth(credential):
        return {"auth": {"scheme": "token", "credential": credential}}

    ann = session(server.url, hello_with(**token_auth("token-of-ann")))
    w = ann.welcome
    cursor = {"sid": w["sid"], "token": w["token"], "epoch": w["epoch"], "ack": 0}
    for auth in ({}, token_auth("wrong"), token_auth("token-of-ann "), token_auth(""), {"auth": {"scheme": "none",
                 "credential": "ann"}}, {"auth": {"scheme": "none"}}, {"auth": {"scheme": "token"}}):
        with Raw(server.url).upgrade() as raw:
            raw.say(hello_with(resume=cursor, **auth))
            assert raw.outcome() == ("auth.failed", 4503), auth
    with session(server.url, hello_with(resume=cursor, **token_auth("token-of-bob"))) as bob:
        assert bob.welcome["reason"] == "principal"
    ann.say({"v": 2, "seq": 1, "type": "event", "event": "echo", "id": "still", "payload": 1})
    assert ann.receive("reply", "session")["re"] == "still"
    with session(server.url, hello_with(resume=cursor | {"ack": 1}, **token_auth("token-of-ann"))) as back:
        assert back.welcome["resumed"]


def test_a_revoked_user_does_not_resume(start_server, tmp_path):
    """The user's line is gone from the file when the operator says so (SIGHUP): the session cannot be resumed any
    more, though its token is right; that of another user goes on."""
    path = tokens(tmp_path / "tokens", "token-of-ann ann *", "token-of-bob bob *")
    server = start_server("--auth", "token-file", "--token-file", path, "--auth-reload-interval", "0s")

    def hello(name, welcome):
        return hello_with(auth={"scheme": "token", "credential": f"token-of-{name}"}, resume={
            "sid": welcome["sid"], "token": welcome["token"], "epoch": welcome["epoch"], "ack": 0})

    raws = {name: session(server.url, hello_with(auth={"scheme": "token", "credential": f"token-of-{name}"}))
            for name in ("ann", "bob")}
    for raw in raws.values():
        raw.reset()
    tokens(tmp_path / "tokens", "token-of-bob bob *")
    server.process.send_signal(signal.SIGHUP)
    welcome = {name: raw.welcome for name, raw in raws.items()}

    def refused():
        with Raw(server.url).upgrade() as raw:
            raw.say(hello("ann", welcome["ann"]))
            message = raw.receive()
            if message["type"] == "error":
                return (message["payload"]["code"], raw.outcome()[1]) == ("auth.failed", 4503)
            welcome["ann"] = message["payload"]
            assert welcome["ann"]["resumed"]

    eventually(refused)
    with session(server.url, hello("bob", welcome["bob"])) as raw:
        assert raw.welcome["resumed"]
