"""`wscore serve` from outside: HTTP, sockets that misbehave, options, signals."""
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import threading
import time

import pytest

from conftest import WSCORE, eventually
from wsclient import Client, Closed, ServerError, Wire

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
UPGRADE = {
    "Host": "127.0.0.1", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
}


def request(server, path="/ws", method="GET", version="HTTP/1.1", **changes):
    """The request as bytes; a change of None leaves a field out."""
    fields = UPGRADE | {name.replace("_", "-"): value for name, value in changes.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
    return f"{method} {path} {version}\r\n{lines}\r\n".encode()


def connect(server, timeout=5):
    return socket.create_connection(server.address, timeout=timeout)


def read_all(peer):
    """Until the server closes its end."""
    data = b""
    while piece := peer.recv(65_536):
        data += piece
    return data


def exchange(server, data):
    with connect(server) as peer:
        peer.sendall(data)
        return read_all(peer)


def status(answer):
    return int(answer.split(b" ", 2)[1])


def upgraded(server, **changes):
    """A raw WebSocket connection, the answer read."""
    peer = connect(server)
    peer.sendall(request(server, **changes))
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += peer.recv(1)
    assert status(answer) == 101, answer
    return peer


def frame(opcode, payload=b"", final=True, masked=True, rsv=0):
    head = bytes([(0x80 if final else 0) | rsv << 4 | opcode])
    bit, mask = (0x80, b"\x01\x02\x03\x04") if masked else (0, b"")
    if len(payload) < 126:
        head += bytes([bit | len(payload)])
    elif len(payload) < 65_536:
        head += bytes([bit | 126]) + len(payload).to_bytes(2, "big")
    else:
        head += bytes([bit | 127]) + len(payload).to_bytes(8, "big")
    if masked:
        payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return head + mask + payload


def read_frames(peer):
    """Every frame until the server closes: (opcode, payload)."""
    data, frames = read_all(peer), []
    while data:
        length, start = data[1] & 0x7F, 2
        if length == 126:
            length, start = int.from_bytes(data[2:4], "big"), 4
        elif length == 127:
            length, start = int.from_bytes(data[2:10], "big"), 10
        frames.append((data[0] & 0x0F, data[start:start + length]))
        data = data[start + length:]
    return frames


def close_code(frames):
    assert frames and frames[-1][0] == 8, frames
    return int.from_bytes(frames[-1][1][:2], "big")


def hello(**payload):
    return frame(1, json.dumps({"v": 2, "type": "hello", "payload": {"versions": [2], **payload}}).encode())


# HTTP


def test_health(server):
    answer = exchange(server, request(server, "/healthz"))
    assert status(answer) == 200 and answer.endswith(b"\r\n\r\nok\n")
    assert status(exchange(server, request(server, "/readyz"))) == 200


@pytest.mark.parametrize("expected, path, changes", [
    (404, "/", {}), (404, "/wss", {}), (404, "/ws/", {}),
    (426, "/ws", {"Upgrade": None}), (426, "/ws", {"Sec_WebSocket_Version": "8"}),
    (400, "/ws", {"Connection": "keep-alive"}), (400, "/ws", {"Sec_WebSocket_Key": None}),
    (400, "/ws", {"Sec_WebSocket_Key": "short"}), (400, "/ws", {"Host": None}), (413, "/ws", {"Content_Length": "4"}),
    (403, "/ws", {"Origin": "http://evil.example"}), (101, "/ws", {"Origin": "http://127.0.0.1:3000"}),
    (101, "/ws?a=b", {}), (431, "/ws", {"X": "x" * 20_000}),
])
def test_upgrades(server, expected, path, changes):
    with connect(server) as peer:
        peer.sendall(request(server, path, **changes))
        assert status(peer.recv(4_096)) == expected
        if expected != 101:
            read_all(peer)


def test_bad_requests_are_answered(server):
    assert status(exchange(server, request(server, method="POST"))) == 405
    assert status(exchange(server, request(server, version="HTTP/1.0"))) == 505
    assert status(exchange(server, b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")) == 400
    assert status(exchange(server, b"GET /ws HTTP/1.1\nHost: x\n\n")) == 400
    # The others are not touched.
    assert status(exchange(server, request(server, "/healthz"))) == 200


def test_origins(start_server):
    server = start_server("--allow-origin", "https://a.example", "--allow-origin", "https://b.example")
    assert status(exchange(server, request(server, Origin="http://127.0.0.1"))) == 403
    upgraded(server, Origin="https://b.example").close()
    upgraded(start_server("--allow-origin", "*"), Origin="http://evil.example").close()


def test_a_request_that_drips_is_cut(start_server):
    server = start_server("--handshake-timeout", "300ms")
    with connect(server) as peer:
        began = time.monotonic()
        for byte in b"GET /ws HT":
            peer.sendall(bytes([byte]))
            time.sleep(0.02)
        assert status(read_all(peer)) == 408
        assert 0.2 < time.monotonic() - began < 2


def test_a_peer_that_says_nothing_is_cut(start_server):
    server = start_server("--handshake-timeout", "200ms")
    with connect(server) as peer:
        assert status(read_all(peer)) == 408


def test_connections_are_bounded(start_server):
    server = start_server("--max-connections", "2")
    first, second = upgraded(server), upgraded(server)
    answer = exchange(server, request(server))
    assert status(answer) == 503 and b"Retry-After: " in answer
    assert status(exchange(server, request(server, "/healthz"))) == 200
    first.close()
    eventually(lambda: status(exchange_upgrade(server)) == 101)
    second.close()


def exchange_upgrade(server):
    with connect(server) as peer:
        peer.sendall(request(server))
        return peer.recv(4_096)


# Frames


@pytest.mark.parametrize("data, code", [
    (frame(1, b"x", masked=False), 1002), (frame(1, b"x", rsv=4), 1002), (frame(3, b"x"), 1002),
    (frame(0, b"x"), 1002), (frame(9, b"x", final=False), 1002), (frame(8, b"\x03"), 1002),
    (frame(8, (1005).to_bytes(2, "big")), 1002), (frame(1, b"\xff\xfe"), 1007),
    (frame(1, b"x" * 1_048_577), 1009), (frame(2, b"x"), 4500), (frame(1, b"{"), 4500), (frame(1, b"[1]"), 4500),
])
def test_bad_frames(server, data, code):
    other = Client(server.url, user="other")
    other.connect()
    with upgraded(server) as peer:
        peer.sendall(data)
        assert close_code(read_frames(peer)) == code
    assert other.request("echo", 1) == 1


def test_close_is_echoed(server):
    with upgraded(server) as peer:
        peer.sendall(frame(8, (1001).to_bytes(2, "big") + b"tab closed"))
        frames = read_frames(peer)
        assert close_code(frames) == 1001
    with upgraded(server) as peer:
        peer.sendall(frame(8))
        assert read_frames(peer) == [(8, b"")]


def test_pings_are_answered_latest_last(server):
    with upgraded(server) as peer:
        peer.sendall(frame(9, b"one"))
        assert peer.recv(100) == b"\x8a\x03one"
        peer.sendall(b"".join(frame(9, str(i).encode()) for i in range(1_000)) + frame(8))
        frames = read_frames(peer)
        pongs = [payload for opcode, payload in frames if opcode == 10]
        assert pongs and pongs[-1] == b"999"
        assert frames[-1] == (8, b"")


def test_a_message_byte_by_byte(server):
    with upgraded(server) as peer:
        for byte in hello():
            peer.sendall(bytes([byte]))
        time.sleep(0.1)
        assert b'"type":"welcome"' in peer.recv(65_536)


def test_a_message_in_fragments_with_a_ping_between(server):
    text = json.dumps({"v": 2, "type": "hello", "payload": {"versions": [2]}}).encode()
    with upgraded(server) as peer:
        peer.sendall(frame(1, text[:10], final=False) + frame(9, b"p") + frame(0, text[10:]))
        data = b""
        while b'"type":"live"' not in data:
            data += peer.recv(65_536)
        assert b"\x8a\x01p" in data


def test_frames_behind_the_upgrade_request(server):
    with connect(server) as peer:
        peer.sendall(request(server) + hello() + frame(8, (1000).to_bytes(2, "big")))
        data = read_all(peer)
        assert status(data) == 101


def test_a_message_of_the_longest_length(server):
    client = Client(server.url, user="ann")
    client.connect()
    text = "x" * (1_048_576 - 200)
    assert client.request("echo", text, timeout=10) == text
    client.wire.send_text(json.dumps({"v": 2, "type": "ack", "payload": {"x": "y" * 1_048_576}}))
    assert client.wait_closed() == 1009


# Sessions


def test_hello_timeout(start_server):
    wire = Wire(start_server("--hello-timeout", "200ms").url)
    message = wire.receive()
    assert message["payload"]["code"] == "hello.timeout"
    with pytest.raises(Closed) as closed:
        wire.receive()
    assert closed.value.code == 4508


def test_resume_replays_what_was_missed(server):
    ann, bob = Client(server.url, user="ann"), Client(server.url, user="bob")
    ann.connect(), bob.connect()
    ann.join("lobby"), bob.join("lobby")
    ann.drop("rst")
    for number in range(500):
        bob.publish("lobby", "chat", number)
    assert ann.connect()["resumed"] is True
    assert ann.events(500) == list(range(500))
    assert ann.gaps == [] and ann.duplicates == 0


def test_takeover_closes_the_older(server):
    ann = Client(server.url, user="ann")
    ann.connect()
    older = ann.wire
    assert ann.connect()["resumed"] is True
    states = []
    with pytest.raises(Closed) as closed:
        while True:
            states.append(older.receive())
    assert closed.value.code == 4504
    assert states[-1]["payload"]["state"] == "replaced"


def test_wrong_sequence(server):
    ann = Client(server.url, user="ann")
    ann.connect()
    ann.wire.send({"v": 2, "seq": 7, "type": "event", "event": "echo", "payload": 1})
    assert ann.receive(type="error")["payload"]["code"] == "sequence.gap"
    assert ann.wait_closed() == 4501


def test_many_loops_speak_to_each_other(start_server):
    server = start_server("--loops", "4")
    clients = [Client(server.url, user=f"u{i}") for i in range(12)]
    for client in clients:
        client.connect()
        client.join("hall")
    for number, client in enumerate(clients):
        client.publish("hall", "chat", number)
    for client in clients:
        assert client.events(12) == list(range(12))
    assert clients[0].request("direct.send", {"to": {"user": "u7"}, "event": "note", "payload": "hi"}) == {"sessions": 1}
    assert clients[7].receive(type="event")["payload"] == "hi"


def test_server_pings_and_silence(start_server):
    server = start_server("--ping-interval", "200ms", "--ping-timeout", "200ms")
    wire = Wire(server.url)
    wire.send({"v": 2, "type": "hello", "payload": {"versions": [2]}})
    types = []
    with pytest.raises(Closed) as closed:
        while True:
            types.append(wire.receive()["type"])
    assert "ping" in types and closed.value.code == 4002
    # Version 1 has no pings of its own: the transport's are sent, which the library answers.
    simple = Wire(server.url, "wscore.v1.json")
    simple.send({"v": 1, "type": "hello", "payload": {"versions": [1]}})
    end = time.monotonic() + 1.2
    while time.monotonic() < end:
        try:
            assert simple.receive(0.2)["type"] in ("welcome", "live")
        except TimeoutError:
            pass
    simple.close()


def a_deaf_one_and_bob(server):
    """Two members of the room `hall`; the first never reads."""
    deaf = upgraded(server)
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    deaf.sendall(hello(window={"messages": 100_000, "bytes": 1 << 40}))
    deaf.sendall(frame(1, json.dumps({"v": 2, "seq": 1, "type": "join", "room": "hall", "payload": {}}).encode()))
    bob = Client(server.url, user="bob")
    bob.connect()
    eventually(lambda: bob.join("hall")["members"] == 2)
    return deaf, bob


def test_a_client_that_never_reads_costs_little(start_server, tmp_path):
    path = str(tmp_path / "admin.sock")
    server = start_server("--admin-socket", path, "--ping-interval", "500ms", "--ping-timeout", "500ms")
    deaf, bob = a_deaf_one_and_bob(server)
    before = admin(path, "/v1/stats")[1]["rss_bytes"]
    for _ in range(100):
        bob.publish("hall", "chat", "x" * 100_000)
        bob.events(1)
    assert admin(path, "/v1/stats")[1]["rss_bytes"] - before < 16 << 20
    # It does not answer pings either, as Bob does, so it is cut, and its session waits for it.
    def stats_of_one():
        bob.quiet(0.05)
        stats = admin(path, "/v1/stats")[1]
        return stats["connections"] == 1 and stats

    stats = eventually(stats_of_one)
    assert stats["sessions"] == {"active": 1, "suspended": 1}
    deaf.close()


def test_a_client_that_talks_and_never_reads_is_let_go(start_server, tmp_path):
    path = str(tmp_path / "admin.sock")
    server = start_server("--admin-socket", path, "--ping-interval", "500ms", "--ping-timeout", "500ms")
    deaf, bob = a_deaf_one_and_bob(server)

    def talk():
        # Its pongs say that it lives, while it reads nothing of what the room says.
        try:
            deaf.sendall(frame(1, b'{"v":2,"type":"pong"}'))
        except OSError:
            pass
        bob.publish("hall", "chat", "x" * 100_000)
        bob.events(1)
        return admin(path, "/v1/stats")[1]["closes"].get("4003") == 1

    eventually(talk, timeout=20)
    stats = admin(path, "/v1/stats")[1]
    assert stats["sessions"] == {"active": 1, "suspended": 1} and stats["limits"]["unread"] == 1
    deaf.close()


def test_bytes_count_as_life(start_server):
    server = start_server("--ping-interval", "200ms", "--ping-timeout", "200ms")
    with upgraded(server) as peer:
        peer.sendall(hello())
        for _ in range(20):
            peer.sendall(frame(10, b""))
            time.sleep(0.05)
        peer.sendall(frame(8, (1000).to_bytes(2, "big")))
        assert close_code(read_frames(peer)) == 1000


# Options


def serve(*arguments, env=None, timeout=10):
    return subprocess.run(
        [WSCORE, "serve", "--admin-socket", "none", *arguments], capture_output=True, text=True, timeout=timeout,
        stdin=subprocess.DEVNULL, env={"PATH": os.environ["PATH"]} | (env or {}))


def test_all_bad_options_are_told():
    done = serve("--ping-interval", "soon", "--outbox-bytes", "64 kbit", "--log-format", "jsn")
    assert done.returncode == 64 and done.stdout == ""
    for text in ('--ping-interval: "soon" is not a duration', '--outbox-bytes: "64 kbit" is not a size',
                 'did you mean "json"?', "3 errors, nothing started"):
        assert text in done.stderr


def test_a_bad_variable():
    done = serve("--listen", "127.0.0.1:0", env={"WSCORE_LOOPS": "many"})
    assert done.returncode == 78 and 'WSCORE_LOOPS: "many" is not a number' in done.stderr


def test_a_misspelt_variable():
    done = serve("--listen", "127.0.0.1:0", env={"WSCORE_PNG_INTERVAL": "1s"})
    assert done.returncode == 78 and "did you mean WSCORE_PING_INTERVAL?" in done.stderr
    # Another program's variables of that prefix are none of ours.
    done = serve("--listen", "256.1.1.1:0", env={"WSCORE_SERVICE_HOST": "10.0.0.1", "WSCORE_TOKEN": "t"})
    assert "did you mean" not in done.stderr


def test_variables_and_flags(start_server):
    environment = os.environ | {"WSCORE_SESSION_TTL": "7s", "WSCORE_PING_INTERVAL": "1s"}
    server = start_server("--ping-interval", "3s", env=environment)
    welcome = Client(server.url).connect()
    assert welcome["ttl_ms"] == 7_000 and welcome["ping"]["interval_ms"] == 3_000


def test_every_variable_is_in_the_help():
    text = subprocess.run([WSCORE, "serve", "--help"], capture_output=True, text=True).stdout
    for name in ("LISTEN", "TOKEN_FILE", "MAX_MESSAGE_BYTES", "READY_FD", "ALLOW_ORIGIN", "DRAIN_TIMEOUT"):
        assert f"WSCORE_{name}" in text.replace("\n", " ")


def test_a_port_that_is_taken(server):
    done = serve("--listen", "%s:%d" % server.address)
    assert done.returncode == 69
    assert done.stderr.startswith(f"wscore: cannot listen on 127.0.0.1:{server.address[1]}: another program listens")


def test_ready_descriptor():
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [WSCORE, "serve", "--listen", "127.0.0.1:0", "--admin-socket", "none", "--ready-fd", str(writer)],
        pass_fds=[writer], stderr=subprocess.PIPE, text=True)
    os.close(writer)
    with os.fdopen(reader) as ready:
        url = ready.read().strip()
    process.terminate()
    first = json.loads(process.stderr.readline())
    process.wait(5)
    assert url.startswith("ws://127.0.0.1:") and first["msg"] == "listening" and first["url"] == url
    assert process.returncode == 0


def test_token_file(start_server, tmp_path):
    path = tmp_path / "tokens"
    path.write_text("# users\nsecret-of-ann ann join:lobby\nsecret-of-bob bob\n")
    path.chmod(0o600)
    server = start_server("--token-file", str(path))
    ann = Client(server.url, auth={"scheme": "token", "credential": "secret-of-ann"})
    assert ann.connect()["principal"] == {"user": "ann", "permissions": ["join:lobby"]}
    ann.join("lobby")
    with pytest.raises(ServerError) as refused:
        ann.join("vault")
    assert refused.value.code == "room.forbidden"
    with pytest.raises(ServerError) as refused:
        Client(server.url, auth={"scheme": "token", "credential": "wrong-secret"}).connect()
    assert refused.value.code == "auth.failed" and refused.value.close_code == 4503
    wire = Wire(server.url, headers={"Authorization": "Bearer secret-of-bob"})
    wire.send({"v": 2, "type": "hello", "payload": {"versions": [2]}})
    assert wire.receive()["payload"]["principal"]["user"] == "bob"
    server.stop()
    assert "secret" not in "".join(server.lines)


def test_a_token_file_for_everyone_is_refused(tmp_path):
    path = tmp_path / "tokens"
    path.write_text("secret-of-ann ann\n")
    path.chmod(0o644)
    done = serve("--listen", "127.0.0.1:0", "--token-file", str(path))
    assert done.returncode == 78 and "chmod 600" in done.stderr


# Signals


def test_drain(start_server):
    server = start_server("--drain-timeout", "1s")
    ann = Client(server.url, user="ann")
    ann.connect()
    server.process.send_signal(signal.SIGTERM)
    draining = ann.receive(type="draining")["payload"]
    assert draining["deadline_ms"] == 1_000 and draining["reconnect_after_ms"] <= 1_000
    assert status(exchange(server, request(server, "/readyz"))) == 503
    with pytest.raises(ServerError) as refused:
        Client(server.url).connect()
    assert refused.value.code == "server.draining" and refused.value.close_code == 1013
    assert ann.request("echo", 1) == 1
    assert ann.wait_closed() == 1012
    assert server.process.wait(3) == 0


def test_drain_ends_with_the_last_connection(start_server):
    server = start_server("--drain-timeout", "60s")
    ann = Client(server.url, user="ann")
    ann.connect()
    server.process.send_signal(signal.SIGTERM)
    ann.receive(type="draining")
    ann.close()
    assert server.process.wait(3) == 0


def test_a_second_signal_is_at_once(start_server):
    server = start_server("--drain-timeout", "60s")
    ann = Client(server.url, user="ann")
    ann.connect()
    server.process.send_signal(signal.SIGINT)
    ann.receive(type="draining")
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(3) == 0


def test_a_signal_right_after_the_start_is_not_lost():
    for _ in range(20):
        reader, writer = os.pipe()
        process = subprocess.Popen(
            [WSCORE, "serve", "--listen", "127.0.0.1:0", "--admin-socket", "none", "--ready-fd", str(writer)],
            pass_fds=[writer], stderr=subprocess.DEVNULL)
        os.close(writer)
        with os.fdopen(reader) as ready:
            ready.read()
        process.terminate()
        assert process.wait(5) == 0


def test_stopping_at_once_with_rooms_over_all_loops(start_server):
    server = start_server("--loops", "4", "--drain-timeout", "0s")
    clients = [Client(server.url, user=f"u{i}") for i in range(20)]
    for client in clients:
        client.connect()
        for room in ("a", "b", "c"):
            client.join(room, presence=True)
    server.process.send_signal(signal.SIGTERM)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(5) == 0


def test_garbage_harms_nobody_else(server):
    bystander = Client(server.url, user="bystander")
    bystander.connect()
    randomness = random.Random(7)
    whole = request(server) + hello() + frame(1, json.dumps(
        {"v": 2, "seq": 1, "type": "event", "event": "echo", "id": "a", "payload": {"x": [1, "é", None]}}).encode())
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(randomness.randint(1, 4)):
            position = randomness.randrange(len(data))
            match randomness.randrange(3):
                case 0: data[position] = randomness.randrange(256)
                case 1: del data[position:position + randomness.randint(1, 20)]
                case 2: data[position:position] = randomness.randbytes(randomness.randint(1, 20))
        with connect(server) as peer:
            peer.sendall(data)
            peer.shutdown(socket.SHUT_WR)
            read_all(peer)
    assert bystander.request("echo", 1) == 1


@pytest.mark.parametrize("files", [16, 24, 40])
def test_too_few_files_to_start(files, tmp_path):
    """An error of the operator, where NIO would end the process with a trap."""
    done = subprocess.run(
        ["bash", "-c", f"ulimit -n {files}; exec {WSCORE} serve --listen 127.0.0.1:0 --loops 2 "
         f"--admin-socket {tmp_path}/admin.sock --route 'a=http://127.0.0.1:9'"],
        capture_output=True, text=True, timeout=20)
    assert done.returncode == 69, done.stderr
    assert "too few open files: a server with these settings needs 44" in done.stderr and "ulimit -n" in done.stderr
    assert not (tmp_path / "admin.sock").exists()


def test_too_many_files_do_not_end_it(tmp_path):
    process = subprocess.Popen(
        ["bash", "-c", f"ulimit -n 64; exec {WSCORE} serve --listen 127.0.0.1:0 --admin-socket none"],
        stderr=subprocess.PIPE, text=True)
    url = json.loads(process.stderr.readline())["url"]
    host, port = url.removeprefix("ws://").removesuffix("/ws").split(":")
    peers = [socket.create_connection((host, int(port))) for _ in range(100)]
    time.sleep(0.3)
    for peer in peers:
        peer.close()
    # Accepting goes on a second later.
    assert eventually(lambda: Client(url).connect(timeout=3))
    process.terminate()
    assert process.wait(15) == 0


# Operators


def admin(path, target, method="GET"):
    """Status and body: JSON, a list of JSON lines, or text."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(5)
        peer.connect(path)
        response = answer(peer, f"{method} {target} HTTP/1.1\r\nHost: admin\r\n\r\n")
        body = response.read()
    kind = response.headers["Content-Type"]
    if kind == "application/json":
        return response.status, json.loads(body)
    if kind == "application/x-ndjson":
        return response.status, [json.loads(line) for line in body.splitlines()]
    return response.status, body.decode()


def answer(peer, request):
    peer.sendall(request.encode())
    response = http.client.HTTPResponse(peer)
    response.begin()
    assert response.headers["Wscore-Admin"] == "1"
    return response


@pytest.fixture
def operated(start_server, tmp_path):
    server = start_server("--admin-socket", str(tmp_path / "admin.sock"))
    server.admin = str(tmp_path / "admin.sock")
    return server


def test_admin_socket_is_the_owners(operated):
    assert os.stat(operated.admin).st_mode & 0o777 == 0o600
    operated.stop()
    assert not os.path.exists(operated.admin)


def test_admin_sessions(operated):
    clients = [Client(operated.url, user=f"u{i}") for i in range(5)]
    for client in clients:
        client.connect()
    clients[0].join("my room")
    clients[4].drop()
    lines = eventually(lambda: len(s := admin(operated.admin, "/v1/sessions?state=active")[1]) == 4 and s)
    assert {line["user"] for line in lines} == {"u0", "u1", "u2", "u3"}
    suspended = admin(operated.admin, "/v1/sessions?state=suspended")[1]
    assert [line["user"] for line in suspended] == ["u4"]
    assert suspended[0]["connection"] is None and 0 < suspended[0]["expires_in_ms"] <= 120_000
    assert [line["sid"] for line in admin(operated.admin, "/v1/sessions?room=my%20room")[1]] == [clients[0].sid]
    assert len(admin(operated.admin, "/v1/sessions?limit=2")[1]) == 2
    code, details = admin(operated.admin, f"/v1/sessions/{clients[0].sid}")
    assert code == 200 and details["rooms"] == ["my room"] and details["epoch"] == clients[0].epoch
    assert clients[0].token not in json.dumps(details)
    assert admin(operated.admin, "/v1/rooms/my%20room")[1]["members"] == [clients[0].sid]
    assert admin(operated.admin, "/v1/rooms")[1][0]["members"] == 1


def test_admin_errors(operated):
    assert admin(operated.admin, "/v1/nothing")[0] == 404
    assert admin(operated.admin, "/v1/rooms/nobody")[0] == 404
    assert admin(operated.admin, "/v1/sessions/x")[0] == 400
    assert admin(operated.admin, "/v1/sessions?state=odd") == (400, {"error": "request.invalid", "message": "state is active or suspended"})
    assert admin(operated.admin, "/v1/stats", "POST")[0] == 405


def test_kick(operated):
    ann = Client(operated.url, user="ann")
    ann.connect()
    assert admin(operated.admin, f"/v1/sessions/{ann.sid}?reason=bad%20manners", "DELETE") == (200, {"kicked": ann.sid})
    told = ann.receive(type="session")["payload"]
    assert told == {"state": "revoked", "reason": "bad manners"}
    assert ann.wait_closed() == 4507
    assert admin(operated.admin, f"/v1/sessions/{ann.sid}", "DELETE")[0] == 404


def test_events_follow(operated):
    ann = Client(operated.url, user="ann")
    ann.connect()
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(5)
        peer.connect(operated.admin)
        stream = answer(peer, "GET /v1/events?follow=1 HTTP/1.1\r\nHost: admin\r\n\r\n")
        seen = [json.loads(stream.readline())["event"] for _ in range(2)]
        assert seen == ["connection.opened", "session.created"]
        ann.drop()
        seen = {json.loads(stream.readline())["event"] for _ in range(2)}
        assert seen == {"connection.closed", "session.suspended"}


def test_metrics(operated):
    ann = Client(operated.url, user="ann")
    ann.connect()
    code, text = admin(operated.admin, "/metrics")
    families = {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name.endswith("_total") == (kind == "counter")
            families[name] = kind
        elif not line.startswith("#"):
            name, value = line.split(" ")
            assert name.split("{")[0] in families
            float(value)
    assert code == 200 and "wscore_sessions" in families and ann.sid not in text


def test_one_admin_socket_one_server(operated):
    done = serve("--listen", "127.0.0.1:0", "--admin-socket", operated.admin)
    assert done.returncode == 69 and "another server listens there" in done.stderr


def test_a_stale_admin_socket_is_replaced(start_server, tmp_path):
    path = str(tmp_path / "admin.sock")
    server = start_server("--admin-socket", path)
    server.process.kill()
    server.process.wait()
    assert os.path.exists(path)
    start_server("--admin-socket", path)
    assert admin(path, "/healthz") == (200, "ok\n")


def test_a_long_admin_path(tmp_path):
    done = serve("--listen", "127.0.0.1:0", "--admin-socket", str(tmp_path / ("x" * 120)))
    assert done.returncode == 73 and "at most 107 bytes" in done.stderr


# Together


def test_a_storm_of_drops_loses_nothing(start_server):
    server = start_server("--loops", "2")
    writer = Client(server.url, user="writer")
    writer.connect()
    writer.join("hall")
    readers = [Client(server.url, user=f"r{i}") for i in range(10)]
    for reader in readers:
        reader.connect()
        reader.join("hall")

    def write():
        for number in range(300):
            writer.publish("hall", "chat", number)

    thread = threading.Thread(target=write)
    thread.start()
    got = [[] for _ in readers]
    for _ in range(5):
        for index, reader in enumerate(readers):
            try:
                got[index] += reader.events(5)
            except TimeoutError:
                pass
            reader.drop("rst")
            assert reader.connect()["resumed"] is True
    thread.join()
    for index, reader in enumerate(readers):
        got[index] += reader.events(300 - len(got[index]))
        assert got[index] == list(range(300)) and reader.gaps == []
