"""The diagnostic echoes of server and client, at the level of bytes: RFC 6455 without sessions."""
import base64
import hashlib
import socket
import subprocess
import time

import pytest

from conftest import WSCORE, eventually
from test_serve import close_code, connect, frame, read_all, read_frames, request, status

MESSAGE_LIMIT = 16 << 20


@pytest.fixture
def echo(start_server):
    return start_server("--raw-echo", "/echo")


def upgraded(server, path="/echo"):
    peer = connect(server)
    peer.sendall(request(server, path))
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += peer.recv(1)
    assert status(answer) == 101, answer
    return peer


def read_exactly(peer, count):
    data = bytearray()
    while len(data) < count:
        piece = peer.recv(min(1 << 20, count - len(data)))
        assert piece, bytes(data[-20:])
        data += piece
    return bytes(data)


def read_frame(peer):
    """One frame: its first byte and its payload."""
    head = read_exactly(peer, 2)
    masked, length = head[1] & 0x80, head[1] & 0x7F
    if length > 125:
        length = int.from_bytes(read_exactly(peer, 2 if length == 126 else 8), "big")
    mask = read_exactly(peer, 4) if masked else bytes(4)
    payload = read_exactly(peer, length)
    return head[0], bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload)) if masked else payload


def unmasked_zeros(opcode, length, count=None):
    """A frame of zeros under a mask of zeros, so that no byte of it has to be computed; `count` of its bytes."""
    head = bytes([0x80 | opcode, 0xFF]) + length.to_bytes(8, "big") + bytes(4)
    return head + bytes(length if count is None else count)


# The server's

def test_it_is_off_by_default(server):
    with connect(server) as peer:
        peer.sendall(request(server, "/echo"))
        assert status(read_all(peer)) == 404


def test_messages_come_back_as_they_came(echo):
    with upgraded(echo) as peer:
        for opcode, payload in [(1, b""), (1, "grüße".encode()), (2, bytes(range(256))), (2, b"x" * 70_000), (1, b"[1]")]:
            peer.sendall(frame(opcode, payload))
            assert read_frame(peer) == (0x80 | opcode, payload)
        peer.sendall(frame(8, (1000).to_bytes(2, "big")))
        assert read_frames(peer) == [(8, (1000).to_bytes(2, "big"))]


def test_sixteen_mebibytes_and_not_a_byte_more(echo):
    with upgraded(echo) as peer:
        peer.sendall(unmasked_zeros(2, MESSAGE_LIMIT))
        assert read_frame(peer) == (0x82, bytes(MESSAGE_LIMIT))
        peer.sendall(unmasked_zeros(2, MESSAGE_LIMIT + 1, count=0))
        assert close_code(read_frames(peer)) == 1009
    # The bound of sessions is still their own.
    with upgraded(echo, "/ws") as peer:
        peer.sendall(unmasked_zeros(1, 1_048_577, count=0))
        assert close_code(read_frames(peer)) == 1009


def test_every_ping_of_a_burst_is_answered_in_order(echo):
    pings = [str(number).encode() for number in range(10)]
    for path in ("/echo", "/ws"):
        with upgraded(echo, path) as peer:
            peer.sendall(b"".join(frame(9, ping) for ping in pings))
            assert [read_frame(peer) for _ in pings] == [(0x8A, ping) for ping in pings]


def test_pongs_that_wait_are_bounded(echo):
    with upgraded(echo) as peer:
        peer.sendall(b"".join(frame(9, str(number).encode()) for number in range(5_000)) + frame(8))
        frames = read_frames(peer)
        assert frames[-2:] == [(10, b"4999"), (8, b"")]
        assert len(frames) < 5_000


def test_a_ping_between_fragments_is_answered_first(echo):
    with upgraded(echo) as peer:
        peer.sendall(frame(1, b"a", final=False) + frame(9, b"p") + frame(0, b"b"))
        assert [read_frame(peer), read_frame(peer)] == [(0x8A, b"p"), (0x81, b"ab")]


def test_what_came_before_a_violation_is_given_back(echo):
    with upgraded(echo) as peer:
        peer.sendall(frame(1, b"good") + frame(1, b"bad", rsv=2) + frame(9, b"late"))
        frames = read_frames(peer)
        assert frames[0] == (1, b"good") and len(frames) == 2 and close_code(frames) == 1002


@pytest.mark.parametrize("start", [
    frame(1, b"good", final=False) + frame(0, b"\xf4\x90", final=False),  # above U+10FFFF, between fragments
    frame(1, b"a" * 50 + b"\xff" + b"a" * 50)[:60],  # inside a frame of which the rest never comes
    frame(1, "é".encode()[:1], final=False) + frame(0, b"a" * 200)[:9],  # a sequence broken by the next fragment
    frame(1, b"\xed\xa0")[:8],  # a surrogate, one byte short
])
def test_bad_text_fails_at_its_first_bad_byte(echo, start):
    for size in (1, len(start)):
        with upgraded(echo) as peer:
            for place in range(0, len(start), size):
                peer.sendall(start[place:place + size])
            assert close_code(read_frames(peer)) == 1007


def test_text_that_may_still_become_good_is_waited_for(echo):
    text = "κόσμε 😀".encode()
    with upgraded(echo) as peer:
        for byte in frame(1, text):
            peer.sendall(bytes([byte]))
            time.sleep(0.001)
        assert read_frame(peer) == (0x81, text)


def test_a_peer_that_does_not_read_is_not_read_either(echo):
    message = unmasked_zeros(2, 1 << 20)
    with upgraded(echo) as peer:
        peer.settimeout(1)
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < 256 << 20:
                sent += peer.send(message[sent % len(message):])
        # What the kernel holds in both directions, and little more.
        assert sent < 64 << 20
        peer.settimeout(10)
        for _ in range(sent // len(message)):
            assert read_frame(peer) == (0x82, bytes(1 << 20))
        peer.sendall(message[sent % len(message):])
        assert read_frame(peer) == (0x82, bytes(1 << 20))


def test_sessions_know_nothing_of_it(start_server):
    server = start_server("--raw-echo", "/echo", "--hello-timeout", "100ms")
    with upgraded(server) as peer:
        time.sleep(0.4)
        peer.sendall(frame(1, b"not hello"))
        assert read_frame(peer) == (0x81, b"not hello")


def test_silence_ends_it(start_server):
    server = start_server("--raw-echo", "/echo", "--ping-interval", "100ms", "--ping-timeout", "200ms")
    with upgraded(server) as peer:
        began = time.monotonic()
        for _ in range(5):
            peer.sendall(frame(10))
            time.sleep(0.1)
        assert close_code(read_frames(peer)) == 1001
        assert 0.7 < time.monotonic() - began < 3


def test_it_counts_as_a_connection_and_frees_its_place(start_server):
    server = start_server("--raw-echo", "/echo", "--max-connections", "1")
    with upgraded(server), connect(server) as second:
        second.sendall(request(server, "/ws"))
        assert status(read_all(second)) == 503

    def is_free():
        with connect(server) as peer:
            peer.sendall(request(server, "/echo"))
            # A refusal may be followed by a reset before it is read: that is no place either.
            try:
                answer = peer.recv(4_096)
            except ConnectionError:
                return False
            return answer.startswith(b"HTTP/1.1 101 ")

    eventually(is_free)


def test_it_ends_when_the_server_stops(start_server):
    server = start_server("--raw-echo", "/echo", "--drain-timeout", "5s")
    with upgraded(server) as peer:
        began = time.monotonic()
        server.process.terminate()
        assert close_code(read_frames(peer)) == 1012
        server.process.wait(5)
        assert server.process.returncode == 0 and time.monotonic() - began < 3


@pytest.mark.parametrize("arguments, expected, says", [
    (["--raw-echo", "/ws"], 64, "same path"), (["--raw-echo", "echo"], 64, "begins with a slash"),
    (["--raw-echo", "/healthz"], 64, "health"),
])
def test_paths_that_it_cannot_have(arguments, expected, says):
    result = subprocess.run([WSCORE, "serve", *arguments], capture_output=True, text=True, timeout=10)
    assert result.returncode == expected and says in result.stderr


# The client's

class FakeServer:
    """Takes one connection of `wscore client --raw-echo` and upgrades it."""

    def __init__(self, environment):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(10)
            self.client = subprocess.Popen(
                [WSCORE, "client", "--raw-echo", f"ws://127.0.0.1:{listener.getsockname()[1]}/run?case=1"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
            self.peer, _ = listener.accept()
        self.peer.settimeout(10)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.peer.recv(1)
        self.head = head.decode().lower()
        key = next(line.split(b": ")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        self.peer.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")

    def send(self, *arguments, **options):
        self.peer.sendall(frame(*arguments, masked=False, **options))

    def end(self):
        """The exit status and what was said on standard error."""
        self.peer.close()
        _, said = self.client.communicate(timeout=10)
        return self.client.returncode, said


@pytest.fixture
def fake_server(environment):
    server = FakeServer(environment)
    yield server
    server.client.kill()
    server.peer.close()


def test_the_client_echoes_until_the_peer_closes(fake_server):
    assert "get /run?case=1 http/1.1" in fake_server.head and "subprotocol" not in fake_server.head
    for opcode, payload in [(1, "grüße".encode()), (2, bytes(range(256))), (1, b""), (2, b"x" * 100_000)]:
        fake_server.send(opcode, payload)
        assert read_frame(fake_server.peer) == (0x80 | opcode, payload)
    pings = [str(number).encode() for number in range(10)]
    fake_server.peer.sendall(b"".join(frame(9, ping, masked=False) for ping in pings))
    assert [read_frame(fake_server.peer) for _ in pings] == [(0x8A, ping) for ping in pings]
    fake_server.peer.sendall(frame(1, b"a", final=False, masked=False) + frame(9, b"p", masked=False)
                             + frame(0, b"b", masked=False))
    assert [read_frame(fake_server.peer), read_frame(fake_server.peer)] == [(0x8A, b"p"), (0x81, b"ab")]
    fake_server.send(8, (4999).to_bytes(2, "big"))
    assert read_frame(fake_server.peer) == (0x88, (4999).to_bytes(2, "big"))
    assert fake_server.end() == (0, "")


@pytest.mark.parametrize("data, code", [
    (frame(1, b"x"), 1002), (frame(1, b"x", rsv=4, masked=False), 1002), (frame(8, b"\x03\xed", masked=False), 1002),
    (frame(1, b"a\xff" + b"a" * 90, masked=False)[:10], 1007), (frame(0, b"x", masked=False), 1002),
])
def test_the_client_names_a_violation(fake_server, data, code):
    fake_server.peer.sendall(data)
    first, payload = read_frame(fake_server.peer)
    assert first == 0x88 and int.from_bytes(payload[:2], "big") == code
    returncode, said = fake_server.end()
    assert returncode == 76 and "RFC 6455" in said


def test_the_client_names_a_connection_that_breaks(fake_server):
    returncode, said = fake_server.end()
    assert returncode == 69 and "without a Close frame" in said


def test_client_and_server_together(echo, client):
    # Neither begins, so the server ends it; here because it stops.
    process = subprocess.Popen([WSCORE, "client", "--raw-echo", echo.url.replace("/ws", "/echo")],
                               stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    time.sleep(0.3)
    echo.process.terminate()
    assert process.communicate(timeout=10)[1] == "" and process.returncode == 0


def test_what_the_client_cannot_do(client, server):
    assert client("--raw-echo", "-c", "quit").returncode == 64
    assert client("--raw-echo", "ws://127.0.0.1:1/").returncode == 69
    result = client("--raw-echo", server.url.replace("/ws", "/nothing"))
    assert result.returncode == 69 and "404" in result.stderr
