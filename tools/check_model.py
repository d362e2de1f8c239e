#!/usr/bin/env python3
"""Checks the model of a session (Tests/Model/session.pml, docs/MODEL.md) with spin.

The sound model is searched without remainder in several sizes, and each has to come without an error; what it means to
cover must have been reached. Then each planted fault (MUTATE_...) must be found. Exit code 0 if all of that holds, else 1.
"""
import concurrent.futures
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

MODEL = pathlib.Path(__file__).resolve().parent.parent / "Tests/Model/session.pml"
MAX_DEPTH = 10_000
MAX_MEBIBYTES = 3_000
MAX_SECONDS = 1_200
AT_ONCE = 2  # searches at a time; each takes up to 500 MiB

RACE = {"CONNECTIONS_A": 2, "CONNECTIONS_B": 2, "SENDS": 1, "EVENTS": 1, "OUTBOX": 1, "WIRE": 1}
NUMBERS = {"CONNECTIONS_A": 2, "CONNECTIONS_B": 1, "SENDS": 2, "EVENTS": 1, "OUTBOX": 1, "WIRE": 1}
LONE = {"CONNECTIONS_A": 3, "CONNECTIONS_B": 0, "SENDS": 2, "EVENTS": 2, "OUTBOX": 2, "WIRE": 2}
SHORT = LONE | {"EVENTS": 1, "OUTBOX": 1}
BY_ACCEPT = {"BY_ACCEPT": 1}

SOUND = {
    "race": RACE,
    "numbers": NUMBERS,
    "lone": LONE,
    "race, by accept": RACE | BY_ACCEPT | {"CONNECTIONS_B": 1},
    "lone, by accept": LONE | BY_ACCEPT,
}
# Searched besides with --thorough: a minute or two, and up to 1.5 GiB each.
THOROUGH = {
    "race, wider": RACE | {"WIRE": 2},
    "race, wider, by accept": RACE | BY_ACCEPT | {"WIRE": 2},
    "numbers, wider": NUMBERS | {"WIRE": 2},
    "numbers, by accept": NUMBERS | BY_ACCEPT,
}
# These have to reach every situation that the model names.
REACH_ALL = {"race", "numbers"}
# Searched for a cycle instead: without one, every run ends, and what holds at the end is all of liveness.
ENDING = {"short": SHORT}
THOROUGH_ENDING = {"race": RACE}

OWN = "what is acknowledged was processed, and is the client's own"
DRAINED = "who is online has everything, and the server from him"
NO_HOLE = "no hole in what the application sees"
CYCLE = "non-progress cycle"
# Each with a size in which it shows, and the claim that it has to break.
FAULTS = {
    "MUTATE_ACK_FOR_ACK": (SHORT, CYCLE),
    "MUTATE_ACK_ON_RECEIPT": (SHORT, OWN),
    "MUTATE_BLIND_WELCOME": (NUMBERS, OWN),
    "MUTATE_NEVER_RETIRED": (NUMBERS, OWN),
    "MUTATE_NO_ACK": (SHORT, DRAINED),
    "MUTATE_NO_DEDUP": (SHORT, "a message is processed once"),
    "MUTATE_NO_FENCE": (NUMBERS, OWN),
    "MUTATE_ONE_PHASE": (SHORT, "nobody revokes his own session"),
    "MUTATE_QUIET_TAKEOVER": (NUMBERS, DRAINED),
    "MUTATE_REPLAY_FROM_SENT": (SHORT, NO_HOLE),
    "MUTATE_REPLY_DROPPED": (SHORT, DRAINED),
    "MUTATE_REUSE_FORGIVEN": (NUMBERS, "a retired token revokes the session"),
    "MUTATE_SILENT_GAP": (LONE, NO_HOLE),
    "MUTATE_SILENT_STOP": (SHORT, "what is not settled is reported unknown"),
    "MUTATE_TWO_ATTACHED": (NUMBERS, "one connection when welcome goes out"),
}
# With the rule BY_ACCEPT these cannot happen: its searches must not reach them.
NOT_BY_ACCEPT = {
    "a lone client is replaced by a hello of its own that came late",
    "a lone client is revoked, for a hello of its own that came late",
}


@dataclass
class Search:
    states: int
    depth: int
    seconds: float
    error: str | None
    reached: set[str]

    def __str__(self):
        return f"{self.states:>9,} states, depth {self.depth}, {self.seconds:.1f} s"


def run(command, directory):
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=MAX_SECONDS)
    return done.returncode, done.stdout + done.stderr


def build(directory, defines, cc):
    flags = [f"-D{name}={value}" for name, value in defines.items()]
    shutil.copy(MODEL, directory)
    for command in (["spin", "-a", *flags, MODEL.name], ["cc", "-w", f"-DMEMLIM={MAX_MEBIBYTES}", *cc, "-o", "pan", "pan.c"]):
        code, output = run(command, directory)
        if code != 0 or "Error:" in output:
            raise RuntimeError(f"{' '.join(command)}: {output.strip()[-2000:]}")


def label(defines):
    return " ".join(f"{name}={value}" for name, value in defines.items())


def search(defines, cc, arguments=()):
    with tempfile.TemporaryDirectory(prefix="check_model.") as directory:
        build(directory, defines, cc)
        began = time.monotonic()
        _, output = run(["./pan", "-n", f"-m{MAX_DEPTH}", *arguments], directory)
        seconds = time.monotonic() - began
    verdict = re.search(r"depth reached (\d+), errors: (\d+)", output)
    states = re.search(r"(\d+) states, stored", output)
    # Whatever cuts a search short is no pass.
    if cut := re.search(r"max search depth too small|out of memory|MEMLIM bound|aborting", output):
        raise RuntimeError(f"{label(defines)}: the search was cut short: {cut.group()}")
    if not verdict or not states:
        raise RuntimeError(f"{label(defines)}: pan gave no verdict: {output.strip()[-1000:]}")
    error = None
    if verdict.group(2) != "0":
        found = re.search(r"^violated: (.*)$", output, re.M) or re.search(r"pan:\d*:? *(.*?) \(at depth", output)
        error = found.group(1) if found else "an error without a name"
    elif "Search not completed" in output:
        raise RuntimeError(f"{label(defines)}: the search was not completed")
    return Search(int(states.group(1)), int(verdict.group(1)), seconds, error, set(re.findall(r"^reached: (.*)$", output, re.M)))


def search_cycle(defines):
    return search(defines, ["-O1", "-DNP", "-DNOFAIR"], ["-l"])


def sound(name, defines):
    found = search(defines, ["-O1", "-DSAFETY"])
    if found.error:
        return [f"{name}: {found.error}"], f"{name:<24} {found}: BROKEN: {found.error}"
    missing = witnesses() - found.reached if name in REACH_ALL else set()
    forbidden = NOT_BY_ACCEPT & found.reached if "BY_ACCEPT" in defines else set()
    faults = [f"{name}: never reached: {what}" for what in sorted(missing)]
    faults += [f"{name}: must not be reached: {what}" for what in sorted(forbidden)]
    return faults, f"{name:<24} {found}, complete, no error, {len(found.reached)} of {len(witnesses())} situations reached"


def ending(name, defines):
    found = search_cycle(defines)
    what = f"{name}, every run ends"
    if found.error:
        return [f"{what}: {found.error}"], f"{what:<24} {found}: BROKEN: {found.error}"
    return [], f"{what:<24} {found}, complete, no cycle"


def fault(name, planted):
    defines, claim = planted
    defines = defines | {name: 1}
    found = search_cycle(defines) if claim == CYCLE else search(defines, ["-O0", "-DSAFETY"])
    if found.error != claim:
        what = f"found as: {found.error}" if found.error else "NOT FOUND"
        return [f"{name}: {what}; should break: {claim}"], f"{name:<24} {found}: {what}"
    return [], f"{name:<24} {found}: found: {found.error}"


def witnesses():
    return set(re.findall(r'REACHED\(\d+, "([^"]+)"\)', MODEL.read_text()))


def main():
    if sys.argv[1:] not in ([], ["--thorough"]):
        sys.exit("usage: check_model.py [--thorough]")
    for tool in ("spin", "cc"):
        if not shutil.which(tool):
            sys.exit(f"check_model: {tool} is not on the PATH: tools/setup.sh test installs it")
    planted = set(re.findall(r"MUTATE_[A-Z_]+\b", MODEL.read_text())) - {"MUTATE_"}
    faults = [f"{name}: is in the model and not checked" for name in sorted(planted - FAULTS.keys())]
    faults += [f"{name}: is not in the model" for name in sorted(FAULTS.keys() - planted)]
    is_thorough = "--thorough" in sys.argv[1:]
    sizes, endings = (SOUND | THOROUGH, ENDING | THOROUGH_ENDING) if is_thorough else (SOUND, ENDING)
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = [pool.submit(sound, *item) for item in sizes.items()]
        jobs += [pool.submit(ending, *item) for item in endings.items()]
        jobs += [pool.submit(fault, *item) for item in FAULTS.items()]
        for job in jobs:
            try:
                more, line = job.result()
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                more, line = [str(error)], f"failed: {error}"
            faults += more
            print(line, flush=True)
    if faults:
        print("\n".join(["model: BROKEN", *faults]))
        return 1
    print(f"model: {len(sizes)} sizes sound, {len(FAULTS)} planted faults found, {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
