"""The benchmarks work: the load generator sees what is wrong with answers, and the runner makes its table. No figure of
speed is looked at."""
import base64
import hashlib
import json
import os
import random
import socket
import struct
import subprocess
import sys
import threading

import pytest
from conftest import ROOT, WSCORE

RUNNER = ROOT / "Benchmarks" / "runner"
sys.path.insert(0, str(RUNNER))
import build  # noqa: E402
from figures import Figures  # noqa: E402

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def frame(opcode, payload, is_final=True, form=None):
    """A server's frame, if asked for with a length in a longer form than is needed."""
    form = form or (7 if len(payload) < 126 else 16 if len(payload) < 65536 else 64)
    head = bytes([(0x80 if is_final else 0) | opcode])
    if form == 7:
        return head + bytes([len(payload)]) + payload
    return head + (struct.pack(">BH", 126, len(payload)) if form == 16 else struct.pack(">BQ", 127, len(payload))) + payload


class AwkwardServer:
    """Sends back what comes, in fragments with pings between them and in small pieces; or not quite what came."""

    def __init__(self, fault=None):
        self.fault, self.random, self.broken = fault, random.Random(1), []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection):
        try:
            with connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._serve(connection, connection.makefile("rb"))
        except (ConnectionError, struct.error):
            pass  # the load generator went away in the middle, as it does at its end

    def _serve(self, connection, stream):
        key = next(line.split(b":", 1)[1].strip() for line in iter(stream.readline, b"") if line.lower().startswith(b"sec-websocket-key:"))
        while stream.readline().strip():
            pass
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept
            + b"\r\n\r\n" + frame(9, b"early"))
        count = 0
        while head := stream.read(2):
            payload, opcode = self._payload(stream, head[1]), head[0] & 15
            if opcode == 8:
                return connection.sendall(frame(8, payload))
            if opcode == 10:
                self.broken += [] if payload in (b"early", b"mid") else [payload]
                continue
            count += 1
            if (answer := self._spoil(payload, count % 5 == 0)) is not None:
                self._send(connection, opcode, answer)

    @staticmethod
    def _payload(stream, second):
        assert second & 0x80, "a client's frame is masked"
        length = second & 127
        if length > 125:
            length = struct.unpack(">H" if length == 126 else ">Q", stream.read(2 if length == 126 else 8))[0]
        mask, payload = stream.read(4), stream.read(length)
        return bytes(a ^ b for a, b in zip(payload, mask * (length // 4 + 1)))

    def _spoil(self, payload, is_time):
        if not is_time or not self.fault:
            return payload
        return {"corrupt": payload[:-1] + b"?", "swap": b"9000000000009999" + payload[16:], "drop": None}[self.fault]

    def _send(self, connection, opcode, payload):
        cuts = [0, *sorted(self.random.randrange(len(payload) + 1) for _ in range(self.random.randrange(4))), len(payload)]
        wire = b""
        for index, (start, end) in enumerate(zip(cuts, cuts[1:])):
            form = self.random.choice([None, None, 16, 64]) if end - start < 65536 else None
            wire += frame(0 if index else opcode, payload[start:end], index == len(cuts) - 2, form)
            wire += frame(9, b"mid") if self.random.random() < 0.3 else b""
        while wire:
            piece = self.random.choice([1, 2, 3, 7, 50, 5000, 100000])
            connection.sendall(wire[:piece])
            wire = wire[piece:]


def load(server, mode, *arguments):
    done = subprocess.run(
        [build.loader(), mode, "--port", str(server.port), "--duration", "0.6", "--warmup", "0.1", *arguments],
        capture_output=True, text=True, timeout=60)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def faults(report):
    return {key: report[key] for key in ("errors", "order_errors", "lost")}


CLEAN = {"errors": 0, "order_errors": 0, "lost": 0}


@pytest.mark.parametrize("size", [1, 16, 126, 65536, 300000])
def test_answers_of_every_shape_are_understood(size):
    server = AwkwardServer()
    report = load(server, "echo", "--conns", "3", "--size", str(size), "--verify", "--binary")
    assert report["ok"] and report["messages"] > 3, report
    assert (faults(report), server.broken) == (CLEAN, [])


def test_a_long_message_that_nobody_looks_at_is_counted():
    report = load(AwkwardServer(), "echo", "--conns", "2", "--size", "300000", "--binary")
    assert report["messages"] > 3 and faults(report) == CLEAN, report


def test_many_under_way_from_a_template():
    report = load(AwkwardServer(), "echo", "--conns", "2", "--depth", "4", "--size", "70", "--send", '{"id":%t,"c":%i,"d":"%p"}', "--verify")
    assert report["messages"] > 10 and faults(report) == CLEAN, report


@pytest.mark.parametrize("fault,key", [("corrupt", "errors"), ("swap", "order_errors"), ("drop", "order_errors")])
def test_a_wrong_answer_is_seen(fault, key):
    depth = "16" if fault == "drop" else "1"
    report = load(AwkwardServer(fault), "echo", "--conns", "1", "--size", "40", "--depth", depth, "--verify")
    assert report[key] >= 1, report


def test_handshakes_are_counted():
    report = load(AwkwardServer(), "connect", "--conns", "2")
    assert report["messages"] > 3 and report["errors"] == 0, report


def test_the_runner_measures_and_makes_its_tables(tmp_path):
    last = str(min(1, os.cpu_count() - 1))
    done = subprocess.run(
        [sys.executable, RUNNER / "bench.py", "--wscore", WSCORE, "--only", "none", "--scenarios", "session-d1,room-1000,resume-1000",
         "--reps", "1", "--seconds", "0.3", "--warmup", "0.1", "--retries", "0", "--loader-core", last,
         "--json", tmp_path / "results.json", "--write", tmp_path / "RESULTS.md"],
        capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "results.json").read_text())
    for scenario in ("session-d1", "room-1000", "resume-1000"):
        (result,) = results[scenario]["wscore"]
        assert result["messages"] > 0 and faults(result) == CLEAN, result
    report = (tmp_path / "RESULTS.md").read_text()
    assert "### session-d1: " in report and "| wscore | " in report and "- machine: " in report


def test_a_ratio_is_that_of_runs_side_by_side():
    def runs(*values):
        return [{"ok": value is not None, "per_cpu_s": value} for value in values]

    # Two speeds of the machine, and one run that failed: its neighbour stands beside nothing.
    results = {"few": {"ours": runs(20, 20, 11, 10, 40), "peer": runs(20, 20, 10, 10, None)}, "many": {"ours": runs(10, 10, 10, 10, 10)}}
    figures = Figures(results, {"ours"}, 12)
    assert figures.ratio("few", "ours", "peer") == 1.0
    assert figures.ratio("few", "peer", "ours") == 1.0
    assert figures.growth("few", "many", "ours") == 2.0
    assert figures.ratio("many", "ours", "peer") is None and figures.ratio("few", "ours", None) is None
    results["few"]["ours"] = runs(30, 30, 15, 15, 1)
    assert figures.ratio("few", "ours", "peer") == 1.5
