"""Real processes: the built `wscore`, a server of its own for each test that asks for one."""
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

import pytest

from httpbackend import Backend

ROOT = pathlib.Path(__file__).resolve().parents[2]
WSCORE = os.environ.get("WSCORE", str(ROOT / ".build" / "release" / "wscore"))
# What the runner was started to ignore (by nohup, or behind a shell's &) whatever it starts would ignore too.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
ADDRESS = re.compile(r"wss?://127\.0\.0\.1:\d+/ws|unix:[^\s\",]+")


class Server:
    """`wscore serve` on a port that the kernel chose, and without operators unless asked for."""

    def __init__(self, *arguments, env=None):
        self.process = subprocess.Popen(
            [WSCORE, "serve", "--listen", "127.0.0.1:0", "--admin-socket", "none", "--drain-timeout", "100ms", *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env)
        self.lines, self.url = [], None
        self._found = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._found.wait(10) or self.url is None:
            self.stop()
            raise RuntimeError("serve did not print its address:\n" + "".join(self.lines))

    def _read(self):
        # Read to the end, so that the server never waits for us.
        for line in self.process.stdout:
            self.lines.append(line)
            found = ADDRESS.search(line)
            if found and self.url is None:
                self.url = found.group(0)
                self._found.set()
        self._found.set()

    @property
    def address(self):
        """Host and port."""
        host, port = self.url.partition("://")[2].removesuffix("/ws").split(":")
        return host, int(port)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._reader.join(5)


@pytest.fixture
def start_server():
    """Starts servers with the arguments that are given; all stop with the test."""
    servers = []

    def start(*arguments, env=None):
        servers.append(Server(*arguments, env=env))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def start_backend():
    """Starts backends; all stop with the test."""
    backends = []

    def start(*arguments, **more):
        backends.append(Backend(*arguments, **more))
        return backends[-1]

    yield start
    for backend in backends:
        backend.stop()


@pytest.fixture
def server(start_server):
    return start_server()


@pytest.fixture
def environment(tmp_path):
    """The environment of a user who has nothing set."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return kept | {"LANG": "C.UTF-8", "TERM": "xterm-256color", "XDG_STATE_HOME": str(tmp_path / "state"),
                   "INPUTRC": "/dev/null"}


@pytest.fixture
def client(environment):
    """Runs `wscore client` with pipes until it ends."""

    def run(*arguments, input="", timeout=20, **extra):
        return subprocess.run(
            [WSCORE, "client", *arguments], input=input, capture_output=True, text=True, timeout=timeout,
            env=environment | extra)

    return run


@pytest.fixture
def inspect(environment, tmp_path):
    """Runs `wscore inspect` on the socket `admin.sock` of the test's directory."""

    def run(*arguments):
        return subprocess.run([WSCORE, "inspect", *arguments], capture_output=True, text=True, timeout=20,
                              env=environment | {"WSCORE_ADMIN_SOCKET": str(tmp_path / "admin.sock")})

    return run


@pytest.fixture
def lines(inspect):
    """The objects that a command prints."""

    def run(*arguments):
        result = inspect(*arguments)
        assert result.returncode == 0, result.stderr
        assert result.stderr == ""
        return [json.loads(line) for line in result.stdout.splitlines()]

    return run


def eventually(condition, timeout=10, interval=0.02):
    """Waits until the condition is true and returns what it gave; fails with its last answer."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value or time.monotonic() > end:
            assert value
            return value
        time.sleep(interval)
