"""A picture: a figure with its name and a sentence that says how to read it."""

from dataclasses import dataclass

from matplotlib.figure import Figure


@dataclass
class Picture:
    name: str  # of its file, without ending
    title: str
    figure: Figure
    caption: str
