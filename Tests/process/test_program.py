"""The executable by itself."""
import subprocess

from conftest import WSCORE


def test_runs_where_there_is_no_swift():
    """It can be copied to a machine with the C libraries alone."""
    libraries = subprocess.run(["ldd", WSCORE], capture_output=True, text=True, check=True).stdout
    names = [line.split()[0] for line in libraries.splitlines()]
    assert "libc.so.6" in names
    assert not [name for name in names if "swift" in name.lower() or "Foundation" in name or "dispatch" in name]
    said = subprocess.run([WSCORE, "--version"], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"}, check=True)
    assert said.stdout.startswith("wscore ")
