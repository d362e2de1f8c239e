"""A proxy that is no honest wire: it stops, swallows, delays, cuts and changes what passes through it.

    with FaultProxy(server.url) as proxy:
        client = Client(proxy.url, user="ann")
        client.connect()
        proxy.latest.black_hole()           # nothing passes any more, and nobody is told
        proxy.latest.swallow("down")        # the server's bytes are read and thrown away
        proxy.latest.delay("down", 0.3)     # from here on they come so much later
        proxy.latest.cut("rst", "client")   # one side's connection ends, the other knows nothing
"""
import asyncio
import contextlib
import socket
import struct
import threading

from conftest import eventually

CHUNK = 65536
OPPOSITE = {"up": "down", "down": "up"}


class Link:
    """One client's connection through the proxy. `up` is towards the server, `down` towards the client."""

    def __init__(self, proxy, client, server):
        self._proxy = proxy
        self._writers = {"client": client, "server": server}
        self._flow = {side: asyncio.Event() for side in OPPOSITE}
        for event in self._flow.values():
            event.set()
        self._swallows = {side: False for side in OPPOSITE}
        self._delays = {side: 0.0 for side in OPPOSITE}
        self.bytes = {side: 0 for side in OPPOSITE}
        # A half-cut link keeps the half that is left: its socket must not be closed with the other.
        self.is_cut = False

    # From any thread

    def black_hole(self, *sides):
        """Stops both directions, or those that are named. The sockets stay open."""
        self._call(lambda: [self._flow[side].clear() for side in sides or OPPOSITE])

    def restore(self):
        """What was held back goes on, and all that follows."""
        self._call(lambda: [event.set() for event in self._flow.values()])

    def swallow(self, side):
        """Reads that direction and throws it away."""
        self._call(lambda: self._swallows.update({side: True}))

    def delay(self, side, seconds):
        """Bytes of that direction come so much later, in order."""
        self._call(lambda: self._delays.update({side: seconds}))

    def cut(self, kind="rst", who="both"):
        """Ends the connection to the client, the server or both, by `rst` or `fin`."""
        self._call(lambda: [self._end(name, kind) for name in self._writers if who in (name, "both")])

    def _call(self, action):
        """Runs on the proxy's loop and returns when it was done."""
        done = threading.Event()

        def run():
            action()
            done.set()

        self._proxy.loop.call_soon_threadsafe(run)
        assert done.wait(10)

    def _end(self, name, kind):
        self.is_cut = True
        writer = self._writers[name]
        if kind == "rst":
            connection = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort() if kind == "rst" else writer.close()

    # On the proxy's loop

    async def pump(self, side, reader):
        writer = self._writers["server" if side == "up" else "client"]
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            async for data in self._proxy.pieces(side, reader):
                await self._flow[side].wait()
                if self._delays[side]:
                    await asyncio.sleep(self._delays[side])
                    await self._flow[side].wait()
                if self._swallows[side]:
                    continue
                self.bytes[side] += len(data)
                writer.write(data)
                await writer.drain()
        await self._flow[side].wait()
        if not self.is_cut:
            writer.close()


class FaultProxy:
    """Listens on a port of its own and passes on to the server at `target_url`.

    `change`, if given, gets the payload of each text frame of the server: None passes it on as it is, a list of
    payloads of the same length stands in its place."""

    def __init__(self, target_url, change=None):
        host, port = target_url.removeprefix("ws://").removesuffix("/ws").split(":")
        self._target, self._change = (host, int(port)), change
        self.changed = 0
        self.links = []
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(5)

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.port}/ws"

    @property
    def latest(self):
        """The link of the connection that was opened last."""
        return eventually(lambda: self.links and self.links[-1])

    def stop(self):
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    async def _serve(self):
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        self._stop, self.loop = asyncio.Event(), asyncio.get_running_loop()
        self._ready.set()
        await self._stop.wait()

    async def _connection(self, reader, writer):
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        link = Link(self, writer, upstream_writer)
        self.links.append(link)
        # The proxy may end while its links go on.
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(link.pump("up", reader), link.pump("down", upstream_reader))

    async def pieces(self, side, reader):
        """What came, as it came; frame by frame if the server's frames are to be changed."""
        if side == "down" and self._change:
            async for frames in self._changed_frames(reader):
                yield frames
            return
        while data := await reader.read(CHUNK):
            yield data

    async def _changed_frames(self, reader):
        yield await reader.readuntil(b"\r\n\r\n")
        while True:
            head = await reader.readexactly(2)
            length, extra = head[1] & 0x7F, b""
            if length > 125:
                extra = await reader.readexactly(2 if length == 126 else 8)
                length = int.from_bytes(extra)
            payload = await reader.readexactly(length)
            frames = [payload]
            if head[0] & 0x0F == 1 and (changed := self._change(payload)) is not None:
                self.changed += 1
                frames = changed
            assert all(len(frame) == length for frame in frames)
            yield b"".join(head + extra + frame for frame in frames)
