"""The client run by scripts: streams, formats, exit codes."""
import json
import os
import signal
import subprocess
import threading
import time

import pytest
from websockets.sync.server import serve

from conftest import WSCORE


def lines(text):
    """Every line is one JSON object of version 1."""
    objects = [json.loads(line) for line in text.splitlines()]
    assert all(o["v"] == 1 and o["ts"].endswith("Z") and o["mono_ns"] > 0 and o["kind"] for o in objects)
    return objects


def of_kind(objects, kind):
    return [o for o in objects if o["kind"] == kind]


def commands(*texts):
    return [word for text in texts for word in ("-c", text)]


def test_pipe_loses_no_reply(server, client):
    done = client(server.url, input='send echo {"n":1}\nsend echo {"n":2}\n')
    assert done.returncode == 0 and done.stderr == ""
    objects = lines(done.stdout)
    replies = [o for o in of_kind(objects, "frame") if o["dir"] == "in" and o["type"] == "reply"]
    assert [o["envelope"]["payload"]["n"] for o in replies] == [1, 2]
    summary = objects[-1]
    assert summary["kind"] == "summary" and summary["exit"] == 0
    assert summary["lost"] == summary["dup"] == summary["gaps"] == summary["unknown"] == 0


def test_secrets_are_never_printed(server, client, tmp_path):
    (tmp_path / "token").write_text("very-secret-credential\n")
    done = client(server.url, "--token-file", str(tmp_path / "token"),
                  *commands("send echo 1", "drop rst", "wait online"))
    assert "very-secret" not in done.stdout + done.stderr
    frames = of_kind(lines(done.stdout), "frame")
    welcomes = [o for o in frames if o["type"] == "welcome"]
    assert len(welcomes) == 2 and all(o["envelope"]["payload"]["token"] == "…" for o in welcomes)
    hellos = [o for o in frames if o["type"] == "hello"]
    assert hellos[0]["envelope"]["payload"]["auth"]["credential"] == "…"
    assert hellos[1]["envelope"]["payload"]["resume"]["token"] == "…"


def test_expectations(server, client):
    done = client(server.url, *commands(
        "join lobby", 'send chat.message {"text":"hi","n":[1,2]} --room lobby',
        'expect chat.message text=hi n.1=2 room=lobby', "expect chat.* --none --within 200ms"))
    assert done.returncode == 0, done.stderr
    met = of_kind(lines(done.stdout), "expect")
    assert len(met) == 2 and all(o["ok"] for o in met)


def test_a_failed_expectation_says_where_and_what_came(server, client, tmp_path):
    script = tmp_path / "smoke.wsc"
    script.write_text("# nothing of that kind\nsend echo 1\nexpect chat.message --within 300ms\nsend echo 2\n")
    done = client(server.url, "--script", str(script), "--format", "text")
    assert done.returncode == 1
    assert f'wscore: {script}:3: expect: no "chat.message" within 300ms (received: ' in done.stderr
    assert "reply" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr


def test_keep_going(server, client):
    arguments = commands("expect never --within 100ms", "send echo 8")
    done = client(server.url, "--keep-going", *arguments)
    assert done.returncode == 1
    assert any(o.get("type") == "reply" for o in lines(done.stdout))
    done = client(server.url, *arguments)
    assert done.returncode == 1
    assert not any(o.get("type") == "reply" for o in lines(done.stdout))


@pytest.mark.parametrize("fault", ["rst", "fin", "clean"])
def test_faults_lose_nothing(server, client, fault):
    done = client(server.url, *commands(
        "join lobby", 'repeat 20 send tick {"n":1} --room lobby', f"drop {fault}",
        'repeat 20 send tick {"n":2} --room lobby', "expect state online --no-gap --no-dup", "wait acks",
        "expect state online --no-gap --no-dup"))
    assert done.returncode == 0, done.stderr
    objects = lines(done.stdout)
    ticks = [o["seq"] for o in of_kind(objects, "frame") if o["dir"] == "in" and o.get("event") == "tick"]
    assert len(ticks) == 40 and ticks == sorted(set(ticks))
    verdict = of_kind(objects, "fault")
    assert len(verdict) == 1 and verdict[0]["resumed"] and verdict[0]["lost"] == verdict[0]["dup"] == 0


def test_repeated_drops_under_traffic(server, client, environment):
    """Another client sends without a pause while this one is cut again and again."""
    listener = subprocess.Popen(
        [WSCORE, "client", server.url, *commands(
            "join lobby", *["sleep 150ms", "drop rst", "sleep 150ms", "drop fin"] * 3, "expect done --within 20s",
            "expect state online --no-gap --no-dup")],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    first = next(line for line in listener.stdout if '"type":"reply"' in line)
    ticks = "\n".join(f'send tick {{"n":{n}}} --room lobby\nsleep 1ms' for n in range(1000))
    done = client(server.url, input=f"join lobby\n{ticks}\nsend done 1 --room lobby\n", timeout=60)
    assert done.returncode == 0, done.stderr
    output, errors = listener.communicate(timeout=60)
    assert listener.returncode == 0, errors
    objects = lines(first + output)
    frames = [o for o in of_kind(objects, "frame") if o["dir"] == "in" and o.get("event") == "tick"]
    assert [o["envelope"]["payload"]["n"] for o in frames] == list(range(1000))
    verdicts = of_kind(objects, "fault")
    assert len(verdicts) == 6 and all(v["resumed"] and v["lost"] == v["dup"] == 0 for v in verdicts)
    assert sum(v["replayed"] for v in verdicts) > 0


def test_blackhole_and_timeout(server, client):
    done = client(server.url, *commands("blackhole in 10s", "send echo 1", "wait acks --within 300ms"))
    assert done.returncode == 124
    assert "wait acks: not within 300ms" in done.stderr
    done = client(server.url, *commands("blackhole out 300ms", "send echo 1", "wait acks --within 5s"))
    assert done.returncode == 0, done.stderr


def test_ack_waits(server, client):
    done = client(server.url, *commands("send echo 1 --ack", "stats"))
    assert done.returncode == 0, done.stderr
    stats = of_kind(lines(done.stdout), "result")[0]
    assert stats["command"] == "stats" and stats["value"]["outstanding"] == 0


@pytest.mark.parametrize("raw, code, status", [
    ("raw nonsense", "envelope.malformed", 76),
    ('raw {"type":"pong","payload":{}}', "envelope.malformed", 76),
    ('raw {"v":2,"seq":9,"type":"event","event":"echo","payload":1}', "sequence.gap", 76),
    ('raw {"v":2,"type":"event","event":"echo","payload":1}', "sequence.missing", 76),
])
def test_refused_messages(server, client, raw, code, status):
    done = client(server.url, *commands(raw, f"expect error code={code}", "wait idle --within 3s"))
    assert done.returncode == status, done.stderr
    # A script that says so beforehand is content with it.
    done = client(server.url, *commands(raw, f"expect error code={code}", "expect state closed"))
    assert done.returncode == 0, done.stderr


def test_credentials(start_server, client, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("0123456789abcdef0123456789abcdef ann\n")
    tokens.chmod(0o600)
    server = start_server("--auth", "token-file", "--token-file", str(tokens))
    done = client(server.url, "-c", "send echo 1")
    assert done.returncode == 77 and "4503 unauthenticated" in done.stderr
    assert "--token-file" in done.stderr
    done = client(server.url, "-c", "send echo 1", WSCORE_TOKEN="wrong-token")
    assert done.returncode == 77 and "wrong-token" not in done.stdout + done.stderr
    done = client(server.url, "-c", "session", "-c", "wait online", "-c", "session",
                  WSCORE_TOKEN="0123456789abcdef0123456789abcdef")
    assert done.returncode == 0, done.stderr
    assert of_kind(lines(done.stdout), "result")[1]["value"]["user"] == "ann"
    assert "0123456789abcdef" not in done.stdout


def test_a_server_that_comes_back_knows_nothing_and_that_is_said(start_server, client, environment):
    first = start_server()
    port = first.url.split(":")[2].split("/")[0]
    process = subprocess.Popen([WSCORE, "client", first.url, *commands(
        "join lobby", "sleep 100ms", "expect state resuming --within 10s", "expect state online --within 20s",
        "send echo 2 --ack")], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment)
    seen = [next(line for line in process.stdout if '"type":"reply"' in line)]
    time.sleep(0.2)
    first.process.kill()
    first.process.wait()
    start_server("--listen", f"127.0.0.1:{port}")
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    verdict = of_kind(lines(seen[0] + output), "fault")[-1]
    assert verdict["fault"] == "net" and not verdict["resumed"] and verdict["reason"] == "unknown"


def test_a_raw_message_of_another_version_is_refused_and_the_session_goes_on(server, client):
    done = client(server.url, *commands(
        '{"v":7,"type":"event","event":"echo","payload":1}', "expect error code=version.unsupported", "send echo 1",
        "expect reply payload=1"))
    assert done.returncode == 0, done.stderr


def test_escapes_of_a_server_never_reach_a_terminal(client):
    """A close reason is the peer's text, and is shown."""
    def refuse(peer):
        peer.recv()
        peer.close(4503, "no \x1b]0;owned\x07\x1b[2J\u009b31m\u202e")

    with serve(refuse, "127.0.0.1", 0, subprotocols=["wscore.v2.json"]) as peer:
        threading.Thread(target=peer.serve_forever, daemon=True).start()
        url = f"ws://127.0.0.1:{peer.socket.getsockname()[1]}/ws"
        for arguments in ([], ["--format", "text"]):
            done = client(url, "-c", "join lobby", *arguments)
            assert done.returncode == 77 and "no " in done.stderr
            for character in "\x1b\x07\u009b\u202e":
                assert character not in done.stderr + (done.stdout if arguments else "")
        peer.shutdown()


def test_nobody_there(client):
    done = client("ws://127.0.0.1:9/ws", "--no-reconnect", "-c", "send echo 1")
    assert done.returncode == 69
    assert "wscore: " in done.stderr and "cannot connect to ws://127.0.0.1:9/ws" in done.stderr
    assert "wscore serve --listen 127.0.0.1:9" in done.stderr
    start = time.monotonic()
    done = client("ws://127.0.0.1:9/ws", "--timeout", "700ms", "-c", "send echo 1")
    assert done.returncode == 69 and 0.5 < time.monotonic() - start < 5


def test_a_url_of_something_else_names_the_next_step(server, client):
    done = client(server.url + "x", "-c", "wait online")
    assert done.returncode == 69
    assert "HTTP 404" in done.stderr and "Check the path in the URL" in done.stderr


def test_a_closed_standard_input_is_an_ended_one(server, environment):
    done = subprocess.run(
        ["bash", "-c", '"$0" client "$1" <&-', WSCORE, server.url], capture_output=True, text=True, env=environment,
        timeout=20)
    assert done.returncode == 0, done.stderr
    assert of_kind(lines(done.stdout), "summary")[0]["exit"] == 0


def test_the_session_is_told_when_it_is_there(server, client):
    done = client(server.url, "-c", "session")
    value = of_kind(lines(done.stdout), "result")[0]["value"]
    assert value["state"] == "online" and value["session"].startswith("s_")


@pytest.mark.parametrize("arguments, text", [
    (["--timeout", "5"], "A duration is a number with a unit"),
    (["--protocol", "v9"], "v9"),
    (["--token", "x"], "unknown option '--token'"),
    (["wsx://x/"], "ws://"),
    (["ws://user:secret@127.0.0.1:9/ws"], "credential"),
    (["http://127.0.0.1:9/ws"], "ws://"),
])
def test_usage(client, arguments, text):
    done = client(*arguments)
    assert done.returncode == 64 and text in done.stderr and done.stderr.startswith("wscore: ")
    assert "USAGE" not in done.stderr and "secret" not in done.stderr and done.stdout == ""


def test_scripts_that_are_wrong(server, client, tmp_path):
    done = client(server.url, input="send echo {\n")
    assert done.returncode == 65 and "stdin:1: send: the JSON is not closed" in done.stderr
    done = client(server.url, "--script", str(tmp_path / "missing"))
    assert done.returncode == 66 and "missing: No such file" in done.stderr


def test_source_repeat_and_quit(server, client, tmp_path):
    (tmp_path / "inner").write_text("repeat 3 send echo 1\nwait acks\n")
    done = client(server.url, *commands(f"source {tmp_path / 'inner'}", "quit", "send echo 2"))
    assert done.returncode == 0, done.stderr
    replies = [o for o in lines(done.stdout) if o.get("type") == "reply"]
    assert [o["envelope"]["payload"] for o in replies] == [1, 1, 1]


def test_simple_profile(server, client):
    done = client(server.url, "--protocol", "v1", *commands(
        "send echo 1 --id c-1", "expect reply payload=1", "drop rst", "send echo 2", "expect reply payload=2"))
    assert done.returncode == 0, done.stderr
    welcome = next(o for o in lines(done.stdout) if o.get("type") == "welcome")
    assert welcome["envelope"]["payload"]["version"] == 1


def test_rooms_knows_of_the_join_before_it(server, client):
    done = client(server.url, *commands("join a", "join b", "rooms"))
    assert done.returncode == 0
    (rooms,) = [object for object in map(json.loads, done.stdout.splitlines()) if object.get("command") == "rooms"]
    assert rooms["value"] == ["a", "b"]


def test_rooms_and_session(server, client):
    done = client(server.url, *commands("join a", "join b", "leave a", "wait acks", "rooms", "session"))
    assert done.returncode == 0, done.stderr
    rooms, session = of_kind(lines(done.stdout), "result")
    assert rooms["value"] == ["b"]
    assert session["value"]["session"].startswith("s_") and session["value"]["rooms"] == ["b"]


def test_stay_until_a_signal(server, environment):
    process = subprocess.Popen([WSCORE, "client", server.url, "--on-eof", "stay", "-c", "join lobby"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=environment)
    for line in process.stdout:
        if json.loads(line).get("type") == "reply":
            break
    # Each line is there at once, though nobody has closed the pipe.
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130


def test_a_reader_that_goes_away(server, environment):
    process = subprocess.Popen([WSCORE, "client", server.url, "-c", "repeat 20000 send echo 1"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=environment)
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(20) == 141
    assert process.stderr.read() == b""


def test_quiet(server, client):
    done = client(server.url, "--quiet", *commands("send echo 1", "rooms"))
    assert {o["kind"] for o in lines(done.stdout)} == {"result", "summary"}


def test_subcommands_are_suggested():
    done = subprocess.run([WSCORE, "clinet"], capture_output=True, text=True, env=os.environ)
    assert done.returncode == 64 and 'did you mean "client"?' in done.stderr


@pytest.mark.parametrize("words, nearest", [(["help", "clinet"], "client"), (["help", "inspect", "sesions"], "sessions")])
def test_help_about_what_is_not_there_is_an_error(words, nearest):
    done = subprocess.run([WSCORE, *words], capture_output=True, text=True, env=os.environ)
    assert done.returncode == 64 and f'did you mean "{nearest}"?' in done.stderr and done.stdout == ""
    done = subprocess.run([WSCORE, *words[:-1], nearest], capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0 and nearest in done.stdout and done.stderr == ""


# What a user would take for granted


@pytest.mark.parametrize("command, code, status", [
    ("join secret", "room.forbidden", 77), ("send chat 1 --room lobby --ack", "room.not_joined", 1), ("send nosuch {} --ack", "event.unknown", 1)])
def test_what_the_server_refuses_did_not_succeed(start_server, client, tmp_path, command, code, status):
    (tmp_path / "tokens").write_text("token-of-ann ann join:lobby publish:lobby\n")
    (tmp_path / "tokens").chmod(0o600)
    url = start_server("--token-file", str(tmp_path / "tokens")).url
    done = client(url, *commands(command), WSCORE_TOKEN="token-of-ann")
    assert done.returncode == status and f"the server answered {code}" in done.stderr, done.stderr
    done = client(url, *commands(command, f"expect error code={code}"), WSCORE_TOKEN="token-of-ann")
    assert done.returncode == 0, done.stderr


def test_another_server_gets_a_session_of_its_own(start_server, client, tmp_path, lines):
    """The token of a session is a secret between two."""
    admin = tmp_path / "admin.sock"
    one, two = start_server("--admin-socket", str(admin)), start_server()
    done = client(one.url, *commands("join lobby", "wait idle", f"connect {two.url}", "wait online", "session", f"connect {two.url}", "session"))
    assert done.returncode == 0, done.stderr
    hellos = [o["envelope"]["payload"] for o in of_kind([json.loads(line) for line in done.stdout.splitlines()], "frame") if o["type"] == "hello"]
    assert ["resume" in hello for hello in hellos] == [False, False, True]
    assert lines("sessions") == []


def test_who_leaves_is_gone(start_server, client, tmp_path, lines):
    url = start_server("--admin-socket", str(tmp_path / "admin.sock")).url
    for arguments in (commands("join lobby"), commands("join lobby", "quit"), ["--on-eof", "close", *commands("join lobby", "wait idle")]):
        assert client(url, *arguments).returncode == 0
        assert lines("sessions") == [] and lines("rooms") == []
    assert client(url, *commands("join lobby", "wait idle", "disconnect")).returncode == 0
    assert [session["state"] for session in lines("sessions")] == ["suspended"]


def test_the_end_of_the_next_connection_is_no_end_that_was_asked_for(server, client):
    for _ in range(10):
        done = client(server.url, "--no-reconnect", *commands(
            "wait online", "disconnect", "resume", "wait online", 'raw {"v":2,"type":"welcome","payload":{}}', "expect state closed"))
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", [commands("sleep 300ms"), ["--on-eof", "close", *commands("sleep 300ms")], commands("session")])
def test_a_server_that_is_busy_says_so_by_its_status(start_server, client, arguments):
    url = start_server("--hello-rate", "1", "--hello-burst", "1", "--loops", "1").url
    assert client(url, *commands("session")).returncode == 0
    done = client(url, "--no-reconnect", *arguments)
    assert done.returncode == 75 and "server.busy" in done.stderr, done.stderr


def test_a_refusal_that_was_overcome_is_none(start_server, client):
    url = start_server("--hello-rate", "1", "--hello-burst", "1", "--loops", "1").url
    assert client(url, *commands("session")).returncode == 0
    done = client(url, *commands("send echo 1", "wait idle", "send echo 2 --ack"))
    assert done.returncode == 0 and "server.busy" in done.stdout, done.stderr


def test_resume_right_behind_disconnect(server, client):
    for _ in range(20):
        done = client(server.url, *commands("send echo 1", "wait idle", "disconnect", "resume", "wait online", "send echo 2"))
        assert done.returncode == 0, done.stderr


def test_a_server_that_drains_is_tried_again_later(start_server, client, inspect, tmp_path):
    url = start_server("--admin-socket", str(tmp_path / "admin.sock")).url
    assert inspect("drain").returncode == 0
    for arguments in ([], ["--no-reconnect"]):
        done = client(url, *arguments, "--timeout", "1s", *commands("session"))
        assert done.returncode == 75 and "draining" in done.stderr, done.stderr
    done = client(url, "--timeout", "500ms", *commands("wait online"))
    assert done.returncode == 124 and "server.draining" in done.stderr


@pytest.mark.parametrize("arguments", [["client", "URL", "-c", "session"], ["--version"], ["load", "--help"]])
def test_output_that_cannot_be_written_is_an_error_with_words(server, arguments):
    with open("/dev/full", "w") as full:
        done = subprocess.run([WSCORE, *(server.url if word == "URL" else word for word in arguments)], stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=20)
    assert done.returncode == 74 and "standard output cannot be written" in done.stderr
