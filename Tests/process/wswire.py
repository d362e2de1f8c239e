"""One WebSocket connection that carries messages of PROTOCOL.md and knows nothing of sessions. Needs `websockets`."""
import json
import logging
import socket
import struct

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect as websocket_connect, unix_connect

NO_CLOSE_FRAME = 1006
# The library logs a traceback when a connection is cut; cutting is what we do here.
QUIET = logging.getLogger("wswire")
QUIET.setLevel(logging.CRITICAL + 1)


class Closed(Exception):
    """The connection is gone. `code` is the close code, 1006 if there was none."""

    def __init__(self, code, reason=""):
        super().__init__(f"closed {code} {reason}".strip())
        self.code, self.reason = code, reason

    @property
    def advice(self):
        """What PROTOCOL.md, section 16, asks of a client: resume, anew, credential or stop."""
        ranges = {41: "anew", 42: "credential", 45: "stop"}
        return ranges.get(self.code // 100, "resume")


class ProtocolFault(AssertionError):
    """The server did what PROTOCOL.md does not allow."""


def encode(message):
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


class Wire:
    """One connection that carries messages and knows nothing of sessions."""

    def __init__(self, url, subprotocol=None, headers=None, timeout=10, ssl=None):
        options = dict(
            subprotocols=[subprotocol] if subprotocol else None, additional_headers=headers, compression=None,
            open_timeout=timeout, close_timeout=timeout, ping_interval=None, max_size=1 << 26, logger=QUIET)
        # Entered as a context manager, as newer versions of the library ask; it is left by `close` or `drop`.
        if url.startswith("unix:"):
            self.socket = unix_connect(url.removeprefix("unix:"), "ws://localhost/ws", **options).__enter__()
        else:
            self.socket = websocket_connect(url, ssl=ssl, **options).__enter__()
        self.subprotocol = self.socket.subprotocol

    def send(self, message):
        self.send_text(encode(message))

    def send_text(self, text):
        try:
            self.socket.send(text)
        except ConnectionClosed as end:
            raise self._closed(end) from None

    def receive(self, timeout=5):
        """The next message. Raises Closed, or TimeoutError if none came within `timeout` seconds."""
        try:
            text = self.socket.recv(timeout=timeout)
        except ConnectionClosed as end:
            raise self._closed(end) from None
        if not isinstance(text, str):
            raise ProtocolFault("a binary message")
        message = json.loads(text)
        if not isinstance(message, dict) or "v" not in message or "type" not in message:
            raise ProtocolFault(f"not an envelope: {text[:200]}")
        return message

    @staticmethod
    def _closed(end):
        frame = end.rcvd
        return Closed(frame.code, frame.reason) if frame else Closed(NO_CLOSE_FRAME)

    def close(self, code=1000):
        self.socket.close(code)

    def drop(self, kind="rst"):
        """Ends the connection without a close frame: `fin`, or `rst` by a linger time of 0."""
        if kind == "rst":
            try:
                self.socket.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                pass  # it is gone already
        self.socket.close_socket()
