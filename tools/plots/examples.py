"""Makes result files with plausible figures, to try pictures with. Usage: python3 -m plots.examples FOLDER [SEED]

Not measured: drawn from distributions whose parameters follow W, R and the ratio of writes.
"""

import json
import os
import sys

import numpy

CONFIGS = [("leader", 5, 1), ("leader", 1, 5), ("leader", 3, 3), ("leaderless", 5, 1)]
RATIOS = [0.01, 0.10, 0.50, 0.90]
_PERCENTS = ["50", "90", "95", "99", "99.9", "99.99"]


def latency(values):
    """A section LATENCY of these seconds."""
    values = numpy.sort(values)
    count = len(values)
    percentiles, intervals = {}, {}
    for percent in _PERCENTS:
        share = float(percent) / 100
        known = count * (1 - share) >= 10
        margin = 1.96 * numpy.sqrt(count * share * (1 - share))
        ranks = numpy.clip([count * share, count * share - margin, count * share + margin], 0, max(count - 1, 0))
        percentiles[percent] = float(values[int(ranks[0])]) if known else None
        intervals[percent] = [float(values[int(rank)]) for rank in ranks[1:]] if known else None
    nanos = numpy.maximum(numpy.round(values * 1e9), 1)
    step = 10 ** numpy.maximum(numpy.floor(numpy.log10(nanos)) - 2, 0)
    kept, counts = numpy.unique(numpy.floor(nanos / step) * step, return_counts=True)
    return {
        "count": count, "mean": float(values.mean()) if count else None, "min": float(values[0]) if count else None,
        "max": float(values[-1]) if count else None, "percentiles": percentiles, "intervals95": intervals,
        "histogram": {"significant_digits": 3, "unit": "ns", "lowest": 1, "highest": 60000000000, "encoded": "",
                      "sparse": [[int(value), int(each)] for value, each in zip(kept, counts)]},
    }


def _latencies(random, count, answers):
    """Waiting for more answers is slower; two in a hundred meet a pause."""
    base = random.lognormal(numpy.log(0.4e-3 * (1 + 0.35 * answers)), 0.3, count)
    pauses = (random.random(count) < 0.02) * random.exponential(6e-3, count)
    return base + pauses


def _share(stale, reads):
    return {"reads": int(reads), "stale": int(stale), "rate": stale / reads if reads else None,
            "low": 0.0 if reads else None, "high": min(1.0, (stale + 4) / reads) if reads else None}


def _staleness(random, reads, weak):
    """Reads by time since the write; with weak quorums the early ones are stale now and then."""
    edges = [0.0] + [10 ** (power / 2 - 4.5) for power in range(0, 11)] + [None]
    parts, total = [], 0
    for index, (first, last) in enumerate(zip(edges, edges[1:])):
        count = int(reads * (0.02 + 0.98 * (index / 11) ** 2) / 4.5)
        stale = int(random.binomial(count, 0.45 * numpy.exp(-first / 2e-3))) if weak else 0
        total += stale
        parts.append({"from": first, "to": last, "reads": count, "stale": stale, "low": 0.0, "high": 1.0})
    return parts, min(total, reads)


def _series(random, seconds, qps, write_share, stale):
    series = []
    for start in range(seconds + 1):
        answered = qps if start != seconds // 2 else qps * 2 // 3
        writes = int(random.binomial(answered, write_share))
        series.append({
            "start": float(start), "seconds": 1.0, "warm_up": start == 0, "reads_ok": answered - writes,
            "writes_ok": writes, "failed": 0, "unknown": 0, "stale": int(random.poisson(stale / (seconds + 1))),
            "p50": 0.6e-3 * random.uniform(0.9, 1.2), "p99": random.uniform(3e-3, 9e-3), "max": 0.05,
            "in_flight": 2, "offered": qps})
    return series


def _behind(random, reads, stale):
    """[versions behind, reads]: each further version is half as likely."""
    versions, counts = numpy.unique(random.geometric(0.5, stale), return_counts=True)
    return [[0, reads - stale]] + [[int(version), int(count)] for version, count in zip(versions, counts)]


def _run(mode, w, r, write_share, seed, seconds, qps):
    return {
        "tool": {"name": "quorate loadgen", "version": "0.0.0"},
        "command": ["loadgen", "-mode", mode, "-write-ratio", str(write_share), "-qps", str(qps)],
        "seed": seed, "started_at": "2026-11-28T07:00:00Z",
        "host": {"cores": 2, "cpu": "an example", "system": "an example"},
        "cluster": {"strategy": "leaderless" if mode == "leaderless" else "leader_follower", "n": 5, "w": w, "r": r,
                    "guarantee": "", "durability": "memory", "emulate": ""},
        "workload": {"write_ratio": write_share, "qps": qps, "num_keys": 50, "distribution": "uniform",
                     "zipf_exponent": None, "value_bytes": 100, "mix": "", "transport": "rest",
                     "targets": ["127.0.0.1:8080"], "read_target": "coordinator", "loop": "open", "spacing": "even",
                     "in_flight": 32, "top_key_share": 0.021, "hottest_key_writes_per_second": 1.5},
        "phases": [{"name": "measure", "start": 1.0, "end": 1.0 + seconds}],
    }


def documented(random, mode, w, r, write_share, operations):
    """The documented part alone."""
    writes = int(random.binomial(operations, write_share))
    write_latencies, read_latencies = _latencies(random, writes, w), _latencies(random, operations - writes, r)
    stale = int(random.binomial(operations - writes, 0.03 * min(write_share * 4, 1)))
    return {
        "mode": mode, "write_latencies": write_latencies.tolist(), "read_latencies": read_latencies.tolist(),
        "stale_reads": [{"key": f"key{number % 50}", "expected_version": number + 2, "actual_version": number + 1,
                         "time_since_write": 0.001} for number in range(stale)],
        "read_write_intervals": random.exponential(0.2, operations // 2).tolist(),
        "statistics": {
            "total_writes": writes, "total_reads": operations - writes, "total_stale_reads": stale,
            "write_avg_latency": float(write_latencies.mean()) if writes else None,
            "read_avg_latency": float(read_latencies.mean()) if writes < operations else None},
    }


def _operation(kind, outcome, values):
    return {"operation": kind, "outcome": outcome, "count": len(values), "response": latency(values),
            "service": latency(numpy.asarray(values) * 0.9)}


def whole(random, mode, w, r, write_share, judgement="shared", seconds=20, qps=400):
    """A file with all sections."""
    result = documented(random, mode, w, r, write_share, seconds * qps)
    reads = result["statistics"]["total_reads"]
    weak = w + r <= 5
    parts, stale = _staleness(random, reads, weak)
    after = numpy.geomspace(1e-4, 1, 25)
    result.update({
        "schema": "quorate.loadgen.result/1",
        "raw_samples": {"limit": 100000, "write_latencies_cut": 0, "read_latencies_cut": 0, "stale_reads_cut": 0,
                        "read_write_intervals_cut": 0},
        "run": _run(mode, w, r, write_share, 42, seconds, qps),
        "totals": {"scheduled": seconds * qps, "offered_per_second": float(qps), "achieved_per_second": qps * 0.985,
                   "missed": 0, "waited": 3},
        "operations": [_operation("read", "ok", result["read_latencies"]),
                       _operation("write", "ok", result["write_latencies"]), _operation("write", "unknown", [])],
        "send_lag": latency(random.exponential(5e-5, 1000)),
        "series": _series(random, seconds, qps, write_share, stale),
        "staleness": {
            "strict": _share(stale, reads), "loose": _share(result["statistics"]["total_stale_reads"], reads),
            "difference": "Loose counts writes that were answered while the read was under way.",
            "k": _behind(random, reads, stale), "t": latency(random.exponential(2e-3, stale)), "by_interval": parts,
            "inversions": 0, "sessions": {"monotonic_read": 0, "read_your_writes": 0}, "absent": 0, "corrupt": 0},
        "intervals": {kind: latency(random.exponential(scale, 800)) for kind, scale in (
            ("write_read", 0.1), ("read_write", 0.12), ("write_write", 0.4), ("read_read", 0.03))},
        "prediction": {
            "points": [{"after": float(t), "stale_independent": float(0.5 * numpy.exp(-t / 2e-3)),
                        "stale_joint": float(0.42 * numpy.exp(-t / 2e-3))} for t in after],
            "rmse": 0.021, "assumptions": ["no failures", "one write in flight"]} if weak else None,
        "failures": [], "servers": [{"node": "1", "counters": {"repairs": 3}}],
        "verdict": {"judgement": judgement, "exit_code": 0, "reasons": [] if judgement == "valid" else [
            "generator and servers share one machine of 2 cores"]},
    })
    return result


def file_name(mode, w, r, write_share):
    return f"{mode}_w{w}r{r}_{round(100 * write_share)}w{round(100 - 100 * write_share)}r.json"


def write_examples(folder, seed=7, seconds=20):
    """The sixteen files of tools/run_all_tests.sh."""
    random = numpy.random.default_rng(seed)
    os.makedirs(folder, exist_ok=True)
    for mode, w, r in CONFIGS:
        for write_share in RATIOS:
            judgement = "void" if (mode, w, write_share) == ("leader", 3, 0.9) else "shared"
            with open(os.path.join(folder, file_name(mode, w, r, write_share)), "w", encoding="utf-8") as file:
                json.dump(whole(random, mode, w, r, write_share, judgement, seconds), file)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python3 -m plots.examples FOLDER [SEED]")
    write_examples(sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else 7)
