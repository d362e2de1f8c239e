"""The ten bugs that servers of this kind really had, each as a test of ours over real sockets: identity, counters and
liveness of sessions that drop and come back. Those about traffic are in test_ten_bugs_traffic.py."""
import contextlib
import os
import signal
import time

import pytest

from conftest import eventually
from faultproxy import FaultProxy
from wsclient import Client, ServerError
from wsraw import Raw, hello_with, session


def user(name):
    return {"auth": {"scheme": "none", "credential": name}}


def event(seq, name="echo", payload=1, **fields):
    return {"v": 2, "seq": seq, "type": "event", "event": name, "id": f"c-{seq}", "payload": payload, **fields}


def resume_hello(welcome, ack, name, **changes):
    return hello_with(resume={"sid": welcome["sid"], "token": welcome["token"], "epoch": welcome["epoch"], "ack": ack},
                      **user(name), **changes)


@pytest.fixture
def admin(start_server, tmp_path):
    """Starts a server with the admin socket that the fixture `lines` asks."""

    def start(*arguments):
        return start_server("--admin-socket", str(tmp_path / "admin.sock"), "--drain-timeout", "100ms", *arguments)

    return start


def counters(lines, client):
    """The server's numbers for the client's session."""
    [found] = lines("sessions", client.sid)
    return {name: found[name] for name in ("last_in", "last_seq", "acked")}


def agrees(lines, client):
    """Both sides count the same, once all is acknowledged."""
    client.ack()
    expected = {"last_in": client.last_seq, "last_seq": client.last, "acked": client.last}
    assert eventually(lambda: counters(lines, client) == expected), (counters(lines, client), expected)


# Bug 1: counters skew because one path skipped counting (SignalR 55575)


def drop_by_rst(client, proxy):
    client.drop("rst")


def drop_by_fin(client, proxy):
    client.drop("fin")


def drop_by_close(client, proxy):
    client.close(1001)


def drop_in_silence(client, proxy):
    proxy.latest.black_hole()


def drop_half(client, proxy):
    proxy.latest.cut("fin", "client")


def drop_at_the_server(client, proxy):
    proxy.latest.cut("rst", "server")


DROPS = [drop_by_rst, drop_by_fin, drop_by_close, drop_in_silence, drop_half, drop_at_the_server]


def say_everything(client, other):
    """Each kind of message that has a number, in both directions, and those that have none."""
    client.join("lobby", presence=True)
    client.publish("lobby", "chat", 1)
    client.send("chat", 2, room="lobby")
    client.send("chat", 3, room="lobby", transient=True)
    client.send("no.such", 4)
    client.send("echo", 5)
    client.send("no.such", 6, transient=True, id="t-1")
    with pytest.raises(ServerError):
        client.request("chat", 7, room="elsewhere")
    client.request("direct.send", {"to": {"session": client.sid}, "event": "note", "payload": 8})
    other.join("lobby")
    other.publish("lobby", "chat", 9)
    other.send("chat", 10, room="lobby", transient=True)
    other.request("direct.send", {"to": {"session": client.sid}, "event": "note", "payload": 11})
    other.leave("lobby")
    client.leave("lobby")
    client.request("echo", 12)
    client.inbox.clear()


@pytest.mark.parametrize("loops", ["1", "2"])
@pytest.mark.parametrize("drop", DROPS, ids=lambda drop: drop.__name__)
def test_counters_agree_over_every_path(admin, lines, drop, loops):
    """Over each way to drop, on one loop and from loop to loop: both sides count the same, and nothing comes twice."""
    server = admin("--loops", loops)
    other = Client(server.url, user="bob")
    other.connect()
    with FaultProxy(server.url) as proxy:
        client = Client(proxy.url, user="ann")
        client.connect()
        for turn in range(4):
            say_everything(client, other)
            agrees(lines, client)
            drop(client, proxy)
            other.request("direct.send", {"to": {"session": client.sid}, "event": "note", "payload": "away"})
            welcome = client.connect()
            assert (welcome["resumed"], welcome["last_in"]) == (True, client.last_seq)
            assert client.receive(type="event")["payload"] == "away"
            client.wait_live()
            agrees(lines, client)
        assert (client.duplicates, client.gaps, client.unknown) == (0, [], [])
        client.close()
    other.close()


def test_counters_agree_after_a_change_of_version(admin, lines):
    """Both numberings begin anew with the version, on both sides."""
    server = admin("--loops", "2")
    other, client = Client(server.url, user="bob"), Client(server.url, user="ann")
    for each in (other, client):
        each.connect()
    for _ in range(2):
        say_everything(client, other)
        agrees(lines, client)
        client.drop()
        one = {"v": 1, "type": "hello", "payload": {"versions": [1], **user("ann"), "resume": {
            "sid": client.sid, "token": client.token}}}
        with session(server.url, one) as raw:
            assert raw.welcome["resumed"] and raw.welcome["version"] == 1
            raw.say({"v": 1, "type": "event", "event": "echo", "id": "x", "payload": 1})
            assert raw.receive("reply")["payload"] == 1
            client.token = raw.welcome["token"]
        assert client.connect()["resumed"] and client.welcome["last_in"] == 0
        agrees(lines, client)


# Bug 2: counter reset, or wrong direction, on resume; the second drop replays again (stanza 495, Openfire 927)


@pytest.mark.parametrize("drop", ["rst", "fin"])
@pytest.mark.parametrize("acks", [True, False], ids=["acknowledged", "told by hello alone"])
def test_three_drops_without_traffic(server, drop, acks):
    """Different counts per direction, three drops with nothing in between: nothing is delivered or asked for again."""
    ann, bob = (Client(server.url, user=name) for name in ("ann", "bob"))
    ann.auto_ack = acks
    for client in (ann, bob):
        client.connect()
        client.join("lobby")
    for number in range(5):
        ann.send("echo", number, id=f"e-{number}")
    for number in range(17):
        bob.publish("lobby", "chat", number)
    assert [ann.receive(type="event")["payload"] for _ in range(17)] == list(range(17))
    sent, came = ann.last_seq, ann.last
    assert sent != came
    for turn in range(3):
        ann.drop(drop)
        welcome = ann.connect()
        assert welcome["resumed"] and welcome["last_in"] == sent and welcome["replay"] is None, welcome
        assert welcome["gen"] == turn + 2 and welcome["gaps"] == []
        assert [m for m in ann.quiet(0.1) if m["type"] == "event"] == []
    assert (ann.last, ann.last_seq, ann.duplicates, ann.unacked) == (came, sent, 0, ann.unacked.__class__())
    bob.publish("lobby", "chat", "after")
    assert ann.receive(type="event")["seq"] == came + 1


# Bug 3: a session with no events, or long idle, cannot be resumed (socket.io 5538, 5282)


def test_a_session_without_events_resumes(server):
    """At 0/0, again and again, also when the client never said a word after hello."""
    raw = session(server.url, hello_with(**user("ann")))
    welcome = raw.welcome
    for turn in range(5):
        raw.reset()
        raw = session(server.url, resume_hello(welcome, 0, "ann"))
        welcome = raw.welcome
        assert (welcome["resumed"], welcome["gen"], welcome["last_in"]) == (True, turn + 2, 0)
        assert welcome["replay"] is None and raw.receive()["type"] == "live"
    raw.say(event(1))
    assert raw.receive("reply")["re"] == "c-1"
    raw.close()


def test_an_idle_session_resumes_past_what_is_kept(start_server):
    """Long idle while others fill every list that the server keeps; only what the session itself missed is gone, and
    named."""
    server = start_server("--outbox-messages", "32", "--ping-interval", "200ms", "--ping-timeout", "10s")
    ann, bob, idle = (Client(server.url, user=name) for name in ("ann", "bob", "idle"))
    for client in (ann, bob, idle):
        client.connect()
    for client in (ann, bob):
        client.join("lobby")
    idle_last = idle.last
    ann.drop()
    idle.drop()
    for number in range(2000):
        bob.send("chat", number, room="lobby")
    bob.publish("lobby", "chat", 2000)
    for _ in range(30):
        # Events of other sessions, past what the operators' log keeps as well.
        other = Client(server.url)
        other.connect()
        other.bye()
    welcome = idle.connect()
    assert welcome["resumed"] and welcome["replay"] is None and idle.last == idle_last
    welcome = ann.connect()
    assert welcome["resumed"] and welcome["gaps"]
    gap, got = ann.receive(type="gap")["payload"], []
    while not got or got[-1] != 2000:
        got.append(ann.receive(type="event")["payload"])
    assert got == list(range(gap["count"], 2001)) and len(got) >= 31 and gap["rooms"] == ["lobby"]


def test_a_session_resumes_until_its_time_is_over_and_not_after(start_server):
    """Three times shortly before the end: the timer of an earlier drop must not end what was resumed since."""
    server = start_server("--session-ttl", "1500ms")
    raw = session(server.url, hello_with(**user("ann")))
    for _ in range(3):
        raw.reset()
        time.sleep(0.9)
        raw = session(server.url, resume_hello(raw.welcome, 0, "ann"))
        assert raw.welcome["resumed"]
    # 1.5 s after the first of them, connected all the while.
    time.sleep(1)
    raw.say(event(1))
    assert raw.receive("reply")["re"] == "c-1"
    welcome = raw.welcome
    raw.reset()
    time.sleep(2)
    with session(server.url, resume_hello(welcome, 1, "ann")) as late:
        assert (late.welcome["resumed"], late.welcome["reason"]) == (False, "expired")
        assert late.welcome["lost"] == {"last_in": 1}


# Bug 4: reconnect before the server noticed the drop (socket.io 4880, streams-adapter 26)


@pytest.mark.parametrize("count, turns", [(20, 50), (1, 1000)])
def test_reconnect_before_the_server_noticed(admin, lines, count, turns):
    """The old connection turns silent and the session is resumed at once, 1,000 times: each time it is the same
    session, all that was said meanwhile arrives, and one connection is left."""
    server = admin("--loops", "2")
    bob = Client(server.url, user="bob")
    bob.connect()
    names = [f"u{number}" for number in range(count)]
    sids = {}
    with FaultProxy(server.url) as proxy, contextlib.ExitStack() as stack:
        raws = {}
        for name in names:
            raws[name] = stack.enter_context(session(proxy.url, hello_with(**user(name))))
            raws[name].last, sids[name] = 0, raws[name].welcome["sid"]
        for turn in range(turns):
            for name in names:
                old = raws[name]
                proxy.latest.black_hole() if turn % 2 else None
                bob.send("direct.send", {"to": {"session": sids[name]}, "event": "note", "payload": turn})
                new = Raw(proxy.url if turn % 2 == 0 else server.url).upgrade()
                stack.enter_context(new)
                new.say(resume_hello(old.welcome, old.last, name))
                new.welcome = new.receive("welcome")["payload"]
                assert (new.welcome["resumed"], new.welcome["sid"]) == (True, sids[name])
                assert new.welcome["gen"] == turn + 2
                note = new.receive("event")
                assert (note["payload"], note["seq"]) == (turn, old.last + 1)
                new.last, raws[name] = note["seq"], new
            bob.quiet(0.001)
        found = {each["sid"]: each for each in lines("sessions", "--state", "active")}
        assert set(sids.values()) | {bob.sid} == set(found)
        for name in names:
            mine = found[sids[name]]
            assert (mine["connection"], mine["gen"]) == (raws[name].welcome["connection"], turns + 1)
        # The old ones are closed by the server, whether or not their peers answer.
        eventually(lambda: lines("stats")[0]["connections"] == count + 1, timeout=20)
        for name in names:
            raws[name].say({"v": 2, "ack": raws[name].last, **event(1)})
            assert raws[name].receive("reply")["re"] == "c-1"


# Bug 6: the late cleanup of the old socket kills the new one (discordeno 4017, ejabberd, centrifuge-js 371)


def still_there(new, bob, watcher_changes):
    """The session is attached to its new connection, and nobody was told otherwise."""
    bob.publish("lobby", "chat", "still there?")
    assert new.receive("event")["payload"] == "still there?"
    new.say(event(new.sent + 1))
    new.sent += 1
    assert new.receive("reply")["re"] == f"c-{new.sent}"
    changes = [m["payload"]["change"] for m in bob.quiet(0.05) if m["type"] == "member"]
    assert changes == watcher_changes, changes


@pytest.mark.parametrize("end", ["rst", "fin", "timers", "late messages"])
def test_late_cleanup_of_the_old_socket(start_server, end):
    """The old connection ends after the session has a new one: by its peer, by the server's timers, or after it has
    said what it could not say in time."""
    # Each of the timers is shorter than the wait: ping, its answer, and the wait for the end of a closed connection.
    server = start_server("--ping-interval", "500ms", "--ping-timeout", "20s", "--session-ttl", "20s",
                          "--presence-grace", "0s")
    bob = Client(server.url, user="bob")
    bob.connect()
    bob.join("lobby", presence=True)
    with FaultProxy(server.url) as proxy:
        old = session(proxy.url, hello_with(**user("ann")))
        link = proxy.latest
        old.say({"v": 2, "seq": 1, "type": "join", "room": "lobby"})
        joined = old.receive("reply")
        assert bob.receive(type="member")["payload"]["change"] == "joined"
        link.black_hole()
        # On their way, and stuck: they come after the session was taken over.
        old.say(event(2, "chat", "from the old one", room="lobby"))
        old.say({"v": 2, "type": "bye"})
        new = session(server.url, resume_hello(old.welcome, joined["seq"], "ann"))
        new.sent = 1
        assert new.welcome["resumed"] and new.welcome["last_in"] == 1
        still_there(new, bob, [])
        if end == "late messages":
            link.restore()
        elif end != "timers":
            link.cut(end, "server")
        for _ in range(5):
            time.sleep(0.5)
            still_there(new, bob, [])
        old.close()
        still_there(new, bob, [])
        # And when the new one drops, it is suspended and can be had again.
        new.reset()
        assert bob.receive(type="member")["payload"]["change"] == "suspended"
        with session(server.url, resume_hello(new.welcome, 0, "ann")) as third:
            assert third.welcome["resumed"] and third.welcome["gen"] == 3


# Bug 7: the liveness flag is carried over (carbon 350)


def answer_pings(raw, count):
    """Answers so many pings, and sees nothing else that ends the connection."""
    for _ in range(count):
        raw.receive("ping")
        raw.say({"v": 2, "type": "pong"})


@pytest.mark.parametrize("closed_first", [True, False], ids=["closed with 4002", "taken over before"])
def test_liveness_flag_is_not_carried_over(start_server, closed_first):
    """Miss one pong, resume, survive three intervals."""
    server = start_server("--ping-interval", "400ms", "--ping-timeout", "1200ms")
    old = session(server.url, hello_with(**user("ann")))
    old.receive("ping")
    if closed_first:
        assert old.finish()[1] == 4002
    with session(server.url, resume_hello(old.welcome, 0, "ann")) as new:
        assert new.welcome["resumed"]
        answer_pings(new, 4)
        new.say(event(1))
        assert new.receive("reply")["re"] == "c-1"
    old.close()


def test_a_server_that_was_stopped_ends_no_live_connection(start_server):
    """SIGSTOP for longer than interval and timeout: what came meanwhile is read before anybody is declared dead."""
    server = start_server("--ping-interval", "300ms", "--ping-timeout", "1s", "--loops", "2")
    raws = [session(server.url, hello_with(**user(f"u{number}"))) for number in range(20)]
    for turn in range(2):
        os.kill(server.process.pid, signal.SIGSTOP)
        time.sleep(0.1)
        for raw in raws:
            raw.say(event(turn + 1))
        time.sleep(1.6)
        os.kill(server.process.pid, signal.SIGCONT)
        for raw in raws:
            assert raw.receive("reply")["re"] == f"c-{turn + 1}"
    for _ in range(3):
        for raw in raws:
            answer_pings(raw, 1)
    for raw in raws:
        raw.close()


def test_a_server_that_was_stopped_expires_no_session_inside_its_time(start_server):
    """A pause of the process is not a clock of its own: who comes back inside the time resumes, who does not does not."""
    server = start_server("--session-ttl", "3s")
    kept, gone = (session(server.url, hello_with(**user(name))) for name in ("kept", "gone"))
    short = session(server.url, hello_with(ttl_ms=500, **user("short")))
    for raw in (kept, gone, short):
        raw.reset()
    # The time of a session runs from when the server sees the reset.
    time.sleep(0.2)
    os.kill(server.process.pid, signal.SIGSTOP)
    time.sleep(1)
    waiting = Raw(server.url)
    os.kill(server.process.pid, signal.SIGCONT)
    with waiting.upgrade() as raw:
        raw.say(resume_hello(kept.welcome, 0, "kept"))
        assert raw.receive("welcome")["payload"]["resumed"]
    with session(server.url, resume_hello(short.welcome, 0, "short")) as raw:
        assert raw.welcome["reason"] == "expired"
    time.sleep(3.2)
    with session(server.url, resume_hello(gone.welcome, 0, "gone")) as raw:
        assert raw.welcome["reason"] == "expired"
