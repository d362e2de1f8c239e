"""For whom a connection is, as proxies say: PROXY protocol version 2, X-Forwarded-For, Forwarded; and whom not to believe."""
import socket
import struct
import subprocess
import time

import pytest

from conftest import WSCORE, eventually
from test_limits import limited  # noqa: F401
from wsraw import HELLO, Raw, request, text_frame

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def proxy_header(source="203.0.113.9", port=4711, command=1, family=None, rest=None, version=2, tail=b""):
    kind = socket.AF_INET6 if ":" in source else socket.AF_INET
    family = family if family is not None else (0x21 if ":" in source else 0x11)
    if rest is None:
        address = socket.inet_pton(kind, source)
        rest = address + bytes(len(address)) + struct.pack(">HH", port, 443) + tail
    return SIGNATURE + bytes([version << 4 | command, family]) + struct.pack(">H", len(rest)) + rest


def remotes(lines):
    return {line["remote"] for line in lines("sessions")}


def welcomed(raw, **changes):
    raw.upgrade(**changes)
    raw.say(HELLO)
    raw.receive("welcome")
    return raw


@pytest.fixture
def behind(limited):  # noqa: F811
    return lambda *arguments: limited("--proxy-protocol", "--trusted-proxy", "127.0.0.0/8", *arguments)


@pytest.mark.parametrize("header, remote", [
    (proxy_header(), "203.0.113.9:4711"), (proxy_header("2001:db8::7"), "[2001:db8::7]:4711"),
    (proxy_header("::ffff:203.0.113.9"), "203.0.113.9:4711"),
    (proxy_header(tail=b"\x04\x00\x03abc" * 100), "203.0.113.9:4711"),
    (proxy_header(tail=b"\xff" * 7), "203.0.113.9:4711"),
    (proxy_header(family=0x31, rest=b"/run/x".ljust(108, b"\0") * 2), "unix"),
    (proxy_header(command=0), "127.0.0.1:"), (proxy_header(command=0, family=0, rest=b""), "127.0.0.1:"),
    (proxy_header(command=0, family=0x7F, rest=b"abc"), "127.0.0.1:"), (proxy_header(family=0, rest=b"xyz"), "127.0.0.1:")],
    ids=["tcp4", "tcp6", "mapped", "extensions", "extensions that are none", "unix", "local", "local, short",
         "local, odd", "unspecified"])
def test_the_header_says_who_it_is(behind, lines, header, remote):
    server = behind()
    with Raw(server.url) as raw:
        raw.send(header)
        welcomed(raw)
        assert all(found.startswith(remote) for found in remotes(lines))


def test_header_and_request_in_any_segmentation(behind, lines):
    server = behind()
    data = proxy_header() + request(server.url) + text_frame(HELLO)
    for cut in (1, 7, 16, 17, 27, 28, 29, 40):
        with Raw(server.url) as raw:
            raw.send(data[:cut])
            time.sleep(0.02)
            raw.send(data[cut:])
            assert raw.response()[0] == 101
            raw.receive("welcome")
    with Raw(server.url) as raw:
        for byte in data:
            raw.send(bytes([byte]))
        assert raw.response()[0] == 101


BAD = [request("ws://127.0.0.1/ws"), b"PROXY TCP4 203.0.113.9 127.0.0.1 4711 443\r\n", b"\x16\x03\x01" + bytes(60),
       SIGNATURE[:-1] + b"\x0b" + bytes(20), proxy_header(version=1), proxy_header(version=3), proxy_header(command=2),
       proxy_header(command=15), proxy_header(family=0x11, rest=bytes(11)), proxy_header(family=0x21, rest=bytes(35)),
       proxy_header(family=0x41), proxy_header(family=0x13), proxy_header(family=0x31, rest=bytes(215)),
       proxy_header(tail=bytes(5000)), b"\0" * 16]


@pytest.mark.parametrize("data", BAD, ids=range(len(BAD)))
def test_a_header_that_is_none_ends_the_connection(behind, data):
    server = behind()
    with Raw(server.url, timeout=5) as raw:
        raw.send(data + request(server.url))
        assert raw.response() == (None, {}), "nothing is said"
    eventually(lambda: server.hits("proxy_header") == 1)
    with Raw(server.url) as raw:
        raw.send(proxy_header())
        welcomed(raw)


def test_a_header_has_to_come_in_time(behind):
    server = behind("--handshake-timeout", "300ms")
    for data in (b"", SIGNATURE, proxy_header()[:-1]):
        with Raw(server.url, timeout=5) as raw:
            raw.send(data)
            assert raw.at_end()
    assert server.hits("proxy_header") == 3
    assert eventually(lambda: server.stats()["sockets"] == 0)


def test_a_header_from_a_stranger_is_refused(limited):  # noqa: F811
    server = limited("--proxy-protocol", "--trusted-proxy", "10.0.0.0/8,2001:db8::/32")
    for data in (proxy_header(), request(server.url)):
        with Raw(server.url, timeout=5) as raw:
            raw.send(data)
            assert raw.response() == (None, {})
    assert server.hits("proxy_header") == 2


def test_without_the_option_a_header_is_not_http(limited):  # noqa: F811
    server = limited("--trusted-proxy", "127.0.0.1")
    with Raw(server.url) as raw:
        raw.send(proxy_header() + request(server.url))
        assert raw.response()[0] == 400


def test_the_client_of_a_header_is_bounded_and_not_the_proxy(behind):
    server = behind("--max-connections-per-address", "2")

    def status(source):
        raw = Raw(server.url)
        raw.send(proxy_header(source) + request(server.url))
        held.append(raw)
        return raw.response()[0]

    held = []
    assert [status("203.0.113.9") for _ in range(3)] == [101, 101, 503]
    assert [status("203.0.113.10") for _ in range(3)] == [101, 101, 503]
    assert [status(f"2001:db8:0:1::{n}") for n in range(1, 4)] == [101, 101, 503], "a /64 is one client"
    assert status("2001:db8:0:2::1") == 101
    for raw in held:
        raw.close()
    eventually(lambda: status("203.0.113.9") == 101)


@pytest.mark.parametrize("value, remote", [
    ("203.0.113.9", "203.0.113.9"), ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
    ("203.0.113.9, 10.1.2.3", "203.0.113.9"), ("203.0.113.9,10.1.2.3 ,127.0.0.1", "203.0.113.9"),
    ("10.0.0.1, 10.0.0.2", "10.0.0.1"), ("203.0.113.9:4711", "203.0.113.9:4711"), ("2001:db8::7", "2001:db8::7"),
    ("[2001:db8::7]", "2001:db8::7"), ("[2001:db8::7]:4711", "[2001:db8::7]:4711"),
    ("::ffff:203.0.113.9", "203.0.113.9"),
    ("evil, 10.1.2.3", "10.1.2.3"), ("203.0.113.9, unknown", None), ("", None), (", ,", None), ("203.0.113.999", None),
    ("203.0.113.9:0", None), ("203.0.113.9:99999", None), ("0x7f.1", None), ("203.0.113.9\t", "203.0.113.9"),
    ("1" * 9000, None), ("[203.0.113.9]:1", None), ("a" * 40 + ", 10.0.0.7", "10.0.0.7")])
def test_x_forwarded_for(limited, lines, value, remote):  # noqa: F811
    server = limited("--trusted-proxy", "127.0.0.1,10.0.0.0/8")
    with Raw(server.url) as raw:
        welcomed(raw, x_forwarded_for=value)
        assert all(found.startswith(remote or "127.0.0.1:") for found in remotes(lines)), remotes(lines)


def test_several_fields_are_one_list(limited, lines):  # noqa: F811
    server = limited("--trusted-proxy", "127.0.0.1")
    with Raw(server.url) as raw:
        data = request(server.url, x_forwarded_for="198.51.100.1").replace(
            b"\r\n\r\n", b"\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n")
        raw.send(data + text_frame(HELLO))
        assert raw.response()[0] == 101
        raw.receive("welcome")
        assert remotes(lines) == {"203.0.113.9"}


@pytest.mark.parametrize("arguments", [(), ("--trusted-proxy", "10.0.0.0/8"),
                                       ("--trusted-proxy", "127.0.0.1", "--forwarded-header", "none"),
                                       ("--trusted-proxy", "127.0.0.1", "--forwarded-header", "forwarded")])
def test_x_forwarded_for_that_is_not_to_be_believed(limited, lines, arguments):  # noqa: F811
    server = limited(*arguments)
    with Raw(server.url) as raw:
        welcomed(raw, x_forwarded_for="203.0.113.9")
        assert all(found.startswith("127.0.0.1:") for found in remotes(lines))


@pytest.mark.parametrize("value, remote", [
    ("for=203.0.113.9", "203.0.113.9"), ('for="203.0.113.9:4711";proto=https', "203.0.113.9:4711"),
    ('proto=https; FOR="[2001:db8::7]:4711"', "[2001:db8::7]:4711"), ('for="[2001:db8::7]"', "2001:db8::7"),
    ("for=198.51.100.1, for=203.0.113.9", "203.0.113.9"), ("for=203.0.113.9;by=x, for=127.0.0.1", "203.0.113.9"),
    ("for=unknown", None), ("for=_hidden", None), ("by=203.0.113.9", None), ("for", None), ("=", None), ('for="', None)])
def test_forwarded(limited, lines, value, remote):  # noqa: F811
    """RFC 7239."""
    server = limited("--trusted-proxy", "127.0.0.1", "--forwarded-header", "forwarded")
    with Raw(server.url) as raw:
        welcomed(raw, forwarded=value, x_forwarded_for="192.0.2.99")
        assert all(found.startswith(remote or "127.0.0.1:") for found in remotes(lines)), remotes(lines)


def test_the_client_of_a_field_is_bounded_and_not_the_proxy(limited):  # noqa: F811
    server = limited("--trusted-proxy", "127.0.0.1", "--max-connections-per-address", "1")
    held = []

    def status(source, **changes):
        raw = Raw(server.url)
        raw.send(request(server.url, **({"x_forwarded_for": source} if source else {}), **changes))
        held.append(raw)
        return raw.response()[0]

    assert [status("203.0.113.9"), status("203.0.113.9"), status("203.0.113.10")] == [101, 503, 101]
    stream = {"target": "/sse", "drop": ("upgrade", "connection")}
    assert [status("203.0.113.9", **stream), status("203.0.113.11", **stream), status("203.0.113.11")] == [503, 200, 503]
    assert [status(None) for _ in range(3)] == [101] * 3, "the proxy itself, for a check of health, is not bounded"
    for raw in held:
        raw.reset()
    eventually(lambda: status("203.0.113.9") == 101)


def test_an_authenticator_hears_of_the_client(start_server, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("secret-of-ann-0123456789abcdef ann\n")
    tokens.chmod(0o600)
    server = start_server("--token-file", str(tokens), "--trusted-proxy", "127.0.0.1", "--log-level", "debug")
    with Raw(server.url).upgrade(x_forwarded_for="203.0.113.9") as raw:
        raw.say(HELLO)
        assert raw.outcome() == ("auth.failed", 4503)
    assert eventually(lambda: any('"203.0.113.9"' in line for line in server.lines))


@pytest.mark.parametrize("arguments", [
    ("--proxy-protocol",), ("--trusted-proxy", "10.0.0.0/33"), ("--trusted-proxy", "10.0.0/8"), ("--trusted-proxy", ","),
    ("--trusted-proxy", "proxy.example"), ("--trusted-proxy", "::1/129"), ("--trusted-proxy", "10.0.0.0/"),
    ("--trusted-proxy", "10.0.0.0/+8"), ("--forwarded-header", "x-real-ip"), ("--allow-host", "chat.example:80"),
    ("--allow-host", "http://chat.example"), ("--allow-host", "*.example.com"), ("--message-rate", "-1"),
    ("--byte-rate", "10"), ("--control-burst", "0")])
def test_mistakes_of_operators(client, environment, arguments):
    result = subprocess.run([WSCORE, "serve", "--listen", "127.0.0.1:0", *arguments], capture_output=True, text=True,
                            timeout=10, env=environment)
    assert result.returncode == 64 and arguments[0] in result.stderr, result.stderr
