"""Medians, spreads and ratios of the results of a run."""
import statistics

from measure import foreign


class Figures:
    def __init__(self, results, ours, tolerated_foreign):
        self.results, self.ours, self.tolerated = results, ours, tolerated_foreign

    def runs(self, scenario, server):
        """Runs that ended well; those that other work disturbed only if there are no others."""
        good = [r for r in self.results.get(scenario, {}).get(server, []) if r["ok"]]
        return [r for r in good if foreign(r) < self.tolerated] or good

    def median(self, scenario, server, key):
        values = [r[key] for r in self.runs(scenario, server) if r.get(key) is not None]
        return statistics.median(values) if values else None

    def spread(self, scenario, server, key):
        """Half of the range, in percent of the median."""
        values = [r[key] for r in self.runs(scenario, server) if r.get(key) is not None]
        middle = statistics.median(values) if values else 0
        return (max(values) - min(values)) / 2 / middle * 100 if middle else None

    def anchor(self, scenario):
        """What the ratios of a scenario are to: uWebSockets, or the best peer at hand."""
        peers = [s for s in self.results.get(scenario, {}) if s not in self.ours and self.median(scenario, s, "per_cpu_s")]
        if "uWebSockets" in peers:
            return "uWebSockets"
        return max(peers, key=lambda s: self.median(scenario, s, "per_cpu_s"), default=None)

    def ratio(self, scenario, server, other, key="per_cpu_s"):
        return self._paired((scenario, server), (scenario, other), key) if other else None

    def growth(self, few, many, server, key="per_cpu_s"):
        """How many times as much a message costs in the second scenario."""
        return self._paired((few, server), (many, server), key)

    def _paired(self, mine, its, key):
        """The median of the ratios within each repetition. A machine that is fast for some minutes and slow for others
        makes two medians of different minutes; what was measured side by side has met the same."""
        good = {id(run) for which in (mine, its) for run in self.runs(*which) if run.get(key)}
        every = [self.results.get(scenario, {}).get(server, []) for scenario, server in (mine, its)]
        ratios = [a[key] / b[key] for a, b in zip(*every) if id(a) in good and id(b) in good]
        return statistics.median(ratios) if ratios else None

    def faults(self, scenario, server):
        """What is to be said of the runs: errors, failures, other work."""
        every = self.results.get(scenario, {}).get(server, [])
        good = [r for r in every if r["ok"]]
        errors = sum(r.get("errors", 0) + r.get("order_errors", 0) + r.get("lost", 0) + r.get("unanswered", 0) for r in good)
        said = [f"{errors} errors"] if errors else []
        if len(good) < len(every):
            said.append(f"{len(every) - len(good)} of {len(every)} runs failed")
        disturbed = sum(foreign(r) >= self.tolerated for r in good)
        if disturbed:
            said.append("all runs disturbed" if disturbed == len(good) else f"{disturbed} disturbed runs left out")
        return ", ".join(said)
