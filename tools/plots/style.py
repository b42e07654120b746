"""How all pictures look: colours that survive colour-blindness, dark on white, and panels side by side.

    figure, panels = grid(results, rows=2, title="...")
"""

import io
import textwrap

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from matplotlib.transforms import Bbox

# Okabe and Ito's palette (Color Universal Design, 2008), without its yellow, which is faint on white.
BLACK, ORANGE, SKY, GREEN, BLUE, VERMILLION, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7")
GREY = "#5F5F5F"
FAINT = "#9A9A9A"
# Told apart by dash and mark too.
SERIES = [(BLUE, "-", "o"), (VERMILLION, "--", "s"), (GREEN, "-.", "^"), (PURPLE, ":", "D"), (BLACK, "-", "v"),
          (ORANGE, "--", "P"), (SKY, "-.", "X"), (FAINT, ":", "*")]
PERCENTILES = [(0.50, "P50", "-"), (0.95, "P95", "--"), (0.99, "P99", ":")]
COLUMNS_MAX = 4
PANEL_LETTERS = 42
LOADS_NAMED = 4
LOG_SPREAD = 20  # from here on a linear axis hides the small values

matplotlib.rcParams.update({
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#D9D9D9",
    "grid.linewidth": 0.6,
    "axes.edgecolor": GREY,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "legend.framealpha": 0.9,
    "legend.fontsize": 8.5,
    "text.parse_math": False,  # names of files and delays may hold a $, and mean it
    "svg.fonttype": "path",  # so that no font of the reader can cut a label
    "svg.hashsalt": "quorate",
})


def series_style(index):
    """Colour, dash and mark of the series with this number."""
    return SERIES[index % len(SERIES)]


def grid(results, rows, title, row_height=2.7, sharex=True, sharey="row"):
    """A figure with a column for each result, and for each of them its panels from top to bottom.

    More than four results continue in further rows.
    """
    columns = min(len(results), COLUMNS_MAX)
    bands = -(-len(results) // COLUMNS_MAX)
    width = {1: 7.0, 2: 10.0, 3: 13.0}.get(columns, 16.0)
    figure = Figure(figsize=(width, row_height * rows * bands + 1.0), layout="constrained")
    figure.suptitle("\n".join(textwrap.wrap(title, int(width * 9))), fontsize=13, fontweight="bold")
    axes = figure.subplots(rows * bands, columns, squeeze=False, sharex=sharex, sharey=sharey if bands == 1 else False)
    panels = []
    for index in range(bands * columns):
        band, column = divmod(index, columns)
        panel = [axes[band * rows + row][column] for row in range(rows)]
        for axis in panel:
            axis.tick_params(labelbottom=True, labelleft=True)
        if index < len(results):
            panels.append(panel)
        else:
            for axis in panel:
                axis.set_axis_off()
    return figure, panels


def panel_title(axis, result, note="", kind=None):
    """Names the run and its conditions, and the verdict where it takes something away from the figures.

    `kind`: where the panel has nothing but latencies, "read" or "write", whose they are.
    """
    last = [note] if note else []
    if result.judgement in ("shared", "void"):
        last.append(f"verdict: {result.judgement.upper()}")
    lines = [fill(result.run_name), fill(", ".join(result.own_conditions)), " · ".join(last), spoilt_text(result)]
    wrong = not result.latencies_hold(kind)
    axis.set_title("\n".join(filter(None, lines)), color=VERMILLION if wrong else BLACK)
    if wrong:
        for spine in axis.spines.values():
            spine.set(color=VERMILLION, linewidth=2)


def spoilt_text(result):
    """Of which kinds the verdict forbids to use latencies; empty where it forbids none, or all."""
    return f"USE NO LATENCY OF {' OR '.join(f'{kind.upper()}S' for kind in result.spoilt)}" if result.spoilt else ""


def latency_mark(result, kind):
    """What stands behind a latency that must not be used; empty where it may be."""
    if result.judgement == "void":
        return " VOID"
    return "" if result.latencies_hold(kind) else " DO NOT USE"


def fill(text, letters=PANEL_LETTERS):
    """The text with line breaks, no wider than a panel."""
    return textwrap.fill(text, letters)


def promise_note(results):
    """A sentence on runs whose stale reads break no promise; empty where there are none."""
    free = [result for result in results if result.promises_fresh_reads is False]
    if not free:
        return ""
    return ("Nothing forbids stale reads where W+R is not above N, nor where a node answers from its own store alone "
            f"(local reads), so they break no promise here: {_names(free, results)}.")


def notes(results):
    """What captions say at their end about promises and verdicts."""
    return " ".join(filter(None, [promise_note(results), verdict_note(results)]))


def load_note(results):
    """A sentence on what was not asked alike of runs that are compared; empty where all that is told is alike."""
    unlike = []
    for name in dict.fromkeys(name for result in results for name in result.load):
        values = sorted({result.load[name] for result in results if name in result.load}, key=lambda text: (len(text), text))
        if len(values) > 1:
            unlike.append(f"{name} ({', '.join(values[:LOADS_NAMED])}{', ...' if len(values) > LOADS_NAMED else ''})")
    ratios = {}
    for result in results:
        ratios.setdefault(result.config, set()).add(result.ratio)
    if len({frozenset(each) for each in ratios.values()}) > 1:
        unlike.append("ratios of writes and reads")
    if not unlike:
        return ""
    return f"NOT OF THE SAME LOAD, so differences need not come from the configurations: {'; '.join(unlike)}."


def comparison_note(results):
    """What captions of pictures with all runs say at their end."""
    return " ".join(filter(None, [load_note(results), notes(results)]))


def verdict_note(results):
    """A sentence on the verdicts of some results; empty where all are valid or tell none."""
    sentences = []
    void = [result for result in results if result.judgement == "void"]
    shared = [result for result in results if result.judgement == "shared"]
    interrupted = [result for result in results if result.interrupted]
    if interrupted:
        sentences.append(f"INTERRUPTED, so it was measured for less than the whole time: {_names(interrupted, results)}.")
    if void:
        sentences.append(f"VOID, do not use the latencies: {_names(void, results)}.")
    for kind in ("read", "write"):
        spoilt = [result for result in results if kind in result.spoilt]
        if spoilt:
            sentences.append(f"Use no latency of {kind}s, which are largely the generator's own lag: "
                             f"{_names(spoilt, results)}.")
    if shared:
        reasons = sorted({reason for result in shared for reason in result.reasons[:1]})
        because = f" ({'; '.join(reasons)})" if len(reasons) == 1 else ""
        sentences.append(f"SHARED, generator and servers were in each other's way{because}: {_names(shared, results)}.")
    return " ".join(sentences)


def _names(some, of_all):
    if len(some) == len(of_all):
        return "all runs" if len(some) > 1 else "this run"
    if 4 < len(some):
        others = sorted(result.name for result in of_all if result not in some)
        return f"{len(some)} runs" if 4 < len(others) else f"all runs but {', '.join(others)}"
    return ", ".join(sorted(result.name for result in some))


def nothing(axis, text):
    """Says in an empty panel why it is empty."""
    axis.text(0.5, 0.5, text, transform=axis.transAxes, ha="center", va="center", color=GREY, wrap=True)


def plain_number(value, _position=None):
    return f"{value:,.6g}"


def scale_axis(axis, which, low, high):
    """Makes the axis "x" or "y" logarithmic where its values are far apart, with plain numbers either way."""
    wide = 0 < low and low * LOG_SPREAD < high
    part = axis.xaxis if which == "x" else axis.yaxis
    if wide:
        (axis.set_xscale if which == "x" else axis.set_yscale)("log")
        # Few decades have room for numbers in between.
        if high / low < 300:
            part.set_major_locator(LogLocator(subs=(1, 2, 5)))
    plain_ticks(part)
    return wide


def plain_ticks(part):
    """Plain numbers at the ticks of an axis.xaxis or .yaxis, and nothing between them, which takes long to draw."""
    part.set_minor_locator(NullLocator())
    part.set_major_formatter(FuncFormatter(plain_number))


def to_svg(figure):
    """The figure as an <svg> element to be put into a page."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    return svg[svg.index("<svg"):]


def to_png(figure, path, caption, comment=None):
    """Writes the figure, with its caption below, to a file. What follows keeps this layout.

    `comment`: a text that stands in the file, as it is, and is not to be seen.
    """
    width, height = figure.get_size_inches()
    figure.get_layout_engine().execute(figure)
    lines = textwrap.wrap(caption, int(width * 15))
    figure.set_layout_engine("none")
    figure.text(0.1 / width, -0.05 / height, "\n".join(lines), fontsize=9, color="#333333", ha="left", va="top")
    below = 0.15 + 0.17 * len(lines)
    figure.savefig(path, dpi=110, bbox_inches=Bbox([[0, -below], [width, height]]),
                   metadata=comment and {"Comment": comment})
