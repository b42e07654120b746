"""The load program of overload.py and catch_up.py, and arithmetic on the lines that it prints (phased_tally.h).

    with PhasedLoad(binary, ["--targets=127.1.2.3:9080", "--phases=open:2000:60"]) as load:
        ...
        lines = load.lines()
"""

import math
import os
import signal
import subprocess
from collections import Counter

from speed_servers import Failure, LineProgram, die_with_parent

END_SECONDS = 30

_NICE = -10


def _prepare():
    """Puts the load before the nodes where that is allowed: on few cores it could not be kept up beside them."""
    die_with_parent()
    try:
        os.nice(_NICE)
        # Where the kernel groups processes by session, a group's own figure is the one that counts.
        with open("/proc/self/autogroup", "w", encoding="ascii") as file:
            file.write(str(_NICE))
    except (PermissionError, FileNotFoundError):
        pass


class PhasedLoad(LineProgram):
    """A run of the load program."""

    def __init__(self, binary, flags):
        self._lines = []  # appended to by one thread, which is atomic
        super().__init__([binary, *flags], self._keep, _prepare)

    @property
    def id(self):
        return self.process.pid

    def preferred(self):
        """Whether its priority is above the nodes'."""
        return os.getpriority(os.PRIO_PROCESS, self.process.pid) < os.getpriority(os.PRIO_PROCESS, 0)

    def lines(self):
        """Those printed so far. Failure where the program has failed."""
        if self.process.poll() not in (None, 0):
            raise Failure(f"the load failed: {self.last_words()}")
        return list(self._lines)

    def running(self):
        return self.process.poll() is None

    def end(self):
        """Ends the load before its time; returns all its lines."""
        self.process.send_signal(signal.SIGTERM)
        return self.all_lines(END_SECONDS)

    def all_lines(self, seconds):
        """All lines of a load that ends within this time; else a Failure."""
        try:
            self.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise Failure(f"the load has not ended within {seconds:g} s") from error
        return self.lines()

    def _keep(self, line):
        if line is not None:
            self._lines.append(line)


def succeeded(line):
    """Operations of the line's own phase that ended well."""
    return line["gets"] + line["sets"]


def total(lines, name):
    return sum(line[name] for line in lines)


def rate(lines, count=succeeded):
    """A second; 0 where there are no lines."""
    seconds = total(lines, "seconds")
    return sum(count(line) for line in lines) / seconds if seconds > 0 else 0.0


def errors(lines):
    """Status -> how many."""
    counts = Counter()
    for line in lines:
        counts.update(line["errors"])
    return counts


def print_first_errors(lines):
    """Of each status the first message."""
    first = {}
    for line in lines:
        first = {**line["first_errors"], **first}
    for status, message in sorted(first.items()):
        print(f"  The first {status}: {message}")


def quantile_ms(lines, name, quantile):
    """Of the latencies under `name`, to 2 %; None where there are none."""
    buckets = Counter()
    for line in lines:
        buckets.update({int(bound): count for bound, count in line[name].items()})
    wanted = math.ceil(quantile * sum(buckets.values()))
    for bound in sorted(buckets):
        wanted -= buckets[bound]
        if wanted <= 0:
            return bound / 1000
    return None


def between(lines, begin, end):
    """The lines whose middle lies in this time."""
    return [line for line in lines if begin <= line["time"] - line["seconds"] / 2 < end]


def seconds_until_rate(lines, wanted, window=1.0):
    """From the first line's begin until the rate was `wanted` over a whole window; None where it never was."""
    if not lines:
        return None
    begin = lines[0]["time"] - lines[0]["seconds"]
    for first, line in enumerate(lines):
        seconds = operations = 0
        for later in lines[first:]:
            seconds += later["seconds"]
            operations += succeeded(later)
            if seconds >= window * 0.999:
                break
        else:
            return None
        if operations / seconds >= wanted:
            return line["time"] - line["seconds"] - begin
    return None
