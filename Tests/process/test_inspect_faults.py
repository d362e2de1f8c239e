"""`wscore inspect` against a server that is not there, not ours, slow, broken or malicious."""
import json
import os
import pathlib
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time

import pytest

from conftest import WSCORE
from fakeadmin import FakeAdmin, answer, chunked, until_close

SESSION = {
    "sid": "s_AAAAAAAAAAAAAAAAAAAAAA", "state": "active", "user": "ann", "connection": "c_AAAAAAAAAAAAAAAAAAAAAA",
    "transport": "websocket", "remote": "127.0.0.1:40000", "version": 2, "gen": 1, "rooms": 1,
    "outbox": {"messages": 3, "bytes": 2048}, "unacked": 3, "last_in": 7, "last_seq": 9, "acked": 6, "age_ms": 200000,
    "idle_ms": 1400, "expires_in_ms": None}


@pytest.fixture
def inspect(environment, tmp_path):
    """Runs `wscore inspect` with pipes; the socket is tmp_path/admin.sock unless named."""

    def run(*arguments, timeout=20, **extra):
        env = environment | {"WSCORE_ADMIN_SOCKET": str(tmp_path / "admin.sock")} | extra
        return subprocess.run([WSCORE, "inspect", *arguments], capture_output=True, text=True, env=env,
                              timeout=timeout, stdin=subprocess.DEVNULL)

    return run


@pytest.fixture
def fake(tmp_path):
    """Starts a fake admin server that answers everything with these bytes, or by this function."""
    servers = []

    def start(response):
        respond = response if callable(response) else lambda connection, _: connection.sendall(response)
        servers.append(FakeAdmin(tmp_path / "admin.sock", respond))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def on_terminal(arguments, tmp_path, environment, columns=80):
    """What a terminal of that width is sent."""
    import pexpect
    child = pexpect.spawn(WSCORE, ["inspect", *arguments], dimensions=(24, columns), timeout=10,
                          env=environment | {"WSCORE_ADMIN_SOCKET": str(tmp_path / "admin.sock")})
    child.expect(pexpect.EOF)
    child.close()
    return child.before.decode(), child.exitstatus


# Nobody there

def test_no_socket(inspect, tmp_path):
    result = inspect("sessions")
    assert (result.returncode, result.stdout) == (69, "")
    assert result.stderr == (
        f"wscore: admin socket {tmp_path}/admin.sock: no such socket\n"
        f"  Nothing listens there. Start one with: wscore serve --admin-socket {tmp_path}/admin.sock\n")


def test_the_places_of_the_socket(inspect, tmp_path):
    runtime = inspect("stats", WSCORE_ADMIN_SOCKET="", XDG_RUNTIME_DIR=str(tmp_path / "run"))
    assert f"{tmp_path}/run/wscore/admin.sock" in runtime.stderr
    fallback = inspect("stats", WSCORE_ADMIN_SOCKET="", XDG_RUNTIME_DIR="")
    assert f"/tmp/wscore-{os.getuid()}/admin.sock" in fallback.stderr or fallback.returncode == 0
    named = inspect("stats", "--socket", str(tmp_path / "named.sock"))
    assert f"{tmp_path}/named.sock" in named.stderr


def test_socket_of_a_server_that_died(inspect, tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "admin.sock"))
    result = inspect("health")
    assert result.returncode == 69
    assert "connection refused" in result.stderr and "the server that made it is gone" in result.stderr


def test_not_a_socket(inspect, tmp_path):
    (tmp_path / "admin.sock").write_text("")
    result = inspect("stats")
    assert result.returncode == 69 and "not a socket" in result.stderr


def test_path_too_long(inspect):
    result = inspect("stats", "--socket", "/tmp/" + "x" * 200)
    assert result.returncode == 64 and "has 205 bytes, not 1 to 107" in result.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("place, subject", [("admin.sock", "It belongs"), ("", "Its directory")])
def test_permission_denied(fake, tmp_path, environment, place, subject):
    fake(answer("{}"))
    for directory in [tmp_path, *tmp_path.parents]:
        if str(directory) != "/tmp" and str(directory).startswith("/tmp"):
            directory.chmod(directory.stat().st_mode | stat.S_IXOTH | stat.S_IROTH)
    target = tmp_path / place
    target.chmod(0o600 if place else 0o700)
    program = (f"import os; os.setgid(65534); os.setuid(65534);"
               f"os.execv({str(copy_for_all())!r}, ['wscore', 'inspect', 'stats'])")
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True,
                            env=environment | {"WSCORE_ADMIN_SOCKET": str(tmp_path / "admin.sock")})
    assert result.returncode == 77, result.stderr
    assert "permission denied" in result.stderr and subject in result.stderr
    assert "belongs to root:root, mode 0" in result.stderr and 'you are "nobody"' in result.stderr


def copy_for_all():
    """A place for the program that everybody may look into."""
    import shutil
    place = f"/tmp/wscore-test-{os.getpid()}"
    if not os.path.exists(place):
        shutil.copy(WSCORE, place)
        os.chmod(place, 0o755)
        import atexit
        atexit.register(os.unlink, place)
    return place


# Somebody else, or not well

def test_silent_server(inspect, fake):
    fake(lambda connection, _: time.sleep(3))
    started = time.monotonic()
    result = inspect("stats", "--timeout", "300ms")
    assert result.returncode == 124 and "no answer within 300ms" in result.stderr
    assert time.monotonic() - started < 2


def test_server_that_accepts_nobody(inspect, tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "admin.sock"))
        listener.listen(0)
        waiting = [socket.socket(socket.AF_UNIX) for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(str(tmp_path / "admin.sock"))
        result = inspect("stats", "--timeout", "300ms")
        assert result.returncode == 124
        for one in waiting:
            one.close()


@pytest.mark.parametrize("response, says", [
    (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "not the first line"),
    (b"HTTP/1.1 200 OK\r\nWscore-Admin: 1\r\nX: " + b"y" * 20_000 + b"\r\n\r\n", "the header is too long"),
    (b"HTTP/1.1 200 OK\r\nWscore-Admin: 1\r\nContent-Length: -1\r\n\r\n", "Content-Length"),
    (b"HTTP/1.1 200 OK\r\nWscore-Admin: 1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "Content-Length"),
    (b"HTTP/1.1 200 OK\r\nWscore-Admin: 1\r\nContent-Length: 99999999999999999999\r\n\r\n", "Content-Length"),
    (b"HTTP/1.1 200 OK\r\nWscore-Admin: 1\r\nTransfer-Encoding: gzip\r\n\r\n", "unknown Transfer-Encoding"),
    (b"HTTP/1.1 200 OK\r\nWscore-Admin: 1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "malformed chunk"),
    (b"HTTP/1.1 200 OK\r\nWscore-Admin: 1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 4000, "malformed chunk"),
    (b"HTTP/1.1 200 OK\r\nWscore-Admin: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}XX", "malformed chunk"),
    (answer("<html>"), "not JSON"),
    (answer("{\"a\":1,\"a\":2}"), "duplicate key"),
    (answer("[" * 100), "nested"),
    (answer("{\"a\":\"\xff\"}".encode("latin-1")), "UTF-8"),
])
def test_foreign_answers(inspect, fake, response, says):
    fake(response)
    result = inspect("stats")
    assert (result.returncode, result.stdout) == (76, "")
    assert "not wscore's admin server" in result.stderr and says in result.stderr


@pytest.mark.parametrize("response", [
    b"", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\nWscore-Admin: 1\r\nContent-Length: 100\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nWscore-Admin: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"])
def test_answer_cut_off(inspect, fake, response):
    fake(response)
    result = inspect("stats")
    assert result.returncode == 69 and "before its answer was complete" in result.stderr


def test_list_cut_off_in_the_middle_of_a_line(inspect, fake):
    fake(until_close(json.dumps(SESSION).encode() + b'\n{"sid":'))
    result = inspect("sessions")
    assert result.returncode == 76 and json.loads(result.stdout) == SESSION


def test_line_without_end(inspect, fake):
    def respond(connection, _):
        connection.sendall(until_close(b"["))
        while True:
            connection.sendall(b" " * 65536)

    fake(respond)
    result = inspect("sessions")
    assert result.returncode == 76 and "a line of more than 1048576 bytes" in result.stderr


def test_document_without_end(inspect, fake):
    def respond(connection, _):
        connection.sendall(until_close(b"["))
        while True:
            connection.sendall(b" " * 65536)

    fake(respond)
    result = inspect("stats")
    assert result.returncode == 76 and "more than 16777216 bytes" in result.stderr


@pytest.mark.parametrize("status, code, says", [
    ("404 Not Found", 1, "session s_x: not found"), ("400 Bad Request", 1, "refused: odd (400)"),
    ("500 Internal Server Error", 1, "the server failed: odd"), ("503 Service Unavailable", 75, "busy: odd")])
def test_refusals(inspect, fake, status, code, says):
    fake(answer('{"error":"odd"}', status))
    result = inspect("sessions", "s_x")
    assert (result.returncode, result.stdout) == (code, "") and says in result.stderr


# How answers may be sent

@pytest.mark.parametrize("frame", [answer, until_close, lambda body: chunked(body[:1], body[1:50], body[50:])])
def test_every_framing(inspect, fake, frame):
    lines = [json.dumps(SESSION | {"sid": f"s_{number}"}) for number in range(20)]
    server = fake(frame("\n".join(lines).encode() + b"\n"))
    result = inspect("sessions", "--room", "a b/ü", "--state", "active", "--limit", "20")
    assert result.returncode == 0, result.stderr
    assert [json.loads(line)["sid"] for line in result.stdout.splitlines()] == [f"s_{n}" for n in range(20)]
    assert server.requests[0].startswith("GET /v1/sessions?room=a%20b%2F%C3%BC&state=active&limit=20 HTTP/1.1\r\n")
    assert "\r\nConnection: close\r\n" in server.requests[0]


def test_byte_by_byte(inspect, fake):
    def respond(connection, _):
        for byte in chunked(json.dumps(SESSION).encode(), b"\r\n"):
            connection.sendall(bytes([byte]))

    fake(respond)
    result = inspect("sessions")
    assert json.loads(result.stdout) == SESSION


def test_formats(inspect, fake):
    body = json.dumps(SESSION) + "\n" + json.dumps(SESSION | {"user": None}) + "\n"
    fake(answer(body))
    assert len(json.loads(inspect("sessions", "--format", "json").stdout)) == 2
    assert len(inspect("sessions", "--json").stdout.splitlines()) == 2
    table = inspect("sessions", "--format", "table").stdout.splitlines()
    assert table[0].split() == ["SESSION", "STATE", "USER", "REMOTE", "ROOMS", "QUEUE", "IDLE", "TTL"]
    assert table[1].split() == [SESSION["sid"], "active", "ann", "127.0.0.1:40000", "1", "3", "1.4s", "-"]
    assert inspect("sessions", "--json", "--format", "table").returncode == 64


def test_empty_lists(inspect, fake):
    fake(answer(""))
    assert inspect("rooms").stdout == ""
    assert json.loads(inspect("rooms", "--format", "json").stdout) == []
    table = inspect("rooms", "--format", "table")
    assert (table.returncode, table.stdout, table.stderr) == (0, "", "No rooms.\n")


def test_table_on_a_narrow_terminal(fake, tmp_path, environment):
    fake(answer(json.dumps(SESSION | {"user": "u" * 60}) + "\n"))
    text, status = on_terminal(["sessions"], tmp_path, environment, columns=80)
    assert status == 0 and "SESSION" in text and SESSION["sid"] in text
    import re
    assert all(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) <= 80 for line in text.splitlines())


@pytest.mark.parametrize("arguments", [
    ["sessions"], ["sessions", "s_x"], ["sessions", "--json"], ["rooms", "--format", "json"], ["rooms"], ["rooms", "x"],
    ["events"], ["events", "--json"], ["stats"], ["metrics"], ["kick", "s_x"], ["kick", "s_x", "--dry-run"],
    ["health"]])
def test_escapes_of_peers_never_reach_a_terminal(fake, tmp_path, environment, arguments):
    evil = "\x1b]0;owned\x07\x1b[2J\u009b31m\u202eabc\r\x00\x7f"
    item = json.dumps({name: evil for name in (
        "sid", "state", "user", "remote", "room", "log", "event", "ts", "reason", "kicked", "error")}, ensure_ascii=False)
    body = f'wscore_x{{a="{evil}"}} 1\n' if arguments[0] == "metrics" else item + "\n"
    fake(answer(body, "500 Oops" if arguments[0] == "health" else "200 OK"))
    text, status = on_terminal([*arguments, "--color", "never"], tmp_path, environment)
    assert status == (1 if arguments[0] == "health" else 0), text
    for character in "\x1b\x07\u009b\u202e\x00\x7f":
        assert character not in text
    assert "owned" in text or arguments == ["kick", "s_x"]


def test_color(inspect, fake):
    fake(answer(json.dumps(SESSION) + "\n"))
    assert "\x1b[1m" in inspect("sessions", "--format", "table", "--color", "always").stdout
    assert "\x1b" not in inspect("sessions", "--format", "table").stdout
    assert "\x1b" not in inspect("sessions", "--json", "--color", "always").stdout


def test_kick_goes_on_after_one_that_is_gone(inspect, fake):
    def respond(connection, line):
        if "s_gone" in line:
            connection.sendall(answer('{"error":"unknown session"}', "404 Not Found"))
        else:
            connection.sendall(answer('{"kicked":"s_b"}'))

    server = fake(respond)
    result = inspect("kick", "s_gone", "s_b", "--reason", "spam & eggs")
    assert result.returncode == 1
    assert json.loads(result.stdout) == {"kicked": "s_b"}
    assert "session s_gone: not found" in result.stderr
    assert server.requests[1].startswith("DELETE /v1/sessions/s_b?reason=spam%20%26%20eggs HTTP/1.1")


def test_ids_cannot_leave_their_place_in_the_path(inspect, fake):
    server = fake(answer("{}"))
    inspect("sessions", "../../x?y\r\nEvil: 1")
    assert server.requests[0].startswith("GET /v1/sessions/..%2F..%2Fx%3Fy%0D%0AEvil%3A%201 HTTP/1.1\r\n")


def test_dry_run_deletes_nothing(inspect, fake):
    server = fake(answer(json.dumps(SESSION)))
    result = inspect("kick", "s_a", "--dry-run")
    assert json.loads(result.stdout)["would_kick"] == "s_a"
    assert all(request.startswith("GET ") for request in server.requests)


@pytest.mark.parametrize("arguments", [
    ["sessions", "s_a", "--room", "x"], ["sessions", "--limit", "0"], ["sessions", "--state", "odd"], ["kick"],
    ["kick", "s_a", "--reason", "x" * 101], ["kick", "s_a", "--reason", "a\x1bb"], ["stats", "--watch", "1"],
    ["stats", "--watch", "1ms"], ["stats", "--timeout", "0s"]])
def test_usage(inspect, arguments):
    result = inspect(*arguments)
    assert (result.returncode, result.stdout) == (64, "")
    assert result.stderr.startswith("wscore: ") and "USAGE" not in result.stderr


@pytest.mark.parametrize("ready, status", [("200 OK", 0), ("503 Service Unavailable", 1)])
def test_health(inspect, fake, ready, status):
    fake(lambda connection, line: connection.sendall(
        answer("draining\n", ready) if "/readyz" in line else answer("ok\n")))
    result = inspect("health")
    assert result.returncode == status
    assert json.loads(result.stdout)["ready"] is (status == 0)
    if status:
        assert json.loads(result.stdout)["reason"] == "draining (503)"


def test_metrics(inspect, fake):
    text = '# HELP wscore_x A thing.\n# TYPE wscore_x counter\nwscore_x{a="b\\"c\\n",d="e"} 3\nwscore_y +Inf 1700\n'
    fake(answer(text))
    assert inspect("metrics").stdout == text
    samples = [json.loads(line) for line in inspect("metrics", "--json").stdout.splitlines()]
    assert samples == [{"name": "wscore_x", "labels": {"a": 'b"c\n', "d": "e"}, "value": 3},
                       {"name": "wscore_y", "labels": {}, "value": "+Inf"}]


# Streams, signals, and a reader that goes away

def start(arguments, tmp_path, environment):
    return subprocess.Popen([WSCORE, "inspect", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env=environment | {"WSCORE_ADMIN_SOCKET": str(tmp_path / "admin.sock")})


def test_events_come_at_once_and_follow_waits(fake, tmp_path, environment):
    def respond(connection, _):
        connection.sendall(b"HTTP/1.1 200 OK\r\nWscore-Admin: 1\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(3):
            part = b'{"ts":"2026-01-01T00:00:00Z","event":"session.created","sid":"s_%d"}\n' % number
            connection.sendall(b"%x\r\n%s\r\n" % (len(part), part))
            time.sleep(0.7)
        connection.sendall(b"0\r\n\r\n")

    server = fake(respond)
    process = start(["events", "--follow", "--timeout", "500ms"], tmp_path, environment)
    started = time.monotonic()
    assert json.loads(process.stdout.readline())["sid"] == "s_0"
    assert time.monotonic() - started < 0.6
    assert process.wait(10) == 0 and len(process.stdout.readlines()) == 2
    assert server.requests[0].startswith("GET /v1/events?follow=1 ")


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("arguments", [["events", "--follow"], ["stats", "--watch", "10s"]])
def test_signals(fake, tmp_path, environment, arguments, number, status):
    def respond(connection, line):
        connection.sendall(until_close(b'{"event":"session.created"}\n'))
        if "events" in line:
            time.sleep(20)

    fake(respond)
    process = start(arguments, tmp_path, environment)
    assert process.stdout.readline()
    process.send_signal(number)
    assert process.wait(5) == status
    assert process.stderr.read() == ""


def test_reader_that_goes_away(fake, tmp_path, environment):
    def respond(connection, _):
        connection.sendall(until_close(b""))
        while True:
            connection.sendall((json.dumps(SESSION) + "\n").encode() * 100)

    fake(respond)
    process = start(["sessions"], tmp_path, environment)
    assert json.loads(process.stdout.readline()) == SESSION
    process.stdout.close()
    assert process.wait(5) == 141
    assert process.stderr.read() == ""


@pytest.mark.parametrize("format", ["table", "ndjson", "json"])
def test_a_long_list_takes_little_memory(fake, tmp_path, environment, format):
    line = (json.dumps(SESSION) + "\n").encode()

    def respond(connection, _):
        connection.sendall(until_close(b""))
        for _ in range(1000):
            connection.sendall(line * 100)

    fake(respond)
    program = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True);"
               "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    result = subprocess.run([sys.executable, "-c", program, WSCORE, "inspect", "sessions", "--format", format],
                            capture_output=True, text=True, timeout=60,
                            env=environment | {"WSCORE_ADMIN_SOCKET": str(tmp_path / "admin.sock")})
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) < 60_000, "kilobytes"


def test_stats_watch(fake, tmp_path, environment):
    counter = iter(range(1000))
    fake(lambda connection, _: connection.sendall(answer(json.dumps(
        {"uptime_ms": 1000, "sessions": {"active": 1, "suspended": 2}, "messages_in": next(counter) * 100}))))
    process = start(["stats", "--watch", "100ms", "--format", "table"], tmp_path, environment)
    lines = [process.stdout.readline().split() for _ in range(3)]
    process.send_signal(signal.SIGINT)
    assert process.wait(5) == 130
    assert lines[0][:3] == ["UPTIME", "ACTIVE", "SUSP"]
    assert lines[1][:6] == ["1.0s", "1", "2", "-", "-", "-"]
    assert 100 < int(lines[2][5]) < 2000


@pytest.fixture(scope="module")
def program_of_all():
    """Where other users can run it, too."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        os.chmod(directory, 0o755)
        yield shutil.copy(WSCORE, directory)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")
@pytest.mark.parametrize("command", [["health"], ["stats"], ["kick", "s_AAAAAAAAAAAAAAAAAAAAAA"]])
def test_a_strangers_socket_in_tmp_is_not_believed(program_of_all, command):
    """Everybody may make the directory that `inspect` looks into when nothing names another."""
    stranger, user = 1, 65_534
    directory = pathlib.Path(f"/tmp/wscore-{user}")
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o755)
    os.chown(directory, stranger, stranger)
    server = subprocess.Popen(
        [sys.executable, "-c", STRANGER, str(directory / "admin.sock"), str(stranger)], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout.readline() == "ready\n"
        done = subprocess.run([program_of_all, "inspect", *command], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True,
                              user=user, group=user, extra_groups=[], timeout=20)
        assert done.returncode == 77 and f"user {stranger} listens there" in done.stderr and done.stdout == ""
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(directory)


STRANGER = """
import os, socket, sys
os.setuid(int(sys.argv[2]))
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
listener.listen(5)
print("ready", flush=True)
while True:
    peer, _ = listener.accept()
    peer.sendall(b'HTTP/1.1 200 OK\\r\\nWscore-Admin: 1\\r\\nContent-Length: 3\\r\\n\\r\\n{}\\n')
    peer.close()
"""
