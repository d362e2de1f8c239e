"""An independent client of wscore, written from PROTOCOL.md alone.

    ann = Client("ws://127.0.0.1:8080/ws", user="ann")
    ann.connect()
    ann.join("lobby")
    ann.drop()
    ann.connect()                       # resumes; ann.welcome["resumed"] is True
    print(ann.publish("lobby", "chat", {"text": "hi"}))
"""
import collections
import random
import time

from wsvectors import load_vector, run_vector
from transports import open_wire
from wswire import Closed, ProtocolFault, Wire, encode

__all__ = ["Client", "Closed", "ProtocolFault", "ServerError", "Wire", "encode", "load_vector", "run_vector"]

SEQUENCED = {"event", "reply", "member", "error"}


class ServerError(Exception):
    """An `error` message that answers a request."""

    def __init__(self, payload):
        super().__init__(f"{payload['code']}: {payload['message']}")
        self.payload, self.code, self.retry = payload, payload["code"], payload["retry"]


class Client:
    """A client of version 2, level 3: counts, acknowledges, resumes, resends, and knows what became of every send.

    One thread: acknowledgements and pongs go out while `receive` or `request` is running.
    `delivered` and `unknown` hold the numbers whose fate was learned when a session could not be resumed.
    """

    def __init__(self, url, user=None, auth=None, subprotocol="wscore.v2.json", auto_ack=True, ssl=None, **hello):
        self.url, self.subprotocol, self.auto_ack, self.ssl = url, subprotocol, auto_ack, ssl
        self.auth = auth or ({"scheme": "none", "credential": user} if user else None)
        self.hello_extra = hello
        self.wire = None
        self.sid = self.epoch = self.token = None
        self.welcome = {}
        self._begin_numbering()
        self.delivered, self.unknown, self.gaps = [], [], []
        self.duplicates = 0
        self.positions = {}
        self.inbox = collections.deque()
        self.id_count = 0
        self.is_live = False

    def _begin_numbering(self):
        self.last_seq = 0  # highest number given to a send
        self.acked = 0  # highest of them that the server has processed
        self.last = 0  # highest number of the server that was processed here
        self.last_told = 0  # highest of them that was acknowledged
        self.ack_due = None
        self.unacked = collections.deque()  # (seq, message) above self.acked

    # Connecting

    def connect(self, resume=True, timeout=10):
        """Opens a connection and says hello, with resume if a session is held. Returns the payload of welcome."""
        hello = {"versions": [2], **self.hello_extra}
        if self.auth:
            hello["auth"] = self.auth
        asks = resume and self.sid is not None
        if asks:
            hello["resume"] = {"sid": self.sid, "token": self.token, "epoch": self.epoch, "ack": self.last}
            if self.unacked:
                hello["resume"]["first_unacked"] = self.unacked[0][0]
            if self.positions:
                hello["resume"]["pos"] = self.positions
        self.wire = open_wire(self.url, self.subprotocol, timeout=timeout, ssl=self.ssl)
        self.is_live = False
        self.wire.send({"v": 2, "type": "hello", "payload": hello})
        message = self.wire.receive(timeout)
        if message["type"] == "error":
            error = ServerError(message["payload"])
            try:
                self.wire.receive(timeout)
            except Closed as end:
                error.close_code = end.code
            raise error
        self._expect(message["type"] == "welcome", f"welcome expected, not {message}")
        self._welcomed(message["payload"], asks)
        return self.welcome

    def _welcomed(self, welcome, asked):
        self.welcome = welcome
        self._expect(welcome["version"] == 2, "a version that was not asked for")
        self._expect(asked or not welcome["resumed"], "resumed without being asked")
        self._expect(welcome["resumed"] or not asked or welcome.get("reason"), "resumed:false without a reason")
        if welcome["resumed"]:
            self._expect(welcome["sid"] == self.sid, "resumed another session")
        if welcome["resumed"] and welcome["epoch"] == self.epoch:
            self._acknowledged(welcome["last_in"])
            replay = welcome["replay"]
            self._expect(not replay or replay["from"] == self.last + 1, f"replay {replay} after {self.last}")
        else:
            self._numbering_lost(welcome.get("lost"))
        self.sid, self.epoch, self.token = welcome["sid"], welcome["epoch"], welcome["token"]
        self.ack_due, self.last_told = None, self.last
        for _, message in self.unacked:
            self._send_head(message)

    def _numbering_lost(self, lost):
        for seq, _ in self.unacked:
            got_through = lost is not None and seq <= lost["last_in"]
            (self.delivered if got_through else self.unknown).append(seq)
        self._begin_numbering()
        self.positions = {}

    def reconnect(self, attempts=10, delay=0.5, longest=30.0):
        """Connects again, with full jitter between attempts. Returns the payload of welcome."""
        for attempt in range(attempts):
            try:
                return self.connect()
            except (OSError, Closed, TimeoutError):
                time.sleep(random.uniform(0, min(longest, delay * 2**attempt)))
        raise ConnectionError(f"no connection after {attempts} attempts")

    def drop(self, kind="rst"):
        self.wire.drop(kind)

    def close(self, code=1000):
        self.wire.close(code)

    def bye(self, reason=None, timeout=5):
        """Ends the session; returns the close code."""
        self._send_head({"v": 2, "type": "bye", "payload": {"reason": reason} if reason else {}})
        self.sid = None
        return self.wait_closed(timeout)

    def wait_closed(self, timeout=5):
        deadline = time.monotonic() + timeout
        while True:
            try:
                self._take(self.wire.receive(max(0, deadline - time.monotonic())))
            except Closed as end:
                return end.code

    # Sending

    def send(self, event, payload, room=None, id=None, ev=None, key=None, transient=False):
        """Sends an event; returns its seq, None for a transient one."""
        message = {"type": "event", "event": event}
        fields = {"ev": ev, "id": id, "room": room, "key": key, "delivery": "transient" if transient else None}
        message |= {name: value for name, value in fields.items() if value is not None}
        message["payload"] = payload
        if transient:
            self._send_head({"v": 2, **message})
            return None
        return self._send_sequenced(message)

    def _send_sequenced(self, message):
        limit = self.welcome["window"]["messages"]
        while len(self.unacked) >= limit:
            self._pump(5)
        self.last_seq += 1
        message = {"v": 2, "seq": self.last_seq, **message}
        self._expect(len(encode(message).encode()) + 24 <= self.welcome["limits"]["message_bytes"], "message too long")
        self.unacked.append((self.last_seq, message))
        self._send_head(message)
        return self.last_seq

    def _send_head(self, message):
        """Every message takes the newest ack along."""
        if self.auto_ack:
            message = {**message, "ack": self.last}
            self.last_told, self.ack_due = self.last, None
        self.wire.send(message)

    def ack(self):
        """Acknowledges now what was processed."""
        self.last_told, self.ack_due = self.last, None
        self.wire.send({"v": 2, "ack": self.last, "type": "ack", "payload": {}})

    def _next_id(self):
        self.id_count += 1
        return f"c-{self.id_count}"

    def request(self, event, payload, room=None, timeout=5, **fields):
        """Sends an event and waits for what answers it: the reply's payload. Raises ServerError."""
        id = self._next_id()
        self.send(event, payload, room=room, id=id, **fields)
        return self._answer(id, timeout)

    def join(self, room, presence=False, timeout=5):
        id = self._next_id()
        payload = {"presence": True} if presence else {}
        self._send_sequenced({"type": "join", "id": id, "room": room, "payload": payload})
        reply = self._answer(id, timeout)
        self.positions.setdefault(room, reply["pos"])
        return reply

    def leave(self, room, timeout=5):
        id = self._next_id()
        self._send_sequenced({"type": "leave", "id": id, "room": room, "payload": {}})
        reply = self._answer(id, timeout)
        self.positions.pop(room, None)
        return reply

    def publish(self, room, event, payload, timeout=5):
        """Publishes and waits for the position."""
        return self.request(event, payload, room=room, timeout=timeout)["pos"]

    def _answer(self, id, timeout):
        deadline = time.monotonic() + timeout
        while True:
            for message in self.inbox:
                if message.get("re") == id:
                    self.inbox.remove(message)
                    if message["type"] == "error":
                        raise ServerError(message["payload"])
                    return message["payload"]
            self._pump(max(0, deadline - time.monotonic()))

    # Receiving

    def receive(self, timeout=5, type=None):
        """The next message for the application, of `type` if given; not ping, ack and live."""
        deadline = time.monotonic() + timeout
        while True:
            for message in self.inbox:
                if type is None or message["type"] == type:
                    self.inbox.remove(message)
                    return message
            self._pump(max(0, deadline - time.monotonic()))

    def events(self, count, timeout=5):
        """The payloads of the next `count` events."""
        return [self.receive(timeout, type="event")["payload"] for _ in range(count)]

    def wait_live(self, timeout=5):
        deadline = time.monotonic() + timeout
        while not self.is_live:
            self._pump(max(0, deadline - time.monotonic()))

    def quiet(self, seconds=0.3):
        """Handles what comes for so long; acknowledges it. Returns what lies in the inbox."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                self._pump(left)
            except TimeoutError:
                break
        return list(self.inbox)

    def _pump(self, timeout):
        """Takes one message; sends an ack that comes due while it waits. Raises TimeoutError."""
        deadline = time.monotonic() + timeout
        while True:
            if self.ack_due is not None and time.monotonic() >= self.ack_due:
                self.ack()
            until = deadline if self.ack_due is None else min(deadline, self.ack_due)
            try:
                return self._take(self.wire.receive(max(0, until - time.monotonic())))
            except TimeoutError:
                if time.monotonic() >= deadline:
                    raise

    def _take(self, message):
        kind = message["type"]
        self._expect(message["v"] == 2, f"v {message['v']} after version 2 was agreed")
        if "ack" in message:
            self._acknowledged(message["ack"])
        if kind == "gap":
            return self._take_gap(message)
        if "seq" in message and not self._is_new(message):
            return
        if kind == "ping":
            self._send_head({"v": 2, "type": "pong", "payload": {}})
        elif kind == "live":
            self.is_live = True
        elif kind != "ack":
            if message.get("pos") and "room" in message:
                self._note_position(message["room"], message["pos"])
            self.inbox.append(message)

    def _is_new(self, message):
        self._expect(message["type"] in SEQUENCED, f"seq on {message['type']}")
        seq = message["seq"]
        if seq <= self.last:
            self.duplicates += 1
            return False
        self._out_of_step(seq)
        self._processed(seq, 1)
        return True

    def _take_gap(self, message):
        gap = message["payload"]
        self._expect(gap["count"] == gap["to"] - gap["from"] + 1, f"gap {gap}")
        if gap["to"] <= self.last:
            return
        self._out_of_step(gap["from"])
        self.gaps.append(gap)
        self._processed(gap["to"], gap["to"] - self.last)
        self.inbox.append(message)

    def _out_of_step(self, seq):
        if seq > self.last + 1:
            self.wire.close(4001)
            raise ProtocolFault(f"seq {seq} after {self.last}")

    def _processed(self, seq, count):
        self.last = seq
        if not self.auto_ack:
            return
        if self.last - self.last_told >= self.welcome["window"]["messages"] // 4:
            self.ack()
        elif self.ack_due is None:
            self.ack_due = time.monotonic() + self.welcome["limits"]["ack_delay_ms"] / 1000

    def _note_position(self, room, position):
        log, offset = position
        known = self.positions.get(room)
        gapped = any(not gap["rooms_complete"] or room in gap["rooms"] for gap in self.gaps)
        if known and known[0] == log and not gapped:
            self._expect(offset == known[1] + 1, f"{room}: offset {offset} after {known[1]}")
        self.positions[room] = position

    def _acknowledged(self, ack):
        self._expect(ack <= self.last_seq, f"ack {ack}, {self.last_seq} were sent")
        self.acked = max(self.acked, ack)
        while self.unacked and self.unacked[0][0] <= ack:
            self.unacked.popleft()

    @staticmethod
    def _expect(holds, what):
        if not holds:
            raise ProtocolFault(what)
