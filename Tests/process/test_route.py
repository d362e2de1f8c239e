"""Events, credentials and lost sessions that backends are asked about: docs/BACKENDS.md."""
import json
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest
from conftest import WSCORE, eventually
from httpbackend import free_port, write_secret
from wsclient import Client, ServerError

OUTCOME = {"Content-Type": "application/vnd.wscore.outcome+json"}


@pytest.fixture
def connect():
    clients = []

    def connect(server, user="ann", **more):
        client = Client(server.url, user=user, **more)
        clients.append(client)
        client.connect()
        return client

    yield connect
    for client in clients:
        client.drop()


@pytest.fixture
def routed(start_server, start_backend, connect):
    """A client of a server whose events `order.*` go to a backend."""

    def make(answer, *arguments, **more):
        backend = start_backend(answer)
        server = start_server("--route", f"order.*={backend.url}/hook", *arguments)
        client = connect(server, **more)
        client.backend, client.server = backend, server
        return client

    return make


def refusal(client, event="order.create", payload=None, **more):
    with pytest.raises(ServerError) as caught:
        client.request(event, payload or {}, timeout=15, **more)
    return caught.value.payload


# The request


def test_a_backend_gets_the_event_and_its_answer_is_the_reply(routed):
    ann = routed(lambda call: (200, {"got": call.json["payload"], "wie": "größer"}))
    reply = ann.request("order.create", {"item": "tea", "n": 1.50}, ev=3, room="shop")
    assert reply == {"got": {"item": "tea", "n": 1.5}, "wie": "größer"}
    call = ann.backend.calls[0]
    assert (call.method, call.path) == ("POST", "/hook")
    assert call.headers["Content-Type"] == "application/json"
    assert call.headers["Idempotency-Key"] == call.json["id"]
    assert {name: value for name, value in call.json.items() if name != "id"} == {
        "event": "order.create", "ev": 3, "session": ann.sid, "user": "ann", "permissions": ["*"], "client_id": "c-1",
        "room": "shop", "payload": {"item": "tea", "n": 1.5}}
    assert call.json["id"] == f"{ann.sid}:{ann.epoch}:1"


def test_exact_beats_prefix_and_the_longest_prefix_wins(start_server, start_backend, connect):
    backend = start_backend(lambda call: (200, {"path": call.path}))
    routes = {"order.create": "exact", "order.*": "order", "order.item.*": "item", "*": "rest", "time": "time"}
    arguments = [word for name, path in routes.items() for word in ("--route", f"{name}={backend.url}/{path}")]
    ann = connect(start_server(*arguments))
    where = lambda event, **more: ann.request(event, {}, **more)["path"]
    assert where("order.create") == "/exact"
    assert where("order.create", ev=9) == "/exact"
    assert where("order.creates") == "/order"
    assert where("order.item.add") == "/item"
    assert where("orders") == "/rest"
    # A built-in event stays one unless it is named itself; an event for a room is routed and not published.
    assert ann.request("echo", {"a": 1}) == {"a": 1}
    assert where("time") == "/time"
    ann.join("lobby")
    assert where("chat", room="lobby") == "/rest"


def test_a_route_in_the_variable(start_server, start_backend, connect, environment):
    backend = start_backend(lambda call: (200, {"path": call.path}))
    routes = f"a.b={backend.url}/one c.*={backend.url}/two"
    ann = connect(start_server(env=environment | {"WSCORE_ROUTE": routes}))
    assert [ann.request(event, {})["path"] for event in ("a.b", "c.d")] == ["/one", "/two"]


def test_the_events_of_a_session_come_in_order(routed):
    ann = routed(lambda call: (time.sleep(0.01), (204, b""))[1])
    for number in range(20):
        ann.send("order.note", number)
    assert ann.request("order.note", 20) is None
    assert [call.json["payload"] for call in ann.backend.calls] == list(range(21))
    assert len({call.json["id"] for call in ann.backend.calls}) == 21


def test_events_of_a_simple_client_are_told_apart_whatever_its_ids_are(start_server, start_backend):
    backend = start_backend()
    server = start_server("--route", f"order.*={backend.url}/hook")
    from wswire import Wire
    wire = Wire(server.url, "wscore.v1.json")
    wire.send({"v": 1, "type": "hello", "payload": {"versions": [1]}})
    sid = wire.receive()["payload"]["sid"]
    for id in ("x 1", "x 1", None):
        wire.send({"v": 1, "type": "event", "event": "order.x", "payload": 1} | ({"id": id} if id else {}))
    eventually(lambda: len(backend.calls) == 3)
    ids = [call.json["id"] for call in backend.calls]
    assert all(re.fullmatch(rf"{sid}:once:[0-9a-f]{{32}}", id) for id in ids) and len(set(ids)) == 3
    assert [call.json.get("client_id") for call in backend.calls] == ["x 1", "x 1", None]
    wire.close()


# The outcomes


def test_no_content_answers_with_null(routed):
    ann = routed(lambda call: (204, b""))
    assert ann.request("order.create", {}) is None
    ann.backend.answer = lambda call: (200, b"")
    assert ann.request("order.create", {}) is None


def test_an_answer_may_publish(routed, connect):
    publish = {"room": "orders", "event": "order.created", "ev": 2, "payload": {"number": 7}}
    ann = routed(lambda call: (200, {"publish": publish}, OUTCOME))
    assert refusal(ann)["code"] == "room.not_joined"
    bob = connect(ann.server, user="bob")
    bob.join("orders")
    ann.join("orders")
    assert list(ann.request("order.create", {})) == ["pos"]
    event = bob.receive(type="event")
    assert (event["event"], event["ev"], event["from"], event["payload"]) == ("order.created", 2, ann.sid, {"number": 7})


def test_an_answer_may_go_to_others(routed, connect):
    ann = routed(lambda call: (200, {"direct": {"user": "bob", "event": "note", "payload": [1]}}, OUTCOME))
    assert refusal(ann)["code"] == "direct.unknown"
    bob = connect(ann.server, user="bob")
    assert ann.request("order.create", {}) == {"sessions": 1}
    assert bob.receive(type="event")["payload"] == [1]
    ann.backend.answer = lambda call: (200, {"direct": {"session": bob.sid, "event": "note", "payload": None}}, OUTCOME)
    assert ann.request("order.create", {}) == {"sessions": 1}


def test_an_answer_may_set_the_state_which_comes_with_the_next_event(routed):
    ann = routed(lambda call: (200, {"state": {"cart": [1, 2]}}, OUTCOME))
    assert "bytes" in ann.request("order.create", {})
    ann.backend.answer = lambda call: (200, {"reply": call.json.get("state")}, OUTCOME)
    assert ann.request("order.create", {}) == {"cart": [1, 2]}
    ann.backend.answer = lambda call: (200, {"error": {"code": "cart.full", "message": "no", "retry": "later",
                                                       "retry_after_ms": 5}}, OUTCOME)
    assert refusal(ann) == {"code": "cart.full", "message": "no", "retry": "later", "retry_after_ms": 5}


@pytest.mark.parametrize("answer", [
    {"reply": 1, "state": 2}, {"publish": None}, {"publish": {"room": "x"}}, {"unknown": 1}, [1],
    {"direct": {"event": "x", "payload": 1}}, {"publish": {"room": "x", "event": "Not A Name", "payload": 1}},
    {"error": {"message": "no code"}}, {"error": {"code": "UPPER"}}])
def test_a_wrong_outcome_is_a_failure(routed, answer):
    ann = routed(lambda call: (200, answer, OUTCOME))
    assert refusal(ann) == {"code": "handler.failed", "message": "the backend's answer cannot be used", "retry": "never"}


# The errors


@pytest.mark.parametrize("status, body, headers, expected", [
    (400, {"code": "order.empty", "message": "nothing in it", "more": 1}, {}, ("order.empty", "never", None)),
    (409, {"code": "order.closed", "retry": "same"}, {}, ("order.closed", "same", None)),
    (429, {"code": "order.often", "message": "wait", "retry": "later"}, {"Retry-After": "2"},
     ("order.often", "later", 2_000)),
    (400, {"message": "no code"}, {}, ("handler.failed", "never", None)),
    (404, b"<html>", {}, ("handler.failed", "never", None)),
    (401, b"", {}, ("handler.failed", "never", None)),
    (500, b"", {}, ("handler.failed", "later", None)),
    (503, b"", {}, ("handler.failed", "later", None)),
    (502, {"code": "x.y", "message": "z"}, {}, ("handler.failed", "later", None)),
    (200, b"{", {}, ("handler.failed", "never", None)),
    (200, b"1,2", {}, ("handler.failed", "never", None)),
    (200, b'"\xff"', {}, ("handler.failed", "never", None)),
    (200, b'{"a":1,"a":2}', {}, ("handler.failed", "never", None)),
    (200, b"[" * 64 + b"]" * 64, {}, ("handler.failed", "never", None)),
])
def test_what_a_status_means(routed, status, body, headers, expected):
    ann = routed(lambda call: (status, body, headers))
    error = refusal(ann)
    assert (error["code"], error["retry"], error.get("retry_after_ms")) == expected
    assert len(ann.backend.calls) == 1
    assert ann.request("echo", 1) == 1


def test_as_deep_as_an_envelope_can_hold(routed):
    ann = routed(lambda call: (200, b"[" * 63 + b"]" * 63))
    assert len(json.dumps(ann.request("order.create", {}))) == 126


def test_redirects_are_not_followed(routed, start_backend):
    other = start_backend()
    ann = routed(lambda call: (307, b"", {"Location": f"{other.url}/elsewhere"}))
    assert refusal(ann)["code"] == "handler.failed"
    assert other.calls == [] and len(ann.backend.calls) == 1


def hang(connection):
    time.sleep(30)


def close(connection):
    connection.close()


def cut_in_the_middle(connection):
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a":')
    connection.shutdown(socket.SHUT_RDWR)


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


def slow_head(connection):
    for byte in b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def slow_body(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"1\r\n1\r\n")
        time.sleep(0.05)


def no_http(connection):
    connection.sendall(b"220 mail.example.com ESMTP\r\n")
    connection.shutdown(socket.SHUT_RDWR)


def huge(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(64):
        connection.sendall(b"10000\r\n" + b" " * 65_536 + b"\r\n")
    connection.sendall(b"0\r\n\r\n")


def huge_head(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 10_000_000 + b"\r\n\r\n")


@pytest.mark.parametrize("fault, code, retry", [
    (hang, "handler.timeout", "later"), (slow_head, "handler.timeout", "later"), (slow_body, "handler.timeout", "later"),
    (close, "handler.failed", "later"), (cut_in_the_middle, "handler.failed", "later"), (reset, "handler.failed", "later"),
    (no_http, "handler.failed", "later"), (huge, "handler.failed", "never"), (huge_head, "handler.failed", "later")])
def test_a_backend_that_misbehaves_fails_one_event_only(routed, fault, code, retry):
    ann = routed(lambda call: fault, "--route-timeout", "700ms")
    error = refusal(ann)
    assert (error["code"], error["retry"]) == (code, retry)
    # It may have been processed: it was not sent again.
    assert len(ann.backend.calls) == 1
    ann.backend.answer = lambda call: (200, {"well": True})
    assert ann.request("order.create", {}) == {"well": True}


def test_nobody_listens(start_server, connect):
    server = start_server("--route", f"order.*=http://127.0.0.1:{free_port()}/hook")
    ann = connect(server)
    error = refusal(ann)
    assert (error["code"], error["retry"], error["retry_after_ms"]) == ("handler.unavailable", "later", 1_000)
    eventually(lambda: any("backend call failed" in line for line in server.lines))


def test_a_backend_that_comes_back_gets_the_event_once(start_server, start_backend, connect):
    port = free_port()
    server = start_server("--route", f"order.*=http://127.0.0.1:{port}/hook", "--route-retries", "20")
    ann = connect(server)
    started = []
    timer = threading.Timer(0.4, lambda: started.append(start_backend(lambda call: (200, "late"), port=port)))
    timer.start()
    assert ann.request("order.create", {}, timeout=15) == "late"
    assert len(started[0].calls) == 1


def test_a_backend_that_asks_to_wait_is_asked_again_with_the_same_id(routed):
    answers = [(503, b"", {"Retry-After": "0"}), (503, b"", {"Retry-After": "0"}), (200, "third")]
    ann = routed(lambda call: answers.pop(0))
    assert ann.request("order.create", {}) == "third"
    assert len({call.headers["Idempotency-Key"] for call in ann.backend.calls}) == 1
    ann.backend.answer = lambda call: (503, b"", {"Retry-After": "60"})
    assert refusal(ann) == {
        "code": "handler.unavailable", "message": "the backend cannot be reached; the event was not processed",
        "retry": "later", "retry_after_ms": 60_000}
    assert len(ann.backend.calls) == 4


def test_only_a_backend_that_knows_ids_is_sent_an_event_twice(routed):
    answers = [close, reset, (200, "third")]
    ann = routed(lambda call: answers.pop(0), "--route-retry", "idempotent")
    assert ann.request("order.create", {}) == "third"
    assert len({call.headers["Idempotency-Key"] for call in ann.backend.calls}) == 1


def test_what_broke_when_its_time_was_nearly_over_may_have_been_processed(routed):
    """There is no time for another try then, and nobody may say that nothing was done."""
    ann = routed(lambda call: (time.sleep(1.83), close)[1], "--route-retry", "idempotent", "--route-timeout", "2s")
    assert refusal(ann)["code"] in ("handler.timeout", "handler.failed")


# The bounds


def test_too_much_is_refused_at_once(start_server, start_backend, connect):
    free = threading.Event()
    backend = start_backend(lambda call: (free.wait(20), (200, "done"))[1])
    server = start_server(
        "--route", f"order.*={backend.url}/hook", "--route-concurrency", "2", "--route-queue", "1", "--route-timeout", "20s")
    clients = [connect(server, user=f"u{number}") for number in range(4)]
    for number, client in enumerate(clients[:3]):
        client.send("order.create", {}, id="x")
        eventually(lambda: len(backend.calls) == min(2, number + 1))
    # The third waits for a place: give it the time to get to the gate, which shows only from outside.
    time.sleep(0.2)
    error = refusal(clients[3])
    assert (error["code"], error["retry"], error["retry_after_ms"]) == ("server.busy", "later", 1_000)
    assert len(backend.calls) == 2
    free.set()
    assert [client.receive(type="reply")["payload"] for client in clients[:3]] == ["done"] * 3


def test_who_waits_too_long_for_a_place_was_not_processed(start_server, start_backend, connect):
    free = threading.Event()
    backend = start_backend(lambda call: (free.wait(20), (200, "done"))[1])
    server = start_server("--route", f"order.*={backend.url}/hook", "--route-concurrency", "1", "--route-timeout", "500ms")
    ann, bob = connect(server), connect(server, user="bob")
    ann.send("order.create", {}, id="x")
    eventually(lambda: backend.calls)
    time.sleep(0.1)
    bob.send("order.create", {}, id="x")
    codes = {who.receive(type="error")["payload"]["code"] for who in (ann, bob)}
    assert "handler.timeout" in codes
    free.set()


# Sessions that move meanwhile


def test_an_answer_that_comes_after_a_drop_is_replayed(routed):
    free = threading.Event()
    ann = routed(lambda call: (free.wait(20), (200, "kept"))[1], "--route-timeout", "20s")
    seq = ann.send("order.create", {}, id="mine")
    eventually(lambda: ann.backend.calls)
    ann.drop()
    time.sleep(0.2)
    free.set()
    welcome = ann.connect()
    assert welcome["resumed"]
    reply = ann.receive(type="reply")
    assert (reply["re"], reply["payload"]) == ("mine", "kept")
    eventually(lambda: ann.quiet(0.1) is not None and ann.acked >= seq)
    assert len(ann.backend.calls) == 1


def test_what_is_sent_again_after_a_resume_is_not_asked_again(routed):
    ann = routed(lambda call: (time.sleep(0.05), (200, call.json["payload"]))[1])
    for round in range(10):
        for number in range(3):
            ann.send("order.create", [round, number], id=f"r{round}-{number}")
        ann.drop()
        assert ann.connect()["resumed"]
    replies = [ann.receive(type="reply")["payload"] for _ in range(30)]
    assert replies == [[round, number] for round in range(10) for number in range(3)]
    assert len({call.json["id"] for call in ann.backend.calls}) == len(ann.backend.calls) == 30


PROCESS = """
import sys
sys.path.insert(0, sys.argv[2])
from httpbackend import Backend
backend = Backend(lambda call: (200, call.json["payload"]), port=int(sys.argv[1]))
print("up", flush=True)
sys.stdin.read()
"""


def start_process(port):
    process = subprocess.Popen(
        [sys.executable, "-c", PROCESS, str(port), str(pathlib.Path(__file__).parent)], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "up\n"
    return process


def test_every_event_is_answered_or_errored_when_backends_are_killed(start_server, connect):
    port = free_port()
    backend = start_process(port)
    server = start_server("--route", f"order.*=http://127.0.0.1:{port}/hook", "--route-concurrency", "8")
    clients = [connect(server, user=f"u{number}") for number in range(8)]
    outcomes = {client: {} for client in clients}

    def work(client):
        for number in range(150):
            client.send("order.create", number, id=f"n{number}")
        while len(outcomes[client]) < 150:
            message = client.receive(timeout=30)
            assert message["re"] not in outcomes[client], "answered twice"
            payload = message["payload"]
            outcomes[client][message["re"]] = payload if message["type"] == "reply" else payload["code"]

    threads = [threading.Thread(target=work, args=(client,)) for client in clients]
    try:
        for thread in threads:
            thread.start()
        for _ in range(2):
            time.sleep(0.3)
            backend.kill()
            backend.wait()
            backend = start_process(port)
        for thread in threads:
            thread.join(60)
    finally:
        backend.kill()
        backend.wait()
    for client in clients:
        found = outcomes[client]
        assert set(found) == {f"n{number}" for number in range(150)}
        for id, outcome in found.items():
            assert outcome == int(id[1:]) or outcome in ("handler.failed", "handler.unavailable"), (id, outcome)
    assert sum(outcome in ("handler.failed", "handler.unavailable") for c in clients for outcome in outcomes[c].values()) < 1200


# Authentication


def guard(call):
    known = {"tea-token": {"user": "ann", "permissions": ["join:tea"], "valid_for_ms": 60_000, "more": 1}}
    found = known.get(call.json["credential"])
    return (200, found) if found else (401, {"error": "no"})


def test_a_backend_says_who_a_client_is(start_server, start_backend):
    backend = start_backend(guard)
    server = start_server("--auth", "http", "--auth-url", f"{backend.url}/auth?secret=q")
    ann = Client(server.url, auth={"scheme": "token", "credential": "tea-token"})
    assert ann.connect()["principal"] == {"user": "ann", "permissions": ["join:tea"]} | {
        name: value for name, value in ann.welcome["principal"].items() if name not in ("user", "permissions")}
    ann.join("tea")
    with pytest.raises(ServerError, match="room.forbidden"):
        ann.join("coffee")
    call = backend.calls[0]
    assert call.path == "/auth?secret=q"
    assert call.json.keys() == {"scheme", "credential", "remote"}
    assert (call.json["scheme"], call.json["credential"]) == ("token", "tea-token")
    assert call.json["remote"].startswith("127.0.0.1:")
    assert "tea-token" not in call.path + str(call.headers)
    # Asked again at every resume.
    ann.drop()
    assert ann.connect()["resumed"] and len(backend.calls) == 2
    for auth in ({"scheme": "token", "credential": "wrong"}, None):
        with pytest.raises(ServerError) as caught:
            Client(server.url, auth=auth).connect()
        assert (caught.value.code, caught.value.retry, caught.value.close_code) == ("auth.failed", "reauth", 4503)
    assert backend.calls[-1].json["credential"] is None
    assert "tea-token" not in "".join(server.lines) and "secret=q" not in "".join(server.lines)
    ann.drop()


@pytest.mark.parametrize("answer", [
    (500, b""), (302, b"", {"Location": "http://127.0.0.1:1/"}), (200, b"{"), (200, {"user": ""}), (200, {}), (200, [1]),
    (200, {"user": "a\nb"}), (200, {"user": "x" * 129}), (200, {"user": "ann", "permissions": "join:*"}), (204, b""),
    (200, {"user": "ann", "valid_for_ms": -1}), hang, close, huge])
def test_a_backend_that_cannot_say_it_lets_nobody_in_and_the_client_comes_again(start_server, start_backend, answer):
    backend = start_backend(lambda call: answer)
    server = start_server("--auth-url", f"{backend.url}/auth", "--auth-timeout", "500ms")
    with pytest.raises(ServerError) as caught:
        Client(server.url, auth={"scheme": "token", "credential": "hush-hush"}).connect()
    assert (caught.value.code, caught.value.retry, caught.value.close_code) == ("server.error", "later", 4000)
    eventually(lambda: any("backend call failed" in line for line in server.lines))
    assert "hush-hush" not in "".join(server.lines)


def test_no_permission_is_none(start_server, start_backend):
    backend = start_backend(lambda call: (200, {"user": "ann"}))
    server = start_server("--auth-url", f"{backend.url}/auth")
    ann = Client(server.url)
    assert ann.connect()["principal"]["permissions"] == []
    with pytest.raises(ServerError, match="room.forbidden"):
        ann.join("coffee")
    ann.drop()


# Restoring


def test_a_session_that_is_gone_is_restored_by_a_backend(start_server, start_backend):
    backend = start_backend(lambda call: (200, {"state": {"cart": 3}, "rooms": ["tea"]}))
    ann = Client(start_server().url, user="ann")
    ann.connect()
    old = ann.sid
    ann.drop()
    ann.url = start_server("--restore-url", f"{backend.url}/restore").url
    welcome = ann.connect()
    assert not welcome["resumed"] and welcome["reason"] == "unknown"
    assert welcome["state"] == {"cart": 3} and [room["room"] for room in welcome["rooms"]] == ["tea"]
    assert backend.calls[0].json == {"session": old, "user": "ann", "permissions": ["*"]}
    assert ann.publish("tea", "chat", 1)
    ann.drop()


@pytest.mark.parametrize("answer", [
    (204, b""), (404, b"{}"), (500, b""), (200, b"{"), (200, {"rooms": "tea"}), (200, {"state": "x" * 5_000}), hang])
def test_without_an_answer_a_session_begins_empty(start_server, start_backend, answer):
    backend = start_backend(lambda call: answer)
    ann = Client(start_server().url, user="ann")
    ann.connect()
    ann.drop()
    ann.url = start_server("--restore-url", f"{backend.url}/restore", "--auth-timeout", "500ms").url
    welcome = ann.connect()
    assert not welcome["resumed"] and welcome["state"] is None and welcome["rooms"] == []
    assert len(backend.calls) == 1
    ann.drop()


# TLS, and what the operator gets wrong


@pytest.fixture
def authority(tmp_path):
    """A certificate of our own making for 127.0.0.1, which is its own authority."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem", "-subj", "/CN=test", "-addext",
         "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    return tmp_path / "cert.pem", tmp_path / "key.pem"


def test_https_with_an_authority_of_ones_own(start_server, start_backend, connect, authority):
    certificate, key = authority
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    backend = start_backend(lambda call: (200, "secure"), context=context)
    route = ("--route", f"order.*={backend.url}/hook")
    ann = connect(start_server(*route, "--backend-ca", str(certificate)))
    assert ann.request("order.create", {}) == "secure"
    # Without it nobody is trusted, and nothing is sent.
    bob = connect(start_server(*route, "--route-retries", "0"))
    assert refusal(bob)["code"] == "handler.unavailable"
    assert len(backend.calls) == 1


def test_a_backend_can_know_who_asks(start_server, start_backend, connect, tmp_path):
    secret = write_secret(tmp_path / "secret")
    backend = start_backend(lambda call: (200, call.headers.get("Authorization")))
    server = start_server("--route", f"order.*={backend.url}/hook", "--backend-secret-file", str(tmp_path / "secret"))
    assert connect(server).request("order.create", {}) == f"Bearer {secret}"
    assert secret not in "".join(server.lines)


@pytest.mark.parametrize("arguments, expected, status", [
    (["--route", "order.*"], "is not EVENT=URL", 64),
    (["--route", "Order=http://h/"], "is not EVENT=URL", 64),
    (["--route", "or*der=http://h/"], "is not EVENT=URL", 64),
    (["--route", "o=http://ann:hush@h/"], "user name or password", 64),
    (["--route", "o=ftp://h/"], "must begin with http://", 64),
    (["--route", "o=http://h/#x"], "fragment", 64),
    (["--route", "o=http://h/a", "--route", "o=http://h/b"], "twice", 64),
    (["--route-concurrency", "0"], "is not a number from 1", 64),
    (["--auth", "http"], "needs --auth-url", 64),
    (["--auth", "none", "--auth-url", "http://h/"], "contradict", 64),
    (["--auth-url", "http://h:99999/"], "port", 64),
    (["--backend-ca", "/nonexistent"], "cannot read /nonexistent", 78),
    (["--api-listen", "127.0.0.1:0"], "needs --api-secret-file", 64),
    (["--api-secret-file", "/x"], "without effect", 64),
    (["--api-listen", "127.0.0.1:0", "--api-secret-file", "/nonexistent"], "cannot be read", 78),
])
def test_mistakes_of_the_operator(arguments, expected, status):
    run = subprocess.run(
        [WSCORE, "serve", "--listen", "127.0.0.1:0", "--admin-socket", "none", *arguments], capture_output=True, text=True,
        timeout=20)
    assert (run.returncode, expected in run.stderr) == (status, True), run.stderr
    assert "hush" not in run.stderr
    assert run.stdout == "" and "listening" not in run.stderr
