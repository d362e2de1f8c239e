"""A server that speaks PROTOCOL.md version 2 well enough for `wscore load`, and lies where a test makes it.

    class Forgetful(LyingServer):
        def copies(self, room, member, event):
            return []

    with Forgetful() as server:
        subprocess.run([WSCORE, "load", server.url, ...])
"""
import asyncio
import json
import secrets
import threading

import websockets
from websockets.asyncio.server import serve

LIMITS = {"message_bytes": 1 << 20, "rooms": 128, "state_bytes": 4096, "outbox_messages": 1024, "outbox_bytes": 1 << 20,
          "ack_delay_ms": 250}
WELCOME = {"version": 2, "gen": 1, "ttl_ms": 120_000, "resumed": False, "rebuilt": False, "last_in": 0, "replay": None,
           "gaps": [], "rooms": [], "state": None, "principal": {"user": "load", "permissions": ["*"]},
           "deprecations": [], "ping": {"interval_ms": 25_000, "timeout_ms": 10_000},
           "window": {"messages": 256, "bytes": 1 << 20}, "limits": LIMITS, "server": "lying/1"}


class Member:
    """A session: its numbers, and what is still to be written to its connection."""

    def __init__(self):
        self.sid = "s_" + secrets.token_urlsafe(16)
        # The last number of the client's that was processed, and our own last one.
        self.taken, self.given = 0, 0
        self.queue = asyncio.Queue()


class Room:
    """A log, by its end, and those who read it."""

    def __init__(self, name):
        self.name, self.log, self.offset, self.members = name, secrets.token_hex(8), 0, []

    @property
    def position(self):
        return [self.log, self.offset]


class LyingServer:
    """Honest as it is. No session is ever resumed: who comes back gets a new one."""

    def __init__(self):
        self.rooms = {}
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    # What a lie changes

    def acknowledged(self, member):
        """The number in `ack`."""
        return member.taken

    def copies(self, room, member, event):
        """What a member of the room gets of an event."""
        return [event]

    def frames(self, member, message):
        """What is written of a message that has its numbers."""
        return [message]

    def joined_at(self, room, member):
        """The position that the answer to a `join` tells."""
        return room.position

    def take_event(self, member, message):
        """Publishes what a client says in a room."""
        room = self.rooms[message["room"]]
        room.offset += 1
        event = {"type": "event", "event": message["event"], "room": room.name, "from": member.sid,
                 "pos": room.position, "payload": message["payload"]}
        for reader in room.members:
            for copy in self.copies(room, reader, event):
                self.push(reader, copy)

    async def leave(self, member, connection):
        """The client said `bye`."""
        await connection.close(1000)

    # For lies, on the server's loop

    def push(self, member, message):
        """Sends a message that has a number."""
        member.given += 1
        self.tell(member, {"seq": member.given, **message})

    def tell(self, member, message):
        """Sends a message as it is."""
        member.queue.put_nowait({"v": 2, "ack": self.acknowledged(member), **message})

    # From any thread

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.port}/ws"

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(5)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(15)

    # On the server's loop

    async def _serve(self):
        self._stop, self._loop = asyncio.Event(), asyncio.get_running_loop()
        async with serve(self._connection, "127.0.0.1", 0, subprotocols=["wscore.v2.json"], ping_interval=None,
                         close_timeout=1, compression=None) as server:
            self.port = server.sockets[0].getsockname()[1]
            self._ready.set()
            await self._stop.wait()

    async def _connection(self, connection):
        member = Member()
        writer = None
        try:
            self._welcome(member, json.loads(await connection.recv()))
            writer = asyncio.create_task(self._write(member, connection))
            async for text in connection:
                message = json.loads(text)
                if message["type"] == "bye":
                    return await self.leave(member, connection)
                self._take(member, message)
        except websockets.ConnectionClosed:
            pass
        finally:
            if writer:
                writer.cancel()
            for room in self.rooms.values():
                room.members = [other for other in room.members if other is not member]

    def _welcome(self, member, hello):
        refused = {"reason": "unknown"} if "resume" in hello["payload"] else {}
        own = {"connection": "c_" + secrets.token_urlsafe(16), "sid": member.sid, "epoch": secrets.token_hex(8),
               "token": secrets.token_urlsafe(32)}
        self.tell(member, {"type": "welcome", "payload": WELCOME | own | refused})
        self.tell(member, {"type": "live", "payload": {}})

    async def _write(self, member, connection):
        try:
            while True:
                for frame in self.frames(member, await member.queue.get()):
                    await connection.send(json.dumps(frame, separators=(",", ":")))
        except websockets.ConnectionClosed:
            pass

    def _take(self, member, message):
        """Processes a message; who repeats one gets no more than another `ack`."""
        if "seq" not in message:
            return
        if message["seq"] == member.taken + 1:
            member.taken += 1
            if message["type"] == "join":
                self._join(member, message)
            elif message["type"] == "event":
                self.take_event(member, message)
        self.tell(member, {"type": "ack", "payload": {}})

    def _join(self, member, message):
        room = self.rooms.setdefault(message["room"], Room(message["room"]))
        room.members.append(member)
        answer = {"room": room.name, "pos": self.joined_at(room, member), "members": len(room.members)}
        self.push(member, {"type": "reply", "re": message["id"], "room": room.name, "payload": answer})
