#!/usr/bin/env python3
"""Runs the transcripts of Tests/Vectors against a server; Tests/Vectors/README.md defines them.

    python3 wsvectors.py ws://127.0.0.1:8080/ws ../Vectors/*.json
"""
import argparse
import json
import pathlib
import secrets
import sys
import time

from transports import open_wire
from wswire import Closed, ProtocolFault, encode

PASSED_OVER = {"ack", "ping", "live"}


class VectorFailure(AssertionError):
    pass


def load_vector(path):
    return json.loads(pathlib.Path(path).read_text())


def match(pattern, value, variables, path="message"):
    """Compares a message with a pattern and binds variables. Returns None, or what differs."""
    if isinstance(pattern, dict):
        if not isinstance(value, dict):
            return f"{path}: an object expected, not {value!r}"
        return _match_members(pattern, value, variables, path)
    if isinstance(pattern, list):
        if not isinstance(value, list) or len(value) != len(pattern):
            return f"{path}: {pattern!r} expected, not {value!r}"
        pairs = enumerate(zip(pattern, value))
        return next((bad for i, (p, v) in pairs if (bad := match(p, v, variables, f"{path}[{i}]"))), None)
    if pattern == "*":
        return None
    if isinstance(pattern, str) and pattern.startswith("$"):
        if pattern not in variables:
            variables[pattern] = value
            return None
        pattern = variables[pattern]
    same = pattern == value and isinstance(pattern, bool) == isinstance(value, bool)
    return None if same else f"{path}: {pattern!r} expected, not {value!r}"


def _match_members(pattern, value, variables, path):
    for key, expected in pattern.items():
        if expected == {"$absent": True}:
            if key in value:
                return f"{path}.{key}: must be absent, is {value[key]!r}"
        elif key not in value:
            return f"{path}.{key}: is absent"
        elif bad := match(expected, value[key], variables, f"{path}.{key}"):
            return bad
    return None


def substitute(template, variables):
    if isinstance(template, dict):
        return {substitute(key, variables): substitute(value, variables) for key, value in template.items()}
    if isinstance(template, list):
        return [substitute(value, variables) for value in template]
    if isinstance(template, str) and template.startswith("$"):
        return variables[template]
    return template


class VectorRun:
    """One run of one transcript against a server: Tests/Vectors/README.md."""

    def __init__(self, url, vector, timeout=5, **options):
        self.url, self.vector, self.timeout, self.options = url, vector, timeout, options
        self.wires = {}
        self.variables = {f"${name}": f"{name}-{secrets.token_hex(6)}" for name in vector.get("fresh", [])}

    def run(self):
        try:
            for index, step in enumerate(self.vector["steps"]):
                try:
                    self._step(step)
                except (Closed, TimeoutError, VectorFailure, ProtocolFault) as fault:
                    where = f"{self.vector['name']}, step {index + 1}: {encode(step)[:300]}"
                    raise VectorFailure(f"{where}\n  {fault or type(fault).__name__}") from None
        finally:
            for wire in self.wires.values():
                wire.drop("fin")

    def _step(self, step):
        kind = next(iter(step))
        if kind == "advance_ms":
            time.sleep(step[kind] / 1000)
            return
        if kind == "connect":
            return self._connect(step["connect"], step.get("subprotocol"))
        if kind not in ("send", "receive", "closed", "drop"):
            raise VectorFailure(f"unknown step {kind}")
        wire = self.wires[step[kind]]
        if kind == "send":
            wire.send_text(step["text"] if "text" in step else encode(substitute(step["message"], self.variables)))
        elif kind == "receive":
            self._receive(wire, step["message"])
        elif kind == "closed":
            self._expect_close(wire, step["code"])
        else:
            self.wires.pop(step[kind]).drop()

    def _connect(self, name, subprotocol):
        if old := self.wires.pop(name, None):
            old.drop("fin")
        self.wires[name] = open_wire(self.url, subprotocol, **self.options)
        if subprotocol and self.wires[name].subprotocol != subprotocol:
            raise VectorFailure(f"the server did not echo {subprotocol}")

    def _receive(self, wire, pattern):
        deadline = time.monotonic() + self.timeout
        skipped = PASSED_OVER - {pattern.get("type")}
        while True:
            message = wire.receive(max(0, deadline - time.monotonic()))
            if message["type"] not in skipped:
                break
        if bad := match(pattern, message, self.variables):
            raise VectorFailure(f"{bad}\n  received: {encode(message)[:600]}")

    def _expect_close(self, wire, code):
        deadline = time.monotonic() + self.timeout
        while True:
            try:
                message = wire.receive(max(0, deadline - time.monotonic()))
            except Closed as end:
                if end.code != code:
                    raise VectorFailure(f"close code {code} expected, not {end.code}") from None
                return
            if message["type"] not in PASSED_OVER:
                raise VectorFailure(f"a close expected, received: {encode(message)[:600]}")


def run_vector(url, path, timeout=5, **options):
    """Runs one file of Tests/Vectors. Raises VectorFailure. Its `settings` are the caller's business; `options` are for
    `open_wire`."""
    VectorRun(url, load_vector(path), timeout, **options).run()


def main():
    parser = argparse.ArgumentParser(description="Runs transcripts of Tests/Vectors against a server.")
    parser.add_argument("url")
    parser.add_argument("vectors", nargs="+")
    parser.add_argument("--with-settings", action="store_true", help="run also files that need settings")
    arguments = parser.parse_args()
    failures = 0
    for path in arguments.vectors:
        vector = load_vector(path)
        if vector.get("settings") and not arguments.with_settings:
            print(f"skip {vector['name']}: needs {encode(vector['settings'])}")
            continue
        try:
            run_vector(arguments.url, path)
            print(f"ok   {vector['name']}")
        except VectorFailure as failure:
            failures += 1
            print(f"FAIL {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
