"""What PROTOCOL.md says of sessions holds over TLS and over a Unix socket as it does over a bare one."""
import pytest

from certificates import Authority
from conftest import Server
from test_vectors import EVENT_FILES, FILES, arguments
from transports import sse_url
from wsvectors import load_vector, run_vector

NAMES = ("resume", "takeover", "token", "gap", "sequence", "duplicate", "bye", "ping-pong", "room", "credential", "session")
CHOSEN = [path for path in FILES if path.stem.startswith(NAMES)]


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def place(authority, tmp_path_factory):
    """Arguments for a server that has all the ways in, and the path of its socket."""
    certificate, key = authority.issue()
    socket = tmp_path_factory.mktemp("unix") / "s"
    return ["--tls-cert", certificate, "--tls-key", key, "--unix", str(socket)], f"unix:{socket}"


@pytest.fixture(scope="module")
def plain(place):
    server = Server("--loops", "2", *place[0])
    yield server
    server.stop()


@pytest.fixture
def server(plain, place, start_server, tmp_path):
    def start(path):
        settings = load_vector(path).get("settings")
        if not settings:
            return plain, place[1]
        socket = tmp_path / "own"
        return start_server(*place[0][:4], "--unix", str(socket), *arguments(settings, tmp_path)), f"unix:{socket}"
    return start


def test_the_choice_is_wide():
    assert len(CHOSEN) >= 25 and sum(path.stem.startswith("resume") for path in CHOSEN) >= 8


@pytest.mark.parametrize("path", CHOSEN, ids=lambda path: path.stem)
def test_vector_over_tls(path, server, authority):
    running, _ = server(path)
    assert running.url.startswith("wss://")
    run_vector(running.url, path, ssl=authority.trust())


@pytest.mark.parametrize("path", [path for path in CHOSEN if path in EVENT_FILES and path.stem.startswith("resume")],
                         ids=lambda path: path.stem)
def test_vector_over_event_streams_and_tls(path, server, authority):
    url = sse_url(server(path)[0].url)
    assert url.startswith("https://")
    run_vector(url, path, ssl=authority.trust())


@pytest.mark.parametrize("path", [path for path in CHOSEN if path.stem.startswith(("resume", "takeover", "room"))],
                         ids=lambda path: path.stem)
def test_vector_over_a_unix_socket(path, server):
    run_vector(server(path)[1], path)
