"""`wscore inspect` against a real server, with sessions of the independent client."""
import json
import os
import re
import signal
import stat
import subprocess
import time

import pytest

from conftest import WSCORE, eventually
from wsclient import Client, Closed


@pytest.fixture
def admin(start_server, tmp_path):
    """A server whose clients are pinged early, with its admin socket."""
    server = start_server("--admin-socket", str(tmp_path / "admin.sock"), "--loops", "2", "--session-ttl", "60s",
                          "--drain-timeout", "2s")
    server.socket = tmp_path / "admin.sock"
    return server


def connected(server, user, *rooms):
    client = Client(server.url, user=user, instance=f"{user}'s laptop")
    client.connect()
    for room in rooms:
        client.join(room)
    return client


def test_a_session_through_its_life(admin, lines, inspect):
    ann = connected(admin, "ann", "lobby")
    [session] = lines("sessions")
    assert session["sid"] == ann.sid and session["state"] == "active" and session["user"] == "ann"
    assert session["rooms"] == 1 and session["gen"] == 1 and session["expires_in_ms"] is None
    assert session["connection"].startswith("c_") and session["remote"].startswith("127.0.0.1:")

    ann.drop()
    [session] = eventually(lambda: lines("sessions", "--state", "suspended"))
    assert session["connection"] is None and 50_000 < session["expires_in_ms"] <= 60_000

    ann.connect()
    [details] = lines("sessions", ann.sid)
    assert details["state"] == "active" and details["gen"] == 2 and details["attaches"] == 2
    assert details["rooms"] == ["lobby"] and details["instance"] == "ann's laptop" and details["epoch"] == ann.epoch
    assert ann.token not in json.dumps(details)

    sid = ann.sid
    assert ann.bye() == 1000
    assert eventually(lambda: lines("sessions") == [])
    gone = inspect("sessions", sid)
    assert (gone.returncode, gone.stdout) == (1, "")
    assert gone.stderr == (f"wscore: session {sid}: not found\n"
                           "  To see what there is: wscore inspect sessions\n")


def test_filters(admin, lines):
    clients = [connected(admin, user, room) for user, room in
               [("ann", "lobby"), ("ann", "hall"), ("bob", "lobby"), ("bob", "a/b ü?&%")]]
    sids = [client.sid for client in clients]

    def found(*arguments):
        return {session["sid"] for session in lines("sessions", *arguments)}

    assert found() == set(sids)
    assert found("--user", "ann") == set(sids[:2])
    assert found("--room", "lobby") == {sids[0], sids[2]}
    assert found("--room", "a/b ü?&%", "--user", "bob", "--state", "active") == {sids[3]}
    assert found("--room", "lob") == set() and found("--state", "suspended") == set()
    assert len(found("--limit", "3")) == 3
    for client in clients:
        client.bye()


def test_rooms(admin, lines, inspect):
    ann, bob = connected(admin, "ann", "lobby", "a/b ü?&%"), connected(admin, "bob", "lobby")
    ann.publish("lobby", "chat", "hi")
    rooms = {room["room"]: room for room in lines("rooms")}
    assert set(rooms) == {"lobby", "a/b ü?&%"}
    assert rooms["lobby"]["members"] == 2
    log, offset = ann.positions["lobby"]
    assert (rooms["lobby"]["log"], rooms["lobby"]["offset"]) == (log, offset)
    assert len(lines("rooms", "--limit", "1")) == 1
    [odd] = lines("rooms", "a/b ü?&%")
    assert odd["members"] == [ann.sid]
    missing = inspect("rooms", "nowhere")
    assert missing.returncode == 1 and "room nowhere: not found" in missing.stderr
    table = inspect("rooms", "lobby", "--format", "table").stdout
    assert ann.sid in table and bob.sid in table
    ann.bye(), bob.bye()


def test_kick(admin, lines, inspect):
    ann, bob = connected(admin, "ann"), connected(admin, "bob")
    [dry] = lines("kick", ann.sid, "--dry-run")
    assert dry["would_kick"] == ann.sid and dry["session"]["user"] == "ann"
    assert len(lines("sessions")) == 2

    result = inspect("kick", ann.sid, bob.sid, "--reason", "spam & eggs ü", "--format", "table")
    assert (result.returncode, result.stdout) == (0, f"kicked {ann.sid}\nkicked {bob.sid}\n")
    told = ann.receive(type="session")
    assert told["payload"] == {"state": "revoked", "reason": "spam & eggs ü"}
    assert ann.wait_closed() == 4507 and bob.wait_closed() == 4507
    assert lines("sessions") == []

    again = inspect("kick", ann.sid)
    assert again.returncode == 1 and f"session {ann.sid}: not found" in again.stderr
    assert inspect("kick", ann.sid, "--dry-run").returncode == 1
    refused = ann.connect()
    assert refused["resumed"] is False and refused["reason"] == "ended"
    ann.bye()


def test_stats_and_metrics(admin, lines, inspect):
    ann = connected(admin, "ann", "lobby")
    ann.publish("lobby", "chat", "hi")
    ann.drop()
    eventually(lambda: lines("sessions", "--state", "suspended"))
    ann.connect()
    [stats] = lines("stats")
    assert stats["pid"] == admin.process.pid and stats["sessions"] == {"active": 1, "suspended": 0}
    assert stats["connections"] == 1 and stats["rooms"] == 1 and stats["resumes"]["ok"] == 1
    assert stats["messages_in"] >= 2 and stats["draining"] is False and len(stats["shards"]) == stats["loops"] == 2

    text = inspect("metrics").stdout
    families = re.findall(r"^# TYPE (\w+) (counter|gauge)$", text, re.M)
    assert families and all(name.endswith("_total") for name, kind in families if kind == "counter")
    assert 'wscore_sessions{state="active"} 1\n' in text
    for line in text.splitlines():
        assert re.fullmatch(r'# (HELP|TYPE) \w+ .+|\w+(\{(\w+="[^"]*",?)+\})? -?[\d.e+-]+', line), line
    samples = lines("metrics", "--json")
    assert {"name": "wscore_sessions", "labels": {"state": "active"}, "value": 1} in samples
    assert ann.sid not in text and "lobby" not in text

    table = inspect("stats", "--format", "table").stdout
    assert re.search(r"^sessions\.active +1$", table, re.M) and re.search(r"^rss +\d+MiB$", table, re.M)
    ann.bye()


def test_events(admin, environment, inspect, lines):
    follower = subprocess.Popen([WSCORE, "inspect", "events", "--follow", "--socket", str(admin.socket)],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    ann = connected(admin, "ann", "lobby")
    ann.drop()
    eventually(lambda: lines("sessions", "--state", "suspended"))
    ann.connect()
    inspect("kick", ann.sid, "--reason", "enough")

    seen = []
    while not seen or seen[-1]["event"] != "session.ended":
        seen.append(json.loads(follower.stdout.readline()))
    names = [event["event"] for event in seen if event.get("sid") in (None, ann.sid)]
    for earlier, later in [("session.created", "session.suspended"), ("session.suspended", "session.resumed"),
                           ("session.resumed", "session.ended")]:
        assert names.index(earlier) < names.index(later), names
    assert {"connection.opened", "connection.closed", "room.created"} <= set(names), names
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", event["ts"]) for event in seen)

    kept = lines("events")
    assert kept[:len(seen)] == seen
    table = inspect("events", "--format", "table").stdout
    assert re.search(rf"^\S+Z  session\.created +.*sid={ann.sid}", table, re.M)
    follower.send_signal(signal.SIGINT)
    assert follower.wait(5) == 130 and follower.stderr.read() == ""


def test_following_ends_with_the_server(admin, environment):
    follower = subprocess.Popen([WSCORE, "inspect", "events", "--follow", "--socket", str(admin.socket)],
                                stdout=subprocess.PIPE, text=True, env=environment)
    connected(admin, "ann").bye()
    assert follower.stdout.readline()
    admin.stop()
    assert follower.wait(5) in (0, 69)


def test_health(admin, inspect, lines):
    assert lines("health") == [{"healthy": True, "ready": True}]
    ann = connected(admin, "ann")
    admin.process.terminate()

    def draining():
        result = inspect("health")
        return result if result.returncode != 0 else None

    result = eventually(draining)
    assert result.returncode == 1, result.stderr
    assert json.loads(result.stdout) == {"healthy": True, "ready": False, "reason": "draining (503)"}
    with pytest.raises(Closed):
        while True:
            ann.receive(timeout=5)
    admin.stop()
    assert inspect("health").returncode == 69


def test_stopped_server(admin, inspect):
    os.kill(admin.process.pid, signal.SIGSTOP)
    try:
        result = inspect("stats", "--timeout", "300ms")
        assert result.returncode == 124 and "no answer within 300ms" in result.stderr
    finally:
        os.kill(admin.process.pid, signal.SIGCONT)
    assert inspect("stats").returncode == 0


def test_a_client_that_is_stopped_is_seen_as_suspended(start_server, tmp_path, lines):
    server = start_server("--admin-socket", str(tmp_path / "admin.sock"), "--ping-interval", "200ms",
                          "--ping-timeout", "200ms")
    ann = connected(server, "ann", "lobby")
    # Nothing reads or answers for this client until it goes on.
    [session] = eventually(lambda: lines("sessions", "--state", "suspended"), timeout=5)
    assert session["sid"] == ann.sid and session["connection"] is None
    ann.drop()
    assert ann.connect()["resumed"] is True
    assert lines("sessions")[0]["state"] == "active"
    ann.bye()


def test_the_socket_is_its_owners_alone(admin):
    assert stat.S_IMODE(os.stat(admin.socket).st_mode) == 0o600
    admin.stop()
    assert not admin.socket.exists()


def test_names_of_peers_are_shown_and_do_nothing(admin, inspect, environment):
    # Rooms and users have no C0 controls; C1 and marks of direction are harder to see.
    evil = "a\u009b31m\u202eb"
    ann = Client(admin.url, user=evil, instance="x\u009b2J")
    ann.connect()
    ann.join(evil)
    for arguments in (["sessions"], ["sessions", ann.sid], ["rooms"], ["rooms", evil], ["events"]):
        for format in ("table", "ndjson", "json"):
            result = inspect(*arguments, "--format", format)
            assert result.returncode == 0, result.stderr
            assert "\u009b" not in result.stdout and "\u202e" not in result.stdout
            if format == "json":
                json.loads(result.stdout)
    assert json.loads(inspect("rooms").stdout)["room"] == evil
    ann.bye()


def test_many_sessions(admin, lines):
    from concurrent.futures import ThreadPoolExecutor
    with ThreadPoolExecutor(8) as pool:
        clients = list(pool.map(lambda number: connected(admin, f"user{number}"), range(300)))
    assert {session["sid"] for session in lines("sessions")} == {client.sid for client in clients}
    for client in clients:
        client.drop()
    assert eventually(lambda: len(lines("sessions", "--state", "suspended")) == 300)


@pytest.mark.parametrize("command", [["sessions", ""], ["rooms", ""], ["kick", ""], ["kick", "", "--dry-run"], ["drain", ""]], ids=" ".join)
def test_an_id_is_not_empty(start_server, tmp_path, inspect, command):
    start_server("--admin-socket", str(tmp_path / "admin.sock"))
    done = inspect(*command)
    assert done.returncode == 64 and "an id is not empty" in done.stderr


def test_hits_of_limits_are_counts(start_server, tmp_path, inspect):
    start_server("--admin-socket", str(tmp_path / "admin.sock"))
    table = inspect("stats", "--format", "table").stdout
    assert re.search(r"limits\.header_bytes +0$", table, re.M), table
