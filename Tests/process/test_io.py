"""How the bytes of sockets are moved: chosen at the start, shown to operators, refused where it cannot be."""
import ctypes
import os
import struct
import subprocess

import pytest

from certificates import Authority
from conftest import WSCORE
from wsclient import Client

CHOICES = ["uring", "epoll", "nio"]
IO_URING_SETUP = 425


def forbid_io_uring():
    """What containers do: the system call fails with EPERM (seccomp(2))."""
    def instruction(code, jump_true, jump_false, operand):
        return struct.pack("HBBI", code, jump_true, jump_false, operand)
    program = b"".join([
        instruction(0x20, 0, 0, 0),  # the number of the call
        instruction(0x15, 0, 1, IO_URING_SETUP),
        instruction(0x06, 0, 0, 0x00050000 | 1),  # EPERM
        instruction(0x06, 0, 0, 0x7FFF0000),  # allowed
    ])
    memory = ctypes.create_string_buffer(program)
    rules = ctypes.create_string_buffer(struct.pack("HP", len(program) // 8, ctypes.addressof(memory)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(rules), 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def serve(*arguments, **options):
    """A start that fails."""
    return subprocess.run([WSCORE, "serve", "--admin-socket", "none", *arguments], capture_output=True, text=True,
                          timeout=20, **options)


@pytest.fixture(scope="session")
def without_io_uring():
    """Whether io_uring works here is not ours to decide; its absence can be had everywhere."""
    done = serve("--listen", "127.0.0.1:0", "--io", "uring", preexec_fn=forbid_io_uring)
    assert done.returncode == 69, done.stderr
    return done.stderr


@pytest.fixture
def start(start_server, tmp_path):
    def start(*arguments, **options):
        return start_server("--admin-socket", str(tmp_path / "admin.sock"), *arguments, **options)
    return start


@pytest.fixture
def environment_without(environment):
    return {name: value for name, value in os.environ.items() if not name.startswith("WSCORE_")}


@pytest.mark.parametrize("choice", CHOICES)
def test_each_is_used_and_shown(start, lines, choice):
    server = start("--io", choice, "--loops", "2")
    client = Client(server.url, user="ann")
    client.connect()
    client.join("lobby")
    client.drop()
    client.connect()
    assert client.welcome["resumed"]
    assert lines("stats")[0]["io"] == choice


@pytest.mark.parametrize("choice", CHOICES)
def test_connections_are_dealt_evenly(start, lines, choice):
    server = start("--io", choice, "--loops", "4")
    clients = [Client(server.url, user=f"user{number}") for number in range(12)]
    for client in clients:
        client.connect()
    assert [shard["connections"] for shard in lines("stats")[0]["shards"]] == [3, 3, 3, 3]


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("first", CHOICES)
def test_a_port_is_taken_once(start_server, first, choice):
    server = start_server("--io", first)
    done = serve("--listen", "%s:%d" % server.address, "--io", choice)
    assert done.returncode == 69
    assert "another program listens there" in done.stderr


@pytest.mark.parametrize("choice", CHOICES)
def test_a_name_that_does_not_exist(choice):
    done = serve("--listen", "nowhere.invalid:1", "--io", choice)
    assert done.returncode == 69
    assert "cannot listen on nowhere.invalid:1" in done.stderr


@pytest.mark.parametrize("choice", CHOICES)
def test_ipv6(start_server, choice):
    server = subprocess.Popen(
        [WSCORE, "serve", "--listen", "[::1]:0", "--admin-socket", "none", "--io", choice,
         "--drain-timeout", "100ms"], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True)
    try:
        url = next(word for line in server.stdout for word in line.replace('"', " ").split() if word.startswith("ws://[::1]"))
        client = Client(url.rstrip(","), user="ann")
        client.connect()
        assert client.welcome["resumed"] is False
    finally:
        server.terminate()
        server.wait(10)


# auto

def test_auto_takes_the_kernels_own(start, lines, environment_without):
    start(env=environment_without)
    assert lines("stats")[0]["io"] in ("uring", "epoll")


def test_auto_without_io_uring(tmp_path, environment_without, lines):
    server = subprocess.Popen(
        [WSCORE, "serve", "--listen", "127.0.0.1:0", "--admin-socket", str(tmp_path / "admin.sock")],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment_without, preexec_fn=forbid_io_uring)
    try:
        said = []
        for line in server.stdout:
            said.append(line)
            if "ws://" in line:
                break
        assert lines("stats")[0]["io"] == "epoll"
        assert sum("io_uring_setup: Operation not permitted" in line for line in said) == 1
    finally:
        server.terminate()
        server.wait(10)


def test_asked_for_and_forbidden(without_io_uring):
    assert "--io uring does not work here: io_uring_setup: Operation not permitted" in without_io_uring


def test_tls_is_nios(start, tmp_path, lines, environment_without):
    certificate, key = Authority(tmp_path).issue()
    start("--tls-cert", certificate, "--tls-key", key, env=environment_without)
    assert lines("stats")[0]["io"] == "nio"


@pytest.mark.parametrize("choice", ["uring", "epoll"])
def test_no_tls_elsewhere(tmp_path, choice):
    certificate, key = Authority(tmp_path).issue()
    done = serve("--listen", "127.0.0.1:0", "--tls-cert", certificate, "--tls-key", key, "--io", choice)
    assert done.returncode == 64
    assert f"--io {choice} has no TLS" in done.stderr
