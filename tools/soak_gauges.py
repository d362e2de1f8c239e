"""What a server is made of at one moment, from the kernel and from its admin socket."""
import http.client
import json
import os
import pathlib
import socket


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path, timeout=30):
        super().__init__("localhost", timeout=timeout)
        self._path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def ask(path, method, target):
    """The answer of the admin API: (status, body)."""
    connection = UnixConnection(path)
    try:
        connection.request(method, target)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


class Gauges:
    MUST_END_AT_ZERO = ("connections", "active", "suspended", "rooms", "timers", "outbox_bytes")

    def __init__(self, pid, admin):
        self._process, self._admin = pathlib.Path(f"/proc/{pid}"), admin

    def read(self):
        # Before the admin socket is asked, which is a connection too.
        descriptors = len(os.listdir(self._process / "fd"))
        status = dict(line.split(":", 1) for line in (self._process / "status").read_text().splitlines())
        code, body = ask(self._admin, "GET", "/v1/stats")
        if code != 200:
            raise RuntimeError(f"the admin socket answers {code}")
        stats = json.loads(body)
        return {
            "rss_kib": int(status["VmRSS"].split()[0]), "descriptors": descriptors, "threads": int(status["Threads"]),
            "connections": stats["connections"], "active": stats["sessions"]["active"],
            "suspended": stats["sessions"]["suspended"], "rooms": stats["rooms"], "timers": stats["timers"],
            "outbox_bytes": stats["outbox"]["bytes"], "resumes": stats["resumes"]["ok"], "gaps": stats["gaps"],
        }
