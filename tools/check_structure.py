#!/usr/bin/env python3
"""Holds the house to its plan: imports point one way, pure modules stay pure, no file grows too long.

Exit code 0 if all holds; 1 with one line for each fault.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAX_LINES = 500

# The modules of ours that each module may import, and nothing else of ours.
ARROWS = {
    "WebSocketFrames": set(),
    "SessionCore": set(),
    "JSONSchemas": {"SessionCore"},
    "SessionTLS": set(),
    "SessionClient": {"SessionCore", "SessionTLS", "SocketReactor", "WebSocketFrames"},
    "SocketReactor": set(),
    "SessionServer": {"SessionCore", "SessionTLS", "SocketReactor", "WebSocketFrames"},
    "SessionHTTP": {"SessionCore", "SessionServer", "WebSocketFrames"},
    "SessionJWT": {"SessionCore", "SessionServer"},
    "SessionSimulator": {"SessionCore"},
    "wscore": {
        "JSONSchemas",
        "SessionClient",
        "SessionCore",
        "SessionHTTP",
        "SessionJWT",
        "SessionServer",
        "SocketReactor",
        "WebSocketFrames",
    },
    "Program": {"wscore"},
    # Of the package Simulation.
    "simulate": {"SessionCore", "SessionSimulator"},
    # Of the package Fuzzing.
    "FuzzSupport": set(),
    "FrameReading": {"WebSocketFrames"},
    "FuzzFrames": {"FrameReading", "FuzzSupport", "WebSocketFrames"},
    "FuzzNIO": {"FrameReading", "FuzzSupport", "WebSocketFrames"},
    "FuzzSessions": {"FuzzSupport", "JSONSchemas", "SessionCore", "SessionSimulator"},
}
SOURCES = [ROOT / "Sources", ROOT / "Fuzzing" / "Sources", ROOT / "Simulation" / "Sources"]
# Modules that import the standard library and swift-collections only, and read no clock.
PURE = {"WebSocketFrames", "SessionCore", "JSONSchemas"}
# zlib is a function from bytes to bytes; a prefetch changes nothing that can be seen.
PURE_MAY_IMPORT = {"DequeModule", "HeapModule", "BasicContainers", "CPrefetch", "CZlib"}
CLOCKS = re.compile(r"\b(ContinuousClock|SuspendingClock|SystemRandomNumberGenerator|clock_gettime|\.random\(in:[^,)]*\))")
IMPORT = re.compile(r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:package |public |internal |private )?import\s+(?:struct |class |enum |func |protocol )?(\w+)", re.M)


def faults():
    for sources, path in ((sources, path) for sources in SOURCES for path in sorted(sources.glob("**/*.swift"))):
        module = path.relative_to(sources).parts[0]
        text, name = path.read_text(), path.relative_to(ROOT)
        lines = text.count("\n")
        if lines > MAX_LINES:
            yield f"{name}: {lines} lines, {MAX_LINES} at most"
        if module not in ARROWS:
            yield f"{name}: module {module} is not in the plan (tools/check_structure.py)"
            continue
        for imported in IMPORT.findall(text):
            if imported in ARROWS and imported not in ARROWS[module]:
                yield f"{name}: {module} must not import {imported}"
            if module in PURE and imported not in PURE_MAY_IMPORT | ARROWS[module]:
                yield f"{name}: {module} is pure and must not import {imported}"
        if module in PURE and (found := CLOCKS.search(text)):
            yield f"{name}: {module} is pure and must not use {found.group(1)}"
    for path in sorted(ROOT.glob("Benchmarks/**/*")):
        if path.suffix in {".swift", ".c", ".h", ".cpp", ".py", ".go", ".js"} and (lines := path.read_text().count("\n")) > MAX_LINES:
            yield f"{path.relative_to(ROOT)}: {lines} lines, {MAX_LINES} at most"


found = list(faults())
print("\n".join(found) if found else "structure: the imports point one way, every file is short")
sys.exit(1 if found else 0)
