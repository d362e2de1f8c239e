#!/usr/bin/env python3
"""Soak: hours of sessions that come and go with every fault, and the server as small afterwards as before; docs/SOAK.md.

    tools/soak.py [--minutes 30] [--sessions 2000] [--compression stateless]

Exit code 0 if all holds, 1 with what does not. A row for each sample is printed and kept in reports/soak-….csv.
"""
import argparse
import csv
import os
import pathlib
import resource
import signal
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "Tests" / "process"), str(ROOT / "tools")]
from conftest import WSCORE, Server  # noqa: E402
from soak_faults import Churn  # noqa: E402
from soak_gauges import Gauges  # noqa: E402

# The state at the end must be that after the warm-up; a different mood of the allocator is within this.
RSS_TOLERANCE = 0.05
# Longer than any deadline of the server below.
REST_SECONDS = 40
COLUMNS = ["seconds", "phase", "rss_kib", "descriptors", "threads", "connections", "active", "suspended", "rooms",
           "timers", "outbox_bytes", "resumes", "gaps"]


class Recorder:
    """Samples the server in the background: a line on the terminal, a row in the file."""

    def __init__(self, gauges, path, interval):
        self._gauges, self._interval = gauges, interval
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w", newline="")
        self._rows = csv.DictWriter(self._file, COLUMNS)
        self._rows.writeheader()
        self._began, self.phase = time.monotonic(), "start"
        self._stop, self.failure = threading.Event(), None
        print("".join(f"{name:>13}" for name in COLUMNS), flush=True)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            while not self._stop.wait(self._interval):
                self.sample()
        except Exception as fault:  # told in the verdict: a server that does not answer is a finding
            self.failure = repr(fault)

    def sample(self):
        row = {"seconds": round(time.monotonic() - self._began, 1), "phase": self.phase} | self._gauges.read()
        self._rows.writerow(row)
        self._file.flush()
        print("".join(f"{row[name]:>13}" for name in COLUMNS), flush=True)
        return row

    def stop(self):
        self._stop.set()
        self._thread.join(10)
        self._file.close()


def rest(gauges, seconds):
    """Waits until nothing is there any more, and then until the server has noticed it, which it looks for every 5 s, and
    has given back the memory that nobody uses. The last reading."""
    end = time.monotonic() + seconds
    while (row := gauges.read()) and any(row[name] for name in Gauges.MUST_END_AT_ZERO) and time.monotonic() < end:
        time.sleep(0.5)
    time.sleep(8)
    return gauges.read()


class Verdict:
    def __init__(self):
        self.failed = False

    def check(self, name, holds, text):
        self.failed = self.failed or not holds
        print(f"{'ok    ' if holds else 'FAILED'}  {name}: {text}", flush=True)


def judge(first, warm, last, churn, recorder):
    verdict = Verdict()
    change = last["rss_kib"] / warm["rss_kib"] - 1
    verdict.check("memory", change <= RSS_TOLERANCE,
                  f"{warm['rss_kib']:,} KiB after the warm-up, {last['rss_kib']:,} KiB at the end ({change:+.1%}; "
                  f"at most {RSS_TOLERANCE:+.0%})")
    verdict.check("descriptors", last["descriptors"] <= first["descriptors"],
                  f"{first['descriptors']} at the start, {last['descriptors']} at the end")
    # Swift's own pool has a thread for each core, and begins each when it is first needed.
    verdict.check("threads", last["threads"] <= warm["threads"] + os.cpu_count(),
                  f"{warm['threads']} after the warm-up, {last['threads']} at the end")
    for name in Gauges.MUST_END_AT_ZERO:
        verdict.check(name, last[name] == 0, str(last[name]))
    verdict.check("loss", not churn.losses, "; ".join(churn.losses) or f"none in {churn.messages:,} deliveries")
    for name, count in sorted(churn.counts.items()):
        verdict.check(f"fault {name}", count > 0, f"{count} times")
    verdict.check("samples", recorder.failure is None, recorder.failure or "the server answered every time")
    return verdict


def soak(arguments, directory):
    admin = pathlib.Path(directory) / "admin.sock"
    server = Server(
        "--admin-socket", str(admin), "--loops", "2", "--session-ttl", "8s", "--tombstone-ttl", "10s", "--ping-interval", "3s", "--ping-timeout",
        "2s", "--hello-timeout", "3s", "--handshake-timeout", "3s", "--presence-grace", "1s", "--compression",
        arguments.compression)
    gauges = Gauges(server.process.pid, admin)
    recorder = Recorder(gauges, arguments.csv, arguments.interval)
    churn = Churn(WSCORE, server.url, admin, arguments.sessions)
    try:
        first = gauges.read()
        end = time.monotonic() + arguments.minutes * 60
        recorder.phase = "warm-up"
        for _ in range(arguments.warm_up_rounds):
            churn.round(arguments.round_seconds)
        warm = rest(gauges, REST_SECONDS)
        recorder.phase = "churn"
        rounds = 0
        while rounds == 0 or time.monotonic() + arguments.round_seconds + REST_SECONDS < end:
            rounds += 1
            recorder.phase = f"churn {rounds}"
            churn.round(arguments.round_seconds)
        recorder.phase = "rest"
        last = rest(gauges, REST_SECONDS)
        recorder.sample()
        recorder.stop()
        print()
        verdict = judge(first, warm, last, churn, recorder)
        server.process.send_signal(signal.SIGTERM)
        code = server.process.wait(20)
        verdict.check("end", code == 0, f"the server ended with {code}")
        return verdict.failed
    finally:
        recorder.stop()
        churn.stop()
        server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30, help="all in all, about")
    parser.add_argument("--sessions", type=int, default=2000, help="sessions that are open at one time")
    parser.add_argument("--round-seconds", type=float, default=45, help="length of one round of faults")
    parser.add_argument("--warm-up-rounds", type=int, default=2, help="rounds before memory is looked at")
    parser.add_argument("--interval", type=float, default=5, help="seconds between samples")
    parser.add_argument("--compression", choices=["off", "stateless", "context"], default="stateless")
    parser.add_argument("--csv", type=pathlib.Path,
                        default=ROOT / "reports" / time.strftime("soak-%Y%m%d-%H%M%S.csv"), help="where the samples go")
    arguments = parser.parse_args()
    # The server and the clients need one for each session, and get them from here.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as directory:
        failed = soak(arguments, directory)
    print(f"\n{'FAILED' if failed else 'PASSED'}; the samples are in {arguments.csv}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
