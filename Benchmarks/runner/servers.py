"""Servers: how each is started, and what it must be told to do a kind of work."""
import dataclasses
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import build

HELLO = '{"v":2,"type":"hello","payload":{"versions":[2]}}'
LIVE = '"type":"live"'
JOIN = '{"v":2,"seq":1,"ack":0,"type":"join","room":"r","id":"j"}'
# `welcome` and `live` have no numbers; the reply to `join` has the first of each side.
# What a member of a room of ours says of what it got.
ACKNOWLEDGING = ["--ack", '{"v":2,"ack":%a,"type":"ack","payload":{}}', "--ack-every", "64"]
OURS = {
    "raw": ["--path", "/raw", "--binary"],
    "session": ["--path", "/ws", "--hello", HELLO, "--hello-wait", LIVE, "--send",
                '{"v":2,"seq":%n,"ack":%a,"type":"event","event":"echo","id":"1","payload":"%t%p"}'],
    "room": ["--path", "/ws", "--hello", f"{HELLO}\n{JOIN}", "--hello-wait", f'{LIVE}\n"type":"reply"', "--seq-base", "2",
             "--ack-base", "1", "--send", '{"v":2,"seq":%n,"ack":%a,"type":"event","event":"chat","room":"r","payload":"%t%p"}',
             *ACKNOWLEDGING],
    "resume": ["--path", "/ws"],
}
OURS["acknowledging room"] = OURS["room"]
PLAIN = {"raw": ["--path", "/echo", "--binary"], "room": ["--path", "/room", "--binary"]}
# A client whose socket has sent something is one whose kernel puts off TCP's own acknowledgements. Members who say nothing have
# them sent at once, which costs the load generator time: it has more to do, sleeps less, and need not be woken.
UWEBSOCKETS = {**PLAIN, "acknowledging room": [
    "--path", "/acknowledging-room", "--binary", "--hello", "hello", *ACKNOWLEDGING]}
_SOCKET_IO = ["--path", "/socket.io/?EIO=4&transport=websocket", "--auto", "2=3"]
SOCKET_IO = {
    "session": [*_SOCKET_IO, "--hello", "40", "--hello-wait", '40{"sid', "--send", '42["msg","%t%p"]'],
    "room": [*_SOCKET_IO, "--hello", '40\n420["join","room"]', "--hello-wait", '40{"sid\n430[', "--pub-hello", "40",
             "--pub-hello-wait", '40{"sid', "--send", '42["pub","%t%p"]'],
}
# The stated size is that of the payload proper: what carries a session has its envelope on top.
PADDED = {"session", "room", "acknowledging room"}


@dataclasses.dataclass
class Server:
    name: str
    command: list
    works: dict
    is_ours: bool = False
    has_envelopes: bool = False
    port_option: str = "{port}"
    environment: dict = dataclasses.field(default_factory=dict)
    # Where it may run; the runner's server core unless it needs more.
    cores: str | None = None
    # A file with a number that the server counts up.
    counter: pathlib.Path | None = None

    def work_for(self, scenario):
        """The kind of work that it does there, None if it takes no part."""
        if self.is_ours and self.name.split(" (")[0] not in scenario.ours:
            return None
        if not self.is_ours and not scenario.has_peers:
            return None
        return next((work for work in scenario.works if work in self.works), None)

    def arguments_for(self, work, size):
        padding = ["--pad", str(size - 16)] if work in PADDED and self.has_envelopes else []
        return [*self.works[work], *padding]


def peers(say):
    """Those at hand, and their versions; says of the others why not."""
    found, versions = [], {}
    for name, make, works, environment in (
            ("uWebSockets", build.uwebsockets, UWEBSOCKETS, {}),
            ("gorilla", build.gorilla, PLAIN, {"GOMAXPROCS": "1"}),
            ("node ws", build.node_ws, PLAIN, build.node_environment()),
            ("Socket.IO", build.socket_io, SOCKET_IO, build.node_environment())):
        try:
            command, versions[name] = make()
        except build.Absent as reason:
            say(f"skipped: {name}: {reason}")
            versions[name] = f"not measured: {reason}"
            continue
        found.append(Server(name, command, works, has_envelopes=works is SOCKET_IO, environment=environment))
    return found, versions


def ours(program, label, cores):
    """wscore as it is, with two loops, and with its allocations counted."""
    def make(name, loops, **rest):
        command = [str(program), "serve", "--loops", str(loops), "--raw-echo", "/raw", "--admin-socket", "none",
                   "--drain-timeout", "0s", "--log-level", "error", "--listen"]
        return Server(name + label, command, OURS, is_ours=True, has_envelopes=True, port_option="127.0.0.1:{port}", **rest)

    counter = build.OUT / f"counter-{os.getpid()}"
    return [
        make("wscore", 1),
        make("wscore, two loops", 2, cores=cores),
        make("wscore, counted", 1, counter=counter,
             environment={"LD_PRELOAD": str(build.allocation_counter()), "WSCORE_ALLOCATION_COUNTER": str(counter)}),
    ]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Running:
    """A server of its own for one measurement, so that none inherits the heap of another."""

    def __init__(self, server, core, log):
        self.port = free_port()
        if server.counter:
            server.counter.write_bytes(bytes(8))
        command = ["taskset", "-c", server.cores or core, *server.command, server.port_option.format(port=self.port)]
        self.process = subprocess.Popen(
            command, env=dict(os.environ, **server.environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True)
        self._wait_until_it_listens(server.name)

    def _wait_until_it_listens(self, name):
        end = time.monotonic() + 15
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.5).close()
                break
            except OSError as fault:
                if self.process.poll() is not None or time.monotonic() > end:
                    self.stop()
                    raise RuntimeError(f"{name} does not listen on port {self.port}; see its log") from fault
                time.sleep(0.02)
        time.sleep(0.2)

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        for kind in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, kind)
            except ProcessLookupError:
                pass
            try:
                return self.process.wait(3)
            except subprocess.TimeoutExpired:
                print(f"bench: process {self.process.pid} does not stop", file=sys.stderr)
