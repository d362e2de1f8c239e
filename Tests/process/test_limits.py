"""Each limit of docs/LIMITS.md: it is reached, answered as documented, counted, and nobody else is disturbed."""
import contextlib
import os
import pathlib
import re
import resource
import socket
import subprocess
import threading
import time

import pytest

from conftest import ROOT, WSCORE
from ssewire import EventWire
from transports import sse_url
from wsraw import (CLOSE, HELLO, PING, PONG, Raw, frame, memory, request, session, text_frame, wait_for, works)

ECHO = {"v": 2, "type": "event", "event": "echo", "id": "e"}


def echo(seq, payload=1):
    return ECHO | {"seq": seq, "payload": payload}


@pytest.fixture
def limited(start_server, tmp_path, lines):
    """Starts a server; `hits(limit)` tells how often it was reached."""

    def start(*arguments):
        server = start_server("--admin-socket", str(tmp_path / "admin.sock"), *arguments)
        server.stats = lambda: lines("stats")[0]
        server.hits = lambda limit: server.stats()["limits"][limit]
        return server

    return start


def status_of(url, **changes):
    with Raw(url) as raw:
        raw.send(request(url, **changes))
        return raw.response()[0]


# Requests


@pytest.mark.parametrize("option, value, limit, change, status", [
    ("--max-header-bytes", "1KiB", "header_bytes", {"x": "y" * 1100}, 431),
    ("--max-header-fields", "20", "header_fields", {f"x-{n}": "y" for n in range(20)}, 431)])
def test_the_head_of_a_request(limited, option, value, limit, change, status):
    server = limited(option, value)
    assert status_of(server.url) == 101
    assert status_of(server.url, **change) == status
    assert status_of(server.url.replace("/ws", "/sse"), drop=("upgrade", "connection"), **change) == status
    assert server.hits(limit) == 2


def test_the_time_of_a_request(limited):
    server = limited("--handshake-timeout", "200ms")
    with Raw(server.url) as raw:
        raw.send(request(server.url)[:40])
        assert raw.response()[0] == 408
    assert server.hits("request_time") == 1


def test_origin_is_counted(limited):
    server = limited()
    assert status_of(server.url, origin="http://evil.example") == 403
    assert server.hits("origin") == 1


def test_names_of_the_server(limited):
    """By default a server on 127.0.0.1 answers to the names of this machine: else a page whose name is made to point
    here could use it, with an Origin that is the same as Host."""
    server = limited()
    port = server.address[1]
    for name in ("127.0.0.1", "localhost", "LocalHost", "app.localhost", "[::1]", "127.9.9.9", "[0:0:0:0:0:0:0:1]"):
        assert status_of(server.url, host=f"{name}:{port}") == 101, name
    foreign = ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "128.0.0.1", "[::2]", "evillocalhost"]
    for name in foreign:
        assert status_of(server.url, host=f"{name}:{port}", origin=f"http://{name}:{port}") == 421, name
        assert status_of(server.url, host=name, target="/sse", drop=("upgrade", "connection")) == 421, name
        assert status_of(server.url, host=name, target="/healthz", drop=("upgrade", "connection")) == 200
    assert server.hits("host") == 2 * len(foreign)


def test_names_that_are_allowed(start_server):
    server = start_server("--allow-host", "chat.example.com, [2001:db8::1]")
    for name, status in (("chat.example.com", 101), ("CHAT.example.com:99", 101), ("[2001:db8::1]", 101),
                         ("x.chat.example.com", 421), ("localhost", 421)):
        assert status_of(server.url, host=name) == status, name
    assert status_of(start_server("--allow-host", "*").url, host="any.example") == 101
    assert status_of(start_server("--trusted-proxy", "10.0.0.0/8").url, host="any.example") == 101


POST = b"POST /sse HTTP/1.1\r\nHost: 127.0.0.1\r\nWscore-Channel: x\r\nContent-Length: 0\r\n\r\n"


def test_answers_that_are_not_read(limited):
    """Requests behind each other, whose answers nobody takes: what waits is bounded, and the connection ends."""
    server = limited("--ping-interval", "1s", "--ping-timeout", "500ms")
    before = memory(server)
    with Raw(server.url, receive_buffer=4096) as raw:
        raw.socket.settimeout(1)
        with contextlib.suppress(TimeoutError, OSError):
            for _ in range(1000):
                raw.socket.sendall(POST * 1000)
        assert memory(server) - before < 16 << 20
        wait_for(lambda: server.hits("unread") == 1)
        assert works(server.url)
    wait_for(lambda: server.stats()["sockets"] == 0)


def test_answers_that_are_read_late(limited):
    server = limited()
    with Raw(server.url, receive_buffer=4096) as raw:
        raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        sender = threading.Thread(target=raw.send, args=(POST * 40_000,))
        sender.start()
        time.sleep(1)
        mark, count = b"HTTP/1.1 404 ", 0
        while count < 40_000:
            assert raw._more(), count
            count += raw.buffer.count(mark)
            raw.buffer = raw.buffer[max(raw.buffer.rfind(mark) + len(mark), len(raw.buffer) - len(mark) + 1):]
        sender.join()
    assert count == 40_000


def test_a_socket_that_sends_no_further_request(limited):
    server = limited("--idle-timeout", "300ms")
    with Raw(server.url) as raw:
        raw.send(POST)
        assert raw.response()[0] == 404
        assert raw.at_end()


# Connections


def test_connections_of_one_address(limited):
    server = limited("--max-connections-per-address", "3")
    held = [session(server.url) for _ in range(3)]
    waits = set()
    for _ in range(12):
        with Raw(server.url) as raw:
            raw.send(request(server.url))
            status, fields = raw.response()
            assert status == 503
            waits.add(int(fields["retry-after"]))
    assert len(waits) > 1, "those that are turned away together must not come back together"
    assert all(1 <= wait <= 30 for wait in waits)
    assert server.hits("address_connections") == 12
    held.pop().reset()
    wait_for(lambda: status_of(server.url) == 101)
    held[0].say(echo(1))
    assert held[0].receive("reply")["payload"] == 1


def test_more_refusals_of_one_address_than_can_be_told(limited):
    """Who takes no notice of its refusals is cut off without one, and holds no descriptors."""
    server = limited("--max-connections-per-address", "1")
    with session(server.url):
        many = [Raw(server.url) for _ in range(100)]
        wait_for(lambda: server.hits("address_connections") >= 100)
        wait_for(lambda: server.stats()["sockets"] <= 20)
        for raw in many:
            raw.close()


def test_the_rate_of_one_address(limited):
    server = limited("--connection-rate-per-address", "1", "--connection-burst-per-address", "5")
    statuses = [status_of(server.url) for _ in range(12)]
    assert statuses[:5] == [101] * 5 and statuses.count(503) >= 5
    assert server.hits("address_rate") == statuses.count(503)
    wait_for(lambda: status_of(server.url) == 101)


def test_all_connections(limited):
    server = limited("--max-connections", "2")
    held = [session(server.url) for _ in range(2)]
    with Raw(server.url) as raw:
        raw.send(request(server.url))
        status, fields = raw.response()
        assert status == 503 and 1 <= int(fields["retry-after"]) <= 30
    assert server.hits("connections") == 1
    for raw in held:
        raw.close()


def with_few_files(count):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))


def test_sockets_wait_when_there_is_no_room(tmp_path, environment, lines, inspect):
    """More connections than files: those that are there are served, the others wait, operators see it, it passes."""
    log = (tmp_path / "log").open("w+")
    process = subprocess.Popen(
        [WSCORE, "serve", "--listen", "127.0.0.1:0", "--admin-socket", str(tmp_path / "admin.sock"), "--loops", "2",
         "--handshake-timeout", "60s", "--ready-fd", "1"],
        stdout=subprocess.PIPE, stderr=log, text=True, env=environment, preexec_fn=with_few_files(100))
    try:
        url = process.stdout.readline().strip()
        idle = []
        with session(url) as held:
            idle = [Raw(url) for _ in range(150)]
            wait_for(lambda: lines("stats")[0]["accept_paused"])
            result = inspect("health")
            assert result.returncode == 1 and "no room for further sockets" in result.stdout
            held.say(echo(1))
            assert held.receive("reply")["payload"] == 1
            for raw in idle:
                raw.close()
            wait_for(lambda: inspect("health").returncode == 0)
            assert works(url)
            held.say(echo(2))
            assert held.receive("reply")["payload"] == 1
        log.seek(0)
        said = log.read()
        assert said.count("new connections wait") == 1, said
        assert said.count("connections are accepted again") == 1, said
        assert lines("stats")[0]["limits"]["open_files"] == 1
    finally:
        process.terminate()
        assert process.wait(15) == 0


@contextlib.contextmanager
def no_file_left(server):
    """The process can open no more: the next descriptor would be the lowest that is free."""
    before = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    open_now = {int(name) for name in os.listdir(f"/proc/{server.process.pid}/fd")}
    lowest_free = min(set(range(len(open_now) + 1)) - open_now)
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (lowest_free, before[1]))
    try:
        yield
    finally:
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, before)


def processor_seconds(server):
    """What the process has used: utime and stime of proc(5)."""
    fields = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("io", ["epoll", "uring", "nio"])
def test_no_more_descriptors(limited, inspect, io):
    """EMFILE itself: the limit of the process falls to what is open. Operators get through all the same."""
    server = limited("--io", io)
    with session(server.url) as held:
        with no_file_left(server):
            late = Raw(server.url)
            late.send(request(server.url))
            wait_for(lambda: any("new connections wait" in line for line in server.lines))
            used = processor_seconds(server)
            for seq in range(1, 6):
                held.say(echo(seq))
                assert held.receive("reply")["payload"] == 1
                health = inspect("health")
                assert health.returncode == 1 and "no room for further sockets" in health.stdout
            time.sleep(2)
            assert processor_seconds(server) - used < 1, "it tries without end"
        assert late.response()[0] == 101, "who waited is let in"
        wait_for(lambda: any("connections are accepted again" in line for line in server.lines))
        assert sum("new connections wait" in line for line in server.lines) == 1
        assert works(server.url)
        late.close()


def to_admin(path):
    raw = socket.socket(socket.AF_UNIX)
    raw.settimeout(10)
    raw.connect(str(path))
    return raw


def to_api(server):
    line = next(line for line in server.lines if '"api":"http' in line)
    return socket.create_connection(("127.0.0.1", int(re.search(r'"api":"http://127\.0\.0\.1:(\d+)"', line)[1])), 10)


def answers(raw, target):
    with raw:
        raw.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        return raw.makefile("rb").readline().startswith(b"HTTP/1.1 ")


@pytest.mark.parametrize("io", ["epoll", "nio"])
@pytest.mark.parametrize("door", ["admin", "api"])
def test_internal_servers_wait_for_descriptors(limited, tmp_path, door, io):
    """Operators or backends come when there is no descriptor and the spare one is in use: they wait, without the server
    trying without end, and are served when there are some."""
    secret = tmp_path / "secret"
    secret.write_text("a-secret-of-some-length-for-backends")
    secret.chmod(0o600)
    server = limited("--io", io, "--api-listen", "127.0.0.1:0", "--api-secret-file", str(secret))
    wait_for(lambda: any('"api":"http' in line for line in server.lines))
    connect, target = {"admin": (lambda: to_admin(tmp_path / "admin.sock"), "/v1/health"),
                       "api": (lambda: to_api(server), "/v1/health")}[door]
    assert answers(connect(), target)
    with session(server.url) as held:
        with no_file_left(server):
            idle = [connect() for _ in range(4)]
            time.sleep(0.5)
            before = processor_seconds(server)
            time.sleep(2)
            assert processor_seconds(server) - before < 0.5, "it tries without end"
            held.say(echo(1))
            assert held.receive("reply")["payload"] == 1
            for raw in idle:
                raw.close()
            assert answers(connect(), target), "by the spare descriptor"
            idle = [connect() for _ in range(4)]
            time.sleep(0.2)
        late = connect()
        assert answers(late, target), "descriptors are there again"
        for raw in idle:
            assert answers(raw, target), "who waited is served"


# Messages


def test_the_rate_of_messages(limited):
    """A client that sends more is not read on until it may; all of it is processed, in order."""
    server = limited("--message-rate", "50", "--message-burst", "10")
    with session(server.url) as raw, session(server.url) as other:
        start = time.monotonic()
        raw.send(b"".join(text_frame(echo(seq, seq)) for seq in range(1, 61)))
        other.say(echo(1))
        assert other.receive("reply")["payload"] == 1
        assert [raw.receive("reply")["payload"] for _ in range(60)] == list(range(1, 61))
        assert time.monotonic() - start > 0.9, "60 messages, 10 at once and 50 in a second"
    assert server.hits("message_rate") > 0


def test_the_rate_of_bytes(limited):
    server = limited("--byte-rate", "100kB", "--byte-burst", "50kB")
    with session(server.url) as raw:
        start = time.monotonic()
        for seq in range(1, 16):
            raw.say(echo(seq, "x" * 10_000))
        for seq in range(1, 16):
            assert raw.receive("reply")["seq"] == seq
        assert time.monotonic() - start > 0.9, "150 kB, 50 kB at once and 100 kB in a second"
    assert server.hits("byte_rate") > 0


def test_a_held_client_is_not_taken_for_dead(limited):
    """While it is not read it cannot answer a ping."""
    server = limited("--byte-rate", "10kB", "--byte-burst", "1kB", "--ping-interval", "200ms", "--ping-timeout", "200ms")
    with session(server.url) as raw:
        raw.say(echo(1, "x" * 20_000))
        raw.say(echo(2, 2))
        assert raw.receive("reply")["seq"] == 1
        assert raw.receive("reply")["payload"] == 2
    assert server.stats()["pong_timeouts"] == 0


def test_the_rates_hold_for_event_streams(limited):
    server = limited("--message-rate", "20", "--message-burst", "5")
    wire = EventWire(sse_url(server.url))
    start = time.monotonic()
    wire.send(HELLO)
    while wire.receive()["type"] != "live":
        pass
    wire.send(*(echo(seq, seq) for seq in range(1, 26)))
    while (message := wire.receive())["type"] != "reply" or message["payload"] != 25:
        pass
    assert time.monotonic() - start > 0.9
    assert server.hits("message_rate") > 0


def test_the_rate_of_control_frames(limited):
    server = limited("--control-rate", "10", "--control-burst", "20")
    with session(server.url) as other:
        for opcode in (PING, PONG):
            with session(server.url) as raw:
                raw.send(frame(b"x", opcode=opcode) * 15)
                raw.say(echo(1))
                assert raw.receive("reply")["payload"] == 1
                raw.send(frame(b"x", opcode=opcode) * 30)
                assert raw.outcome() == (None, 1008)
        other.say(echo(1))
        assert other.receive("reply")["payload"] == 1
    assert server.hits("control_rate") == 2
    assert server.stats()["closes"]["1008"] == 2


def test_the_default_rate_of_control_frames_ends_a_flood(limited):
    server = limited()
    with session(server.url) as raw:
        raw.send(frame(b"x", opcode=PING) * 50_000)
        assert raw.outcome()[1] in (1008, 1006)  # 1006: the reset overtook the close frame
    assert server.hits("control_rate") == 1


@pytest.mark.parametrize("begun", [
    frame(b"{}")[:1], frame(b"x" * 200)[:7], frame(b"x" * 200)[:100], frame(b"{", fin=False), frame(b"", fin=False),
    frame(b"p" * 9, opcode=PING)[:5], frame(b"\x03\xe8", opcode=CLOSE)[:4]],
    ids=["a header", "a long header", "a payload", "a fragment", "an empty fragment", "a ping", "a close"])
def test_a_message_that_is_never_finished(limited, begun):
    """Bytes that drip, and pings in between, keep the connection alive and the message not."""
    server = limited("--message-timeout", "600ms")
    with session(server.url) as raw, session(server.url) as other:
        raw.send(begun)
        start = time.monotonic()
        assert raw.outcome() == (None, 1008)
        assert 0.5 < time.monotonic() - start < 5
        other.say(echo(1))
        assert other.receive("reply")["payload"] == 1
    assert server.hits("message_time") == 1


def test_a_message_that_drips_in(limited):
    server = limited("--message-timeout", "600ms")
    with session(server.url) as raw:
        data, code = frame(b" " * 1000), None
        raw.socket.settimeout(0.05)
        for byte in data:
            raw.send(bytes([byte]))
            with contextlib.suppress(TimeoutError):
                if got := raw.next_frame():
                    if got[0] == CLOSE:
                        code = int.from_bytes(got[1][:2])
                        break
        assert code == 1008


def test_messages_that_are_finished_in_time_may_come_for_long(limited):
    """Each read ends within a message, for longer than one may take."""
    server = limited("--message-timeout", "400ms")
    with session(server.url) as raw:
        data = b"".join(text_frame(echo(seq, seq)) + frame(b"p", opcode=PING) for seq in range(1, 41))
        step = len(data) // 60
        for start in range(0, len(data), step):
            raw.send(data[start:start + step])
            time.sleep(0.02)
        assert [raw.receive("reply")["payload"] for _ in range(40)] == list(range(1, 41))
    assert server.hits("message_time") == 0


def test_the_size_of_messages_is_counted(limited):
    server = limited("--max-message-bytes", "1KiB", "--max-empty-fragments", "2")
    with session(server.url) as raw:
        raw.send(frame(b"x" * 1025))
        assert raw.outcome() == (None, 1009)
    with session(server.url) as raw:
        raw.send(frame(b"", fin=False) + frame(b"", opcode=0, fin=False) * 2)
        assert raw.outcome() == (None, 1009)
    assert (server.hits("message_bytes"), server.hits("empty_fragments")) == (1, 1)
    assert server.stats()["closes"]["1009"] == 2


# What is said of them


def test_every_limit_has_a_metric(limited, tmp_path, inspect):
    server = limited()
    text = inspect("metrics").stdout
    for limit in server.stats()["limits"]:
        assert f'wscore_limit_hits_total{{limit="{limit}"}} 0' in text


def test_the_documented_options_and_metrics_exist(limited):
    """docs/LIMITS.md names no option and no limit that there is not, and leaves no limit out."""
    page = (ROOT / "docs" / "LIMITS.md").read_text()
    spoken = subprocess.run([WSCORE, "serve", "--help"], capture_output=True, text=True).stdout
    for option in set(re.findall(r"`(--[a-z0-9-]+)", page)):
        assert re.search(re.escape(option) + r"[ ,\n]", spoken), option
    named = set(re.findall(r'`limit="([a-z_]+)"`', page))
    assert named == set(limited().stats()["limits"])
    for test in set(re.findall(r"`(test_[a-z0-9_]+)`", page)):
        assert any(f"def {test}(" in path.read_text() for path in (ROOT / "Tests/process").glob("*.py")), test
