"""The quick cases of the Autobahn testsuite; `make conformance` runs all of them. Skipped where the suite cannot be
installed: test_raw_echo.py holds the same ground with cases of our own."""
import subprocess

import pytest

from conftest import ROOT, WSCORE

TOOLS = ROOT / "tools/conformance"
CASES = "1.*,2.*,3.*,4.*,5.*,6.1.*,6.2.*,6.3.*,6.4.*,7.*,10.*"
# Compression of small messages, and each set of its parameters.
CASES += ",12.1.1,12.2.1,12.3.1" + "".join(f",13.{part}.1" for part in range(1, 8))


@pytest.fixture(scope="module")
def suite():
    try:
        setup = subprocess.run([str(TOOLS / "setup.sh")], capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        pytest.skip("the Autobahn testsuite takes too long to install")
    if setup.returncode == 69:
        pytest.skip(setup.stderr.strip().splitlines()[-1])
    assert setup.returncode == 0, setup.stderr


def test_quick_cases(suite, tmp_path):
    runs = {
        side: subprocess.Popen(
            ["python3", str(TOOLS / "run.py"), "--side", side, "--cases", CASES, "--program", WSCORE,
             "--reports", str(tmp_path / side), "--limit", "60"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for side in ("server", "client")
    }
    for side, run in runs.items():
        said, _ = run.communicate(timeout=400)
        assert run.returncode == 0, f"{side}:\n{said}"
