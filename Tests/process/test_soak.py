"""tools/soak.py in small: every fault for a few seconds, nothing left, and a verdict that can fail."""
import csv
import os
import subprocess
import sys
import types

import pytest

from conftest import ROOT

sys.path.append(str(ROOT / "tools"))
from soak import judge  # noqa: E402


def soak(tmp_path, *arguments):
    file = tmp_path / "soak.csv"
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "soak.py"), "--minutes", "0.1", "--sessions", "80", "--round-seconds", "14",
         "--warm-up-rounds", "1", "--interval", "2", "--csv", str(file), *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240)
    return done, list(csv.DictReader(file.open()))


def verdicts(text):
    """What was judged, without what was read and without the last line, which sums all of it up."""
    return {line.split(":")[0][8:]: line.startswith("ok") for line in text.splitlines() if line[:8] in ("ok      ", "FAILED  ")}


def test_a_verdict_is_a_line_of_its_own():
    text = "FAILED  memory: 2 KiB after\nok      descriptors: 3 at the start\n\nFAILED; the samples are in soak.csv\n"
    assert verdicts(text) == {"memory": False, "descriptors": True}


def test_a_short_soak(tmp_path):
    """Memory is not judged: in a minute the allocator is not yet at rest. Everything else is."""
    done, rows = soak(tmp_path)
    judged = verdicts(done.stdout)
    judged.pop("memory")
    assert judged and all(judged.values()), done.stdout + done.stderr
    for name in ("descriptors", "connections", "active", "suspended", "rooms", "timers", "outbox_bytes", "loss", "end",
                 "fault kick", "fault black hole", "fault events", "fault deflate"):
        assert name in judged
    # It was not an idle server that was looked at.
    assert max(int(row["active"]) for row in rows) >= 80 and max(int(row["timers"]) for row in rows) > 80
    assert int(rows[-1]["active"]) == 0 and int(rows[-1]["resumes"]) > 80


QUIET = {"rss_kib": 100_000, "descriptors": 20, "threads": 8, "connections": 0, "active": 0, "suspended": 0, "rooms": 0,
         "timers": 0, "outbox_bytes": 0}


def judged(losses=(), counts=None, failure=None, **last):
    churn = types.SimpleNamespace(losses=list(losses), messages=10, counts=counts or {"kick": 3})
    return judge(QUIET, QUIET, QUIET | last, churn, types.SimpleNamespace(failure=failure)).failed


def test_a_quiet_server_passes():
    assert not judged() and not judged(rss_kib=104_900) and not judged(rss_kib=50_000)


@pytest.mark.parametrize("last", [
    {"rss_kib": 105_100}, {"descriptors": 21}, {"threads": 9 + os.cpu_count()}, {"connections": 1}, {"active": 1}, {"suspended": 1},
    {"rooms": 1}, {"timers": 1}, {"outbox_bytes": 1}, {"losses": ["1 lost"]}, {"counts": {"kick": 0}},
    {"failure": "no answer"}], ids=str)
def test_what_is_left_behind_fails(last):
    assert judged(**last)
