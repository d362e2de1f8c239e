"""The machine and the versions, for the head of a report."""
import os
import pathlib
import platform
import subprocess

from build import ROOT


def text_of(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "unknown"


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def memory_gib():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)


def revision():
    # What is measured may differ from what is committed, and then the report says so.
    commit = text_of("git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD")
    changes = subprocess.run(["git", "-C", str(ROOT), "status", "--porcelain", "Sources", "Package.swift"], capture_output=True, text=True)
    return commit + (" with changes" if changes.stdout.strip() else "")


def lines(versions):
    yield f"- machine: {processor()}, {os.cpu_count()} cores, {memory_gib():.0f} GiB, Linux {platform.release()}"
    yield f"- wscore {revision()}, {text_of('swift', '--version')}"
    for name, version in versions.items():
        yield f"- {name}: {version}"
