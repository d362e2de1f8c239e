"""The churn of a soak: `wscore load` with storms, and clients that do what clients should not."""
import collections
import concurrent.futures
import contextlib
import json
import os
import random
import signal
import subprocess
import threading
import time
import urllib.parse
import zlib

from faultproxy import FaultProxy
from soak_gauges import ask
from ssewire import EventWire
from wsraw import Raw, frame, hello_with, request, session, text_frame

# What a fault of ours may run into: the server ends who behaves so.
EXPECTED = (OSError, AssertionError, EOFError, ValueError)


def user(name):
    return {"auth": {"scheme": "none", "credential": name}}


def event(seq, name="echo", payload=1, **fields):
    return {"v": 2, "seq": seq, "type": "event", "event": name, "payload": payload, **fields}


def join(raw, seq, room):
    raw.say({"v": 2, "seq": seq, "type": "join", "room": room})


class Churn:
    """Rounds of everything at once. `losses` are what `wscore load` says was lost, `counts` how often each fault was done."""

    def __init__(self, wscore, url, admin, sessions):
        self._wscore, self.url, self._admin, self._sessions = wscore, url, admin, sessions
        self._random = random.Random(1)
        self._lock, self._processes = threading.Lock(), set()
        self.losses, self.messages, self.counts = [], 0, collections.Counter({name: 0 for name in self._faults()})

    def _faults(self):
        return {
            "garbage": self._garbage, "handshake": self._handshake, "reset": self._reset, "half-open": self._half_open,
            "black hole": self._black_hole, "slow reader": self._slow_reader, "kick": self._kick,
            "revoke": self._revoke, "rooms": self._rooms, "events": self._events, "deflate": self._deflate,
            "takeover": self._takeover, "fragments": self._fragments, "http": self._http,
        }

    def round(self, seconds):
        """Everything at once, for so many seconds and as long as the rest then takes."""
        end = time.monotonic() + seconds
        small = max(10, self._sessions // 20)
        loads = [
            ("load", self._sessions, ["--storm", "100%@40%", "--storm", "30%@70%", "--drop", "rst"], None),
            ("stopped", small, ["--storm", "100%@50%", "--drop", "fin"], signal.SIGSTOP),
            ("clean", small, ["--storm", "50%@50%", "--drop", "clean"], None),
            ("killed", small, [], signal.SIGKILL),
        ]
        with concurrent.futures.ThreadPoolExecutor(len(loads) + 6) as pool:
            running = [pool.submit(self._load, seconds, *arguments) for arguments in loads]
            running += [pool.submit(self._misbehave, end, turn) for turn in range(6)]
            for future in running:
                future.result()

    def stop(self):
        with self._lock:
            processes = list(self._processes)
        for process in processes:
            process.kill()

    # MARK: Honest clients, and what becomes of them

    def _load(self, seconds, prefix, sessions, options, blow):
        """A run of `wscore load`, whose verdict counts unless it is killed on the way."""
        options = [f"{option.split('@')[0]}@{seconds * float(option.split('@')[1][:-1]) / 100:.1f}s" if "@" in option
                   else option for option in options]
        process = subprocess.Popen(
            [self._wscore, "load", self.url, "--json", "--progress", "off", "--sessions", str(sessions), "--rate",
             f"{max(20, sessions // 4)}/s", "--duration", f"{seconds:.0f}s", "--settle", "30s", "--payload-bytes", "400",
             "--rooms", str(max(1, sessions // 10)), "--room-prefix", f"{prefix}.", "--seed", str(self._random.randrange(1 << 30)), *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        with self._lock:
            self._processes.add(process)
        try:
            if blow:
                time.sleep(seconds / 3)
                process.send_signal(blow)
                if blow == signal.SIGSTOP:
                    # Longer than the pings wait, shorter than the sessions live.
                    time.sleep(min(6, seconds / 4))
                    process.send_signal(signal.SIGCONT)
            out, said = process.communicate(timeout=seconds + 120)
        finally:
            with self._lock:
                self._processes.discard(process)
            if process.poll() is None:
                process.kill()
        if blow != signal.SIGKILL:
            self._judge(process.returncode, out, said)

    def _judge(self, code, out, said):
        try:
            report = json.loads(out)
        except ValueError:
            return self._lose(f"wscore load ended with {code}: {said.strip()[-300:]}")
        wrong = {name: report[name] for name in ("lost", "duplicated", "out_of_order", "unexplained", "not_resumed") if report[name]}
        # 98 says that this machine was too slow to send at the rate, and nothing of the server.
        if wrong or code not in (0, 98):
            self._lose(f"wscore load ended with {code}: {wrong or report['verdict']}")
        with self._lock:
            self.messages += report["delivered"]

    def _lose(self, text):
        with self._lock:
            self.losses.append(text)

    # MARK: The others

    def _misbehave(self, end, turn):
        """One fault after another until the time is over. Each worker goes another way round."""
        faults = list(self._faults().items())
        chance = random.Random(turn)
        while time.monotonic() < end:
            chance.shuffle(faults)
            for name, fault in faults:
                if time.monotonic() > end:
                    break
                # Counted only where all of it was done: one that never gets through is a fault of this program.
                with contextlib.suppress(*EXPECTED):
                    fault(chance)
                    with self._lock:
                        self.counts[name] += 1

    def _garbage(self, chance):
        """No HTTP at all; then a WebSocket of random bytes."""
        with Raw(self.url, timeout=4) as raw:
            raw.send(os.urandom(chance.randrange(1, 4_000)))
            raw.at_end()
        with Raw(self.url, timeout=4).upgrade() as raw:
            raw.send(os.urandom(chance.randrange(1, 4_000)))
            raw.at_end()
        with session(self.url, hello_with(**user("noise")), timeout=4) as raw:
            raw.say('{"v":2,"seq":1,' + "x" * chance.randrange(100))
            raw.finish()

    def _handshake(self, chance):
        """A head that never ends, an upgrade without a `hello`, and one that leaves in the middle."""
        whole = request(self.url)
        waiting = [Raw(self.url, timeout=6) for _ in range(4)]
        for raw in waiting[:2]:
            raw.send(whole[:chance.randrange(1, len(whole) - 1)])
        waiting[2].upgrade()
        waiting[3].send(whole)
        waiting[3].reset()
        for raw in waiting[:3]:
            with raw:
                raw.at_end()

    def _reset(self, chance):
        """RST in the middle of a frame, and of a message in fragments."""
        for data in (text_frame("x" * 1_000)[:chance.randrange(1, 900)], frame(b"ab", fin=False)):
            raw = session(self.url, hello_with(**user("reset")))
            raw.send(data)
            raw.reset()

    def _half_open(self, chance):
        """One end of the connection is gone, and nobody tells the other."""
        self._behind_proxy(lambda link: link.cut("rst", "client"))

    def _black_hole(self, chance):
        """Nothing passes any more; the client comes back on another way."""
        self._behind_proxy(lambda link: link.black_hole())

    def _behind_proxy(self, fault):
        with FaultProxy(self.url) as proxy:
            raws = [session(proxy.url, hello_with(**user("behind"))) for _ in range(5)]
            for raw in raws:
                join(raw, 1, "behind")
            for link in proxy.links:
                fault(link)
            kept = raws[0].welcome
            resume = {name: kept[name] for name in ("sid", "token", "epoch")} | {"ack": 0}
            with session(self.url, hello_with(**user("behind"), resume=resume)) as back:
                back.say({"v": 2, "type": "bye"})
                back.finish()
            # The pings of the server find the rest.
            time.sleep(6)
            for link in proxy.links:
                link.restore()
            for raw in raws:
                raw.close()

    def _slow_reader(self, chance):
        """Members of the busiest rooms that do not read."""
        slow = []
        for number in range(4):
            raw = session(self.url, hello_with(**user("slow")), receive_buffer=4_096)
            join(raw, 1, f"load.{number}")
            slow.append(raw)
        time.sleep(chance.uniform(3, 7))
        for raw in slow:
            raw.close() if chance.random() < 0.5 else raw.reset()

    def _kick(self, chance):
        raws = [session(self.url, hello_with(**user("kicked"))) for _ in range(4)]
        for raw in raws:
            join(raw, 1, "kicked")
            ask(self._admin, "DELETE", f"/v1/sessions/{raw.welcome['sid']}")
        for raw in raws:
            with raw:
                raw.finish()

    def _revoke(self, chance):
        """All sessions of a user, suspended ones too."""
        name = f"revoked-{chance.randrange(1 << 30)}"
        raws = [session(self.url, hello_with(**user(name))) for _ in range(6)]
        for raw in raws[:3]:
            raw.reset()
        ask(self._admin, "DELETE", f"/v1/users/{urllib.parse.quote(name)}")
        for raw in raws[3:]:
            with raw:
                raw.finish()

    def _rooms(self, chance):
        """Rooms that come and go, with what is said in them."""
        with session(self.url, hello_with(**user("rooms"))) as raw:
            seq = 0
            for _ in range(60):
                room = f"soak-{chance.randrange(1 << 40)}"
                for message in ({"type": "join"}, {"type": "event", "event": "chat", "payload": "x" * 300}, {"type": "leave"}):
                    seq += 1
                    raw.say({"v": 2, "seq": seq, "ack": seq - 1, "room": room, **message})
                    raw.receive("reply", "event", "error")
            if chance.random() < 0.5:
                raw.say({"v": 2, "type": "bye"})
                raw.finish()

    def _events(self, chance):
        """Sessions over Server-Sent Events that leave with and without a word."""
        url = self.url.replace("ws://", "http://").removesuffix("/ws") + "/sse"
        for last in ("bye", "rst", "fin"):
            wire = EventWire(url)
            try:
                wire.send(hello_with(**user("events")))
                wire.send({"v": 2, "seq": 1, "type": "join", "room": "load.0"})
                for _ in range(10):
                    wire.receive()
                if last == "bye":
                    wire.send({"v": 2, "type": "bye"})
            except Exception:  # a wire that is cut has many ways to say so
                continue
            finally:
                wire.drop(last if last != "bye" else "fin")

    def _deflate(self, chance):
        """Compressed messages both ways, a bomb, and what cannot be decompressed."""
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        squeeze = lambda data: (packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH)).removesuffix(b"\0\0\xff\xff")
        bad = chance.choice([b"\xff" * 40, squeeze(b" " * (8 << 20)), None])
        with Raw(self.url, timeout=6) as raw:
            raw.upgrade(sec_websocket_extensions="permessage-deflate; client_max_window_bits")
            raw.send(frame(squeeze(json.dumps(hello_with(**user("deflate"))).encode()), rsv=4))
            for seq in range(1, 20):
                raw.send(frame(squeeze(json.dumps(event(seq, payload="again and " * 60)).encode()), rsv=4))
            join(raw, 20, "load.0")
            end = time.monotonic() + 2
            while time.monotonic() < end and raw._more():
                raw.buffer = b""
            if bad:
                raw.send(frame(bad, rsv=4))
                raw.at_end()

    def _takeover(self, chance):
        """One session that connections take from each other."""
        raw = session(self.url, hello_with(**user("moved")))
        for _ in range(10):
            resume = {name: raw.welcome[name] for name in ("sid", "token", "epoch")} | {"ack": 0}
            new = session(self.url, hello_with(**user("moved"), resume=resume))
            new.say({"v": 2, "type": "ack", "ack": 0})
            raw.close()
            raw = new
        raw.reset()

    def _fragments(self, chance):
        """A message in very many pieces, control frames between them, never finished."""
        with session(self.url, hello_with(**user("pieces")), timeout=6) as raw:
            raw.send(frame(b"{", fin=False))
            raw.send(b"".join(frame(b"x", opcode=0, fin=False) + frame(b"p", opcode=9) for _ in range(500)))
            raw.send(b"".join(frame(b"", opcode=0, fin=False) for _ in range(100)))
            raw.finish()

    def _http(self, chance):
        """Other requests: what is served, what is not, and one with a body that does not come."""
        for target, method in (("/healthz", "GET"), ("/readyz", "GET"), ("/nothing", "GET"), ("/ws", "POST")):
            with Raw(self.url, timeout=4) as raw:
                raw.send(request(self.url, target=target, method=method, content_length="5" if method == "POST" else "0"))
                raw.response()
