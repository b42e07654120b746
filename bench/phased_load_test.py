"""The arithmetic on the lines of the load program."""

import unittest

from phased_load import between, errors, quantile_ms, rate, seconds_until_rate


def lines(*operations, seconds=0.5, begin=100.0):
    """One line a number of operations, one after the other."""
    return [{"time": begin + seconds * (i + 1), "seconds": seconds, "gets": count, "sets": 0, "errors": {}}
            for i, count in enumerate(operations)]


class RateTest(unittest.TestCase):
    def test_is_what_ended_well_in_the_time(self):
        self.assertEqual(rate(lines(10, 30)), 40)
        self.assertEqual(rate([]), 0)

    def test_lines_are_chosen_by_their_middle(self):
        self.assertEqual([line["gets"] for line in between(lines(1, 2, 3, 4), 100.3, 101.3)], [2, 3])

    def test_errors_are_summed_by_status(self):
        counted = errors([{"errors": {"UNAVAILABLE": 2}}, {"errors": {"UNAVAILABLE": 1, "CANCELLED": 5}}])
        self.assertEqual(counted, {"UNAVAILABLE": 3, "CANCELLED": 5})


class QuantileTest(unittest.TestCase):
    def test_is_the_bound_that_so_many_do_not_exceed(self):
        two = [{"get_us": {"900": 50, "10000": 1}}, {"get_us": {"900": 48, "2000": 1}}]
        self.assertEqual(quantile_ms(two, "get_us", 0.5), 0.9)
        self.assertEqual(quantile_ms(two, "get_us", 0.98), 0.9)
        self.assertEqual(quantile_ms(two, "get_us", 0.99), 2)
        self.assertEqual(quantile_ms(two, "get_us", 1), 10)

    def test_nothing_has_none(self):
        self.assertIsNone(quantile_ms([{"get_us": {}}], "get_us", 0.5))


class SecondsUntilRateTest(unittest.TestCase):
    def test_none_are_needed_where_the_rate_is_there_at_once(self):
        self.assertEqual(seconds_until_rate(lines(50, 50, 50), 100), 0)

    def test_a_whole_window_has_to_reach_it(self):
        self.assertEqual(seconds_until_rate(lines(0, 60, 20, 50, 50), 100), 1.5)

    def test_a_burst_makes_up_for_a_stall_within_its_window_only(self):
        self.assertEqual(seconds_until_rate(lines(0, 0, 100, 50, 50), 100), 0.5)

    def test_a_rate_that_is_never_reached_has_no_time(self):
        self.assertIsNone(seconds_until_rate(lines(10, 10, 10), 100))
        self.assertIsNone(seconds_until_rate(lines(10, 100), 111))
        self.assertIsNone(seconds_until_rate([], 1))


if __name__ == "__main__":
    unittest.main()
