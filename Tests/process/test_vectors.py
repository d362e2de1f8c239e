"""The transcripts of Tests/Vectors against the real server, by a client written from PROTOCOL.md alone."""
import json
import pathlib

import pytest

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
        if name == "tokens":
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
