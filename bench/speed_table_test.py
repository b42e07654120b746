"""What the table of speeds makes of rounds that went wrong."""

import contextlib
import io
import unittest

from speed_table import ECHO_UNARY, Row, Series, print_part

ROW = Row("Set W=5, a row", "leader_follower", [], ECHO_UNARY, True)


def round_of(operations, errors=0, first_error=""):
    """What the load program says of one round."""
    return {"operations": operations, "seconds": 2.0, "errors": errors, "first_error": first_error}


class SpeedTableTest(unittest.TestCase):

    def printed(self, *rounds):
        """The line of a row with these rounds, and its series."""
        own, echo = Series(), Series()
        for each in rounds:
            own.add(each, 1.0)
            echo.add(round_of(4000), 1.0)
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            print_part([ROW], [], {ROW.name: own, ECHO_UNARY: echo}, 50)
        return out.getvalue().splitlines()[-1], own

    def test_a_row_shows_the_median_of_its_rounds(self):
        line, _ = self.printed(round_of(1000), round_of(3000, 2, "lost"), round_of(2000))
        self.assertRegex(line, r"a row +1,000 +\(500\.\.1,500\) +0\.50 +- .* 2 \(lost\)$")

    def test_a_row_in_which_nothing_succeeded_has_no_figures(self):
        line, series = self.printed(*[round_of(0, 7, "UNAVAILABLE")] * 3)
        self.assertRegex(line, r"a row +failed: no operation succeeded, 7 failed: UNAVAILABLE$")
        self.assertEqual(series.rates, [None] * 3, "so that the exit status tells")
        self.assertIn("no operation succeeded, 0 failed: no reason", self.printed(round_of(0))[0])

    def test_a_round_in_which_nothing_succeeded_counts_as_failed(self):
        line, _ = self.printed(round_of(1000), round_of(0, 7, "UNAVAILABLE"), round_of(1000))
        self.assertRegex(line, r"500 +\(500\.\.500\) +0\.25 .* 7, 1 rounds failed \(no operation succeeded")


if __name__ == "__main__":
    unittest.main()
