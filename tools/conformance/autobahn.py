"""The Autobahn testsuite as setup.sh installs it: which cases there are, runs of them, and what came out."""
import json
import os
import pathlib
import re
import socket
import subprocess
import time

HOME = pathlib.Path(
    os.environ.get("AUTOBAHN_HOME")
    or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "wscore/autobahn")
AGENT = "wscore"
# The suite's own reading of patterns, so that a case that never ran is missed.
LIST_CASES = """
import json, sys
from autobahntestsuite.case import *
from autobahntestsuite.caseset import CaseSet
cases = CaseSet("Case", CaseBasename, Cases, CaseCategories, CaseSubCategories)
print("CASES" + json.dumps(cases.parseSpecCases(json.loads(sys.argv[1]))))
"""


class SuiteError(Exception):
    """The suite itself did not do what it should."""


def order(case):
    return [int(part) for part in case.split(".")]


def section(case):
    return case.split(".")[0]


def part(case):
    return ".".join(case.split(".")[:2])


def list_cases(patterns):
    """The cases that the patterns (`1.*`, `6.4.1`) name, in their order."""
    spec = json.dumps({"cases": patterns, "exclude-cases": []})
    run = subprocess.run(
        [str(HOME / "bin/python"), "-W", "ignore", "-c", LIST_CASES, spec], capture_output=True, text=True)
    found = re.search("^CASES(.*)$", run.stdout, re.M)
    if not found:
        raise SuiteError(f"cannot list the cases:\n{run.stdout}{run.stderr}")
    return sorted(json.loads(found.group(1)), key=order)


def versions():
    run = subprocess.run([str(HOME / "bin/wstest"), "-a"], capture_output=True, text=True)
    return ", ".join(run.stdout.split("\n")).strip(", ")


def spec(directory, cases, **more):
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "spec.json"
    path.write_text(json.dumps(
        {"outdir": str(directory), "cases": cases, "exclude-cases": [], "exclude-agent-cases": {}, **more}))
    return path


def verdicts(directory):
    """Case to what the suite says of it."""
    path = directory / "index.json"
    return json.loads(path.read_text()).get(AGENT, {}) if path.exists() else {}


def attack_server(url, cases, directory, limit):
    """The fuzzing client against a server that echoes; one run for each part of a section (`13.2`), since verdicts are
    written at its end."""
    found = {}
    for name in dict.fromkeys(map(part, cases)):
        own = [case for case in cases if part(case) == name]
        place = directory / name
        path = spec(place, own, servers=[{"agent": AGENT, "url": url}])
        with open(place / "wstest.log", "w") as log:
            command = [str(HOME / "bin/wstest"), "-m", "fuzzingclient", "-s", str(path)]
            try:
                subprocess.run(command, stdout=log, stderr=log, cwd=place, timeout=limit)
            except subprocess.TimeoutExpired:
                pass  # its cases are missing
        found |= verdicts(place)
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process):
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SuiteError("the fuzzing server does not start")


def attack_client(command, cases, directory, limit):
    """The fuzzing server against a client, which is `command` with a URL and is started once a case. Returns the
    verdicts, and the cases after which the client did not end by itself."""
    port = free_port()
    path = spec(directory, cases, url=f"ws://127.0.0.1:{port}")
    stuck = []
    with open(directory / "wstest.log", "w") as log:
        server = subprocess.Popen(
            [str(HOME / "bin/wstest"), "-m", "fuzzingserver", "-u", "0", "-s", str(path)], stdout=log, stderr=log,
            cwd=directory)

        def run(target):
            try:
                subprocess.run([*command, f"ws://127.0.0.1:{port}/{target}agent={AGENT}"], stdin=subprocess.DEVNULL,
                               stdout=log, stderr=log, timeout=limit)
                return True
            except subprocess.TimeoutExpired:
                return False

        try:
            wait_for(port, server)
            for number, case in enumerate(cases, 1):
                if not run(f"runCase?case={number}&"):
                    stuck.append(case)
            run("updateReports?")
        finally:
            server.terminate()
            server.wait()
    return verdicts(directory), stuck
