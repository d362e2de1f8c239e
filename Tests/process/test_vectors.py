"""The transcripts of Tests/Vectors against the real server, by a client written from PROTOCOL.md alone."""
import json
import pathlib

import pytest

from transports import sse_url
from wsvectors import run_vector

FILES = sorted((pathlib.Path(__file__).resolve().parents[1] / "Vectors").glob("*.json"))
MILLISECONDS = {
    "session_ttl_ms": "--session-ttl", "ping_interval_ms": "--ping-interval", "ping_timeout_ms": "--ping-timeout",
    "hello_timeout_ms": "--hello-timeout", "takeover_window_ms": "--takeover-window",
    "credential_notice_ms": "--credential-notice", "credential_max_age_ms": "--credential-max-age",
    "presence_grace_ms": "--presence-grace",
}
COUNTS = {
    "outbox_messages": "--outbox-messages", "hello_rate": "--hello-rate", "hello_burst": "--hello-burst",
    "takeover_limit": "--takeover-limit", "sessions_per_user": "--sessions-per-user", "loops": "--loops",
}
BYTES = {"outbox_total_bytes": "--outbox-total-bytes"}


def arguments(settings, folder):
    for name, value in settings.items():
        if name in EVENT_SETTINGS:
            yield from EVENT_SETTINGS[name](value, folder)
        elif name == "tokens":
            path = folder / "tokens"
            path.touch(0o600)
            path.write_text("".join(f"{one['token']} {one['user']} {' '.join(one['permissions'])}\n" for one in value))
            yield from ("--auth", "token-file", "--token-file", str(path))
        elif name in COUNTS:
            yield from (COUNTS[name], str(value))
        elif name in BYTES:
            yield from (BYTES[name], f"{value}B")
        elif name == "rooms":
            for rule in value:
                words = [rule["pattern"]]
                if "history" in rule:
                    words.append(f"history={rule['history']}")
                if "grace_ms" in rule:
                    words.append(f"grace={rule['grace_ms']}ms")
                yield from ("--room", " ".join(words))
        else:
            yield from (MILLISECONDS[name], f"{value}ms")


def schemas(files, folder):
    directory = folder / "schemas"
    directory.mkdir()
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


def is_for_websocket(path):
    """Only WebSocket has subprotocols and empty messages; in a POST an empty line is none."""
    return any("subprotocol" in step or step.get("text") == "" for step in json.loads(path.read_text())["steps"])


def url_for(path, plain_url, start_server, tmp_path):
    settings = json.loads(path.read_text()).get("settings")
    return start_server("--admin-socket", "none", *arguments(settings, tmp_path)).url if settings else plain_url


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_vector(path, plain_url, start_server, tmp_path):
    run_vector(url_for(path, plain_url, start_server, tmp_path), path)


EVENT_FILES = [path for path in FILES if not is_for_websocket(path)]


@pytest.mark.parametrize("path", EVENT_FILES, ids=lambda path: path.stem)
def test_vector_over_event_streams(path, plain_url, start_server, tmp_path):
    run_vector(sse_url(url_for(path, plain_url, start_server, tmp_path)), path)


def test_nearly_all_vectors_apply_to_event_streams():
    assert len(FILES) - len(EVENT_FILES) <= 5
