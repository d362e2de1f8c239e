"""The transcripts of Tests/Vectors against the real server, by a client written from PROTOCOL.md alone."""
import json
import pathlib

import pytest

from wsvectors import run_vector

FILES = sorted((pathlib.Path(__file__).resolve().parents[1] / "Vectors").glob("*.json"))
OPTIONS = {
    "session_ttl_ms": "--session-ttl", "ping_interval_ms": "--ping-interval", "ping_timeout_ms": "--ping-timeout",
    "hello_timeout_ms": "--hello-timeout", "presence_grace_ms": "--presence-grace",
}


def arguments(settings):
    for name, value in settings.items():
        if name == "outbox_messages":
            yield from ("--outbox-messages", str(value))
        elif name == "rooms":
            for rule in value:
                words = [rule["pattern"]]
                if "history" in rule:
                    words.append(f"history={rule['history']}")
                if "grace_ms" in rule:
                    words.append(f"grace={rule['grace_ms']}ms")
                yield from ("--room", " ".join(words))
        else:
            yield from (OPTIONS[name], f"{value}ms")


@pytest.fixture(scope="module")
def plain_url():
    from conftest import Server
    server = Server("--loops", "2", "--admin-socket", "none")
    yield server.url
    server.stop()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_vector(path, plain_url, start_server):
    settings = json.loads(path.read_text()).get("settings")
    url = start_server("--admin-socket", "none", *arguments(settings)).url if settings else plain_url
    run_vector(url, path)
