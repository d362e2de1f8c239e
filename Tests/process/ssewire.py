"""One connection over Server-Sent Events and POST, written from PROTOCOL.md, section 23, and `http.client` alone.

It has the methods of `wswire.Wire`, so that whatever runs over WebSocket runs over it.
"""
import http.client
import json
import queue
import socket
import struct
import threading
import urllib.parse

from wswire import NO_CLOSE_FRAME, Closed, ProtocolFault, encode

CHANNEL = "Wscore-Channel"


class Refused(Exception):
    """An HTTP answer that is not a success."""

    def __init__(self, status, text):
        super().__init__(f"{status} {text}")
        self.status, self.text = status, text


def read_events(response):
    """Events of a stream as (event, data), by the rules of the HTML standard for what a server of ours sends."""
    event, data = "message", []
    for raw in response:
        line = raw.decode().rstrip("\r\n")
        if not line:
            if data:
                yield event, "\n".join(data)
            event, data = "message", []
        elif not line.startswith(":"):
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "data":
                data.append(value)
            elif field == "event":
                event = value


class EventWire:
    """`url` is http://HOST:PORT/sse. Opens with GET, or, given `first`, with a POST that has those messages already."""

    subprotocol = None
    ssl = None

    def __init__(self, url, subprotocol=None, headers=None, timeout=10, first=None, ssl=None):
        parts = urllib.parse.urlsplit(url)
        self.host, self.path, self.timeout, self.ssl = parts.netloc, parts.path, timeout, ssl
        self._inbox = queue.SimpleQueue()
        self._end = None
        self._up = None
        self._down = self._connection()
        body = None if first is None else "\n".join(map(encode, first)).encode()
        kind = {"Content-Type": "application/x-ndjson"} if body is not None else {}
        self._down.request("GET" if body is None else "POST", self.path, body, {**kind, **(headers or {})})
        self._socket = self._down.sock
        response = self._response = self._down.getresponse()
        self.headers = response.headers
        if response.status != 200:
            raise Refused(response.status, response.read().decode())
        self._events = read_events(response)
        event, data = next(self._events, (None, None))
        if event != "channel":
            raise ProtocolFault(f"the first event is {event}")
        self.channel = json.loads(data)["channel"]
        self._socket.settimeout(None)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _connection(self):
        if self.ssl is None:
            return http.client.HTTPConnection(self.host, timeout=self.timeout)
        return http.client.HTTPSConnection(self.host, timeout=self.timeout, context=self.ssl)

    def _read(self):
        end = Closed(NO_CLOSE_FRAME)
        try:
            for event, data in self._events:
                if event == "close":
                    payload = json.loads(data)
                    end = Closed(payload["code"], payload["reason"])
                elif event == "message":
                    self._inbox.put(data)
                else:
                    self._inbox.put(ProtocolFault(f"event {event}"))
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            pass  # cut
        self._inbox.put(end)

    def send(self, *messages):
        self.send_text("\n".join(map(encode, messages)))

    def send_text(self, text):
        """Sends one POST and waits for its answer. What ends the connection is told by the stream, as for WebSocket."""
        status, _ = self.post(text.encode())
        if status not in (202, 404, 409, 429):
            raise ProtocolFault(f"POST was answered with {status}")

    def post(self, body, headers=None, kind="application/x-ndjson"):
        fields = {"Content-Type": kind, CHANNEL: self.channel, **(headers or {})}
        for attempt in (1, 2):
            if self._up is None:
                self._up = self._connection()
            try:
                self._up.request("POST", self.path, body, fields)
                response = self._up.getresponse()
                answer = response.read()
                if response.will_close:
                    self._up.close()
                    self._up = None
                return response.status, answer.decode()
            except (OSError, http.client.HTTPException):
                self._up.close()
                self._up = None
                if attempt == 2:
                    raise Closed(NO_CLOSE_FRAME) from None

    def receive(self, timeout=5):
        if self._end:
            raise self._end
        try:
            item = self._inbox.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError from None
        if isinstance(item, Closed):
            self._end = item
            raise item
        if isinstance(item, Exception):
            raise item
        message = json.loads(item)
        if not isinstance(message, dict) or "v" not in message or "type" not in message:
            raise ProtocolFault(f"not an envelope: {item[:200]}")
        return message

    def close(self, code=1000):
        self.drop("fin")

    def drop(self, kind="rst"):
        """Ends the stream: `fin`, or `rst` by a linger time of 0."""
        if self._up is not None:
            self._up.close()
            self._up = None
        try:
            if kind == "rst":
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._socket.shutdown(socket.SHUT_RD)
        except OSError:
            pass  # it is gone already
        self._down.close()
        # The response holds the socket too: it is only closed when nobody reads it any more.
        self._reader.join(5)
        self._response.close()
        self._socket.close()
