#!/usr/bin/env python3
"""Measures what it takes a node that was away, and one that is replaced, to hold again what the others hold.

    python3 bench/catch_up.py                                              # both strategies, a million records
    python3 bench/catch_up.py --strategy leaderless --records 20000 --catch_up_bytes_per_second 4000000

For each strategy it starts five nodes that keep their data on disk (--durability=os), fills them, and runs a foreground
load on nodes 1 to 4: an open loop at a fixed rate of gets at R=1 and sets at W=3, half of each, over keys that are
spread evenly among all records. Then, with node 5:

  - "away": it is ended by SIGTERM and started again after a while, on its data;
  - "replaced": it is killed, its folder emptied, and it is started again.

How to read it. Times count from the start of the node's process. "serves": its /health says so. "holds all": each key of
the foreground load is there, at the version that node 1 held just before the start, or a later one; what a node reads
to find this out costs it something, and a look comes every 50 ms. After the last part all records are compared so.
"received": bytes of all batches from other nodes from its start until then, which has what the foreground load wrote
meanwhile; "of catch-up": those of catch-up's pages, lists of versions included; "records": that came in these pages. A
follower whose gap the leader still keeps gets it as ordinary batches, without catch-up.

"before", "away", "during" and "after" are latencies of the foreground load, from when each operation was due, and the
operations that did not end well within 2 s. "during" is from the node's start until it holds all. All processes share
the machine; the line below the table says how busy others kept it.

Exit status: 0 all measured, and all records there; 1 not so, or a program failed; 2 wrong usage.
"""

import argparse
import json
import queue
import signal
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

from phased_load import PhasedLoad, between, errors, print_first_errors, quantile_ms, rate
from speed_servers import NODES, Cluster, Failure, LineProgram, Processes, health
from speed_tools import SETTLE_SECONDS, Others, build, fill, print_machine, settle, tell

TARGETS = {"node": "//node:quorate_node", "fill": "//bench:speed_load", "load": "//bench:phased_load",
           "await": "//bench:await_versions", "kvctl": "//tools:kvctl"}
STRATEGIES = ("leader_follower", "leaderless")
PARTS = ("away", "replaced")

SUBJECT = NODES  # the node that goes
REFERENCE = 1
INTERVAL_SECONDS = 0.2
CATCH_UP_SECONDS = 900
END_SECONDS = 30
COUNTERS = ("peer_bytes_received", "catch_up_bytes_received", "records_pulled")
MIB = 2**20


class VersionWatch(LineProgram):
    """Waits on its own until the subject holds what the reference held."""

    def __init__(self, binary, cluster, keys, stride):
        self._lines = queue.Queue()
        super().__init__([binary, f"--reference={cluster.grpc(REFERENCE)}", f"--target={cluster.grpc(SUBJECT)}",
                          f"--keys={keys}", f"--key_stride={stride}", f"--seconds={CATCH_UP_SECONDS}"], self._lines.put)

    def next(self):
        """The next line: the reference has been read; the subject holds it all."""
        try:
            line = self._lines.get(timeout=CATCH_UP_SECONDS + END_SECONDS)
        except queue.Empty:
            line = None
        if line is None:
            self.kill()
            raise Failure(f"not all versions were there in time: {self.last_words()}")
        return line


class Part(NamedTuple):
    """What was seen of one return of the subject. Times are monotonic."""
    name: str
    ended: float
    started: float
    serves: float
    holds_all: float
    counters: dict  # of the subject, since its start

    def phases(self):
        """Name -> begin and end, of the foreground's phases but the last."""
        return {"away": (self.ended, self.started), "during": (self.started, self.holds_all)}


def read_counters(binary, cluster):
    """The subject's."""
    done = subprocess.run([binary, "status", f"--target={cluster.grpc(SUBJECT)}", "--json", "--timeout=10s"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=END_SECONDS, check=False)
    for node in json.loads(done.stdout)["nodes"] if done.returncode == 0 else []:
        if node["grpc_address"] == cluster.grpc(SUBJECT) and "counters" in node:
            return {name: int(node["counters"][name]) for name in COUNTERS}
    raise Failure(f"the node does not tell its counters: {done.stderr[-500:].strip()}")


def await_serving(cluster, program):
    """Returns when it was so."""
    deadline = time.monotonic() + CATCH_UP_SECONDS
    while not health(cluster.address(SUBJECT))[0]:
        program.check_alive()
        if time.monotonic() > deadline:
            raise Failure(f"the node does not serve within {CATCH_UP_SECONDS} s")
        time.sleep(0.02)
    return time.monotonic()


def bring_back(options, name, cluster, binaries):
    """Ends the subject as the part wants, starts it again, and waits until it holds all."""
    ended = time.monotonic()
    if name == "away":
        cluster.stop(SUBJECT, signal.SIGTERM)
        time.sleep(options.away_seconds)
    else:
        cluster.stop(SUBJECT, signal.SIGKILL)
        cluster.forget(SUBJECT)
    with VersionWatch(binaries["await"], cluster, options.keys, options.records // options.keys) as watch:
        watch.next()
        started = time.monotonic()
        program = cluster.start(SUBJECT)
        serves = await_serving(cluster, program)
        holds_all = watch.next()["time"]
    counters = read_counters(binaries["kvctl"], cluster)
    return Part(name, ended, started, serves, holds_all, counters)


def foreground_flags(options, cluster):
    targets = ",".join(cluster.grpc(number) for number in range(1, NODES + 1) if number != SUBJECT)
    flags = [f"--targets={targets}", "--connections=2", f"--keys={options.keys}",
             f"--key_stride={options.records // options.keys}", f"--value_bytes={options.value_bytes}", "--w=3", "--r=1",
             f"--interval={INTERVAL_SECONDS}", f"--phases=open:{options.rate}:{100 * CATCH_UP_SECONDS}"]
    return flags + (["--sets_to_first"] if cluster.has_leader else [])


def run(options, strategy, binaries):
    """What was seen of each part, and what the foreground load printed."""
    with tempfile.TemporaryDirectory(prefix="quorate-catch-up-", dir=options.folder) as folder, \
            Processes(folder) as processes:
        tell(f"{strategy}: starting {NODES} nodes and filling them with {options.records:,} records")
        flags = [] if options.catch_up_bytes_per_second is None else [
            f"--catch_up_bytes_per_second={options.catch_up_bytes_per_second}"]
        cluster = Cluster(strategy, binaries["node"], processes, w=3, durability="os", flags=flags)
        begun = time.monotonic()
        fill(binaries["fill"], cluster.targets(), options.records, options.value_bytes)
        filled = time.monotonic() - begun
        tell(f"{strategy}: waiting until the nodes rest")
        restless = settle({strategy: (cluster.targets(), cluster.ids)})
        parts = []
        with PhasedLoad(binaries["load"], foreground_flags(options, cluster)) as load:
            for name in PARTS:
                tell(f"{strategy}: the foreground load alone, then node {SUBJECT} {name}")
                time.sleep(options.calm_seconds)
                parts.append(bring_back(options, name, cluster, binaries))
                cluster.check_alive()
                load.lines()
            time.sleep(options.calm_seconds)
            lines = load.end()
        tell(f"{strategy}: comparing all records")
        with VersionWatch(binaries["await"], cluster, options.records, 1) as watch:
            watch.next()
            watch.next()
        print(f"\n{strategy}; {options.records:,} records, values of {options.value_bytes} bytes, filled in "
              f"{filled:.0f} s at {options.records / filled:,.0f} op/s; {options.rate:,.0f} op/s on {options.keys:,} keys "
              "in the foreground")
        if restless:
            print(f"  The nodes did not rest within {SETTLE_SECONDS} s after they were filled.")
        return parts, lines


def print_table(options, parts, lines):
    print(f"  {'node 5':10} {'gone s':>7} {'serves s':>9} {'holds all s':>12} {'received MiB':>13} "
          f"{'of catch-up MiB':>16} {'records':>10}")
    for part in parts:
        print(f"  {part.name:10} {part.started - part.ended:7.1f} {part.serves - part.started:9.2f} "
              f"{part.holds_all - part.started:12.2f} {part.counters['peer_bytes_received'] / MIB:13.1f} "
              f"{part.counters['catch_up_bytes_received'] / MIB:16.1f} {part.counters['records_pulled']:10,}")
    print(f"  {'foreground, ms':20} {'s':>6} {'op/s':>7} {'get p50':>8} {'p99':>8} {'set p50':>8} {'p99':>8}  errors")
    for part in parts:
        phases = {"before": (part.ended - options.calm_seconds, part.ended), **part.phases(),
                  "after": (part.holds_all, part.holds_all + options.calm_seconds)}
        for phase, (begin, end) in phases.items():
            print_phase(f"{part.name}: {phase}", between(lines, begin, end), end - begin)
    print_first_errors(lines)
    print("  All records are there.", flush=True)


def print_phase(name, lines, seconds):
    if not lines:
        print(f"  {name:20} {seconds:6.1f}  too short to be seen")
        return
    figures = [quantile_ms(lines, kind, quantile) for kind in ("get_us", "set_us") for quantile in (0.5, 0.99)]
    cells = " ".join(f"{'-' if figure is None else format(figure, '.2f'):>8}" for figure in figures)
    by_status = errors(lines)
    by_status["MISSED"] += sum(line["missed"] + line["held_back"] for line in lines)
    texts = ", ".join(f"{status} {count:,}" for status, count in sorted(by_status.items()) if count > 0)
    print(f"  {name:20} {seconds:6.1f} {rate(lines):7,.0f} {cells}  {texts or 'none'}")


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--strategy", choices=STRATEGIES, help="only this one (default: both)")
    parser.add_argument("--records", type=int, default=1000000, help="records to fill the nodes with (default 1000000)")
    parser.add_argument("--value_bytes", type=int, default=100, help="length of values (default 100)")
    parser.add_argument("--keys", type=int, default=20000, help="records that the foreground load uses (default 20000)")
    parser.add_argument("--rate", type=float, default=2000, help="foreground operations a second (default 2000)")
    parser.add_argument("--away_seconds", type=float, default=20, help="how long the node is away (default 20)")
    parser.add_argument("--calm_seconds", type=float, default=10, help="before and after each part (default 10)")
    parser.add_argument("--catch_up_bytes_per_second", type=int, metavar="BYTES", help="the nodes' flag of this name")
    parser.add_argument("--folder", metavar="DIR", help="where the nodes' folders are made (default: as for any "
                        "temporary file); a million records of 100 bytes take about 2 GB")
    parser.add_argument("--bin", metavar="DIR", help="bazel-bin with the programs (default: builds them)")
    options = parser.parse_args()
    if not 1 <= options.keys <= options.records <= 50000000:
        parser.error("--keys from 1 to --records, --records at most 50000000")
    if not 0 <= options.value_bytes <= 1000000 or not 0 < options.rate <= 1000000:
        parser.error("--value_bytes from 0 and --rate above 0, at most 1000000")
    if not 0 < options.away_seconds <= 3600 or not 1 <= options.calm_seconds <= 600:
        parser.error("--away_seconds above 0 and at most 3600, --calm_seconds from 1 to 600")
    return options


def main():
    options = parse_options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        binaries = build(TARGETS, options.bin)
        print(time.strftime("%Y-%m-%d %H:%M"))
        print_machine()
        for strategy in [options.strategy] if options.strategy else STRATEGIES:
            others = Others()
            parts, lines = run(options, strategy, binaries)
            print_table(options, parts, lines)
            print(f"  Other programs, meanwhile: {others.share():.0%} of all cores' time.", flush=True)
    except (Failure, subprocess.SubprocessError, OSError, ValueError) as failure:
        print(f"catch_up.py: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
