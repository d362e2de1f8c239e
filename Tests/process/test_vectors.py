"""The transcripts of Tests/Vectors against the real server, by a client written from PROTOCOL.md alone."""
import json
import pathlib

import pytest

from transports import sse_url
from wsvectors import run_vector

FILES = sorted((pathlib.Path(__file__).resolve().parents[1] / "Vectors").glob("*.json"))
OPTIONS = {
    "session_ttl_ms": "--session-ttl", "ping_interval_ms": "--ping-interval", "ping_timeout_ms": "--ping-timeout",
    "hello_timeout_ms": "--hello-timeout",
}


def arguments(settings):
    for name, value in settings.items():
        if name == "outbox_messages":
            yield from ("--outbox-messages", str(value))
        else:
            yield from (OPTIONS[name], f"{value}ms")


@pytest.fixture(scope="module")
def plain_url():
    from conftest import Server
    server = Server("--loops", "2", "--admin-socket", "none")
    yield server.url
    server.stop()


def needs_subprotocol(path):
    """Only WebSocket has subprotocols; elsewhere `hello` alone says the version."""
    return any("subprotocol" in step for step in json.loads(path.read_text())["steps"])


def url_for(path, plain_url, start_server):
    settings = json.loads(path.read_text()).get("settings")
    return start_server("--admin-socket", "none", *arguments(settings)).url if settings else plain_url


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_vector(path, plain_url, start_server):
    run_vector(url_for(path, plain_url, start_server), path)


EVENT_FILES = [path for path in FILES if not needs_subprotocol(path)]


@pytest.mark.parametrize("path", EVENT_FILES, ids=lambda path: path.stem)
def test_vector_over_event_streams(path, plain_url, start_server):
    run_vector(sse_url(url_for(path, plain_url, start_server)), path)


def test_nearly_all_vectors_apply_to_event_streams():
    assert len(FILES) - len(EVENT_FILES) <= 5
