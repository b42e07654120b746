"""A picture: a figure with its name, a sentence that says how to read it, and the numbers that it shows.

    drawn = Drawn("response time (ms)")
    drawn.add("leader_w5r1_10w90r", "share of reads (%)", [1.5, 2.0], [50, 100])
    Picture("leader_w5r1_read_latency", "...", figure, "How to read it: ...", drawn)
"""

import csv
import io
from dataclasses import dataclass

from matplotlib.figure import Figure


# Of the table of a picture; between them stands the name of the horizontal axis.
_FIRST_COLUMNS, _LAST_COLUMNS = ("run", "series"), ("value", "low", "high")


class Drawn:
    """The series of a picture as a table: a row for each point."""

    def __init__(self, x_name):
        self._rows = [(*_FIRST_COLUMNS, x_name, *_LAST_COLUMNS)]

    def add(self, run, series, places, values, lows=None, highs=None):
        """`series` names what the values are; `lows` and `highs` are the ends of their 95 % intervals."""
        nothing = [None] * len(values)
        for place, value, low, high in zip(places, values, lows or nothing, highs or nothing):
            self._rows.append((run, series, *(_short(number) for number in (place, value, low, high))))

    def as_csv(self):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(self._rows)
        return text.getvalue()


def is_drawn(path):
    """Whether a file has the table of a picture, as as_csv() makes it."""
    with open(path, encoding="utf-8", errors="replace", newline="") as file:
        head = next(csv.reader([file.readline()]), [])
    return tuple(head[:2]) == _FIRST_COLUMNS and tuple(head[3:]) == _LAST_COLUMNS


def _short(number):
    """More digits than any figure has; "" for None."""
    return "" if number is None else f"{number:.10g}"


@dataclass
class Picture:
    name: str  # of its file, without ending
    title: str
    figure: Figure
    caption: str
    drawn: Drawn
