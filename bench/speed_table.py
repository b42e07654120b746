#!/usr/bin/env python3
"""Measures what a node costs above a bare gRPC echo, and a cluster beside Redis, and prints one table.

    python3 bench/speed_table.py                                # everything, about half an hour
    python3 bench/speed_table.py --rows 'Set W=5' --keys 50     # some rows, and those they are compared with

How to read it. All figures are operations a second, answered and right: a failed operation counts as an error, beside
the row, and not as a result. Each row is a closed loop: a fixed number of operations in flight, one thread of one load
program. Nothing is said about latency under a given rate; for that there is loadgen/.

  - One line a row: median of the rounds, (least..most), the row's share of the bare echo and of Redis SET+WAIT 4 (the
    median of what the rounds say), the processor time of all its server processes for each operation, errors. Round i
    measures every row once before round i+1 begins, so that whatever else the machine does meets all rows alike. Where
    two rows' spreads overlap, their order means nothing. Processor time suffers less from a busy machine than a rate
    does; how much others had of it stands below each part.
  - The bare echo sends back the bytes that came, on one completion queue and one thread, like a node: what gRPC itself
    costs. Its messages, both ways, are about as long as a node's answers to a Get; the client builds and parses the
    same messages as for a node. "x echo" compares streams, and Redis by 32, with the streamed echo, all others with the
    unary one. "service" is a node's gRPC service over a store that answers at once: the echo with decoding and
    encoding.
  - Load and servers share the machine, so each row is what its servers *and its load* reach together; on few cores five
    nodes pay for five processes. Rows with the same load program and the same number of processes compare best.
  - Each number of keys is a part of its own, with servers that were started and filled for it: Get and Set choose
    among exactly these keys. All servers of a part run at the same time; the rounds begin when they rest, and a line
    below the part names those that did not.
  - Redis is measured by the same load program (sockets and epoll, no gRPC), on 50 connections. "by 32": each sends 32
    commands, awaits the 32 replies, and goes on. "SET+WAIT 4" succeeds when all four replicas have confirmed: Redis's
    nearest to W=5. It does not undo or report what a failed WAIT leaves behind.
  - W=5 in memory and Redis without a log lose their data with their processes; "synced" is on disk at each of the three
    nodes that acknowledge.

A round in which no operation succeeded has failed: it is counted beside the errors, and a row of such rounds alone says
so in place of figures.

Exit status: 0 all rows measured, or left out because Redis is not installed; 1 a row or a server failed; 2 wrong usage.
"""

import argparse
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

from speed_servers import Failure, Processes, start_server
from speed_tools import SETTLE_SECONDS, Others, build, fill, print_machine, processor_seconds, run_load, settle, tell

TARGETS = {"load": "//bench:speed_load", "server": "//bench:speed_server", "node": "//node:quorate_node"}

WARM_UP_SECONDS = 0.3

ECHO_UNARY, ECHO_STREAM, SET_WAIT = "echo, unary", "echo, stream, 32 a message", "Redis SET+WAIT 4"
BASES = (ECHO_UNARY, ECHO_STREAM, SET_WAIT)  # what other rows are compared with


class Row(NamedTuple):
    name: str
    server: str
    load: list
    echo: str
    write: bool = False


UNARY = ["--protocol=unary", "--connections=4", "--in_flight=50"]
BY_32 = ["--protocol=stream", "--connections=4", "--in_flight=256", "--batch=32"]
HTTP = ["--protocol=http", "--connections=50"]
REDIS = ["--protocol=redis", "--connections=50"]
SHAPES = {
    "50 unary callers": UNARY,
    "50 streams x 1": ["--protocol=stream", "--connections=50", "--in_flight=1"],
    "1 stream x 50": ["--protocol=stream", "--connections=1", "--in_flight=50"],
    "8 streams x 200": ["--protocol=stream", "--connections=8", "--in_flight=200"],
}


def all_rows():
    rows = [Row(ECHO_UNARY, "echo", [*UNARY, "--call=echo"], ECHO_UNARY),
            Row(ECHO_STREAM, "echo", [*BY_32, "--call=echo"], ECHO_STREAM),
            Row("service, unary Get", "instant", [*UNARY, "--call=get"], ECHO_UNARY),
            Row("service, stream, 32 a message", "instant", [*BY_32, "--call=get"], ECHO_STREAM)]
    for name, call in (("Get R=1", ["--call=get", "--r=1"]), ("Set W=1", ["--call=set", "--w=1"])):
        write = name.startswith("Set")
        rows.append(Row(f"{name}, unary", "leader_follower", [*UNARY, *call], ECHO_UNARY, write))
        rows.append(Row(f"{name}, stream, 32 a message", "leader_follower", [*BY_32, *call], ECHO_STREAM, write))
        rows.append(Row(f"{name}, HTTP, 50 connections", "leader_follower", [*HTTP, *call], ECHO_UNARY, write))
    for strategy in ("leader_follower", "leaderless"):
        for shape, flags in SHAPES.items():
            echo = ECHO_UNARY if flags is UNARY else ECHO_STREAM
            rows.append(Row(f"Set W=5, {strategy}, {shape}", strategy, [*flags, "--call=set", "--w=5"], echo, True))
    for shape in ("1 stream x 50", "8 streams x 200"):
        load = [*SHAPES[shape], "--call=set", "--w=3"]
        rows.append(Row(f"Set W=3, synced, {shape}", "synced", load, ECHO_STREAM, True))
    for call in ("get", "set"):
        name, write = f"Redis {call.upper()}", call == "set"
        rows.append(Row(name, "redis", [*REDIS, f"--call={call}"], ECHO_UNARY, write))
        rows.append(Row(f"{name}, by 32", "redis", [*REDIS, "--in_flight=32", f"--call={call}"], ECHO_STREAM, write))
    rows.append(Row(SET_WAIT, "redis_replicas", [*REDIS, "--call=set_wait"], ECHO_UNARY, True))
    return rows


class Series:
    """What the rounds say of one row: rates, None for a round that failed."""

    def __init__(self):
        self.rates = []
        self.micros = []  # processor time of the servers for each operation, of rounds that did not fail
        self.errors = 0
        self.first_error = ""

    def add(self, result, server_seconds):
        """`server_seconds`: processor time during the warm-up too, which is taken to go like the measured time."""
        self.errors += result["errors"]
        if result["operations"] == 0:
            # Nothing that was measured: a rate of 0 would go into medians and spreads.
            self.add_failure(f"no operation succeeded, {result['errors']} failed: {result['first_error'] or 'no reason'}")
            return
        rate = result["operations"] / result["seconds"]
        self.rates.append(rate)
        self.micros.append(server_seconds / (rate * (result["seconds"] + WARM_UP_SECONDS)) * 1e6)
        self.first_error = self.first_error or result["first_error"]

    def add_failure(self, failure):
        self.rates.append(None)
        self.first_error = self.first_error or str(failure)

    def ratio(self, base):
        """The median of the rounds' ratios, None where there is none."""
        if base is None:
            return None
        pairs = [(own, other) for own, other in zip(self.rates, base.rates) if None not in (own, other)]
        return statistics.median(own / other for own, other in pairs) if pairs else None


def measure_part(options, rows, keys, binaries):
    """All rounds over one number of keys: row name -> Series; and what settle() has returned."""
    series = {row.name: Series() for row in rows}
    with tempfile.TemporaryDirectory(prefix="quorate-speed-") as folder, Processes(folder) as processes:
        servers = {}
        for kind in dict.fromkeys(row.server for row in rows):
            tell(f"{keys} keys: starting and filling {kind}")
            servers[kind] = start_server(kind, binaries, processes)
            fill(binaries["load"], servers[kind][0], keys)
        tell(f"{keys} keys: waiting until the servers rest")
        restless = settle(servers)
        for number in range(1, options.rounds + 1):
            for row in rows:
                tell(f"{keys} keys: round {number} of {options.rounds}: {row.name}")
                protocol = row.load[0].partition("=")[2]
                addresses, ids = servers[row.server]
                target = addresses.get(protocol) or addresses["grpc"]
                flags = [*row.load, f"--target={target}", f"--keys={keys}", f"--seconds={options.seconds}",
                         f"--warm_up={WARM_UP_SECONDS}"]
                try:
                    before = processor_seconds(ids)
                    result = run_load(binaries["load"], flags, options.seconds)
                    series[row.name].add(result, processor_seconds(ids) - before)
                except Failure as failure:
                    series[row.name].add_failure(failure)
    return series, restless


def ratio_text(ratio):
    return "-" if ratio is None else f"{ratio:.2f}"


def print_part(rows, left_out, series, keys):
    print(f"\n{keys:,} keys")
    print(f"  {'':45} {'op/s':>9}  {'(least..most)':21} {'x echo':>7} {'x SET+WAIT 4':>13} "
          f"{'server us/op':>13}  errors")
    for row in rows:
        own = series[row.name]
        rates = [rate for rate in own.rates if rate is not None]
        if not rates:
            print(f"  {row.name:45} failed: {own.first_error}")
            continue
        spread = f"({min(rates):,.0f}..{max(rates):,.0f})"
        beside = own.ratio(series.get(SET_WAIT)) if row.write else None
        lost = len(own.rates) - len(rates)
        errors = f"{own.errors}" + (f", {lost} rounds failed" if lost else "")
        print(f"  {row.name:45} {statistics.median(rates):9,.0f}  {spread:21} "
              f"{ratio_text(own.ratio(series.get(row.echo))):>7} {ratio_text(beside):>13} "
              f"{statistics.median(own.micros):13.1f}  {errors}"
              + (f" ({own.first_error})" if own.first_error else ""))
    for row, reason in left_out:
        print(f"  {row.name:45} not measured: {reason}")
    sys.stdout.flush()


def print_header(options):
    print(f"{time.strftime('%Y-%m-%d %H:%M')}; operations a second, values of 100 bytes; medians of {options.rounds} "
          f"rounds of {options.seconds:g} s")
    print_machine()
    if shutil.which("redis-server"):
        version = subprocess.run(["redis-server", "--version"], capture_output=True, text=True, timeout=10, check=False)
        print(version.stdout.partition(" sha=")[0])
    sys.stdout.flush()


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each row (default 5)")
    parser.add_argument("--seconds", type=float, default=3, help="length of one measurement (default 3)")
    parser.add_argument("--keys", default="50,1000000", help="numbers of keys, one part of the table each")
    parser.add_argument("--rows", default="", metavar="FILTER",
                        help="only rows whose name this regular expression finds, and those they are compared with")
    parser.add_argument("--bin", metavar="DIR", help="bazel-bin with the programs (default: builds them)")
    options = parser.parse_args()
    try:
        options.keys = [int(number) for number in options.keys.split(",")]
        options.rows = re.compile(options.rows)
    except (ValueError, re.error) as error:
        parser.error(str(error))
    if options.rounds < 1 or not 0 < options.seconds <= 600 or min(options.keys) < 1:
        parser.error("--rounds and --keys from 1, --seconds above 0 and at most 600")
    return options


def main():
    options = parse_options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    chosen = [row for row in all_rows() if options.rows.search(row.name) or row.name in BASES]
    left_out = []
    if shutil.which("redis-server") is None:
        reason = "redis-server is not installed (Debian's package redis-server)"
        left_out = [(row, reason) for row in chosen if row.server.startswith("redis")]
        chosen = [row for row in chosen if not row.server.startswith("redis")]
    failed = False
    try:
        binaries = build(TARGETS, options.bin)
        print_header(options)
        for keys in options.keys:
            others = Others()
            series, restless = measure_part(options, chosen, keys, binaries)
            print_part(chosen, left_out, series, keys)
            print(f"  Other programs, meanwhile: {others.share():.0%} of all cores' time.", flush=True)
            for kind, cores in restless.items():
                print(f"  {kind} did not rest within {SETTLE_SECONDS} s after all were filled and used {cores:.1f} "
                      "cores before the first round: all rows have suffered from it.", flush=True)
            failed = failed or any(None in own.rates for own in series.values())
    except (Failure, subprocess.SubprocessError, OSError) as failure:
        print(f"speed_table.py: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
