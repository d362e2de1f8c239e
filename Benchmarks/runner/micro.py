#!/usr/bin/env python3
"""Runs the micro benchmarks, and holds instructions and allocations of each to thresholds.json. `make bench-micro` calls it.

Nanoseconds are for people. Instructions, counted by valgrind, hardly change from run to run whatever else the machine does,
so a threshold can be tight; they depend on the compiler, whose version the file names.

Exit status: 0 all within their thresholds; 1 one is not, or a benchmark has none; 64 the call is wrong.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from build import HERE, OUT, ROOT  # noqa: E402
from machine import text_of  # noqa: E402

PROGRAM = ROOT / ".build-bench" / "release" / "MicroBenchmarks"
THRESHOLDS = HERE / "thresholds.json"
COLLECTED = re.compile(r"Collected\s*:\s*(\d+)")
# The difference of two runs is the cost of the operations between: start, preparation and end fall out. Both are whole
# multiples of what the benchmarks bundle.
FEW, MANY = 20_000, 40_000
# Instructions may grow by this much, percent; allocations by this much, of one.
INSTRUCTION_TOLERANCE, ALLOCATION_TOLERANCE = 3, 0.02


def measure(prefix):
    lines = subprocess.run([PROGRAM, "run", prefix], capture_output=True, text=True, check=True).stdout.splitlines()
    return [json.loads(line) for line in lines]


def collect(name, count):
    environment = dict(os.environ, SWIFT_DETERMINISTIC_HASHING="1")
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", PROGRAM, "repeat", name, str(count)],
        capture_output=True, text=True, env=environment)
    found = COLLECTED.search(done.stderr)
    if done.returncode or not found:
        sys.exit(f"bench-micro: valgrind does not count {name}:\n{done.stderr[-1000:]}")
    return int(found.group(1))


def add_instructions(results):
    if not shutil.which("valgrind"):
        print("bench-micro: instructions are not counted: no valgrind (apt install valgrind)", file=sys.stderr)
        return
    for result in results:
        result["instructions"] = (collect(result["name"], MANY) - collect(result["name"], FEW)) / (MANY - FEW)
        print(f"bench-micro: {result['name']} {result['instructions']:.1f} instructions", file=sys.stderr, flush=True)


def table(results):
    yield "| benchmark | ns | ± | instructions | allocations | one operation |"
    yield "| --- | ---: | ---: | ---: | ---: | --- |"
    for r in results:
        instructions = f"{r['instructions']:,.0f}" if "instructions" in r else "–"
        yield f"| {r['name']} | {r['ns']:,.1f} | {r['spread_percent']:.0f} % | {instructions} | {r['allocations']:.3f} | {r['operation']} |"


def faults(results, thresholds, compiler):
    """What is beyond its threshold, a line each."""
    counts_instructions = thresholds["compiler"] == compiler
    if not counts_instructions:
        print(f"bench-micro: the thresholds for instructions are not for this compiler: {thresholds['compiler']}", file=sys.stderr)
    for result in results:
        limit = thresholds["benchmarks"].get(result["name"])
        if limit is None:
            yield f"{result['name']} has no threshold: make bench-micro UPDATE=1"
            continue
        if result["allocations"] > limit["allocations"] + ALLOCATION_TOLERANCE:
            yield f"{result['name']}: {result['allocations']:.3f} allocations, {limit['allocations']} at most"
        most = limit["instructions"] * (1 + INSTRUCTION_TOLERANCE / 100)
        if counts_instructions and result.get("instructions", 0) > most:
            yield f"{result['name']}: {result['instructions']:,.1f} instructions, {most:,.1f} at most"


def update(results, compiler):
    if any("instructions" not in r for r in results):
        sys.exit("bench-micro: thresholds need the instructions, and these need valgrind")
    benchmarks = {r["name"]: {"instructions": round(r["instructions"], 1), "allocations": round(r["allocations"], 2)} for r in results}
    THRESHOLDS.write_text(json.dumps({"compiler": compiler, "benchmarks": benchmarks}, indent=2) + "\n")
    print(f"bench-micro: wrote {THRESHOLDS.relative_to(ROOT)}", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="benchmarks whose names begin so")
    parser.add_argument("--update", action="store_true", help="write what is measured as the new thresholds")
    arguments = parser.parse_args()
    if arguments.update and arguments.only:
        parser.error("thresholds are written of all benchmarks together")
    results, compiler = measure(arguments.only), text_of("swift", "--version")
    if not results:
        parser.error(f"no benchmark's name begins with {arguments.only}")
    add_instructions(results)
    OUT.mkdir(parents=True, exist_ok=True)
    text = "\n".join(table(results))
    (OUT / "micro.md").write_text(text + "\n")
    print(text)
    if arguments.update:
        return update(results, compiler)
    found = list(faults(results, json.loads(THRESHOLDS.read_text()), compiler))
    print("\n".join(f"bench-micro: {fault}" for fault in found) or "bench-micro: all within their thresholds", file=sys.stderr)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
