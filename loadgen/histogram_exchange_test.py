"""Holds the encoded histograms against HdrHistogram itself, in Debian's package for Java.

What our side encodes the library must decode to the same counts, and to quantiles within a thousandth; and the other
way round. Java is there because Bazel runs on it.
"""

import base64
import os
import random
import subprocess
import unittest
import zlib
from typing import NamedTuple

_PROGRAM = os.environ["HISTOGRAM_EXCHANGE"]
_JAVA_SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "HistogramExchange.java")
_JAR = "/usr/share/java/hdrhistogram.jar"
_TIMEOUT_SECONDS = 120

_OUTER_HEADER_BYTES = 8


class Histogram(NamedTuple):
    """What a program says of a histogram, see histogram_exchange.cc."""

    text: str
    count: int
    mean: float
    max: int
    quantiles: list
    buckets: list

    def payload(self):
        return zlib.decompress(base64.b64decode(self.text)[_OUTER_HEADER_BYTES:])


def parse(line):
    fields = line.split(" ")
    if fields[0] == "error":
        raise AssertionError(line)
    text, count, mean, highest, quantiles, buckets = fields
    return Histogram(
        text=text,
        count=int(count),
        mean=float(mean),
        max=int(highest),
        quantiles=[int(value) for value in quantiles.split("/")[1:]],
        buckets=[tuple(int(part) for part in bucket.split(":")) for bucket in buckets.split(",") if bucket],
    )


def ask(command, lines):
    run = subprocess.run(
        command, input="".join(line + "\n" for line in lines), capture_output=True, text=True, timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    if run.returncode != 0:
        raise AssertionError(f"{command[0]} failed: {run.stderr}")
    answers = [parse(line) for line in run.stdout.splitlines()]
    if len(answers) != len(lines):
        raise AssertionError(f"{command[0]} answered {len(answers)} of {len(lines)} lines")
    return answers


def ask_ours(lines):
    return ask([_PROGRAM], lines)


def ask_library(lines):
    if not os.path.exists(_JAR):
        raise AssertionError(f"{_JAR} is missing: run tools/setup.sh")
    return ask(["java", "-XX:TieredStopAtLevel=1", "-cp", _JAR, _JAVA_SOURCE], lines)


def recorded(seed, count):
    """A `record` line of durations over all orders of magnitude, some of them many times."""
    chance = random.Random(seed)
    values = [f"{int(2 ** chance.uniform(0, 35.8))}x{chance.choice((1, 1, 2, 70, 9000))}" for _ in range(count)]
    return "record " + " ".join(values)


_WITH_TOO_LONG = "record 70000000000 7200000000000x3 12"
_WRITTEN_BY_US = [
    "record",
    "record 0",
    "record 5x123456789012 6",
    "record 60000000000",
    _WITH_TOO_LONG,
    "random 1 10007",
    "random 2 200003",
]
_WRITTEN_BY_LIBRARY = [
    "record",
    "record 0",
    "record 1 3",
    "record 2047 2048 2049",
    "record 59999999999x3",
    recorded(3, 1),
    recorded(4, 500),
    recorded(5, 5000),
]


class HistogramExchangeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.written = ask_ours(_WRITTEN_BY_US)
        # Java takes seconds to start, so it is asked everything at once.
        answers = ask_library(["decode " + histogram.text for histogram in cls.written] + _WRITTEN_BY_LIBRARY)
        cls.read_by_library = answers[:len(cls.written)]
        cls.written_by_library = answers[len(cls.written):]

    def assert_same(self, ours, theirs):
        self.assertEqual(ours.count, theirs.count)
        self.assertAlmostEqual(ours.mean, theirs.mean, delta=1e-3 * theirs.mean)
        self.assertAlmostEqual(ours.max, theirs.max, delta=1e-3 * theirs.max)
        for our_value, their_value in zip(ours.quantiles, theirs.quantiles):
            self.assertAlmostEqual(our_value, their_value, delta=1e-3 * their_value)
        self.assertEqual([count for _, count in ours.buckets], [count for _, count in theirs.buckets])
        # Ours ends with the maximum itself, theirs with the edge of its bucket.
        self.assertEqual([value for value, _ in ours.buckets[:-1]], [value for value, _ in theirs.buckets[:-1]])
        if ours.buckets:
            self.assertAlmostEqual(ours.buckets[-1][0], theirs.buckets[-1][0], delta=1e-3 * theirs.buckets[-1][0])

    def test_library_reads_what_we_write(self):
        for ours, theirs in zip(self.written, self.read_by_library):
            if ours.max <= 60000000000:
                self.assert_same(ours, theirs)
        self.assertEqual(self.written[-1].count, 200003)
        self.assertGreater(len(self.written[-1].buckets), 10000)

    def test_too_long_durations_are_counted_with_the_longest(self):
        theirs = self.read_by_library[_WRITTEN_BY_US.index(_WITH_TOO_LONG)]
        self.assertEqual([count for _, count in theirs.buckets], [1, 4])
        self.assertAlmostEqual(theirs.max, 7200000000000, delta=7200000000)

    def test_we_read_what_the_library_writes(self):
        decoded = ask_ours(["decode " + histogram.text for histogram in self.written_by_library])
        for ours, theirs in zip(decoded, self.written_by_library):
            self.assert_same(ours, theirs)

    def test_both_write_the_same_bytes(self):
        for ours, theirs in zip(ask_ours(_WRITTEN_BY_LIBRARY), self.written_by_library):
            self.assert_same(ours, theirs)
            self.assertEqual(ours.payload(), theirs.payload())


if __name__ == "__main__":
    unittest.main()
