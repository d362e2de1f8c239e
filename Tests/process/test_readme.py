"""The commands and programs of README.md, run as they stand: only addresses, paths and sizes are another's."""
import pathlib
import re
import shlex
import socket
import subprocess
import sys

import pytest

from conftest import ROOT, WSCORE

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.M | re.S)
COMMANDS = [
    line for language, block in BLOCKS if language == "sh" for line in block.replace("\\\n", "").splitlines()
    if line.startswith(("wscore ", ".build/release/wscore "))
]
# What README tells of at full size runs here at a size that fits.
SMALLER = {"--sessions": "50", "--rate": "200/s", "--duration": "3s", "--storm": "100%@1s"}


@pytest.fixture
def place(start_server, tmp_path):
    socket = tmp_path / "admin.sock"
    return start_server("--admin-socket", str(socket)), socket


def adapted(line, url, socket):
    words = shlex.split(line.split("  #")[0])[1:]
    for index, word in enumerate(words):
        if word in SMALLER:
            words[index + 1] = SMALLER[word]
    replaced = {"ws://127.0.0.1:8080/ws": url, "/tmp/wscore.sock": str(socket), "127.0.0.1:8080": "127.0.0.1:0"}
    return [WSCORE] + [replaced.get(word, word) for word in words]


def test_there_are_commands():
    assert {line.split()[1] for line in COMMANDS} == {"serve", "client", "load", "inspect"}


def test_what_is_typed_first(server, client):
    """The commands that a new user is told to type, which stand in the text."""
    told = re.search(r"^then (`join .*?), and watch", README, re.M).group(1)
    commands = re.findall(r"`([^`]+)`", told)
    assert [command.split()[0] for command in commands] == ["join", "send", "drop"]
    script = [
        *commands[:2], "expect chat --within 5s", *commands[2:], "expect state resuming --within 5s",
        "expect state online --within 10s", ""]
    result = client(server.url, input="\n".join(script))
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("line", [line for line in COMMANDS if " serve" not in line])
def test_command(line, place, environment):
    server, socket = place
    command = adapted(line, server.url, socket)
    if "rooms" in command:
        # Somebody has to be in the room that is looked at.
        member = subprocess.Popen(
            [WSCORE, "client", server.url, "-c", "join lobby", "-c", "sleep 10s"], env=environment,
            stdout=subprocess.PIPE, text=True)
        assert any('"lobby"' in text for text in iter(member.stdout.readline, ""))
    try:
        result = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment,
            timeout=3 if "--follow" in command else 60)
    except subprocess.TimeoutExpired:
        assert "--follow" in command
        return
    finally:
        if "rooms" in command:
            member.kill()
            member.wait()
    # The session that README would end is nobody's.
    assert result.returncode == (1 if "kick" in command else 0), result.stdout + result.stderr


@pytest.mark.parametrize("line", [line for line in COMMANDS if " serve" in line])
def test_serve(line, start_server, tmp_path):
    arguments = adapted(line, "", tmp_path / "admin.sock")[2:]
    if "--listen" in arguments:
        place = arguments.index("--listen")
        del arguments[place:place + 2]
    assert start_server(*arguments).url


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


SCRIPTS = [block for language, block in BLOCKS if language == "bash"]


def test_there_are_scripts():
    assert len(SCRIPTS) >= 6


@pytest.mark.parametrize("script", SCRIPTS, ids=range(len(SCRIPTS)))
def test_script(script, tmp_path, environment):
    """As it stands, but for ports; whatever it started ends with it."""
    ports = {port: free_port() for port in ("8080", "9000", "9001")}
    for port, other in ports.items():
        script = re.sub(rf"\b{port}\b", other, script)
    environment = environment | {
        "PATH": f"{pathlib.Path(WSCORE).parent}:{environment['PATH']}", "WSCORE_LISTEN": f"127.0.0.1:{ports['8080']}",
        "XDG_RUNTIME_DIR": str(tmp_path)}
    (tmp_path / "Examples").symlink_to(ROOT / "Examples")
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "trap 'kill $(jobs -p)' EXIT\n" + script], cwd=tmp_path, env=environment,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr


def test_python_client(place):
    (program,) = [block for language, block in BLOCKS if language == "python"]
    result = subprocess.run(
        [sys.executable, "-c", program.replace("ws://127.0.0.1:8080/ws", place[0].url)], capture_output=True, text=True,
        timeout=30)
    assert result.returncode == 0, result.stderr
    assert "resumed: True" in result.stdout


def test_the_swift_program_is_the_one_that_is_tested():
    (program,) = [block for language, block in BLOCKS if language == "swift"]
    tested = (ROOT / "Tests" / "SessionServerTests" / "ReadmeExampleTests.swift").read_text()
    tested = [line.strip().replace("SessionServer(configuration)", "SessionServer()") for line in tested.splitlines()]
    for line in program.splitlines():
        assert line.strip() in tested + ["try await server.run()"], line


def test_paths_that_are_named_exist():
    for target in re.findall(r"\]\(([^)#]+)", README):
        if "://" not in target:
            assert (ROOT / target).exists(), target
