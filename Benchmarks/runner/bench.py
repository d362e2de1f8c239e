#!/usr/bin/env python3
"""Measures wscore beside its peers, or beside another build of itself. `make bench` calls it; Benchmarks/README.md tells how.

Exit status: 0 done, whatever the figures; 1 a measurement failed; 64 the call is wrong.
"""
import argparse
import datetime
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import build  # noqa: E402
import machine  # noqa: E402
import servers  # noqa: E402
from figures import Figures  # noqa: E402
from measure import Runner  # noqa: E402
from report import Report  # noqa: E402
from scenarios import choose  # noqa: E402


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wscore", type=pathlib.Path, default=build.ROOT / ".build" / "release" / "wscore")
    parser.add_argument("--ab", type=pathlib.Path, help="another wscore, instead of the peers: the ratios are this one to it")
    parser.add_argument("--scenarios", help="ids, or beginnings of ids, with commas between them; default: all")
    parser.add_argument("--group", choices=["quick"], help="a smaller set of scenarios")
    parser.add_argument("--only", help="of the peers these, with commas between them; none: no peers")
    parser.add_argument("--reps", type=int, default=5, help="repetitions, interleaved")
    parser.add_argument("--seconds", type=float, default=2, help="of each measurement, after --warmup")
    parser.add_argument("--warmup", type=float, default=1)
    parser.add_argument("--retries", type=int, default=1, help="further tries where other work took the server's core")
    parser.add_argument("--foreign", type=float, default=12, help="percent of the core that other work may take")
    parser.add_argument("--server-core", default="0")
    parser.add_argument("--loader-core", default="1")
    parser.add_argument("--write", type=pathlib.Path, help="write the report there too")
    parser.add_argument("--json", type=pathlib.Path, help="write the raw results there")
    parser.add_argument("--micro", type=pathlib.Path, help="a table of micro benchmarks to put into the report")
    return parser.parse_args()


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def check(arguments):
    for program in filter(None, (arguments.wscore, arguments.ab)):
        if not os.access(program, os.X_OK):
            say(f"there is no program {program}; build it with swift build -c release --product wscore")
            sys.exit(64)
    if max(int(arguments.server_core), int(arguments.loader_core)) >= os.cpu_count():
        say(f"this machine has {os.cpu_count()} cores: choose --server-core and --loader-core")
        sys.exit(64)


def line_up(arguments):
    """The servers that take part, those of them that are ours, and the versions of the peers."""
    cores = f"{arguments.server_core},{arguments.loader_core}"
    ours = servers.ours(arguments.wscore.resolve(), "", cores)
    if arguments.ab:
        return [*ours, *servers.ours(arguments.ab.resolve(), " (other)", cores)], {s.name for s in ours}, {"the other": str(arguments.ab)}
    found, versions = servers.peers(say)
    if arguments.only:
        found = [p for p in found if p.name in arguments.only.split(",")]
    return [*found, *ours], {s.name for s in ours}, versions


def write(arguments, versions, body):
    head = [
        "# What wscore costs beside its peers", "",
        f"Written by `make bench` on {datetime.date.today()}; [README.md](README.md) says how to read it.", "",
        *machine.lines(versions), "",
        f"Medians of {arguments.reps} interleaved runs of {arguments.seconds:g} s after {arguments.warmup:g} s, and of the ratios "
        f"within each; the server on core {arguments.server_core}, the loader on core {arguments.loader_core}. ± is half of the range.", ""]
    arguments.write.write_text("\n".join([*head, *body]).rstrip() + "\n")


def main():
    arguments = parse()
    check(arguments)
    scenarios = choose(arguments.scenarios.split(",") if arguments.scenarios else None, arguments.group)
    taking, ours, versions = line_up(arguments)
    runner = Runner(arguments, build.loader(), build.OUT / "logs")
    results = runner.run(scenarios, taking)
    if arguments.json:
        arguments.json.write_text(json.dumps(results))
    body = list(Report(Figures(results, ours, arguments.foreign), scenarios, taking).lines())
    if arguments.micro and arguments.micro.exists():
        body += ["### Micro benchmarks", "", arguments.micro.read_text()]
    print("\n".join(body))
    if arguments.write:
        write(arguments, versions, body)
    sys.exit(any(not r["ok"] for servers_ in results.values() for runs in servers_.values() for r in runs))


if __name__ == "__main__":
    main()
