#!/usr/bin/env python3
"""Builds and runs the fuzz targets of Fuzzing/; docs/FUZZING.md.

    tools/fuzz.py run [--minutes 10] [--target T]   all targets, or one, in so many minutes together
    tools/fuzz.py ci                                the kept corpus and a fixed number of runs of each target
    tools/fuzz.py replay T FILE...                  inputs again, one after another
    tools/fuzz.py corpus [--target T]               seeds and what runs have found, minimised, into Fuzzing/Corpus

Exit code 0 if nothing was found, 1 with the inputs and how to replay them, 2 if the programs cannot be built.
"""
import argparse
import concurrent.futures
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import fuzz_seeds

ROOT = pathlib.Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "Fuzzing"
CORPUS = PACKAGE / "Corpus"
REPORTS = ROOT / "reports" / "fuzz"


@dataclasses.dataclass(frozen=True)
class Target:
    product: str
    max_len: int = 512
    dictionary: str | None = None


TARGETS = {
    "close": Target("FuzzFrames", 256),
    "deflate": Target("FuzzFrames", 512),
    "extensions": Target("FuzzFrames", 256, "extensions"),
    "frames": Target("FuzzFrames", 512),
    "http": Target("FuzzFrames", 1024, "http"),
    "inflate": Target("FuzzFrames", 512),
    "messages": Target("FuzzFrames", 512),
    "utf8": Target("FuzzFrames", 256),
    "envelope": Target("FuzzSessions", 512, "envelope"),
    "hello": Target("FuzzSessions", 512, "hello"),
    "json": Target("FuzzSessions", 512, "json"),
    "operations": Target("FuzzSessions", 600),
    "schema": Target("FuzzSessions", 512, "schema"),
    "nio": Target("FuzzNIO", 512),
}
# NIO takes minutes to compile: for `run` only.
CI_TARGETS = [name for name, target in TARGETS.items() if target.product != "FuzzNIO"]
CI_RUNS = 20_000
CI_SECONDS = 12

# A hang, memory without bound (the address sanitizer keeps what was freed for a while), and one allocation that only a
# peer's number can ask for.
BOUNDS = ["-timeout=10", "-rss_limit_mb=2048", "-malloc_limit_mb=64"]


def scratch(sanitizers):
    """Programs of different instrumentation do not share a build directory."""
    return ROOT / (".build-fuzz" if sanitizers == ["fuzzer"] else ".build-fuzz-asan")


def build(products, sanitizers):
    for product in sorted(products):
        command = ["swift", "build", "-c", "release", "--package-path", str(PACKAGE), "--scratch-path",
                   str(scratch(sanitizers)), "--product", product]
        for name in sanitizers:
            command += ["--sanitize", name]
        began = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            print(done.stdout + done.stderr, file=sys.stderr)
            print(f"fuzz: {product} was not built; the compiler's words are above", file=sys.stderr)
            sys.exit(2)
        print(f"built {product} with {', '.join(sanitizers)} in {time.monotonic() - began:.0f} s", flush=True)


def command(name, sanitizers, *arguments):
    return [str(scratch(sanitizers) / "release" / TARGETS[name].product), *BOUNDS, *arguments]


def environment(name):
    # With Swift's own handler of crashes libFuzzer may lose the input that it was about to keep.
    return os.environ | {"FUZZ_TARGET": name, "SWIFT_BACKTRACE": "enable=no"}


def start(name, sanitizers, *arguments, timeout):
    return subprocess.run(command(name, sanitizers, *arguments), env=environment(name), capture_output=True,
                          timeout=timeout, text=True, errors="replace")


@dataclasses.dataclass
class Outcome:
    name: str
    runs: int
    seconds: float
    coverage: int
    new: int
    artifacts: list
    text: str
    failed: bool

    @property
    def row(self):
        rate = self.runs / self.seconds if self.seconds else 0
        return (f"{self.name:<12}{self.runs:>11,}{rate:>11,.0f}{self.coverage:>8}{self.new:>7}  "
                f"{'FAILED' if self.failed else 'ok'}")


HEADING = f"{'TARGET':<12}{'RUNS':>11}{'RUNS/S':>11}{'EDGES':>8}{'NEW':>7}"


def fuzz(name, sanitizers, seconds, *arguments, keeps=True):
    """Runs one target; inputs that are new stay in the build directory, those that fail in reports/fuzz."""
    target = TARGETS[name]
    # The fuzzer writes into the first directory, and reads the second.
    found = scratch(sanitizers) / ("corpus" if keeps else "forgotten") / name
    kept = CORPUS / name
    artifacts = REPORTS / name
    if not keeps:
        shutil.rmtree(found, ignore_errors=True)
    for directory in (found, kept, artifacts):
        directory.mkdir(parents=True, exist_ok=True)
    before = set(artifacts.iterdir())
    options = [f"-max_total_time={max(1, round(seconds))}", f"-max_len={target.max_len}", f"-artifact_prefix={artifacts}/",
               "-print_final_stats=1", *arguments]
    if target.dictionary:
        options.append(f"-dict={PACKAGE / 'Dictionaries' / target.dictionary}.dict")
    began = time.monotonic()
    done = start(name, sanitizers, *options, str(found), str(kept), timeout=seconds + 300)
    spent = time.monotonic() - began
    number = lambda pattern: int((re.findall(pattern, done.stderr) or ["0"])[-1])
    return Outcome(name, number(r"stat::number_of_executed_units: (\d+)"), spent, number(r"cov: (\d+)"),
                   number(r"stat::new_units_added: +(\d+)"), sorted(set(artifacts.iterdir()) - before), done.stderr,
                   done.returncode != 0)


def report(outcome, sanitizers):
    """What failed, in words, and how to see it again."""
    said = [line for line in outcome.text.splitlines() if re.search(r"ORACLE|Fatal error|ERROR:|SUMMARY", line)]
    print(f"\n{outcome.name} failed:")
    for line in said[:4] or outcome.text.splitlines()[-10:]:
        print(f"  {line[:400]}")
    for path in outcome.artifacts:
        path = path.relative_to(ROOT)
        address = " --address" if "address" in sanitizers else ""
        print(f"  input:  {path}\n  replay: tools/fuzz.py replay {outcome.name} {path}{address}")


def run_all(names, sanitizers, seconds, jobs, *arguments, keeps=True):
    print(HEADING, flush=True)
    outcomes = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        runs = [pool.submit(fuzz, name, sanitizers, seconds, *arguments, keeps=keeps) for name in names]
        for future in runs:
            outcome = future.result()
            outcomes.append(outcome)
            print(outcome.row, flush=True)
    failed = [outcome for outcome in outcomes if outcome.failed]
    for outcome in failed:
        report(outcome, sanitizers)
    print(f"\n{len(outcomes) - len(failed)} of {len(outcomes)} targets found nothing")
    return 1 if failed else 0


def chosen(arguments):
    return [arguments.target] if arguments.target else list(TARGETS)


def products(names):
    return {TARGETS[name].product for name in names}


def sanitizers(arguments):
    return ["fuzzer", "address"] if arguments.address else ["fuzzer"]


def run(arguments):
    names = chosen(arguments)
    build(products(names), sanitizers(arguments))
    jobs = min(arguments.jobs, len(names))
    seconds = max(5, arguments.minutes * 60 * jobs / len(names))
    return run_all(names, sanitizers(arguments), seconds, jobs)


def ci(arguments):
    """The same runs each time: a change that breaks nothing cannot fail by chance."""
    build(products(CI_TARGETS), ["fuzzer"])
    return run_all(CI_TARGETS, ["fuzzer"], CI_SECONDS, arguments.jobs, "-seed=1", f"-runs={CI_RUNS}", keeps=False)


def replay(arguments):
    build({TARGETS[arguments.target].product}, sanitizers(arguments))
    for path in arguments.inputs:
        done = subprocess.run(command(arguments.target, sanitizers(arguments), str(path)), env=environment(arguments.target))
        if done.returncode != 0:
            return 1
    return 0


def corpus(arguments):
    """The fewest inputs that reach all that seeds, kept inputs and those of earlier runs reach."""
    names = chosen(arguments)
    build(products(names), ["fuzzer"])
    for name in names:
        fresh, seeds = REPORTS / "fresh", REPORTS / "seeds" / name
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        seeds.mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(fuzz_seeds.seeds(name)):
            (seeds / f"seed-{number}").write_bytes(data)
        sources = [path for path in (seeds, CORPUS / name, scratch(["fuzzer"]) / "corpus" / name) if path.exists()]
        done = start(name, ["fuzzer"], "-set_cover_merge=1", "-use_counters=0", f"-max_len={TARGETS[name].max_len}",
                     str(fresh), *map(str, sources), timeout=1800)
        if done.returncode != 0:
            print(done.stderr, file=sys.stderr)
            return 1
        shutil.rmtree(CORPUS / name, ignore_errors=True)
        shutil.move(fresh, CORPUS / name)
        files = list((CORPUS / name).iterdir())
        print(f"{name:<12}{len(files):>5} inputs, {sum(file.stat().st_size for file in files):>7} bytes", flush=True)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.set_defaults(address=False, jobs=os.cpu_count() or 1)
    commands = parser.add_subparsers(required=True)
    for action, name in [(run, "run"), (ci, "ci"), (replay, "replay"), (corpus, "corpus")]:
        command = commands.add_parser(name, help=(action.__doc__ or "").split("\n")[0] or None)
        command.set_defaults(action=action)
        if action in (run, replay):
            command.add_argument("--address", action="store_true", help="with the address and leak sanitizers, too")
        if action in (run, ci):
            command.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="targets at one time")
        if action is run:
            command.add_argument("--minutes", type=float, default=10, help="for all targets together")
        if action in (run, corpus):
            command.add_argument("--target", choices=TARGETS)
        if action is replay:
            command.add_argument("target", choices=TARGETS)
            command.add_argument("inputs", nargs="+", type=pathlib.Path)
    arguments = parser.parse_args()
    sys.exit(arguments.action(arguments))


if __name__ == "__main__":
    main()
