"""Reads result files: those of the load generator, and those that have the documented part alone.

    result = read_result("results/leader_w5r1_10w90r.json")
    result.latencies["read"].percentile(0.99)

What is null or missing counts as not measured. A file that is no result raises NotAResult, which says why.
"""

import collections
import json
import math
import os
import re
from dataclasses import dataclass, field

from .distribution import Distribution

MAX_FILE_BYTES = 512 * 1024 * 1024
MAX_TEXT = 2000
# More than any count, seed or time; pictures cannot be scaled to much larger ones.
MAX_NUMBER = 1e21
# A list of delays may be long, and what follows it in a title matters too.
MAX_CONDITION = 60
# What the load generator exits with where a run was ended before its time.
INTERRUPTED = 130
# What is left at the end of a run may be too short for a rate.
SHORTEST_SECONDS = 0.2

_NAME = re.compile(r"^(leader|leaderless)_w(\d{1,3})r(\d{1,3})(?:_(\d{1,3})w(\d{1,3})r)?(?![0-9a-z])")
_SERIES_NUMBERS = ("start", "seconds", "reads_ok", "writes_ok", "failed", "unknown", "stale", "p50", "p99", "max",
                   "in_flight", "offered")
_INTERVALS = ("write_read", "read_write", "write_write", "read_read")
# How a verdict names the kind of operation whose latencies are largely the generator's own lag (loadgen/verdict.cc).
_SPOILT = re.compile(r" of (read|write)s: use no latency of these$")


# What can go wrong, as tables name it.
TROUBLES = ("failed", "unknown", "missed", "corrupt", "inversions", "sessions")


class NotAResult(Exception):
    """A file that cannot be drawn; the text says why."""


class Section:
    """An object of a file, whose members are checked as they are read. Null and missing members are alike."""

    def __init__(self, value, where=""):
        if not isinstance(value, dict):
            raise NotAResult(f"{where or 'the file'} holds {_shown(value)} instead of an object")
        self._value = value
        self._where = where

    def has(self, name):
        return self._value.get(name) is not None

    def names(self):
        return list(self._value)

    def _path(self, name):
        return f"{self._where}.{name}" if self._where else name

    def _get(self, name, kinds, what, default):
        value = self._value.get(name)
        if value is None:
            return default
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise NotAResult(f"{self._path(name)} is {_shown(value)} instead of {what}")
        return value

    def section(self, name):
        """An empty one where there is none."""
        return Section(self._get(name, (dict,), "an object", {}), self._path(name))

    def sections(self, name):
        items = self._get(name, (list,), "a list", [])
        return [Section(item, f"{self._path(name)}[{index}]") for index, item in enumerate(items) if item is not None]

    def number(self, name, default=None):
        """A finite one that is not negative."""
        value = self._get(name, (int, float), "a number", default)
        return value if value is None else _checked(value, self._path(name))

    def count(self, name, default=0):
        value = self.number(name, default)
        return value if value is None else int(value)

    def text(self, name):
        return _text(self._get(name, (str,), "a text", ""))

    def texts(self, name):
        return [_checked_text(item, self._path(name)) for item in self._get(name, (list,), "a list", [])]

    def flag(self, name):
        return self._get(name, (bool,), "true or false", False)

    def numbers(self, name):
        """A list of numbers without its nulls."""
        items = self._get(name, (list,), "a list", [])
        return [_checked(item, f"{self._path(name)}[{index}]") for index, item in enumerate(items) if item is not None]

    def pairs(self, name):
        items = self._get(name, (list,), "a list", [])
        for index, item in enumerate(items):
            if not isinstance(item, list) or len(item) != 2:
                raise NotAResult(f"{self._path(name)}[{index}] is {_shown(item)} instead of two numbers")
        return [tuple(_checked(number, f"{self._path(name)}[{index}]") for number in item)
                for index, item in enumerate(items)]


def _shown(value):
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _checked(value, where):
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise NotAResult(f"{where} is {_shown(value)} instead of a number")
    if not 0 <= value <= MAX_NUMBER:  # nor NaN
        raise NotAResult(f"{where} is {_shown(value)}, which no measurement can be")
    return value


def _checked_text(value, where):
    if not isinstance(value, str):
        raise NotAResult(f"{where} holds {_shown(value)} instead of a text")
    return _text(value)


def _text(value):
    """As much of a text as is shown. JSON may name halves of characters, which no file can be written with."""
    return value[:MAX_TEXT].encode("utf-8", "replace").decode("utf-8")


@dataclass
class Share:
    """A share of reads, with its 95 % confidence interval."""

    reads: int
    stale: int

    @property
    def rate(self):
        return self.stale / self.reads if self.reads else None

    def interval(self):
        """Wilson's; None of nothing."""
        if not self.reads:
            return None
        z, n, p = 1.959964, self.reads, self.rate
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        low = 0.0 if self.stale == 0 else max(middle - half, 0.0)
        high = 1.0 if self.stale == n else min(middle + half, 1.0)
        return low, high


@dataclass
class Result:
    """A run, as far as its file tells."""

    path: str
    name: str
    mode: str
    config: str  # "leader_w5r1"; part of file names
    n: int = None
    w: int = None
    r: int = None
    write_share: float = None
    latencies: dict = field(default_factory=dict)  # "read" and "write": Distribution of response times
    read_write_intervals: Distribution = None
    intervals: dict = field(default_factory=dict)  # by kinds: Distribution
    total_writes: int = 0
    total_reads: int = 0
    counted: Share = None  # the documented count of stale reads
    strict: Share = None
    loose: Share = None
    by_interval: list = field(default_factory=list)  # (from, to or None, Share)
    versions_behind: list = field(default_factory=list)  # (versions, reads), ascending; 0: fresh
    obsolete_for: Distribution = None  # of the stale reads: how long what they returned had been outdated
    troubles: dict = field(default_factory=dict)  # name -> count, of those that the file tells
    prediction: list = field(default_factory=list)  # (after, independent, joint)
    prediction_error: float = None
    series: list = field(default_factory=list)  # Section
    measured_from: list = field(default_factory=list)  # when measured time began; of merged runs, perhaps several times
    offered: float = None
    achieved: float = None
    judgement: str = ""
    reasons: list = field(default_factory=list)
    spoilt: tuple = ()  # of "read" and "write": those whose latencies the verdict forbids, though not all are void
    interrupted: bool = False
    facts: list = field(default_factory=list)  # (name, text) of how it came about
    load: dict = field(default_factory=dict)  # name -> text, of what was asked of the cluster
    local_reads: bool = False
    conditions: tuple = ()  # what else changes the meaning of its figures
    # Set by tell_apart.
    shared_conditions: tuple = ()  # those that all runs of its configuration have
    repeated: bool = False  # whether another run of its configuration has the same ratio

    @property
    def ratio(self):
        """"10w90r", or "" where it is not known."""
        if self.write_share is None:
            return ""
        writes = 100 * self.write_share
        return f"{writes:.3g}w{100 - writes:.4g}r"

    @property
    def is_named(self):
        """Whether its ratio does not tell it from the other runs of its configuration, but its file's name."""
        return self.repeated or self.write_share is None

    @property
    def run_name(self):
        """Tells it from the other runs of its configuration."""
        if self.is_named:
            return self.name.removeprefix(self.config).lstrip("_") or self.name
        writes = 100 * self.write_share
        return f"{writes:.3g} % writes, {100 - writes:.4g} % reads"

    @property
    def own_conditions(self):
        return tuple(condition for condition in self.conditions if condition not in self.shared_conditions)

    @property
    def run_label(self):
        return ", ".join([self.run_name, *self.own_conditions])

    @property
    def config_label(self):
        known = self.w is not None and self.r is not None
        mode = "leaderless" if self.mode == "leaderless" else "leader-follower"
        return ", ".join([f"{mode} W={self.w} R={self.r}" if known else self.config, *self.shared_conditions])

    @property
    def verdict_text(self):
        """The verdict, and what it takes away from the figures."""
        forbidden = f"use no latency of {' or '.join(f'{kind}s' for kind in self.spoilt)}" if self.spoilt else ""
        return ", ".join(filter(None, [
            self.judgement or "not told", forbidden, "interrupted" if self.interrupted else ""]))

    def latencies_hold(self, kind):
        """Whether the verdict lets the latencies of "read" or "write" be used."""
        return self.judgement != "void" and kind not in self.spoilt

    @property
    def promises_fresh_reads(self):
        """Whether no read may be strictly stale; None where the file does not tell enough."""
        if self.local_reads:
            return False
        if None in (self.n, self.w, self.r):
            return None
        return self.w + self.r > self.n


def tell_apart(results):
    """Prepares the labels of a configuration's runs: what all share stands with the configuration, the rest with each."""
    times = collections.Counter(result.ratio for result in results)
    shared = tuple(condition for condition in results[0].conditions
                   if all(condition in result.conditions for result in results))
    for result in results:
        result.shared_conditions = shared
        result.repeated = times[result.ratio] > 1


def read_result(path):
    """The result in a file; NotAResult where it is none. OSError where it cannot be read."""
    if os.path.getsize(path) > MAX_FILE_BYTES:
        raise NotAResult(f"it has more than {MAX_FILE_BYTES // 2**20} MiB")
    with open(path, encoding="utf-8") as file:
        try:
            value = json.load(file)
        except (ValueError, RecursionError) as error:
            raise NotAResult(f"it is no JSON, or cut off ({error})") from error
    root = Section(value)
    missing = [name for name in ("mode", "read_latencies", "write_latencies") if name not in root.names()]
    if missing:
        raise NotAResult(f"it has no '{missing[0]}'")
    if root.text("mode") not in ("leader", "leaderless"):
        raise NotAResult(f"mode is {_shown(root.text('mode'))} instead of \"leader\" or \"leaderless\"")
    name = os.path.splitext(os.path.basename(path))[0]
    result = Result(path=path, name=name, mode=root.text("mode"), config="")
    _read_documented(root, result)
    _read_latencies(root, result)
    _read_staleness(root, result)
    _read_troubles(root, result)
    _read_run(root, result)
    _find_place(root, result)
    return result


def _read_documented(root, result):
    raw = root.section("raw_samples")
    for kind in ("read", "write"):
        list_name = f"{kind}_latencies"
        result.latencies[kind] = Distribution.from_values(root.numbers(list_name), raw.count(f"{list_name}_cut") > 0)
    result.read_write_intervals = Distribution.from_values(
        root.numbers("read_write_intervals"), raw.count("read_write_intervals_cut") > 0)
    statistics = root.section("statistics")
    result.total_writes = statistics.count("total_writes", result.latencies["write"].count)
    result.total_reads = statistics.count("total_reads", result.latencies["read"].count)
    stale = statistics.count("total_stale_reads", len(root.sections("stale_reads")))
    result.counted = Share(result.total_reads, min(stale, result.total_reads))


def _distribution(latency):
    """Of a section with a histogram; None where that is empty."""
    buckets = latency.section("histogram").pairs("sparse")
    return Distribution.from_buckets(buckets) if buckets else None


def _read_latencies(root, result):
    """A histogram has every operation, a raw list perhaps a part of them."""
    for operation in root.sections("operations"):
        kind = operation.text("operation")
        if operation.text("outcome") == "ok" and kind in result.latencies:
            result.latencies[kind] = _distribution(operation.section("response")) or result.latencies[kind]
    intervals = root.section("intervals")
    for kind in _INTERVALS:
        distribution = _distribution(intervals.section(kind))
        if distribution:
            result.intervals[kind] = distribution


def _share(section):
    reads = section.count("reads")
    return Share(reads, min(section.count("stale"), reads))


def _read_staleness(root, result):
    staleness = root.section("staleness")
    if staleness.has("strict"):
        result.strict = _share(staleness.section("strict"))
    if staleness.has("loose"):
        result.loose = _share(staleness.section("loose"))
    result.by_interval = [
        (part.number("from", 0.0), part.number("to"), _share(part)) for part in staleness.sections("by_interval")]
    result.versions_behind = sorted(staleness.pairs("k"))
    result.obsolete_for = _distribution(staleness.section("t"))
    prediction = root.section("prediction")
    result.prediction_error = prediction.number("rmse")
    result.prediction = sorted(
        (point.number("after", 0.0), point.number("stale_independent", 0.0), point.number("stale_joint", 0.0))
        for point in prediction.sections("points"))


def _read_troubles(root, result):
    """What went wrong, as far as the file tells."""
    operations, staleness = root.sections("operations"), root.section("staleness")
    sessions = staleness.section("sessions")
    troubles = {name: sum(operation.count("count") for operation in operations if operation.text("outcome") == name)
                if operations else None for name in ("failed", "unknown")}
    troubles["missed"] = root.section("totals").count("missed", None)
    troubles["corrupt"] = staleness.count("corrupt", None)
    troubles["inversions"] = staleness.count("inversions", None)
    troubles["sessions"] = sum(map(sessions.count, sessions.names())) if staleness.has("sessions") else None
    result.troubles = {name: count for name, count in troubles.items() if count is not None}


def _read_run(root, result):
    seconds = root.sections("series")
    # Read now, so that what is wrong in them is told before anything is drawn.
    for second in seconds:
        for name in _SERIES_NUMBERS:
            second.number(name)
        second.flag("warm_up")
    result.series = [second for second in seconds if second.number("seconds", 1) >= SHORTEST_SECONDS]
    totals = root.section("totals")
    result.offered = totals.number("offered_per_second")
    result.achieved = totals.number("achieved_per_second")
    verdict = root.section("verdict")
    result.judgement = verdict.text("judgement")
    result.reasons = verdict.texts("reasons")
    result.interrupted = verdict.count("exit_code") == INTERRUPTED
    found = {match[1] for match in map(_SPOILT.search, result.reasons) if match}
    result.spoilt = tuple(kind for kind in ("read", "write") if kind in found and result.judgement != "void")
    run, host = root.section("run"), root.section("run").section("host")
    result.measured_from = [
        phase.number("start", 0.0) for phase in run.sections("phases") if phase.text("name") == "measure"]
    cluster, workload = run.section("cluster"), run.section("workload")
    result.emulate = cluster.text("emulate")
    result.n = cluster.count("n", None)
    result.local_reads = workload.text("read_target") == "local"
    result.conditions = _conditions(result, workload)
    result.load = _load(workload)
    cores = host.count("cores", None)
    facts = [
        ("command", " ".join(run.texts("command"))),
        ("tool", f"{run.section('tool').text('name')} {run.section('tool').text('version')}".strip()),
        ("seed", str(run.count("seed")) if run.has("seed") else ""),
        ("started", run.text("started_at")),
        ("machine", ", ".join(filter(None, [
            f"{cores} cores" if cores else "", host.text("cpu"), host.text("system")]))),
        ("cluster", ", ".join(filter(None, [
            cluster.text("strategy"), f"N={result.n}" if result.n else "", cluster.text("guarantee"),
            f"durability {cluster.text('durability')}" if cluster.has("durability") else "",
            f"emulated delays: {result.emulate}" if result.emulate else ""]))),
        ("load", _load_text(workload)),
    ]
    result.facts = [(name, text) for name, text in facts if text]


def _conditions(result, workload):
    # Without a leader, reads go to any node in any case.
    anywhere = result.mode == "leader" and workload.text("read_target") == "any"
    delays = result.emulate.replace(",", ", ")  # so that a title can be broken there
    if len(delays) > MAX_CONDITION:
        delays = delays[:MAX_CONDITION - 3] + "..."
    return tuple(filter(None, [
        f"mix {workload.text('mix')}" if workload.text("mix") else "",
        "INTERRUPTED" if result.interrupted else "", "local reads" if result.local_reads else "", "reads at any node" if anywhere else "",
        f"emulated: {delays}" if delays else "",
        "closed loop (tail under-sampled)" if workload.text("loop") == "closed" else ""]))


def _load(workload):
    """What has to be alike where runs are compared, beside their ratios and conditions, as far as the file tells."""
    parts = {name: workload.number(member) for name, member in (
        ("op/s", "qps"), ("keys", "num_keys"), ("bytes a value", "value_bytes"), ("Zipf exponent", "zipf_exponent"))}
    parts = {name: f"{number:.10g}" for name, number in parts.items() if number is not None}
    texts = {member: workload.text(member) for member in ("distribution", "transport")}
    return {**parts, **{name: text for name, text in texts.items() if text}}


def _load_text(workload):
    qps, keys = workload.number("qps"), workload.count("num_keys", None)
    loop, transport = workload.text("loop"), workload.text("transport")
    return ", ".join(filter(None, [
        f"{loop} loop" if loop else "", f"{qps:g} op/s" if qps else "", f"{keys} keys" if keys else "",
        workload.text("distribution"), f"over {transport}" if transport else "",
        f"reads to {workload.text('read_target')}" if workload.text("read_target") else ""]))


def _find_place(root, result):
    """Which configuration and ratio a run belongs to: by its file's name, else by what it says, else by itself."""
    run = root.section("run")
    cluster, workload = run.section("cluster"), run.section("workload")
    named = _NAME.match(result.name)
    if named:
        result.w, result.r = int(named[2]), int(named[3])
        result.config = f"{named[1]}_w{result.w}r{result.r}"
    else:
        result.w, result.r = cluster.count("w", None), cluster.count("r", None)
        known = result.w is not None and result.r is not None
        result.config = f"{result.mode}_w{result.w}r{result.r}" if known else re.sub(r"[^\w.-]", "_", result.name)
    operations = result.total_reads + result.total_writes
    if named and named[4] and 0 < int(named[4]) + int(named[5]):
        result.write_share = int(named[4]) / (int(named[4]) + int(named[5]))
    elif workload.has("write_ratio"):
        result.write_share = min(workload.number("write_ratio"), 1)
    elif operations:
        result.write_share = round(result.total_writes / operations, 2)
    result.conditions += _contradictions(result, cluster, workload)


def _contradictions(result, cluster, workload):
    """What a file says against its name, which is where its run is placed by."""
    found = []
    w, r, ratio = cluster.count("w", None), cluster.count("r", None), workload.number("write_ratio")
    if None not in (w, r) and (w, r) != (result.w, result.r):
        found.append(f"in truth W={w} R={r}")
    # Names have whole percents.
    if ratio is not None and abs(result.write_share - min(ratio, 1)) > 0.006:
        found.append(f"in truth {100 * ratio:.3g} % writes")
    return tuple(found)
