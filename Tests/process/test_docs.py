"""The manual pages say what the program says, and the completions complete in their real shells."""
import json
import os
import re
import shutil
import subprocess
import time

import pexpect
import pytest

from conftest import ROOT, WSCORE
from fakeadmin import FakeAdmin, answer

PAGES = sorted((ROOT / "man").glob("*.1"))
COMPLETIONS = {"bash": ROOT / "completions/wscore.bash", "zsh": ROOT / "completions/_wscore",
               "fish": ROOT / "completions/wscore.fish"}


def run(*arguments, **options):
    return subprocess.run(arguments, capture_output=True, text=True, timeout=60, **options)


# Manual pages

def test_nothing_is_out_of_date():
    result = run("python3", str(ROOT / "tools/generate_docs.py"), "--check", "--program", WSCORE)
    assert result.returncode == 0, result.stderr


def test_drift_is_found(tmp_path):
    copy = tmp_path / "copy"
    for part in ("man", "completions", "tools"):
        shutil.copytree(ROOT / part, copy / part)
    table = "Sources/wscore/Client/Language/CommandTable.swift"
    (copy / table).parent.mkdir(parents=True)
    shutil.copy(ROOT / table, copy / table)
    page = copy / "man/wscore-inspect.1"
    page.write_text(page.read_text().replace("Only sessions of this user.", "Only some."))
    result = run("python3", str(copy / "tools/generate_docs.py"), "--check", "--program", WSCORE)
    assert result.returncode == 1
    assert "out of date: man/wscore-inspect.1\n  Run: python3 tools/generate_docs.py" in result.stderr
    assert run("python3", str(copy / "tools/generate_docs.py"), "--program", WSCORE).returncode == 0
    assert page.read_text() == (ROOT / "man/wscore-inspect.1").read_text()


def test_there_are_pages():
    assert [page.name for page in PAGES] == [
        "wscore-client.1", "wscore-inspect.1", "wscore-load.1", "wscore-serve.1", "wscore.1"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_is_sound(page):
    result = run("mandoc", "-Tlint", "-Wwarning", str(page))
    assert (result.returncode, result.stdout) == (0, "")
    sections = re.findall(r"^\.Sh (.*)", page.read_text(), re.M)
    for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "ENVIRONMENT", "FILES", "EXIT STATUS", "SIGNALS",
                    "EXAMPLES", "SEE ALSO"):
        assert section in sections


def test_every_exit_status_is_told():
    source = (ROOT / "Sources/wscore/Support/ExitStatus.swift").read_text()
    page = (ROOT / "man/wscore.1").read_text().split(".Sh EXIT STATUS")[1].split(".Sh SIGNALS")[0]
    assert re.findall(r"case \w+ = (\d+)", source) == re.findall(r"^\.It (\d+)", page, re.M)


def test_every_variable_is_told():
    named = set()
    for source in (ROOT / "Sources/wscore").rglob("*.swift"):
        named |= set(re.findall(r"\bWSCORE_[A-Z_]+", source.read_text()))
    pages = "".join(page.read_text() for page in PAGES)
    assert named and {name for name in named if f".It Ev {name}" not in pages} == set()


def test_every_command_has_a_page():
    commands = json.loads(run(WSCORE, "--experimental-dump-help").stdout)["command"]["subcommands"]
    for command in commands:
        assert command["commandName"] == "help" or (ROOT / f"man/wscore-{command['commandName']}.1").exists()


# Completions

@pytest.fixture
def shell_environment(environment, tmp_path):
    """Our program is `wscore`, no file of the user's is read, and a live server has two sessions and two rooms."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/wscore").symlink_to(WSCORE)
    home = tmp_path / "home"
    # Beside a directory of its name a command must stay a command.
    for name in ("client", "lobby"):
        (home / name).mkdir(parents=True)
    (home / "some.sock").touch()

    def respond(connection, line):
        if "/v1/rooms" in line:
            connection.sendall(answer('{"room":"lobby"}\n{"room":"a:b c"}\n{"room":"hall"}\n{"room":"$(touch x)"}\n'))
        else:
            connection.sendall(answer('{"sid":"s_one"}\n{"sid":"s_two"}\n'))

    server = FakeAdmin(tmp_path / "admin.sock", respond)
    yield environment | {"PATH": f"{tmp_path}/bin:{environment['PATH']}", "HOME": str(home), "ZDOTDIR": str(home),
                         "WSCORE_ADMIN_SOCKET": str(tmp_path / "admin.sock"), "XDG_CONFIG_HOME": str(home / ".config")}
    server.close()


def test_syntax():
    for shell, path in COMPLETIONS.items():
        result = run(shell, "-n", str(path))
        assert (result.returncode, result.stderr) == (0, ""), shell


def screen(shell, line, env):
    """What stands on the command line after Tab was pressed behind it, and what was offered."""
    import pyte
    screen = pyte.Screen(100, 30)
    stream = pyte.Stream(screen)
    arguments = {"bash": ["--norc", "--noprofile", "-i"], "zsh": ["-f", "-i"], "fish": ["--no-config", "-i"]}[shell]
    child = pexpect.spawn(shell, arguments, env=env, dimensions=(30, 100), timeout=20, encoding="utf-8", cwd=env["HOME"])

    def settle(seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                stream.feed(child.read_nonblocking(65536, 0.05))
                end = time.monotonic() + seconds
            except pexpect.TIMEOUT:
                pass

    if shell == "bash":
        child.sendline(f"PS1='READY>'; bind 'set show-all-if-ambiguous on'; bind 'set bell-style none'; "
                       f"source '{COMPLETIONS['bash']}'; clear")
    elif shell == "fish":
        child.sendline(f"function fish_prompt; printf 'READY>'; end; set -g fish_autosuggestion_enabled 0; "
                       f"source '{COMPLETIONS['fish']}'; clear")
    else:
        child.sendline("PS1='READY>'; unsetopt beep; LISTMAX=0; setopt no_list_ambiguous; "
                       f"fpath=('{COMPLETIONS['zsh'].parent}' $fpath); autoload -U compinit; "
                       f"compinit -u -d '{env['HOME']}/dump'; clear")
    end = time.monotonic() + 20
    while not any(row.startswith("READY>") for row in screen.display) and time.monotonic() < end:
        settle(0.1)
    settle(0.3)
    child.send(line + "\t")
    settle(0.7)
    child.close(force=True)
    rows = [row.rstrip() for row in screen.display]
    edited = [row for row in rows if row.startswith("READY>")][-1].removeprefix("READY>")
    return edited, set(" ".join(rows).split())


CASES = [
    ("wscore insp", "wscore inspect", set()),
    ("wscore cli", "wscore client", set()),
    ("wscore inspect ki", "wscore inspect kick", set()),
    ("wscore inspect sessions --st", "wscore inspect sessions --state", set()),
    ("wscore inspect sessions --state s", "wscore inspect sessions --state suspended", set()),
    ("wscore inspect sessions --state=s", "wscore inspect sessions --state=suspended", set()),
    ("wscore inspect sessions --format=t", "wscore inspect sessions --format=table", set()),
    ("wscore inspect sessions --format=", None, {"table", "json", "ndjson"}),
    ("wscore inspect sessions --state=active --col", "wscore inspect sessions --state=active --color", set()),
    ("wscore inspect sessions --room lo", "wscore inspect sessions --room lobby", set()),
    ("wscore inspect sessions --room=lo", "wscore inspect sessions --room=lobby", set()),
    ("wscore inspect sessions s_t", "wscore inspect sessions s_two", set()),
    ("wscore inspect --he", "wscore inspect --help", set()),
    ("wscore inspect rooms ", None, {"lobby", "hall"}),
    ("wscore inspect stats --socket so", "wscore inspect stats --socket some.sock", set()),
]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize("line, becomes, offers", CASES)
def test_tab(shell, line, becomes, offers, shell_environment):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    edited, words = screen(shell, line, shell_environment)
    if becomes:
        assert edited.rstrip(" =") == becomes, words
    assert offers <= {word.removeprefix("--format=") for word in words}, words
    assert "a:b" not in words and not any("touch" in word for word in words)


def test_without_a_server_nothing_is_offered_and_nothing_said(shell_environment):
    for socket in ("/nonexistent", ""):
        result = run(WSCORE, "---completion", "inspect", "sessions", "--", "positional@0", "3", "0", "wscore", "inspect",
                     "sessions", "", env=shell_environment | {"WSCORE_ADMIN_SOCKET": socket, "SAP_SHELL": "bash"})
        assert (result.returncode, result.stdout.strip(), result.stderr) == (0, "", "")


def test_a_slow_server_does_not_hold_the_prompt(environment, tmp_path):
    server = FakeAdmin(tmp_path / "admin.sock", lambda connection, _: time.sleep(5))
    started = time.monotonic()
    run(WSCORE, "---completion", "inspect", "rooms", "--", "positional@0", "3", "0", "wscore", "inspect", "rooms", "",
        env=environment | {"WSCORE_ADMIN_SOCKET": str(tmp_path / "admin.sock"), "SAP_SHELL": "bash"})
    assert time.monotonic() - started < 1
    server.close()
