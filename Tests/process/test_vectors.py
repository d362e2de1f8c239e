"""The transcripts of Tests/Vectors against the real server, by a client written from PROTOCOL.md alone."""
import json
import pathlib

import pytest

from wsvectors import run_vector

FILES = sorted((pathlib.Path(__file__).resolve().parents[1] / "Vectors").glob("*.json"))
OPTIONS = {
    "session_ttl_ms": "--session-ttl", "ping_interval_ms": "--ping-interval", "ping_timeout_ms": "--ping-timeout",
    "hello_timeout_ms": "--hello-timeout",
}


def arguments(settings, directory):
    for name, value in settings.items():
        if name in EVENT_SETTINGS:
            yield from EVENT_SETTINGS[name](value, directory)
            continue
        if name == "outbox_messages":
            yield from ("--outbox-messages", str(value))
        else:
            yield from (OPTIONS[name], f"{value}ms")


def schemas(files, directory):
    for name, schema in files.items():
        (directory / name).write_text(json.dumps(schema))
    return "--schemas", str(directory)


EVENT_SETTINGS = {
    "schemas": schemas,
    "schemas_strict": lambda value, _: ["--schemas-strict"] if value else [],
    "deprecate": lambda values, _: [word for value in values for word in ("--deprecate", value)],
}


@pytest.fixture(scope="module")
def plain_url():
    from conftest import Server
    server = Server("--loops", "2", "--admin-socket", "none")
    yield server.url
    server.stop()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_vector(path, plain_url, start_server, tmp_path):
    settings = json.loads(path.read_text()).get("settings")
    url = start_server("--admin-socket", "none", *arguments(settings, tmp_path)).url if settings else plain_url
    run_vector(url, path)
