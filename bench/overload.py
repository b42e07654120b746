#!/usr/bin/env python3
"""Offers a cluster ten times what it can do, and says whether it stays bounded, useful, and well afterwards.

    python3 bench/overload.py                                            # both strategies, streams and unary calls
    python3 bench/overload.py --strategy leaderless --protocol stream --seconds 10

For each strategy and protocol it starts five nodes and finds the peak: the best of several closed loops of gets at R=1
and sets at W=3, half of each (or as --set_share says), counted by the kind that got less than its part. Then it runs
one open loop in three phases: 0.8 of the peak, ten times the peak, and 0.8 of the peak again. It expects, and ends with
status 1 where it does not find:

  - memory bounded: no node's resident memory grows by more than --memory_bound_mib over its size before the overload.
    By default 512 MiB: what the limits in doc/operations.md let small operations hold on a node, which is 64 MiB of
    writes kept to be sent again, 64 MiB queued for each of four peers, and some thousand operations and calls of a few
    KiB each. The growth in the second half of the overload is shown beside it: there should be next to none.
  - goodput during the overload at least 0.8 of the peak: operations answered well within their deadline of 2 s. Also
    of gets and of sets alone, against their part of the peak: a node that starves writes can answer more reads.
  - full speed within 2 s after: the time until 0.95 of the rate then offered is answered over a whole second, counting
    only operations that began after the overload.

How to read it. The load does not wait for answers. An operation that is due has "begun"; it is "sent" once it was given
to the transport. "held back": it ended at once because its connection had too much waiting at the client: a stream
takes nothing while its node does not read (256 operations wait), and a unary connection takes 128 calls, like a node.
"missed": it was due, but the load program was more than 250 ms late and never began it. So what was really offered is
"begun"; it is also told as a multiple of the peak, and may be less than asked for where the machine has too few cores:
below twice the peak the run shows nothing, and does not count as good. Unary calls cost the load about as much as the
nodes, so ten times their peak takes a machine with cores to spare.
Load and nodes share the machine: "cores" are what each used, and goodput suffers from what the load takes. Where that
is allowed (to root), the load has a higher priority than the nodes, for the peak as well. Nodes share it with one
another, too: where all sets go to a leader, the gets that the other nodes answer take its processor time.

Exit status: 0 all as expected; 1 not so, or a program failed; 2 wrong usage.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
import threading
import time
from typing import NamedTuple

from phased_load import END_SECONDS, PhasedLoad, between, errors, print_first_errors, quantile_ms, rate, seconds_until_rate, total
from speed_servers import NODES, Cluster, Failure, Processes
from speed_tools import Others, build, fill, print_machine, processor_seconds, tell

TARGETS = {"node": "//node:quorate_node", "fill": "//bench:speed_load", "load": "//bench:phased_load"}
STRATEGIES = ("leader_follower", "leaderless")
PROTOCOLS = ("stream", "unary")

KEYS = 20000
CONNECTIONS = {"stream": 4, "unary": 8}  # to each node
CLOSED_LOOPS = (64, 512, 4096)  # operations in flight
WARM_UP_SECONDS = 1
INTERVAL_SECONDS = 0.1
BEFORE_SECONDS, AFTER_SECONDS = 5, 10
BEFORE, OVERLOAD, AFTER = range(3)
PHASE_NAMES = ("0.8", "10x", "0.8")
NORMAL_SHARE = 0.8
FULL_SPEED = 0.95
LEAST_GOODPUT = 0.8
MOST_RECOVERY_SECONDS = 2
LEAST_TIMES = 2  # the peak, for an overload to be one
STATUSES = ("RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED", "UNAVAILABLE")
MIB = 2**20


class Sample(NamedTuple):
    time: float  # monotonic
    memory: list  # resident bytes of each node
    node_seconds: float  # processor time of all nodes
    load_seconds: float


class Sampler:
    """Looks at processes once a second, on a thread of its own, until the context ends."""

    def __init__(self, node_ids, load_id):
        self._node_ids = node_ids
        self._load_id = load_id
        self._samples = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._stop.set()
        self._thread.join()

    def samples(self):
        return list(self._samples)

    def _run(self):
        while True:
            try:
                memory = [resident_bytes(process) for process in self._node_ids]
                self._samples.append(Sample(time.monotonic(), memory, processor_seconds(self._node_ids),
                                            processor_seconds([self._load_id])))
            except (OSError, ValueError):
                return  # a process has ended: whoever waits for it will see
            if self._stop.wait(1):
                return


def resident_bytes(process):
    with open(f"/proc/{process}/status", encoding="utf-8") as file:
        for line in file:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    raise ValueError(f"process {process} has no memory")


def load_flags(options, cluster, protocol):
    targets = ",".join(cluster.grpc(number) for number in range(1, NODES + 1))
    flags = [f"--targets={targets}", f"--protocol={protocol}", f"--connections={CONNECTIONS[protocol]}",
             f"--keys={options.keys}", "--w=3", "--r=1", f"--set_share={options.set_share}"]
    return flags + (["--sets_to_first"] if cluster.has_leader else [])


def parts(options):
    """What each kind of operation is of all."""
    shares = {"gets": 1 - options.set_share, "sets": options.set_share}
    return {kind: share for kind, share in shares.items() if share > 0}


def find_peak(options, binary, flags):
    """The best goodput of the closed loops, and the operations in flight of the loop that had it."""
    seconds = options.peak_seconds / len(CLOSED_LOOPS)
    phases = ",".join(f"closed:{in_flight}:{seconds + WARM_UP_SECONDS}" for in_flight in CLOSED_LOOPS)
    with PhasedLoad(binary, [*flags, "--interval=0.2", f"--phases={phases}"]) as load:
        lines = load.all_lines(options.peak_seconds + len(CLOSED_LOOPS) * WARM_UP_SECONDS + END_SECONDS)
    rates = []
    for number, in_flight in enumerate(CLOSED_LOOPS):
        own = [line for line in lines if line["phase"] == number]
        begin = own[0]["time"] - own[0]["seconds"] + WARM_UP_SECONDS
        measured = [line for line in own if line["time"] > begin]
        # Where one kind is slower, it piles up in flight, and the other does more than its part for a while.
        rates.append((min(rate(measured, lambda line, kind=kind: line[kind]) / part
                          for kind, part in parts(options).items()), in_flight))
    return max(rates)


class Run(NamedTuple):
    """What was seen of one strategy with one protocol."""
    peak: float
    in_flight: int  # of the loop that had it
    preferred: bool  # whether the load had a higher priority than the nodes
    lines: list
    samples: list

    def phase(self, number):
        return [line for line in self.lines if line["phase"] == number]

    def begin(self, number):
        first = self.phase(number)[0]
        return first["time"] - first["seconds"]


def run(options, strategy, protocol, binaries):
    with tempfile.TemporaryDirectory(prefix="quorate-overload-") as folder, Processes(folder) as processes:
        tell(f"{strategy}, {protocol}: starting and filling {NODES} nodes")
        cluster = Cluster(strategy, binaries["node"], processes, w=3)
        fill(binaries["fill"], cluster.targets(), options.keys)
        flags = load_flags(options, cluster, protocol)
        tell(f"{strategy}, {protocol}: looking for the peak")
        peak, in_flight = find_peak(options, binaries["load"], flags)
        if peak <= 0:
            raise Failure("no operation has succeeded")
        normal = NORMAL_SHARE * peak
        phases = (f"open:{normal}:{BEFORE_SECONDS},open:{options.times * peak}:{options.seconds},"
                  f"open:{normal}:{AFTER_SECONDS}")
        seconds = BEFORE_SECONDS + options.seconds + AFTER_SECONDS
        tell(f"{strategy}, {protocol}: {options.times:g} times the peak for {options.seconds:g} s")
        with PhasedLoad(binaries["load"], [*flags, f"--interval={INTERVAL_SECONDS}", f"--phases={phases}"]) as load:
            with Sampler(cluster.ids, load.id) as sampler:
                preferred = load.preferred()
                lines = load.all_lines(seconds + END_SECONDS)
            cluster.check_alive()
            return Run(peak, in_flight, preferred, lines, sampler.samples())


def print_seconds(seen):
    """A line a second."""
    print(f"  {'':>5} {'s':>4} {'begun/s':>9} {'sent/s':>8} {'gets/s':>8} {'sets/s':>8} {'goodput':>8} "
          f"{'late ok':>8} {'RES_EXH':>8} {'DEADLINE':>8} {'UNAVAIL':>8} {'other':>6} {'held back':>9} {'missed':>8} "
          f"{'RSS MiB: sum':>13} {'max':>5} {'cores: load':>12} {'nodes':>6}")
    for earlier, sample in zip(seen.samples, seen.samples[1:]):
        lines = between(seen.lines, earlier.time, sample.time)
        if not lines:
            continue
        phase = lines[-1]["phase"]
        by_status = errors(lines)
        known = [by_status[status] for status in STATUSES]
        passed = sample.time - earlier.time
        refused = "".join(f" {count:8,}" for count in known)
        print(f"  {PHASE_NAMES[phase]:>5} {sample.time - seen.begin(BEFORE):4.0f} "
              f"{total(lines, 'begun') / passed:9,.0f} {total(lines, 'sent') / passed:8,.0f} "
              f"{total(lines, 'gets') / passed:8,.0f} {total(lines, 'sets') / passed:8,.0f} {rate(lines):8,.0f} "
              f"{total(lines, 'earlier'):8,}{refused} {sum(by_status.values()) - sum(known):6,} "
              f"{total(lines, 'held_back'):9,} {total(lines, 'missed'):8,} "
              f"{sum(sample.memory) / MIB:13,.0f} {max(sample.memory) / MIB:5,.0f} "
              f"{(sample.load_seconds - earlier.load_seconds) / passed:12.2f} "
              f"{(sample.node_seconds - earlier.node_seconds) / passed:6.2f}")


def memory_growth(seen):
    """The most that any node has grown by since the phase before the overload, and in the overload's second half."""
    middle = (seen.begin(OVERLOAD) + seen.begin(AFTER)) / 2
    most = []
    for begin, end in ((0, seen.begin(OVERLOAD)), (seen.begin(OVERLOAD), float("inf")),
                       (seen.begin(OVERLOAD), middle), (middle, seen.begin(AFTER))):
        chosen = [sample.memory for sample in seen.samples if begin <= sample.time < end]
        if not chosen:
            raise Failure("the overload was too short to look at the memory")
        most.append([max(sizes) for sizes in zip(*chosen)])
    before, after, first_half, second_half = most
    return (max(b - a for a, b in zip(before, after)) / MIB,
            max(b - a for a, b in zip(first_half, second_half)) / MIB)


def print_verdict(options, seen):
    """Whether all is as expected."""
    overload, after = seen.phase(OVERLOAD), seen.phase(AFTER)
    begun = rate(overload, lambda line: line["begun"])
    goodput = rate(overload)
    normal = NORMAL_SHARE * seen.peak
    before = rate(seen.phase(BEFORE)[int(WARM_UP_SECONDS / INTERVAL_SECONDS):])
    growth, late_growth = memory_growth(seen)
    recovery = seconds_until_rate(after, FULL_SPEED * normal)
    print(f"  Peak {seen.peak:,.0f} op/s, of a closed loop with {seen.in_flight} in flight. Offered before the overload "
          f"{normal:,.0f}, answered {before:,.0f} ({before / normal:.2f}).")
    print(f"  Offered in the overload: begun {begun:,.0f} op/s ({begun / seen.peak:.1f} x the peak; asked for "
          f"{options.times:g} x), sent {rate(overload, lambda line: line['sent']):,.0f} op/s "
          f"({rate(overload, lambda line: line['sent']) / seen.peak:.1f} x); missed "
          f"{rate(overload, lambda line: line['missed']):,.0f} op/s.")
    print(f"  Latency of what was answered well, ms: {latencies(seen)}.")
    print_first_errors(seen.lines)
    verdicts = [
        (begun >= LEAST_TIMES * seen.peak,
         f"overload: {begun / seen.peak:.1f} x the peak was begun (at least {LEAST_TIMES}); the load ran at "
         f"{'a raised' if seen.preferred else 'normal'} priority"),
        (growth <= options.memory_bound_mib,
         f"memory bounded: no node grew by more than {growth:,.0f} MiB (bound: {options.memory_bound_mib:,.0f}); in the "
         f"second half of the overload by {late_growth:,.0f}"),
        (goodput >= LEAST_GOODPUT * seen.peak,
         f"goodput in the overload: {goodput:,.0f} op/s, {goodput / seen.peak:.2f} of the peak (at least "
         f"{LEAST_GOODPUT})"),
        *(goodput_verdict(seen, kind, part) for kind, part in parts(options).items() if part < 1),
        (recovery is not None and recovery <= MOST_RECOVERY_SECONDS,
         f"full speed ({FULL_SPEED} of {normal:,.0f} op/s) "
         + (f"{recovery:.1f} s after it" if recovery is not None else f"not within {AFTER_SECONDS} s after it")
         + f" (at most {MOST_RECOVERY_SECONDS} s)")]
    for kept, text in verdicts:
        print(f"  {'ok    ' if kept else 'NOT OK'}  {text}")
    sys.stdout.flush()
    return all(kept for kept, _ in verdicts)


def goodput_verdict(seen, kind, part):
    own = rate(seen.phase(OVERLOAD), lambda line: line[kind])
    share = own / (part * seen.peak)
    return (share >= LEAST_GOODPUT, f"of these {kind}: {own:,.0f} op/s, {share:.2f} of their part of the peak")


def latencies(seen):
    texts = []
    for number in (BEFORE, OVERLOAD, AFTER):
        for name in ("get", "set"):
            figures = [quantile_ms(seen.phase(number), f"{name}_us", quantile) for quantile in (0.5, 0.99)]
            if None not in figures:
                texts.append(f"{PHASE_NAMES[number]} {name} p50 {figures[0]:.1f} p99 {figures[1]:.1f}")
    return "; ".join(texts)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--strategy", choices=STRATEGIES, help="only this one (default: both)")
    parser.add_argument("--protocol", choices=PROTOCOLS, help="only this one (default: both)")
    parser.add_argument("--seconds", type=float, default=60, help="length of the overload (default 60)")
    parser.add_argument("--times", type=float, default=10, help="the overload, in multiples of the peak (default 10)")
    parser.add_argument("--peak_seconds", type=float, default=10, help="time to find the peak in (default 10)")
    parser.add_argument("--set_share", type=float, default=0.5, help="sets among all operations (default 0.5)")
    parser.add_argument("--keys", type=int, default=KEYS, help=f"different keys (default {KEYS})")
    parser.add_argument("--memory_bound_mib", type=float, default=512,
                        help="what a node's resident memory may grow by (default 512)")
    parser.add_argument("--bin", metavar="DIR", help="bazel-bin with the programs (default: builds them)")
    options = parser.parse_args()
    if not 4 <= options.seconds <= 3600 or not 3 <= options.peak_seconds <= 600:
        parser.error("--seconds from 4 to 3600, --peak_seconds from 3 to 600")
    if not 1 < options.times <= 1000 or options.keys < 1 or options.memory_bound_mib <= 0:
        parser.error("--times above 1 and at most 1000, --keys from 1, --memory_bound_mib above 0")
    if not 0 <= options.set_share <= 1:
        parser.error("--set_share from 0 to 1")
    return options


def main():
    options = parse_options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    kept = True
    try:
        binaries = build(TARGETS, options.bin)
        print(time.strftime("%Y-%m-%d %H:%M"))
        print_machine()
        for strategy in [options.strategy] if options.strategy else STRATEGIES:
            for protocol in [options.protocol] if options.protocol else PROTOCOLS:
                others = Others()
                seen = run(options, strategy, protocol, binaries)
                print(f"\n{strategy}, {protocol}; values of 100 bytes, {options.keys:,} keys, {options.set_share:.0%} sets")
                print_seconds(seen)
                kept = print_verdict(options, seen) and kept
                print(f"  Other programs, meanwhile: {others.share():.0%} of all cores' time.", flush=True)
    except (Failure, subprocess.SubprocessError, OSError) as failure:
        print(f"overload.py: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
