"""What is measured: the table of targets, and what else is worth knowing.

A scenario asks for one of several kinds of work; each server does the first one that it knows. So a peer that has no
sessions stands in a row of sessions with its raw echo: that is what our sessions are compared with.
"""
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Scenario:
    id: str
    title: str
    mode: str
    works: tuple
    arguments: str = ""
    size: int = 32
    # What the ratio of ours to the best peer is to be; None where there is no target.
    target: float | None = None
    # Servers of ours that take part.
    ours: tuple = ("wscore",)
    has_peers: bool = True
    groups: tuple = field(default=())


def _echoes():
    for size in (32, 1024):
        for connections in (100, 1000):
            for depth in (1, 16):
                label = "32 B" if size == 32 else "1 KiB"
                yield Scenario(
                    f"echo-{size}-{connections}-d{depth}", f"Raw echo {label}, {connections:,} connections, depth {depth}",
                    "echo", ("raw",), f"--conns {connections} --depth {depth}", size, target=1.0,
                    groups=("quick",) if (size, connections) == (32, 100) else ())


SCENARIOS = [
    *_echoes(),
    Scenario("session-d1", "Envelope echo through the session layer, 100 sessions, depth 1", "echo", ("session", "raw"),
             "--conns 100", target=0.9, groups=("quick",)),
    Scenario("session-d16", "Envelope echo through the session layer, 100 sessions, depth 16", "echo", ("session", "raw"),
             "--conns 100 --depth 16", target=0.7, groups=("quick",)),
    Scenario("room-1000", "A room's message to 1,000 members, 1 under way", "fanout", ("room",), "--conns 1000", 128,
             target=1.0, groups=("quick",)),
    Scenario("room-1000-acks", "The same, with members who acknowledge to uWebSockets too", "fanout", ("acknowledging room",),
             "--conns 1000", 128, target=1.0),
    Scenario("room-1000-16", "A room's message to 1,000 members, 16 under way", "fanout", ("room",),
             "--conns 1000 --inflight 16", 128, target=1.0),
    Scenario("room-10000", "A room's message to 10,000 members, 1 under way", "fanout", ("room",), "--conns 10000", 128,
             target=1.0),
    Scenario("connect", "Connect, upgrade, close; 64 at once", "connect", ("raw",), "--conns 64"),
    Scenario("connect-session", "The same with hello and welcome", "connect", ("session", "raw"), "--conns 64"),
    Scenario("resume-1000", "A storm: 1,000 sessions lose their connection at once and resume; 5 storms", "resume",
             ("resume",), "--conns 1000 --storms 5 --ramp 1000", has_peers=False, groups=("quick",)),
    Scenario("resume-10000", "A storm of 10,000 sessions, 1,000 handshakes at once; 3 storms", "resume", ("resume",),
             "--conns 10000 --storms 3 --ramp 1000", has_peers=False),
    Scenario("idle-raw", "Memory of an idle connection, 10,000 of them, each after one echo", "idle", ("raw",),
             "--conns 10000 --touch 1 --wait 1"),
    Scenario("idle-session", "Memory of an idle session, 10,000 of them, each after one echo", "idle", ("session",),
             "--conns 10000 --touch 1 --wait 1"),
    Scenario("loops", "CPU time of a message with two loops against one, envelope echo, 100 sessions", "echo", ("session",),
             "--conns 100", ours=("wscore", "wscore, two loops"), has_peers=False),
    *(Scenario(f"growth-{count}", f"Envelope echo, {count:,} sessions, depth 1", "echo", ("session", "raw"),
               f"--conns {count}", ours=("wscore",)) for count in (100, 1000, 5000, 15000)),
    *(Scenario(f"allocations-{name}", f"Allocations of a message, {title}", mode, works, arguments, size,
               ours=("wscore, counted",), has_peers=False, groups=("quick",)) for name, title, mode, works, arguments, size in (
        ("echo", "raw echo, depth 16", "echo", ("raw",), "--conns 100 --depth 16", 32),
        ("session", "envelope echo, depth 16", "echo", ("session",), "--conns 100 --depth 16", 32),
        # An outbox has its size when it has held what comes between two acknowledgements.
        ("room", "delivery to one of 1,000 members", "fanout", ("room",), "--conns 1000 --warmup 6", 128))),
    Scenario("load", "wscore load: 15,000 sessions, 200,000 deliveries a second", "load", ("session",), has_peers=False),
]


def choose(names, group):
    """The scenarios of a list of ids or beginnings of ids, or of a group, or all."""
    if names:
        chosen = [s for s in SCENARIOS if any(s.id == name or s.id.startswith(name + "-") for name in names)]
        unknown = [n for n in names if not any(s.id == n or s.id.startswith(n + "-") for s in SCENARIOS)]
        if unknown:
            raise SystemExit(f"bench: no scenario {', '.join(unknown)}; there are {', '.join(s.id for s in SCENARIOS)}")
        return chosen
    return [s for s in SCENARIOS if group is None or group in s.groups]
