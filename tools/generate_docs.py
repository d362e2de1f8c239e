#!/usr/bin/env python3
"""Makes the manual pages and the shell completions from what the built program says of itself.

    tools/generate_docs.py            writes man/*.1 and completions/*
    tools/generate_docs.py --check    writes nothing; exits with 1 and says what to run if one is out of date

The pages are hand-written mdoc in man/templates/*.in; lines that begin with @ are replaced:

    @options COMMAND…       all arguments and options of a command, by group
    @common COMMAND…        the options that all its subcommands share
    @subcommands COMMAND…   its subcommands, each with the options that are not shared
    @commands               the commands of the program
    @repl                   the commands of the interactive client, from its source

A command that the program does not have yet gives nothing.
"""
import argparse
import difflib
import json
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import completions  # noqa: E402
import mdoc  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / ".build" / "release" / "wscore"
COMMAND_TABLE = ROOT / "Sources/wscore/Client/Language/CommandTable.swift"


def say(program, *arguments):
    return subprocess.run([str(program), *arguments], check=True, capture_output=True, text=True).stdout


def repl_commands():
    """(usage, summary) of each command of the client's language."""
    strings = r'"((?:[^"\\]|\\.)*)"'
    pattern = rf"Entry\(\s*name: {strings},\s*usage: {strings},\s*summary: {strings}"
    found = re.findall(pattern, COMMAND_TABLE.read_text())
    return [(usage, summary) for _, usage, summary in found]


def expand(line, root):
    """The lines that a line of a template stands for."""
    words = line.split()
    if not line.startswith("@"):
        return [line]
    directive, path = words[0], words[1:]
    if directive == "@commands":
        return mdoc.commands(root)
    if directive == "@repl":
        return mdoc.repl(repl_commands())
    command = mdoc.find(root, path)
    if command is None:
        return []
    if directive == "@options":
        return mdoc.options(command)
    if directive == "@common":
        return mdoc.common_options(command)
    if directive == "@subcommands":
        return mdoc.subcommands(command)
    raise SystemExit(f"generate_docs: unknown directive {directive}")


def generated(program):
    """Every generated file: its path and its text."""
    root = json.loads(say(program, "--experimental-dump-help"))["command"]
    for template in sorted((ROOT / "man/templates").glob("*.in")):
        lines = [out for line in template.read_text().splitlines() for out in expand(line, root)]
        header = f'.\\" Made by tools/generate_docs.py from man/templates/{template.name}.'
        yield ROOT / "man" / template.stem, "\n".join([header, *lines]) + "\n"
    for shell, name in (("bash", "wscore.bash"), ("zsh", "_wscore"), ("fish", "wscore.fish")):
        yield ROOT / "completions" / name, completions.corrected(shell, say(program, "--generate-completion-script", shell))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only compare; exit with 1 if something differs")
    parser.add_argument("--program", type=pathlib.Path, default=PROGRAM, help="the built wscore")
    options = parser.parse_args()
    if not options.program.exists():
        sys.exit(f"generate_docs: {options.program} is not built. Run: swift build -c release --product wscore")
    outdated = []
    for path, text in generated(options.program):
        old = path.read_text() if path.exists() else ""
        if old == text:
            continue
        name = path.relative_to(ROOT)
        if options.check:
            outdated.append(str(name))
            sys.stderr.writelines(difflib.unified_diff(
                old.splitlines(True), text.splitlines(True), f"{name} (committed)", f"{name} (generated)", n=1))
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            print(f"wrote {name}")
    if outdated:
        sys.exit(f"generate_docs: out of date: {', '.join(outdated)}\n  Run: python3 tools/generate_docs.py")
    if options.check:
        print("docs: manual pages and completions say what the program says")


if __name__ == "__main__":
    main()
