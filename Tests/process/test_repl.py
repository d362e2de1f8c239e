"""The interactive client, on a real terminal against a real server."""
import os
import re
import signal
import stat
import subprocess

import pytest

from conftest import WSCORE, eventually
from terminal import Terminal

ONLINE = r"^\[online s_\S{4} in=\d+ out=\d+\]>"


@pytest.fixture
def terminals(environment):
    """Starts clients on terminals; all are ended with the test."""
    started = []

    def start(url, *arguments, columns=120, **extra):
        terminal = Terminal(WSCORE, ["client", url, *arguments], environment | extra, columns=columns)
        started.append(terminal)
        return terminal

    yield start
    for terminal in started:
        terminal.close()


@pytest.fixture
def repl(server, terminals):
    terminal = terminals(server.url)
    terminal.wait(ONLINE)
    return terminal


def publish(client, url, *texts, room="lobby"):
    """Another client sends to the room."""
    commands = [f'send chat.message {{"text":"{text}"}} --room {room} --ack' for text in texts]
    done = client(url, *[word for command in [f"join {room}", *commands] for word in ("-c", command)])
    assert done.returncode == 0, done.stderr


def test_prompt_counts(repl):
    repl.enter('send echo {"a":1}').wait(r'< reply #1.*\{"a":1\}')
    repl.wait(r"in=1 out=1\]> *$")


def test_messages_do_not_spoil_a_wrapped_line(server, terminals, client):
    terminal = terminals(server.url, columns=50)
    terminal.wait(ONLINE)
    terminal.enter("join lobby").wait("reply")
    typed = 'send chat.message {"text":"' + "0123456789" * 6
    terminal.send(typed).settle()
    publish(client, server.url, "one", "two", "three")
    terminal.wait("three")
    terminal.settle()
    # The edited text stands below all messages, whole, and the cursor at its end.
    flat = "".join(line.ljust(50) for line in terminal.lines)
    assert flat.count(typed) == 1
    assert flat.rindex('"three"') < flat.index(typed)
    assert [text for text in re.findall(r'"text":"(one|two|three)"', flat)] == ["one", "two", "three"]
    cursor = terminal.screen.cursor.y * 50 + terminal.screen.cursor.x
    assert cursor == flat.index(typed) + len(typed)
    terminal.send('"} --room lobby\r').wait(r"0123456789[\s\S]*0123456789\"\}\n?$|in=\d+ out=2\]>")


def test_messages_do_not_spoil_a_search(repl, server, client):
    repl.enter("join lobby").wait("reply")
    repl.enter("rooms").wait("^lobby")
    repl.send("\x12roo").wait(r"\(reverse-i-search\)`roo': rooms")
    publish(client, server.url, "searched")
    repl.wait("searched")
    repl.settle()
    assert re.search(r"\(reverse-i-search\)`roo': rooms", repl.cursor_line)
    repl.send("\r").settle()
    repl.wait(ONLINE)
    assert repl.text.count("(reverse-i-search)") <= 1


def test_drop_says_what_became_of_it(repl, server, client):
    repl.enter("join lobby").wait("reply")
    for fault in ("rst", "fin", "clean 4000"):
        repl.enter(f"drop {fault}")
        repl.wait(rf"fault {fault} → resumed in [\d.]+ m?s, replayed \d+, lost 0, dup 0")
    repl.settle().wait(ONLINE)
    publish(client, server.url, "there")
    repl.wait("there")


def test_what_was_missed_comes_once_and_in_order(server, terminals, client):
    terminal = terminals(server.url, "--no-reconnect", columns=160)
    terminal.wait(ONLINE)
    terminal.enter("join lobby").wait("reply")
    terminal.enter("drop rst").wait(r"\[(closed|offline).*\]>")
    publish(client, server.url, *[f"m{n}" for n in range(7)])
    terminal.enter("resume").wait(r"resumed in .*, replayed 7, lost 0, dup 0")
    assert re.findall(r'"text":"(m\d)"', terminal.text) == [f"m{n}" for n in range(7)]


def test_history_is_private_and_keeps_lines_together(server, terminals, tmp_path):
    terminal = terminals(server.url)
    terminal.wait(ONLINE)
    terminal.enter("send echo {").wait(r"\.\.\.>")
    terminal.enter('"n":1}').wait("reply #1")
    terminal.enter(" send echo 2").wait("reply #2")
    terminal.enter('send echo {"token":"hush"}').wait("reply #3")
    terminal.send("\x04")
    assert terminal.end() == 0
    path = tmp_path / "state" / "wscore" / "history"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = path.read_text()
    assert '"n":1}' in kept and "echo 2" not in kept and "hush" not in kept
    again = terminals(server.url)
    again.wait(ONLINE)
    again.send("\x1b[A").settle()
    again.send("\r").wait(r'reply #1.*\{"n":1\}')


def test_history_file_can_be_chosen(server, terminals, tmp_path):
    terminal = terminals(server.url, WSCORE_HISTFILE=str(tmp_path / "mine"))
    terminal.wait(ONLINE)
    terminal.enter("stats").wait("frames_in")
    terminal.send("\x04")
    assert terminal.end() == 0
    assert "stats" in (tmp_path / "mine").read_text()


def test_completion(repl):
    repl.send("jo\t").wait(r"\]> join $|\]> join$")
    repl.send("lobby\r").wait("reply")
    repl.send("send echo 1 --ro\t").wait("--room")
    repl.send("lob\t").wait("--room lobby")
    repl.send("\x03").settle()
    repl.enter('send echo {"colour":1}').wait('reply.*"colour"')
    repl.send('send echo {"col\t').wait(r'\{"colour":$')


def test_interrupt_clears_the_line_and_keeps_the_connection(repl):
    repl.send("send echo nonsense").settle()
    repl.send("\x03").settle()
    assert re.search(ONLINE + r"$", repl.cursor_line)
    repl.send("\x03").wait("Ctrl-D to quit")
    repl.enter("send echo 5").wait("reply #1.* 5")


def test_interrupt_ends_a_wait(repl):
    repl.enter("expect never.comes --within 60s").settle()
    repl.send("\x03").wait("cancelled")
    repl.wait(ONLINE)
    repl.enter("repeat 100000 sleep 50ms").settle()
    repl.send("\x03").settle()
    repl.enter("send echo 6").wait("reply #1.* 6")


def test_open_json_goes_on_in_the_next_line(repl):
    repl.enter("send echo [1,").wait(r"^\.\.\.>")
    repl.enter("2,").settle()
    repl.enter("3]").wait(r"reply #1.*\[1,2,3\]|reply #1.*\[1,\\u\{a\}2,")


def test_a_paste_is_one_entry(repl):
    repl.send('\x1b[200~send echo {\n"a": 1,\n"b": 2}\x1b[201~').settle()
    repl.send("\r").wait(r"reply #1")
    repl.settle()
    assert "error" not in repl.text


def test_pasted_lines_are_commands(repl):
    repl.send('\x1b[200~send echo 11\nsned x\nsend echo {\n"a": 12}\x1b[201~').settle()
    repl.send("\r").wait(r"reply #1.* 11")
    repl.wait('pasted:2: .*"sned" is not a command')
    repl.enter("send echo 13").wait("reply #[23].* 13")


def test_completion_of_a_room_with_a_colon_and_of_one_with_a_blank(repl):
    repl.enter("join chat:lobby").wait("reply #1")
    repl.enter('join "my room"').wait("reply #2")
    repl.send("leave chat:l\t").wait(r"leave chat:lobby $|leave chat:lobby$")
    repl.send("\r").wait("reply #3")
    repl.send("leave my\t").wait(r'leave "my room"')
    repl.send("\r").wait("reply #4")


def test_resize_keeps_the_line(repl):
    typed = 'send echo "' + "abcdefgh" * 6
    repl.send(typed).settle()
    repl.resize(60)
    repl.settle()
    repl.send('"\r').wait(r"reply #1")
    assert "abcdefgh" * 6 in "".join(line.ljust(60) for line in repl.lines)


def test_errors_leave_the_prompt(repl):
    repl.enter("sned x").wait('"sned" is not a command; did you mean "send"?')
    repl.enter("send echo nonsense").wait("the payload is not JSON")
    repl.wait(ONLINE)


def test_a_flood_is_bounded_and_the_prompt_survives(repl, server, client):
    repl.enter("join lobby").wait("reply")
    repl.send("send echo unfinished").settle()
    done = client(server.url, "-c", "join lobby", "-c", 'repeat 3000 send flood {"n":1} --room lobby', timeout=60)
    assert done.returncode == 0, done.stderr
    repl.settle(1)
    assert repl.cursor_line.endswith("send echo unfinished")


@pytest.mark.parametrize("ending", ["eof", "quit", "term", "hup", "crash"])
def test_the_terminal_is_restored(server, environment, ending):
    # Swift's own report of a crash would ask for a key.
    extra = {"PS1": "SHELL> ", "SWIFT_BACKTRACE": "enable=no"}
    shell = Terminal("/bin/bash", ["--norc", "--noprofile", "-i"], environment | extra)
    shell.wait("SHELL>")
    shell.enter("stty -a > $XDG_STATE_HOME.before").settle()
    shell.enter(f"{WSCORE} client {server.url}; echo status=$?").wait(ONLINE)
    if ending == "eof":
        shell.send("\x04")
    elif ending == "quit":
        shell.enter("quit")
    else:
        pids = subprocess.run(["pgrep", "-P", str(shell.child.pid)], capture_output=True, text=True).stdout.split()
        assert len(pids) == 1
        os.kill(int(pids[0]), {"term": signal.SIGTERM, "hup": signal.SIGHUP, "crash": signal.SIGABRT}[ending])
    status = shell.wait(r"status=(\d+)", timeout=60).group(1)
    assert status == {"eof": "0", "quit": "0", "crash": "134"}.get(ending, "143")
    shell.enter("stty -a > $XDG_STATE_HOME.after; echo DO''NE").wait("DONE")
    base = environment["XDG_STATE_HOME"]
    assert open(base + ".before").read() == open(base + ".after").read()
    # Bracketed paste is the shell's own affair again: the last word about it before the shell's is "off".
    assert b"\x1b[?2004l" in shell.raw
    shell.close()


def test_stop_and_continue(server, environment):
    shell = Terminal("/bin/bash", ["--norc", "--noprofile", "-i"], environment | {"PS1": "SHELL> "})
    shell.wait("SHELL>")
    shell.enter(f"{WSCORE} client {server.url}").wait(ONLINE)
    # The kernel drops what is not read yet when it sees Ctrl-Z.
    shell.send("send echo 7").settle().send("\x1a").wait("Stopped")
    shell.enter("fg").settle()
    assert re.search(ONLINE + " send echo 7$", shell.cursor_line)
    shell.send("\r").wait("reply #1.* 7")
    shell.close()


def test_ascii_without_utf8(server, terminals):
    terminal = terminals(server.url, LANG="C", LC_ALL="C")
    terminal.wait(ONLINE)
    terminal.enter("drop rst").wait("fault rst -> resumed")
    assert all(byte < 0x80 for byte in terminal.raw)


def test_no_colour_on_a_dumb_terminal(server, terminals):
    terminal = terminals(server.url, TERM="dumb")
    terminal.wait(r"\[online")
    terminal.enter("send echo 1").wait("reply")
    assert b"\x1b[3" not in terminal.raw


def test_a_server_that_is_not_there(terminals):
    terminal = terminals("ws://127.0.0.1:9/ws")
    terminal.wait("cannot connect to ws://127.0.0.1:9/ws: .*refused")
    terminal.wait("Start it with: wscore serve --listen 127.0.0.1:9")
    terminal.send("\x04")
    assert terminal.end() == 0


def test_a_peer_cannot_steer_the_terminal(repl, server, client):
    repl.enter("join lobby").wait("reply")
    publish(client, server.url, r"\u001b[2J\u001b]0;owned\u0007")
    repl.wait("chat.message")
    repl.settle()
    assert b"\x1b[2J" not in repl.raw and b"owned\x07" not in repl.raw


def test_a_closed_session_is_shown_in_the_prompt(server, terminals):
    terminal = terminals(server.url)
    terminal.wait(ONLINE)
    terminal.enter('raw {"v":2,"seq":99,"type":"event","event":"echo","payload":1}')
    terminal.wait(r"\[closed 4501 bad_sequence\]>")
    eventually(lambda: "sequence.gap" in terminal.text)
