"""One measurement, and the order of all: servers in turn, so that what changes on the machine meets each of them."""
import json
import shlex
import subprocess
import sys

from servers import Running

TIMEOUT_S = 300


class Runner:
    def __init__(self, arguments, loader, logs):
        self.arguments, self.loader, self.logs = arguments, loader, logs
        logs.mkdir(parents=True, exist_ok=True)

    def run(self, scenarios, servers):
        """Results by scenario and server, a list in order of the repetitions."""
        results = {}
        for repetition in range(self.arguments.reps):
            for position, scenario in enumerate(scenarios):
                taking = [(s, s.work_for(scenario)) for s in servers if s.work_for(scenario)]
                first = (repetition * 3 + position) % max(1, len(taking))  # another order each time
                for server, work in taking[first:] + taking[:first]:
                    result = self._measure_undisturbed(scenario, server, work)
                    results.setdefault(scenario.id, {}).setdefault(server.name, []).append(result)
                    self._say(repetition, scenario, server, result)
        return results

    def _measure_undisturbed(self, scenario, server, work):
        for _ in range(1 + self.arguments.retries):
            result = self._measure(scenario, server, work)
            if not result["ok"] or foreign(result) < self.arguments.foreign:
                break
        return result

    def _measure(self, scenario, server, work):
        name = "".join(c if c.isalnum() else "_" for c in server.name)
        try:
            with open(self.logs / f"{name}.log", "ab") as log:
                running = Running(server, self.arguments.server_core, log)
                try:
                    if scenario.mode == "load":
                        return self._load(running, server)
                    return self._wsload(scenario, server, work, running)
                finally:
                    running.stop()
        except (RuntimeError, OSError, ValueError, subprocess.TimeoutExpired) as fault:
            return {"ok": False, "fault": str(fault)[-400:]}

    def _wsload(self, scenario, server, work, running):
        a = self.arguments
        command = [
            "taskset", "-c", a.loader_core, str(self.loader), scenario.mode, "--port", str(running.port), "--cpu", a.loader_core,
            "--pid", str(running.pid), "--server-cpu", a.server_core, "--size", str(scenario.size),
            "--duration", str(a.seconds), "--warmup", str(a.warmup), *shlex.split(scenario.arguments),
            *server.arguments_for(work, scenario.size)]
        if server.counter:
            command += ["--counter", str(server.counter)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
        result = json.loads(done.stdout) if done.stdout.strip() else {"ok": False}
        if not result["ok"]:
            result["fault"] = done.stderr[-400:].strip() or "the load generator gave no reason"
        return result

    def _load(self, running, server):
        """The program's own load generator, at the rate of the target."""
        a = self.arguments
        command = [
            "taskset", "-c", a.loader_core, server.command[0], "load", f"ws://127.0.0.1:{running.port}/ws", "--sessions", "15000",
            "--rooms", "375", "--rate", "5100/s", "--duration", f"{max(3, round(a.seconds))}s", "--json", "--progress", "off"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
        report = json.loads(done.stdout.splitlines()[-1])
        report["ok"] = report["verdict"] in ("ok", "invalid")
        report["per_s"] = report["delivered"] / report["duration_s"]
        if not report["ok"]:
            report["fault"] = f"the verdict is {report['verdict']}"
        return report

    def _say(self, repetition, scenario, server, result):
        if not result["ok"]:
            text = "FAILED: " + result.get("fault", "")
        else:
            keys = ("per_s", "per_cpu_s", "server_cpu_pct", "server_core_busy_pct", "loader_cpu_pct", "rss_per_conn",
                    "counted_per_message", "verdict")
            text = " ".join(f"{key}={result[key]}" for key in keys if key in result)
        print(f"[{repetition + 1}/{self.arguments.reps}] {scenario.id:20} {server.name:18} {text}", file=sys.stderr, flush=True)


def foreign(result):
    """Percent of the server's core that went to other work."""
    return result.get("server_core_busy_pct", 0) - result.get("server_cpu_pct", 0)
