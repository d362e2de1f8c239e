"""Who may come in, how often, for how long and what they may do, over real sockets; and what operators see of it."""
import json
import subprocess

import pytest

from conftest import WSCORE, eventually
from wsclient import Client, ServerError


@pytest.fixture
def operated(start_server, tmp_path, environment):
    """Starts a server with an admin socket; `inspect` asks it."""
    socket = tmp_path / "admin.sock"

    def start(*arguments):
        server = start_server("--admin-socket", str(socket), "--loops", "2", *arguments)

        def inspect(*words):
            return subprocess.run([WSCORE, "inspect", *words, "--socket", str(socket)], capture_output=True, text=True,
                                  timeout=20, env=environment)

        server.inspect = inspect
        server.stats = lambda: json.loads(inspect("stats", "--json").stdout)
        return server

    return start


def connected(server, user, **options):
    client = Client(server.url, user=user, **options)
    client.connect()
    return client


def test_all_sessions_of_a_user_end(operated):
    server = operated()
    anns = [connected(server, "ann") for _ in range(3)]
    bob = connected(server, "bob")
    anns[2].drop()
    eventually(lambda: server.stats()["sessions"]["suspended"] == 1)

    refused = server.inspect("kick", "--user", "ann")
    assert refused.returncode == 64 and refused.stdout == ""
    assert "user ann has 3 sessions; nothing was ended" in refused.stderr and "--expect-count 3" in refused.stderr
    wrong = server.inspect("kick", "--user", "ann", "--expect-count", "2")
    assert wrong.returncode == 1 and "3 sessions, not 2" in wrong.stderr
    dry = server.inspect("kick", "--user", "ann", "--dry-run")
    assert dry.returncode == 0
    assert {json.loads(line)["would_kick"] for line in dry.stdout.splitlines()} == {ann.sid for ann in anns}
    assert server.stats()["admission"]["sessions_revoked"] == 0

    done = server.inspect("kick", "--user", "ann", "--expect-count", "3", "--reason", "spam")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"user": "ann", "kicked": 3})
    for ann in anns[:2]:
        assert ann.receive(type="session")["payload"] == {"state": "revoked", "reason": "spam"}
        assert ann.wait_closed() == 4507
    gone = anns[2].connect()
    assert gone["resumed"] is False and gone["reason"] == "ended"
    # One is one: nobody has to say how many are meant.
    table = server.inspect("kick", "--user", "bob", "--format", "table")
    assert (table.returncode, table.stdout) == (0, "kicked 1 sessions of bob\n")
    assert bob.wait_closed() == 4507
    assert server.stats()["admission"]["sessions_revoked"] == 4
    missing = server.inspect("kick", "--user", "nobody", "--yes")
    assert missing.returncode == 1 and "user nobody: not found" in missing.stderr


@pytest.mark.parametrize("words", [
    ["kick"], ["kick", "s_a", "--user", "ann"], ["kick", "s_a", "--yes"], ["kick", "s_a", "--expect-count", "1"],
    ["kick", "--user", "ann", "--expect-count", "0"],
])
def test_a_kick_that_is_not_clear_is_refused(operated, words):
    assert operated().inspect(*words).returncode == 64


def test_a_user_has_so_many_sessions_on_all_loops(operated):
    server = operated("--sessions-per-user", "3")
    for _ in range(3):
        connected(server, "ann")
    for _ in range(4):
        late = Client(server.url, user="ann")
        with pytest.raises(ServerError) as refused:
            late.connect()
        assert (refused.value.code, refused.value.close_code) == ("session.limit", 1013)
    connected(server, "bob")
    stats = server.stats()
    assert stats["sessions"]["active"] == 4 and stats["admission"]["sessions_refused"] == 4


def test_a_loop_has_so_many_sessions(operated):
    server = operated("--max-sessions", "2", "--loops", "1")
    ann = connected(server, "ann")
    connected(server, "bob")
    late = Client(server.url, user="eve")
    with pytest.raises(ServerError) as refused:
        late.connect()
    assert (refused.value.code, refused.value.close_code) == ("session.limit", 1013)
    ann.drop()
    assert ann.connect()["resumed"]
    ann.bye()
    late.connect()


def test_a_loop_has_so_many_rooms(operated):
    server = operated("--max-rooms", "3", "--loops", "1")
    ann, bob = connected(server, "ann"), connected(server, "bob")
    for number in range(3):
        ann.join(f"r{number}")
    with pytest.raises(ServerError) as refused:
        bob.join("r3")
    assert (refused.value.code, refused.value.retry) == ("room.limit", "later")
    assert bob.join("r0")["members"] == 2
    ann.leave("r2")
    assert bob.join("r3")["members"] == 1


def test_what_is_counted_is_in_the_metrics(operated):
    server = operated("--takeover-limit", "1", "--takeover-window", "60s")
    ann = connected(server, "ann")
    ann.connect()
    with pytest.raises(ServerError) as refused:
        ann.connect()
    assert (refused.value.code, refused.value.close_code) == ("takeover.limit", 4505)
    text = server.inspect("metrics").stdout
    assert 'wscore_takeovers_total{result="ok"} 1' in text and 'wscore_takeovers_total{result="refused"} 1' in text
    for name in ("hellos_refused", "credentials_refused", "credentials_expired", "sessions_refused", "sessions_revoked",
                 "forbidden", "messages_conflated", "messages_dropped_for_budget"):
        assert f"# TYPE wscore_{name}_total counter" in text, name
    assert "# TYPE wscore_outbox_bytes gauge" in text


def test_the_client_reads_its_token_file_again(operated, tmp_path, environment):
    tokens, mine = tmp_path / "tokens", tmp_path / "token"
    tokens.touch(0o600)
    tokens.write_text("first-token-of-ann ann\nsecond-token-of-ann ann\n")
    mine.write_text("first-token-of-ann\n")
    server = operated("--auth", "token-file", "--token-file", str(tokens), "--credential-max-age", "800ms")
    client = subprocess.Popen(
        [WSCORE, "client", server.url, "--token-file", str(mine), "--on-eof", "stay"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True, env=environment)
    try:
        eventually(lambda: server.stats()["sessions"]["active"] == 1)
        mine.write_text("second-token-of-ann\n")
        eventually(lambda: server.stats()["resumes"]["ok"] >= 2)
        stats = server.stats()
        assert stats["admission"]["credentials_expired"] >= 2 and stats["admission"]["credentials_refused"] == 0
        [session] = [json.loads(line) for line in server.inspect("sessions", "--json").stdout.splitlines()]
        assert session["user"] == "ann" and session["gen"] >= 3
        # What it reads is what counts.
        mine.write_text("nobody's token\n")
        eventually(lambda: server.stats()["admission"]["credentials_refused"] == 1)
    finally:
        client.kill()
        client.wait()


def test_one_that_does_not_read_costs_the_others_nothing(operated):
    server = operated("--outbox-total-bytes", "256KiB", "--outbox-bytes", "1MiB")
    slow, quick, sender = (connected(server, name) for name in ("slow", "quick", "sender"))
    slow.drop(), quick.drop()
    eventually(lambda: server.stats()["sessions"]["suspended"] == 2)
    for number in range(400):
        sender.request("direct.send", {"to": {"session": slow.sid}, "event": "x", "payload": "x" * 1_000})
        if number % 40 == 0:
            sender.request("direct.send", {"to": {"session": quick.sid}, "event": "x", "payload": number})
    stats = server.stats()
    assert stats["outbox"]["bytes"] <= 256 * 1024 + 4_096
    assert stats["outbox"]["dropped"] == stats["outbox"]["dropped_for_budget"] > 100
    assert quick.connect()["gaps"] == []
    [gap] = slow.connect()["gaps"]
    assert gap["from"] == 1 and gap["count"] == stats["outbox"]["dropped"] and gap["reason"] == "overflow"


@pytest.mark.parametrize("arguments", [
    ["--sessions-per-user", "0"], ["--hello-rate", "0"], ["--hello-burst", "many"], ["--takeover-limit", "-1"],
    ["--max-sessions", "0"], ["--max-rooms", "none"], ["--takeover-window", "10"], ["--credential-max-age", "1ms"], ["--outbox-total-bytes", "12"],
])
def test_a_bound_that_cannot_be_is_refused(arguments):
    result = subprocess.run([WSCORE, "serve", "--listen", "127.0.0.1:0", *arguments], capture_output=True, text=True,
                            timeout=10)
    assert result.returncode == 64 and arguments[0] in result.stderr
