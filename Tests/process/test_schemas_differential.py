"""The validator of `serve --schemas` against Python's `jsonschema`: thousands of pairs from a seed, one verdict.

    WSCORE_SCHEMA_SEED=7 WSCORE_SCHEMA_COUNT=2000 pytest test_schemas_differential.py
"""
import json
import os

import pytest

from conftest import Server
from schema_cases import Cases
from wswire import Wire

SEED = int(os.environ.get("WSCORE_SCHEMA_SEED", "20261125"))
COUNT = int(os.environ.get("WSCORE_SCHEMA_COUNT", "400"))
VALUES_EACH = 12


def judged(url, cases):
    """What the server says of each value: an event without a handler and a room is unknown, but judged before."""
    wire = Wire(url, "wscore.v1.json")
    wire.send({"v": 1, "type": "hello", "payload": {"versions": [1]}})
    assert wire.receive()["type"] == "welcome"
    verdicts = {}
    for index, (_, values) in enumerate(cases):
        for number, (value, _) in enumerate(values):
            wire.send_text(f'{{"v":1,"type":"event","event":"s{index}","id":"{index}.{number}","payload":{value}}}')
        for _ in values:
            message = wire.receive(30)
            verdicts[message["re"]] = message["payload"]
    wire.drop("fin")
    return verdicts


@pytest.mark.parametrize("part", range(4))
def test_one_verdict(part, tmp_path):
    cases = list(Cases(SEED + part).pairs(COUNT // 4, VALUES_EACH))
    for index, (schema, _) in enumerate(cases):
        (tmp_path / f"s{index}.json").write_text(schema)
    server = Server("--schemas", str(tmp_path), "--loops", "1")
    try:
        answers = judged(server.url, cases)
    finally:
        server.stop()
    differ, valid_count = [], 0
    for index, (schema, values) in enumerate(cases):
        for number, (value, is_valid) in enumerate(values):
            answer = answers[f"{index}.{number}"]
            assert answer["code"] in ("payload.invalid", "event.unknown"), answer
            valid_count += is_valid
            if (answer["code"] == "event.unknown") != is_valid:
                differ.append(f"{schema}\n  {value}: jsonschema says {is_valid}, wscore {json.dumps(answer)}")
    assert not differ, f"{len(differ)} of {len(answers)} differ (seed {SEED + part}):\n" + "\n".join(differ[:5])
    # Neither all valid nor all invalid: else nothing would be shown.
    assert len(answers) * 0.15 < valid_count < len(answers) * 0.85
