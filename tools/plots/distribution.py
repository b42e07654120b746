"""Distributions of durations, from lists of values or from histograms.

    latencies = Distribution.from_values([0.001, 0.0025])
    latencies.percentile(0.5)   # seconds
"""

import numpy

# With fewer samples above it, a percentile is a matter of luck.
SAMPLES_ABOVE = 10


class Distribution:
    """Durations in seconds, ascending, each with how often it occurred. Fixed after construction."""

    def __init__(self, values, counts, sampled=False):
        order = numpy.argsort(numpy.asarray(values, dtype=float), kind="stable")
        self.values = numpy.asarray(values, dtype=float)[order]
        self.counts = numpy.asarray(counts, dtype=float)[order]
        self.cumulative = numpy.cumsum(self.counts)
        self.sampled = sampled  # whether something was left out by chance

    @classmethod
    def from_values(cls, values, sampled=False):
        return cls(values, numpy.ones(len(values)), sampled)

    @classmethod
    def from_buckets(cls, buckets):
        """Of pairs of nanoseconds and count."""
        return cls([value / 1e9 for value, _ in buckets], [count for _, count in buckets])

    @property
    def count(self):
        return int(round(self.cumulative[-1])) if len(self.cumulative) else 0

    def percentile(self, share):
        """The smallest duration that at least this share of all do not exceed; None of nothing."""
        if not self.count:
            return None
        # The tolerance keeps 0.99 * 1000 at rank 990.
        rank = max(share * self.count - 1e-6, 0)
        return float(self.values[min(numpy.searchsorted(self.cumulative, rank), len(self.values) - 1)])

    def supports(self, share):
        """Whether enough samples lie above this percentile for it to mean something."""
        return self.count * (1 - share) >= SAMPLES_ABOVE - 1e-6

    def mean(self):
        return float((self.values * self.counts).sum() / self.count) if self.count else None

    def max(self):
        return float(self.values[-1]) if self.count else None

    def min(self):
        return float(self.values[0]) if self.count else None
