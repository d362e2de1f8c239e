"""WebSocket and HTTP by bare sockets: what a library would not send."""
import base64
import contextlib
import json
import os
import pathlib
import socket
import struct
import time
import urllib.parse

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
BROKEN = 1006
HELLO = {"v": 2, "type": "hello", "payload": {"versions": [2]}}


def hello_with(**payload):
    return {"v": 2, "type": "hello", "payload": {"versions": [2], **payload}}


def frame(payload=b"", opcode=TEXT, fin=True, rsv=0, masked=True, length=None, length_bytes=None):
    """One frame; `length` is what its header claims, `length_bytes` (0, 2, 8) how it is written."""
    length = len(payload) if length is None else length
    if length_bytes is None:
        length_bytes = 0 if length < 126 else 2 if length < 65536 else 8
    mask_bit = 0x80 if masked else 0
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    head += bytes([mask_bit | {0: length, 2: 126, 8: 127}[length_bytes]])
    head += {0: b"", 2: struct.pack(">H", length & 0xFFFF), 8: struct.pack(">Q", length)}[length_bytes]
    if not masked:
        return head + payload
    key = os.urandom(4)
    if len(payload) > 4096:
        whole = int.from_bytes((key * (len(payload) // 4 + 1))[:len(payload)])
        return head + key + (int.from_bytes(payload) ^ whole).to_bytes(len(payload))
    return head + key + bytes(byte ^ key[i & 3] for i, byte in enumerate(payload))


def text_frame(message, **fields):
    return frame(message.encode() if isinstance(message, str) else json.dumps(message).encode(), **fields)


def request(url, target=None, version="HTTP/1.1", method="GET", drop=(), **changes):
    """The bytes of an upgrade request. `drop` names headers to leave out; `changes` replace or add (`_` reads `-`)."""
    where = urllib.parse.urlsplit(url)
    headers = {"host": where.netloc, "upgrade": "websocket", "connection": "Upgrade", "sec-websocket-version": "13",
               "sec-websocket-key": base64.b64encode(os.urandom(16)).decode()}
    headers |= {name.lower().replace("_", "-"): value for name, value in changes.items()}
    lines = [f"{name}: {value}" for name, value in headers.items() if name not in drop]
    return "\r\n".join([f"{method} {target or where.path} {version}", *lines, "", ""]).encode("latin-1")


class Raw:
    """A TCP connection to the server at `url`."""

    def __init__(self, url, timeout=10, receive_buffer=None):
        where = urllib.parse.urlsplit(url)
        self.url, self.buffer, self.ended = url, b"", False
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect((where.hostname, where.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data):
        """Sends; a peer that is gone is no error: what it said before is read afterwards."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def say(self, message, **fields):
        self.send(text_frame(message, **fields))

    def _more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        self.ended = self.ended or not data
        self.buffer += data
        return bool(data)

    def _take(self, count):
        while len(self.buffer) < count:
            if not self._more():
                return None
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def response(self):
        """The status and the header fields of an HTTP answer; (None, {}) if the connection ended without one."""
        while b"\r\n\r\n" not in self.buffer:
            if not self._more():
                return None, {}
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        fields = dict(line.lower().split(": ", 1) if ": " in line else (line.lower().rstrip(":"), "")
                      for line in lines[1:])
        return int(lines[0].split()[1]), fields

    def upgrade(self, **changes):
        self.send(request(self.url, **changes))
        status, _ = self.response()
        assert status == 101, status
        return self

    def next_frame(self):
        """(opcode, payload), or None at the end of the connection."""
        head = self._take(2)
        if head is None:
            return None
        assert not head[1] & 0x80, "the server must not mask"
        assert head[0] & 0xF0 == 0x80, "the server sends whole frames without reserved bits"
        length = head[1] & 0x7F
        if length > 125:
            extended = self._take(2 if length == 126 else 8)
            if extended is None:
                return None
            length = int.from_bytes(extended)
        payload = self._take(length)
        return None if payload is None else (head[0] & 15, payload)

    def next_frame_of(self, opcode):
        """The payload of the next frame of this kind."""
        while got := self.next_frame():
            if got[0] == opcode:
                return got[1]
        raise AssertionError("the connection ended")

    def receive(self, *types):
        """The next message, of these types if any are given."""
        while True:
            got = self.next_frame()
            assert got, "the connection ended"
            opcode, payload = got
            assert opcode != CLOSE, f"closed: {payload!r}"
            if opcode == TEXT:
                message = json.loads(payload)
                if not types or message["type"] in types:
                    return message

    def finish(self):
        """Reads to the end: the messages that came, and the close code (1006 if there was none)."""
        messages = []
        while got := self.next_frame():
            opcode, payload = got
            if opcode == TEXT:
                messages.append(json.loads(payload))
            elif opcode == CLOSE:
                return messages, int.from_bytes(payload[:2]) if payload else 1005
        return messages, BROKEN

    def outcome(self):
        """(code of the last error message or None, close code)."""
        messages, code = self.finish()
        errors = [message["payload"]["code"] for message in messages if message["type"] == "error"]
        return errors[-1] if errors else None, code

    def at_end(self):
        """Whether the server ends the TCP connection, reading all that still comes."""
        while self._more():
            self.buffer = b""
        return True

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def session(url, hello=HELLO, **options):
    """A connection that was welcomed; `welcome` is the payload."""
    raw = Raw(url, **options).upgrade()
    raw.say(hello)
    raw.welcome = raw.receive("welcome")["payload"]
    return raw


def works(url):
    """A new client is served."""
    with session(url) as raw:
        raw.say({"v": 2, "seq": 1, "type": "event", "event": "echo", "id": "w", "payload": 1})
        return raw.receive("reply")["payload"] == 1


def memory(server):
    """Resident bytes of the server's process."""
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


def descriptors(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def wait_for(condition, timeout=15):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
