#!/usr/bin/env python3
"""What one stopped member costs the others of its room: p99 of the delivery to 999 of them, with and without it.

    tools/bench_slow_reader.py [--members 1000] [--rate 20] [--seconds 10] [--wscore .build/release/wscore]

Prints both and their ratio. The aim is a ratio within 1.10; a machine that does other things meanwhile measures itself.
"""
import argparse
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests" / "process"))
from conftest import Server  # noqa: E402
from wsraw import memory, session  # noqa: E402


def run(arguments, is_stopped):
    """p50 and p99 in milliseconds, and by how many bytes the server grew."""
    server = Server()
    member = None
    try:
        if is_stopped:
            member = session(server.url, receive_buffer=4096)
            member.say({"v": 2, "seq": 1, "type": "join", "room": "load.0"})
            member.receive("reply")
        before = memory(server)
        done = subprocess.run(
            [arguments.wscore, "load", server.url, "--sessions", str(arguments.members - 1), "--rooms", "1", "--rate",
             f"{arguments.rate}/s", "--duration", f"{arguments.seconds}s", "--seed", "1", "--json", "--progress", "off"],
            capture_output=True, text=True)
        report = json.loads(done.stdout)
        if report["verdict"] not in ("ok", "invalid"):
            sys.exit(f"the run failed: {done.stdout}")
        return report["latency_ms"]["p50"], report["latency_ms"]["p99"], memory(server) - before
    finally:
        if member:
            member.close()
        server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=20, help="messages a second to the room")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3, help="of each; the median counts")
    parser.add_argument("--wscore", default=str(ROOT / ".build" / "release" / "wscore"))
    arguments = parser.parse_args()
    results = {False: [], True: []}
    for _ in range(arguments.rounds):
        for is_stopped in results:
            results[is_stopped].append(run(arguments, is_stopped))
    medians = {}
    for is_stopped, rows in results.items():
        medians[is_stopped] = [sorted(column)[len(rows) // 2] for column in zip(*rows)]
        p50, p99, growth = medians[is_stopped]
        print(f"{'one stopped' if is_stopped else 'all reading'}: p50 {p50:.2f} ms, p99 {p99:.2f} ms, "
              f"memory +{growth / (1 << 20):.1f} MiB")
    print(f"ratio of p99: {medians[True][1] / medians[False][1]:.2f}")


if __name__ == "__main__":
    main()
