"""`serve --schemas` and `--deprecate` over real sockets."""
import json
import subprocess

import pytest

from conftest import WSCORE, eventually
from wsclient import Client, ServerError
from wsraw import session

ORDER = {
    "type": "object", "required": ["items"], "additionalProperties": False,
    "properties": {"items": {"type": "array", "uniqueItems": True, "items": {"$ref": "Item.json"}},
                   "code": {"pattern": "^(a+)+$"}},
}
ITEM = {"type": "object", "properties": {"qty": {"type": "integer", "minimum": 1}}}


@pytest.fixture
def schemas(tmp_path):
    """Writes schema files; their directory."""
    directory = tmp_path / "schemas"
    directory.mkdir()

    def write(**files):
        for name, schema in files.items():
            text = schema if isinstance(schema, str) else json.dumps(schema)
            (directory / f"{name.replace('__', '.')}.json").write_text(text)
        return directory

    return write


def refused(*arguments, env=None):
    """What `serve` writes when it does not start."""
    result = subprocess.run([WSCORE, "serve", "--listen", "127.0.0.1:0", "--admin-socket", "none", *arguments],
                            capture_output=True, text=True, timeout=20, env=env)
    return result.returncode, result.stderr


def fault(client, *arguments, **options):
    with pytest.raises(ServerError) as raised:
        client.request(*arguments, **options)
    return raised.value


def connected(server, **hello):
    client = Client(server.url, user="ann", **hello)
    client.connect()
    return client


def test_an_invalid_payload_reaches_nobody(start_server, schemas):
    server = start_server("--schemas", str(schemas(order__new=ORDER, Item=ITEM)))
    ann, bob = connected(server), connected(server)
    ann.join("r"), bob.join("r")
    error = fault(ann, "order.new", {"items": [{"qty": 1}, {"qty": "2"}]}, room="r")
    assert error.code == "payload.invalid" and error.payload["path"] == "/items/1/qty"
    assert error.payload["message"] == "/items/1/qty: an integer expected, not a string" and error.retry == "never"
    assert fault(ann, "order.new", {}, room="r").payload["path"] == ""
    assert "\"items\" is missing" in fault(ann, "order.new", {}, room="r").payload["message"]
    ann.publish("r", "order.new", {"items": []})
    # The first that bob hears of is the one that was valid.
    event = bob.receive(type="event")
    assert event["payload"] == {"items": []} and event["pos"][1] == 1
    assert not ann.unacked, "messages that were refused are processed"


def test_a_transient_event_is_judged_too(start_server, schemas):
    server = start_server("--schemas", str(schemas(order__new=ORDER, Item=ITEM)))
    ann, bob = connected(server), connected(server)
    ann.join("r"), bob.join("r")
    ann.send("order.new", {"items": 1}, room="r", transient=True)
    ann.send("order.new", {"items": []}, room="r", transient=True)
    assert bob.receive(type="event")["payload"] == {"items": []}


@pytest.mark.parametrize("files, told", [
    ({"chat": '{"typ":"string"}'}, ['chat.json#/typ: "typ" is no keyword that is supported', 'Did you mean "type"?']),
    ({"chat": '{\n  "type": "string",\n}'}, ["chat.json:3:1: not JSON: expected '\"'"]),
    ({"a": '{"$ref":"#"}'}, ["a.json#: comes back to itself"]),
    ({"a": '{"typ":"string"}', "b": '{"pattern":"(?=a)"}'},
     ["a.json#/typ", "b.json#/pattern: the pattern \"(?=a)\" looks ahead", "errors, nothing started"]),
    ({"Unused": "true"}, ["Unused.json: is not EVENT.json or EVENT@VERSION.json, and no other file refers to it"]),
    ({"deep": '{"not":' * 100 + "true" + "}" * 100}, ["deep.json:1:449: not JSON: nested deeper than 64"]),
    ({"a": '{"items":{"unevaluatedItems":false}}'}, ["a.json#/items/unevaluatedItems:"]),
    ({}, ["no file is EVENT.json or EVENT@VERSION.json"]),
])
def test_a_bad_schema_is_refused_at_the_start(schemas, environment, files, told):
    status, text = refused("--schemas", str(schemas(**files)), env=environment)
    assert status == 78
    for words in told:
        assert words in text


def test_a_directory_that_is_not_there(environment):
    status, text = refused("--schemas", "/nowhere", env=environment)
    assert status == 78 and "cannot read the directory /nowhere: No such file or directory" in text


def test_strict_needs_schemas(environment):
    status, text = refused("--schemas-strict", env=environment)
    assert status == 64 and "--schemas-strict needs --schemas DIRECTORY" in text
    status, text = refused(env=environment | {"WSCORE_SCHEMAS_STRICT": "true"})
    assert status == 78


@pytest.mark.parametrize("text", ["v1", "v3=2027-01-01", "v1=soon", "v1=2027-13-01", "Chat@1=2027-01-01", "chat=2027-01-01",
                                  "chat@0=2027-01-01", "v1=2027-01-01;v1=2028-01-01"])
def test_a_deprecation_has_its_form(environment, text):
    status, told = refused("--deprecate", text, env=environment)
    assert status == 64 and "--deprecate" in told


def test_hostile_payloads_are_judged_in_bounded_work(start_server, schemas):
    server = start_server("--schemas", str(schemas(order__new=ORDER, Item=ITEM)), "--max-message-bytes", "4MiB",
                          "--loops", "1")
    ann = connected(server, window={"messages": 256, "bytes": 1 << 24})
    ann.join("r")
    many = [{"qty": number} for number in range(1, 100_000)]
    error = fault(ann, "order.new", {"items": many + [{"qty": 7}]}, room="r", timeout=60)
    assert error.payload["path"] == f"/items/{len(many)}"
    # A backtracking engine would try 2^50000 ways.
    error = fault(ann, "order.new", {"items": [], "code": "a" * 50_000 + "!"}, room="r", timeout=60)
    assert error.payload["path"] == "/code"
    assert len(error.payload["message"]) < 200
    deep = json.loads("[" * 60 + "]" * 60)
    assert fault(ann, "order.new", {"items": deep}, room="r").payload["path"] == "/items/0"
    assert ann.request("echo", "still there") == "still there"


def test_steps_are_bounded(start_server, schemas):
    server = start_server("--schemas", str(schemas(list={"items": {"type": "integer"}})), "--schema-steps", "1000")
    ann = connected(server)
    ann.join("r")
    ann.publish("r", "list", list(range(900)))
    assert "more steps" in fault(ann, "list", list(range(1100)), room="r").payload["message"]


def test_files_that_are_no_schemas_are_told(start_server, schemas):
    directory = schemas(chat={"type": "string"})
    (directory / "README.md").write_text("about these")
    (directory / ".hidden").write_text("not mentioned")
    server = start_server("--schemas", str(directory))
    eventually(lambda: any("passed over" in line for line in server.lines))
    assert not any("hidden" in line for line in server.lines)


def test_deprecations_are_announced_and_counted(start_server, environment, tmp_path):
    socket = str(tmp_path / "admin.sock")
    server = start_server("--admin-socket", socket, "--deprecate", "v1=2027-01-01 use version 2",
                          "--deprecate", "chat.send@1=2026-12-31")
    ann = connected(server)
    assert ann.welcome["deprecations"] == ["chat.send@1 until 2026-12-31"]
    assert connected(server, events={"chat.send": 2}).welcome["deprecations"] == []
    ann.join("r")
    for _ in range(3):
        ann.publish("r", "chat.send", 1)
    ann.request("chat.send", 1, room="r", ev=2)

    def inspect(*words):
        return subprocess.run([WSCORE, "inspect", *words], capture_output=True, text=True, timeout=20,
                              env=environment | {"WSCORE_ADMIN_SOCKET": socket}).stdout

    stats = json.loads(inspect("stats", "--format", "json"))
    assert stats["deprecated"] == {"v1": 0, "chat.send@1": 3}
    assert stats["versions"]["2"] >= 5 and stats["versions"]["1"] == 0
    metrics = inspect("metrics")
    assert 'wscore_deprecated_uses_total{subject="chat.send@1"} 3' in metrics
    assert 'wscore_version_messages_total{version="1"} 0' in metrics


def test_several_deprecations_in_the_variable(start_server, environment):
    server = start_server(env=environment | {"WSCORE_DEPRECATE": "v2=2030-01-01 soon; a@1=2030-01-01"})
    assert connected(server).welcome["deprecations"] == ["v2 until 2030-01-01: soon", "a@1 until 2030-01-01"]


def test_a_number_of_the_least_exponent_is_a_number(start_server, schemas):
    """It stopped the server."""
    server = start_server("--schemas", str(schemas(num={"properties": {"n": {"type": "integer", "minimum": 0}}})))
    with session(server.url) as raw:
        raw.say({"v": 2, "seq": 1, "type": "join", "room": "r", "payload": {}})
        for seq, exponent in enumerate((-2**63, 2**63 - 1, -2**63 + 1), 2):
            raw.say('{"v":2,"seq":%d,"type":"event","event":"num","id":"n","room":"r","payload":{"n":1e%d}}' % (seq, exponent))
            assert raw.receive("error")["payload"]["path"] == "/n"
