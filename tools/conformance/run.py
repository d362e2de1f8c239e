#!/usr/bin/env python3
"""Runs the Autobahn testsuite against `wscore serve --raw-echo` and `wscore client --raw-echo`.

    tools/conformance/run.py                        all cases, both sides; writes docs/CONFORMANCE.md
    tools/conformance/run.py --cases '6.*,7.1.*'    some; writes nothing
    tools/conformance/run.py --side client          one side; writes nothing

A case passes if the suite calls both its behaviour and the close OK or INFORMATIONAL; NON-STRICT and UNIMPLEMENTED do
not pass. Exit code: 0 all passed; 1 a case did not; 2 a case has no verdict; 69 the suite does not run.
"""
import argparse
import collections
import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile

import autobahn

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / ".build/release/wscore"
TABLE = ROOT / "docs/CONFORMANCE.md"
SECTIONS = {
    "1": "framing", "2": "pings and pongs", "3": "reserved bits", "4": "opcodes", "5": "fragmentation",
    "6": "UTF-8", "7": "closing handshake", "9": "limits and performance", "10": "automatic fragmentation",
    "12": "permessage-deflate", "13": "permessage-deflate, parameters",
}
COLUMNS = ["OK", "INFORMATIONAL", "FAILED", "MISSING"]
GOOD = {"OK", "INFORMATIONAL"}


def judge(case, verdict):
    """The column that a case belongs to."""
    if verdict is None:
        return "MISSING"
    behaviour, close = verdict["behavior"], verdict["behaviorClose"]
    return behaviour if behaviour in GOOD and close in GOOD else "FAILED"


class Result:
    """What one side did."""

    def __init__(self, side, cases, verdicts, stuck=()):
        self.side, self.cases, self.verdicts, self.stuck = side, cases, verdicts, list(stuck)
        self.column = {case: judge(case, verdicts.get(case)) for case in cases}

    def counts(self, section=None):
        own = [case for case in self.cases if section in (None, autobahn.section(case))]
        return collections.Counter(self.column[case] for case in own)

    def named(self, column):
        return [case for case in self.cases if self.column[case] == column]

    def tell(self, case):
        """A case with the suite's words."""
        verdict = self.verdicts.get(case)
        if verdict is None:
            return case
        return f"{case} ({verdict['behavior']}, close {verdict['behaviorClose']} {verdict.get('remoteCloseCode') or ''})"

    @property
    def status(self):
        counts = self.counts()
        return 2 if counts["MISSING"] else 1 if counts["FAILED"] or self.stuck else 0


@contextlib.contextmanager
def serving(program):
    """The URL of the echo of a server of our own."""
    reader, writer = os.pipe()
    server = subprocess.Popen(
        [str(program), "serve", "--listen", "127.0.0.1:0", "--raw-echo", "/echo", "--admin-socket", "none",
         "--log-level", "warning", "--drain-timeout", "0s", "--ready-fd", str(writer)],
        stdin=subprocess.DEVNULL, pass_fds=[writer])
    os.close(writer)
    with os.fdopen(reader) as ready:
        url = ready.readline().strip()
    try:
        if not url:
            raise autobahn.SuiteError("wscore serve does not start")
        yield url.removesuffix("/ws") + "/echo"
    finally:
        server.terminate()
        server.wait()


def run_server(program, cases, directory, limit):
    with serving(program) as url:
        return Result("server", cases, autobahn.attack_server(url, cases, directory, limit))


def run_client(program, cases, directory, limit):
    verdicts, stuck = autobahn.attack_client([str(program), "client", "--raw-echo"], cases, directory, limit)
    return Result("client", cases, verdicts, stuck)


RUNNERS = {"server": run_server, "client": run_client}


def show(result):
    """The result for a person."""
    rows = [(f"{name} {SECTIONS[name]}", result.counts(name)) for name in sections(result.cases)]
    print(f"\n{result.side:<34}" + "".join(f"{column:>17}" for column in COLUMNS))
    for name, counts in [*rows, (f"all {len(result.cases)}", result.counts())]:
        print(f"{name:<34}" + "".join(f"{counts[column]:>17}" for column in COLUMNS))
    for column in ("FAILED", "MISSING"):
        if found := result.named(column):
            print(f"{column}: " + ", ".join(map(result.tell, found)))
    if result.stuck:
        print("the client did not end after: " + ", ".join(result.stuck))
    sys.stdout.flush()


def sections(cases):
    return list(dict.fromkeys(map(autobahn.section, cases)))


# The table

def cell(counts):
    words = {"OK": "OK", "INFORMATIONAL": "informational", "FAILED": "**failed**", "MISSING": "**missing**"}
    return ", ".join(f"{counts[column]} {words[column]}" for column in COLUMNS if counts[column])


def table(results):
    cases = results[0].cases
    lines = [
        "<!-- Made by `make conformance`. -->", "# Conformance", "",
        f"What the [Autobahn testsuite](https://github.com/crossbario/autobahn-testsuite) ({autobahn.versions()}) says of",
        "`wscore serve --raw-echo /echo` and of `wscore client --raw-echo URL`. Both send every message back as it came,",
        "through the same handshake, frame parser and connection as sessions have. `make conformance` runs it again.", "",
        "| Section | Cases | " + " | ".join(result.side.capitalize() for result in results) + " |",
        "|---|---:|" + "---|" * len(results),
    ]
    for name in sections(cases):
        count = sum(autobahn.section(case) == name for case in cases)
        cells = " | ".join(cell(result.counts(name)) for result in results)
        lines.append(f"| {name} {SECTIONS[name]} | {count} | {cells} |")
    lines.append(f"| All | {len(cases)} | {' | '.join(cell(result.counts()) for result in results)} |")
    lines += [
        "", "*Informational* cases are those in which RFC 6455 leaves the behaviour open. A *non-strict* verdict, by which the",
        "suite forgives that bad UTF-8 is found only when its frame or message ends (6.4), counts as failed.", "",
    ]
    for result in results:
        if found := result.named("INFORMATIONAL"):
            lines.append(f"{result.side.capitalize()}, informational: {', '.join(found)}.")
        for column in ("FAILED", "MISSING"):
            if found := result.named(column):
                lines.append(f"{result.side.capitalize()}, {column.lower()}: {', '.join(map(result.tell, found))}.")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--cases", help="patterns with commas between them; all without")
    parser.add_argument("--side", choices=list(RUNNERS), help="both without")
    parser.add_argument("--program", type=pathlib.Path, default=PROGRAM, help="the built wscore")
    parser.add_argument("--reports", type=pathlib.Path, help="where the suite's reports go; a new directory without")
    parser.add_argument("--limit", type=float, default=600, help="seconds for one part of a section, or one case of the client")
    options = parser.parse_args()
    reports = (options.reports or pathlib.Path(tempfile.mkdtemp(prefix="wscore-conformance-"))).resolve()
    try:
        cases = autobahn.list_cases(options.cases.split(",") if options.cases else ["*"])
        results = []
        for side in [options.side] if options.side else RUNNERS:
            results.append(RUNNERS[side](options.program.resolve(), cases, reports / side, options.limit))
            show(results[-1])
    except (autobahn.SuiteError, OSError) as error:
        print(f"conformance: {error}", file=sys.stderr)
        return 69
    print(f"reports: {reports}")
    if not options.cases and not options.side:
        TABLE.parent.mkdir(exist_ok=True)
        TABLE.write_text(table(results))
        print(f"wrote {TABLE.relative_to(ROOT)}")
    return max(result.status for result in results)


if __name__ == "__main__":
    sys.exit(main())
