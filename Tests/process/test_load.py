"""`wscore load` in real processes: a run with storms, and servers that break their promise on the way."""
import contextlib
import json
import resource
import signal
import subprocess
import threading
import time

import pytest
import websockets
import websockets.sync.client
import websockets.sync.server

from conftest import WSCORE
from faultproxy import FaultProxy


def run_load(url, *arguments, timeout=60):
    return subprocess.run(
        [WSCORE, "load", url, "--json", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=timeout)


SMALL = ("--sessions", "20", "--rooms", "4", "--rate", "200/s", "--duration", "2s", "--seed", "7")


def test_a_place_for_the_report_is_made_before_the_run(tmp_path):
    (tmp_path / "file").write_text("")
    done = run_load("ws://127.0.0.1:9/ws", *SMALL, "--out", str(tmp_path / "file" / "out"))
    assert done.returncode == 73 and "--out" in done.stderr


def test_storms_lose_nothing(server, tmp_path):
    done = run_load(
        server.url, *SMALL, "--storm", "50%@500ms", "--storm", "100%@1200ms", "--threshold", "lost==0",
        "--threshold", "resume.p99<30s", "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["verdict"] == "ok" and report["passed"] and report["counterexample"] is None
    assert report["scheduled"] == report["sent"] == report["acknowledged"] == 400
    assert report["delivered"] == report["expected"] == 400 * 5
    assert [report[name] for name in ("lost", "duplicated", "out_of_order", "unexplained", "not_resumed")] == [0] * 5
    assert report["dropped"] == report["resumed"] == 30
    assert [storm["dropped"] for storm in report["storms"]] == [10, 20]
    assert report["resume_ms"]["count"] == 30 and report["latency_ms"]["count"] == 2000
    assert all(threshold["passed"] for threshold in report["thresholds"])
    assert json.loads((tmp_path / "out" / "summary.json").read_text()) == report


@pytest.mark.parametrize("io", ["uring", "epoll", "nio"])
def test_each_way_to_move_bytes(server, io):
    done = run_load(server.url, *SMALL, "--io", io, "--storm", "50%@500ms", "--storm", "100%@1200ms", "--loops", "2")
    if io == "uring" and done.returncode == 69 and "does not work here" in done.stderr:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["delivered"] == report["expected"] == 400 * 5 and report["dropped"] == report["resumed"] == 30
    assert [report[name] for name in ("lost", "duplicated", "out_of_order", "unexplained", "not_resumed")] == [0] * 5
    assert report["io"] == io
    port = server.url.rsplit(":", 1)[1]
    # A name is none of the addresses that a loop of ours connects to.
    done = run_load(f"ws://localhost:{port}", *SMALL, "--io", io, "--duration", "200ms")
    assert done.returncode == (0 if io == "nio" else 64), done.stdout + done.stderr
    assert io == "nio" or f"--io {io} connects to IP addresses" in done.stderr
    done = run_load("ws://127.0.0.1:1/ws", *SMALL, "--io", io)
    assert done.returncode == 69 and "connection refused" in done.stderr


def test_two_runs_at_one_time(server):
    """Each in rooms of its own: neither takes the other's messages for its own."""
    other = subprocess.Popen([WSCORE, "load", server.url, "--json", *SMALL, "--room-prefix", "other."],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    done = run_load(server.url, *SMALL)
    out, _ = other.communicate(timeout=60)
    for report in (json.loads(done.stdout), json.loads(out)):
        assert report["verdict"] in ("ok", "invalid")
        assert [report[name] for name in ("lost", "duplicated", "out_of_order", "unexplained")] == [0] * 4
    for prefix in ("", "x" * 101):
        done = run_load(server.url, *SMALL, "--room-prefix", prefix)
        assert done.returncode == 64 and "--room-prefix" in done.stderr


@pytest.mark.parametrize("drop", ["fin", "clean"])
def test_other_ways_to_drop(server, drop):
    done = run_load(server.url, *SMALL, "--storm", "100%@1s", "--drop", drop, "--loops", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["resumed"] == report["dropped"] == 20 and report["loops"] == 2


def test_text_for_people(server):
    done = subprocess.run(
        [WSCORE, "load", server.url, "--sessions", "5", "--rate", "50", "--duration", "500ms", "--progress", "ndjson"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("PASSED\n") and "lost        0" in done.stdout and "\x1b" not in done.stdout
    assert all(json.loads(line)["kind"] == "progress" for line in done.stderr.splitlines())


def test_a_missed_threshold(server):
    done = run_load(server.url, "--sessions", "5", "--rate", "50", "--duration", "1s", "--threshold", "latency.p50<1us")
    assert done.returncode == 99
    report = json.loads(done.stdout)
    assert report["verdict"] == "threshold" and report["thresholds"][0]["passed"] is False


def test_nobody_there():
    done = run_load("ws://127.0.0.1:1/ws", *SMALL)
    assert done.returncode == 69 and done.stdout == ""
    assert "connection refused" in done.stderr and "wscore serve" in done.stderr


def test_a_credential_is_needed(start_server, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("# token user\nfirst-secret ann\nsecond-secret bob\n")
    tokens.chmod(0o600)
    server = start_server("--auth", "token-file", "--token-file", str(tokens))
    refused = run_load(server.url, *SMALL)
    assert refused.returncode == 77 and "--token-file" in refused.stderr + refused.stdout
    done = run_load(server.url, *SMALL, "--storm", "100%@1s", "--token-file", str(tokens))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "secret" not in done.stdout + done.stderr


def test_interrupt_gives_a_partial_verdict(server):
    process = subprocess.Popen(
        [WSCORE, "load", server.url, "--json", "--sessions", "5", "--rate", "50", "--duration", "60s",
         "--progress", "ndjson"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if json.loads(line)["sent"] > 10:
            break
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    report = json.loads(output)
    assert report["partial"] and report["verdict"] == "partial" and report["delivered"] == report["expected"] > 0


def test_too_few_open_files():
    done = subprocess.run(
        [WSCORE, "load", "ws://127.0.0.1:1/ws", "--sessions", "500"], stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=60, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256)))
    assert done.returncode == 78 and "ulimit -n 564" in done.stderr


def test_a_ramp_and_no_traffic(server):
    started = time.monotonic()
    done = run_load(server.url, "--sessions", "40", "--ramp", "40", "--rate", "0", "--duration", "500ms")
    assert done.returncode == 0 and time.monotonic() - started > 1.4, done.stderr
    assert json.loads(done.stdout)["connect_ms"]["count"] == 40


@pytest.mark.parametrize("arguments", [
    ("--storm", "100"), ("--storm", "100%@60s"), ("--threshold", "los==0"), ("--rooms", "21"), ("--rate", "-1"),
    ("--sessions", "0"), ("--backoff", "1s"), ("--io", "pigeon"),
])
def test_usage(arguments):
    done = run_load("ws://127.0.0.1:1/ws", *SMALL, *arguments)
    assert done.returncode == 64 and done.stderr.startswith("wscore: ")


@pytest.fixture
def proxied(server):
    proxies = []

    def start(change):
        proxies.append(FaultProxy(server.url, change))
        return proxies[-1]

    yield start
    for proxy in proxies:
        proxy.stop()


def once(marker, change):
    """Applies `change` to the first frame that holds `marker`."""
    seen = []

    def apply(payload):
        if marker not in payload or seen:
            return None
        seen.append(payload)
        return change(payload)

    return apply


FAULTY = (*SMALL, "--settle", "2s")


def test_a_swallowed_frame_is_found(proxied):
    proxy = proxied(once(b',"n":5,', lambda payload: []))
    done = run_load(proxy.url, *FAULTY)
    report = json.loads(done.stdout)
    assert proxy.changed == 1 and done.returncode == 97, report
    # The client sees the hole and resumes, so that the message comes after all; the hole has no excuse.
    assert report["unexplained"] == 1 and report["lost"] == 0 and report["unplanned_drops"] == 1
    assert report["counterexample"]["kind"] == "sequence number left out"


def test_a_repeated_frame_is_found(proxied):
    proxy = proxied(once(b',"n":5,', lambda payload: [payload, payload]))
    done = run_load(proxy.url, *FAULTY)
    report = json.loads(done.stdout)
    assert proxy.changed == 1 and done.returncode == 97, report
    assert report["duplicated"] == 1 and report["lost"] == 0


def test_an_exchanged_message_is_found(proxied):
    # The envelope's numbers are in order: only the account of the payloads can tell.
    proxy = proxied(once(b',"n":5,', lambda payload: [payload.replace(b',"n":5,', b',"n":4,')]))
    done = run_load(proxy.url, *FAULTY)
    report = json.loads(done.stdout)
    assert proxy.changed == 1 and done.returncode == 97, report
    assert report["duplicated"] == 1 and report["lost"] == 1 and report["delivered"] == report["expected"] - 1
    assert report["counterexample"]["number"] in (4, 5) and report["seed"] == 7


def test_a_session_that_does_not_resume_is_found(start_server):
    server = start_server("--session-ttl", "1s")
    started = time.monotonic()
    done = run_load(
        server.url, *FAULTY, "--storm", "50%@500ms", "--backoff", "20s..20s", "--duration", "2500ms", "--settle", "1s")
    report = json.loads(done.stdout)
    assert done.returncode == 97 and report["not_resumed"] > 0, report
    assert time.monotonic() - started < 30


def test_a_server_that_dies_is_found(start_server):
    server = start_server()
    process = subprocess.Popen(
        [WSCORE, "load", server.url, "--json", *FAULTY, "--duration", "3s", "--progress", "ndjson"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if json.loads(line)["sent"] > 10:
            break
    server.process.kill()
    output, _ = process.communicate(timeout=30)
    report = json.loads(output)
    assert process.returncode == 97 and report["not_resumed"] == 20, report
    assert report["lost"] == report["unexplained"] == 0


class Respelling:
    """A proxy that says the same in other words: blanks, and members in another order."""

    def __init__(self, url):
        self.url = url
        self.server = websockets.sync.server.serve(self._serve, "127.0.0.1", 0, subprotocols=["wscore.v2.json"], compression=None)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self):
        return f"ws://127.0.0.1:{self.server.socket.getsockname()[1]}/ws"

    def _serve(self, client):
        with contextlib.suppress(websockets.ConnectionClosed):
            with websockets.sync.client.connect(self.url, subprotocols=["wscore.v2.json"], compression=None) as server:
                threading.Thread(target=self._pump, args=(client, server, lambda text: text), daemon=True).start()
                self._pump(server, client, lambda text: json.dumps(dict(reversed(json.loads(text).items())), indent=1))

    @staticmethod
    def _pump(source, target, change):
        with contextlib.suppress(websockets.ConnectionClosed):
            for text in source:
                target.send(change(text))
        target.close()


def test_a_server_may_spell_messages_as_it_likes(server):
    done = run_load(Respelling(server.url).address, "--sessions", "4", "--rooms", "2", "--rate", "20/s", "--duration", "1s")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["verdict"] == "ok" and report["delivered"] == report["expected"] == 40


def test_a_ramp_of_nothing_is_refused():
    done = run_load("ws://127.0.0.1:9/ws", *SMALL, "--ramp", "0/s")
    assert done.returncode == 64 and "--ramp 0/s" in done.stderr


def test_the_sums_add_up_when_the_server_dies(start_server):
    server = start_server()
    threading.Timer(1.5, server.process.kill).start()
    done = run_load(server.url, "--sessions", "4", "--rooms", "2", "--rate", "100/s", "--duration", "3s", "--settle", "500ms")
    report = json.loads(done.stdout)
    assert report["scheduled"] == report["acknowledged"] + report["unknown_sends"] + report["unsent"] == 300, report
    assert report["unsent"] > 100 and done.returncode != 0
