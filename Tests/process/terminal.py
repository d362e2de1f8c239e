"""A program on a terminal that we can look at: pexpect runs it, pyte is the screen."""
import re
import time

import pexpect
import pyte


class Terminal:
    def __init__(self, command, arguments, env, columns=80, rows=24):
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.child = pexpect.spawn(command, arguments, env=env, dimensions=(rows, columns), timeout=10, echo=True)

    def read(self, seconds=0.05):
        """Takes what comes within the time."""
        try:
            data = self.child.read_nonblocking(65536, seconds)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return
        self.raw += data
        self.stream.feed(data)

    @property
    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self):
        return "\n".join(self.lines).rstrip()

    @property
    def cursor_line(self):
        return self.lines[self.screen.cursor.y]

    def wait(self, pattern, timeout=10):
        """Until the pattern stands on the screen; returns the match."""
        end = time.monotonic() + timeout
        while True:
            found = re.search(pattern, self.text, re.M)
            if found:
                return found
            assert time.monotonic() < end, f"no {pattern!r} on the screen:\n{self.text}"
            self.read()

    def settle(self, quiet=0.3):
        """Until nothing has come for a while."""
        end = time.monotonic() + quiet
        while time.monotonic() < end:
            before = len(self.raw)
            self.read()
            if len(self.raw) != before:
                end = time.monotonic() + quiet
        return self

    def send(self, text):
        self.child.send(text)
        return self

    def enter(self, line):
        return self.send(line + "\r")

    def resize(self, columns, rows=24):
        self.child.setwinsize(rows, columns)
        self.screen.resize(rows, columns)

    def end(self, timeout=10):
        """Waits for the end of the program; its exit status, or minus its signal."""
        end = time.monotonic() + timeout
        while self.child.isalive():
            assert time.monotonic() < end, f"still running:\n{self.text}"
            self.read()
        self.read()
        return self.child.exitstatus if self.child.signalstatus is None else -self.child.signalstatus

    def close(self):
        self.child.close(force=True)
