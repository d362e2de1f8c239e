"""The Unix socket for clients: beside the network or alone, who may use it, and what becomes of its file."""
import json
import os
import signal
import socket
import stat
import subprocess

import pytest

from conftest import WSCORE, eventually
from wsclient import Client
from wsraw import request


def serve(*arguments):
    return subprocess.run(
        [WSCORE, "serve", "--admin-socket", "none", *arguments], capture_output=True, text=True, timeout=10)


def ask(path, data):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(path))
        connection.sendall(data)
        answer = b""
        while b"\r\n\r\n" not in answer:
            piece = connection.recv(65536)
            if not piece:
                break
            answer += piece
        return answer


@pytest.fixture
def path(tmp_path):
    return tmp_path / "s"


def test_beside_the_network(start_server, path, tmp_path, lines):
    server = start_server("--unix", str(path), "--admin-socket", str(tmp_path / "admin.sock"))
    ann, bob = Client(server.url, user="ann"), Client(f"unix:{path}", user="bob")
    ann.connect(), bob.connect()
    ann.join("lobby"), bob.join("lobby")
    ann.publish("lobby", "chat", {"n": 1})
    while (message := bob.receive(5))["type"] != "event":
        pass
    assert message["payload"] == {"n": 1}
    # A session is begun on the one and resumed on the other.
    ann.drop()
    ann.url = f"unix:{path}"
    assert ann.connect()["resumed"]
    assert {one["remote"] for one in lines("sessions")} == {"unix"}


def test_alone(start_server, path, client):
    for arguments in (["--listen", "none", "--unix", str(path)], ["--listen", f"unix:{path}"]):
        server = start_server(*arguments)
        assert server.url == f"unix:{path}"
        record = json.loads(next(line for line in server.lines if "listening" in line))
        assert record["url"] == f"unix:{path}" and record["unix"] == str(path)
        inodes = {os.readlink(f"/proc/{server.process.pid}/fd/{fd}")[8:-1]
                  for fd in os.listdir(f"/proc/{server.process.pid}/fd")
                  if os.readlink(f"/proc/{server.process.pid}/fd/{fd}").startswith("socket:")}
        with open("/proc/net/tcp") as table:
            assert not inodes & {line.split()[9] for line in table}
        done = client(server.url, "-c", "send echo 1 --ack")
        assert done.returncode == 0, done.stderr
        server.stop()
        assert not path.exists()


def test_ways_to_write_it(start_server, path, client, tmp_path):
    assert start_server("--listen", "none", "--unix", str(path), "--path", "/chat").url == f"unix:{path}:/chat"
    for url in (f"unix:{path}:/chat", f"ws+unix://{path}:/chat", f"UNIX:{path}:/chat?x=a:/b"):
        assert client(url, "-c", "send echo 1 --ack").returncode == 0
    done = client(f"unix:{path}", "-c", "send echo 1")
    assert done.returncode == 69 and "404" in done.stderr


def test_load(start_server, path, environment):
    start_server("--listen", "none", "--unix", str(path))
    done = subprocess.run(
        [WSCORE, "load", f"unix:{path}", "--sessions", "50", "--rate", "200", "--duration", "2s", "--storm", "100%@1s",
         "--progress", "off"], capture_output=True, text=True, timeout=30, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("option, mode", [([], 0o660), (["--unix-mode", "0600"], 0o600), (["--unix-mode", "777"], 0o777)])
def test_the_mode(start_server, path, option, mode):
    start_server("--unix", str(path), *option)
    assert stat.S_IMODE(path.stat().st_mode) == mode and stat.S_ISSOCK(path.stat().st_mode)


def test_a_stale_socket_is_replaced_and_a_live_one_is_not(start_server, path):
    first = start_server("--unix", str(path))
    done = serve("--listen", "none", "--unix", str(path))
    assert done.returncode == 69 and f"cannot listen on unix:{path}: another program listens there" in done.stderr
    assert path.exists()
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    assert path.exists()
    second = start_server("--unix", str(path))
    Client(f"unix:{path}", user="ann").connect()
    second.stop()
    assert not path.exists()


def test_the_socket_of_a_successor_stays(start_server, path):
    first = start_server("--unix", str(path))
    path.unlink()
    start_server("--unix", str(path))
    first.stop()
    Client(f"unix:{path}", user="ann").connect()


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_what_is_no_socket_stays(path, kind):
    if kind == "file":
        path.write_text("precious")
    else:
        path.mkdir()
    done = serve("--listen", "none", "--unix", str(path))
    assert done.returncode == 73 and "not a socket" in done.stderr
    assert path.exists() and (kind == "directory" or path.read_text() == "precious")


@pytest.mark.parametrize("arguments, status, text", [
    (["--listen", "none"], 64, "--listen none needs --unix"),
    (["--unix", "/tmp/" + "x" * 103], 64, "108 bytes, and the most is 107"),
    (["--listen", "unix:"], 64, "is not the path of a socket"),
    (["--listen", "unix:/a", "--unix", "/b"], 64, "two sockets"),
    (["--unix-mode", "0600"], 64, "--unix-mode needs --unix"),
    (["--unix", "x", "--unix-mode", "9"], 64, "mode"), (["--unix", "x", "--unix-mode", "0060"], 64, "mode"),
    (["--unix", "x", "--unix-mode", "7777"], 64, "mode"),
    (["--listen", "none", "--unix", "/nowhere/at/all"], 73, "No such file"),
])
def test_mistakes(arguments, status, text, tmp_path):
    done = serve(*arguments)
    assert done.returncode == status and text in done.stderr, done.stderr


@pytest.mark.parametrize("url, status, text", [
    ("unix:", 64, "followed by the path"), ("unix:" + "x" * 108, 64, "at most 107 bytes"),
    ("unix:/tmp/x:/a#b", 64, "fragment"), ("unix:/nowhere/s", 69, "no such socket"),
])
def test_mistakes_of_clients(client, url, status, text):
    done = client(url, "--timeout", "1s", "-c", "send echo 1")
    assert done.returncode == status and text in done.stderr, done.stderr


def test_nobody_listens(client, path):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    done = client(f"unix:{path}", "--timeout", "1s", "-c", "send echo 1")
    assert done.returncode == 69 and "refused" in done.stderr and f"--unix {path}" in done.stderr


def test_host_and_origin_are_judged_as_on_the_network(start_server, path):
    start_server("--unix", str(path))
    url = "ws://localhost/ws"
    assert ask(path, request(url, host="localhost")).startswith(b"HTTP/1.1 101")
    assert ask(path, request(url, drop=("host",))).startswith(b"HTTP/1.1 400")
    assert ask(path, request(url, host="localhost", origin="http://localhost:3000")).startswith(b"HTTP/1.1 101")
    assert ask(path, request(url, host="localhost", origin="https://example.com")).startswith(b"HTTP/1.1 403")
    # A proxy hands on what the browser asked for.
    assert ask(path, request(url, host="example.com", origin="https://example.com")).startswith(b"HTTP/1.1 101")
    assert ask(path, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 200")


def test_event_streams(start_server, path):
    start_server("--unix", str(path))
    answer = ask(path, b"GET /sse HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200") and b"text/event-stream" in answer


def test_a_connection_that_breaks_is_suspended(start_server, path, tmp_path, lines):
    start_server("--unix", str(path), "--admin-socket", str(tmp_path / "admin.sock"))
    ann = Client(f"unix:{path}", user="ann")
    ann.connect()
    ann.drop("fin")
    eventually(lambda: lines("sessions")[0]["state"] == "suspended")
    assert ann.connect()["resumed"]


def test_tls_is_for_the_network_only(start_server, path, tmp_path):
    from certificates import Authority
    authority = Authority(tmp_path)
    certificate, key = authority.issue()
    server = start_server("--unix", str(path), "--tls-cert", certificate, "--tls-key", key, "--io", "auto")
    assert server.url.startswith("wss://")
    Client(f"unix:{path}", user="ann").connect()
    Client(server.url, user="ann", ssl=authority.trust()).connect()
