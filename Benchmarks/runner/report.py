"""The tables, in Markdown: the same on the terminal and in RESULTS.md."""


def number(value, digits=0):
    return "–" if value is None else f"{value:,.{digits}f}"


def plus_minus(percent):
    return "" if percent is None else f" ±{percent:.0f} %"


def table(head, rows):
    yield "| " + " | ".join(head) + " |"
    yield "| --- |" + " ---: |" * (len(head) - 1)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


class Report:
    def __init__(self, figures, scenarios, servers):
        self.figures, self.servers = figures, servers
        self.scenarios = [s for s in scenarios if s.id in figures.results]

    def lines(self):
        yield from self._targets()
        yield from self._comparison()
        yield from self._growth()
        yield from self._details()

    # ------------------------------------------------------------------------------------------------------- summaries
    def _targets(self):
        rows = [row for scenario in self.scenarios for row in self._target_rows(scenario)]
        if not rows:
            return
        yield "### Targets\n"
        yield from table(["work", "wscore", "target", "met"], rows)

    def _target_rows(self, scenario):
        f, key = self.figures, scenario.id
        if scenario.target:
            anchor = f.anchor(key)
            ratio = f.ratio(key, "wscore", anchor)
            # The targets are ratios to a peer, not to another build of ours.
            if ratio is not None and not anchor.startswith("wscore"):
                yield self._row(scenario.title, f"{ratio:.2f} of {anchor}", f"≥ {scenario.target}", ratio >= scenario.target)
        elif key.startswith("idle"):
            size, limit = self._memory(key, "wscore"), 2.5 if key == "idle-raw" else 6
            if size:
                yield self._row(scenario.title, f"{size / 1024:.2f} KiB", f"≤ {limit} KiB", size / 1024 <= limit)
        elif key.startswith("resume"):
            rate, late = f.median(key, "wscore", "per_cpu_s"), f.median(key, "wscore", "p99_us")
            if rate:
                whole = f.median(key, "wscore", "last_p99_us")
                yield self._row(
                    scenario.title, f"{rate:,.0f} a CPU-second, p99 {late / 1000:.0f} ms ({whole / 1000:,.0f} ms since the storm)",
                    "≥ 10,000, < 100 ms", rate >= 10_000 and late < 100_000)
        elif key == "loops":
            ratio = f.ratio(key, "wscore", "wscore, two loops")
            if ratio:
                yield self._row(scenario.title, f"{ratio:.2f} times the CPU time", "≤ 1.1", ratio <= 1.1)
        elif key.startswith("allocations"):
            count = f.median(key, "wscore, counted", "counted_per_message")
            if count is not None:
                # Timers, acknowledgements and the tick itself are not per message.
                yield self._row(scenario.title, f"{count:.3f}", "0", count < 0.01)
        elif key == "load":
            rate = f.median(key, "wscore", "per_s")
            if rate:
                verdicts = {r["verdict"] for r in f.runs(key, "wscore")}
                yield self._row(scenario.title, f"{rate:,.0f} deliveries/s, {', '.join(sorted(verdicts))}", "≥ 200,000 and ok",
                                rate >= 200_000 and verdicts == {"ok"})

    @staticmethod
    def _row(title, value, target, is_met):
        return [title, value, target, "yes" if is_met else "**no**"]

    def _memory(self, scenario, server):
        return self.figures.median(scenario, server, "touched_uss_per_conn") or self.figures.median(scenario, server, "uss_per_conn")

    def _comparison(self):
        """Ratios of every server to the anchor of each scenario."""
        compared = [s for s in self.scenarios if s.mode in ("echo", "fanout", "connect") and self.figures.anchor(s.id)]
        if not compared:
            return
        names = [s.name for s in self.servers if any(s.name in self.figures.results[c.id] for c in compared)]
        yield "### Work per server CPU-second, as ratio to the best peer at hand\n"
        yield from table(
            ["scenario", *names],
            [[c.id, *(number(self.figures.ratio(c.id, name, self.figures.anchor(c.id)), 2) for name in names)] for c in compared])

    def _growth(self):
        """What a message costs with more sessions, as multiple of what it costs with 100."""
        grown = [s for s in self.scenarios if s.id.startswith("growth-")]
        base = next((s for s in grown if s.id == "growth-100"), None)
        if not base or len(grown) < 2:
            return
        names = [s.name for s in self.servers if s.name in self.figures.results[base.id]]
        yield "### CPU time of a message as sessions grow, as multiple of that with 100 (target: 1.5, but what the kernel adds)\n"
        rows = []
        for scenario in grown:
            costs = [number(self.figures.growth(base.id, scenario.id, name), 2) for name in names]
            rows.append([scenario.id.removeprefix("growth-"), *costs])
        yield from table(["sessions", *names], rows)

    # --------------------------------------------------------------------------------------------------------- details
    def _details(self):
        for scenario in self.scenarios:
            yield f"### {scenario.id}: {scenario.title}\n"
            rows = [self._detail(scenario, name) for name in self.figures.results[scenario.id]]
            head = ["server", "USS of each", "RSS of each", "CPU when idle", "notes"] if scenario.mode == "idle" else [
                "server", "per CPU-second", "per second", "p50 ms", "p99 ms", "server CPU", "its core", "loader CPU", "notes"]
            yield from table(head, rows)

    def _detail(self, scenario, name):
        f, key = self.figures, scenario.id
        failed = next((r for r in f.results[key][name] if not r["ok"]), None)
        notes = f.faults(key, name) + (f": {failed['fault'].splitlines()[-1][:120]}" if failed else "")
        if scenario.mode == "idle":
            rss = f.median(key, name, "touched_rss_per_conn") or f.median(key, name, "rss_per_conn")
            return [name, f"{number(self._memory(key, name))} B", f"{number(rss)} B", f"{number(f.median(key, name, 'idle_cpu_pct'), 1)} %", notes]
        if scenario.mode == "load":
            notes = "; ".join(filter(None, [notes, *sorted({str(r["invalid"]) for r in f.runs(key, name) if r.get("invalid")})]))

        def percent(field):
            value = f.median(key, name, field)
            return "–" if value is None else f"{value:.0f} %"

        def milliseconds(field):
            value = f.median(key, name, field)
            return number(None if value is None else value / 1000, 2)

        return [
            name, number(f.median(key, name, "per_cpu_s")) + plus_minus(f.spread(key, name, "per_cpu_s")),
            number(f.median(key, name, "per_s")) + plus_minus(f.spread(key, name, "per_s")), milliseconds("p50_us"),
            milliseconds("p99_us"), percent("server_cpu_pct"), percent("server_core_busy_pct"), percent("loader_cpu_pct"), notes]
