"""Pictures of runs against faults: availability and latency over time, with the faults as shaded bands.

The files come from the nemesis (tests/nemesis/series.h); they hold one run in one or two worlds, real processes and the
simulator, side by side.
"""

import json

import numpy

from . import style
from .picture import Drawn, Picture

SCHEMA = "quorate.nemesis/1"

# A colour and a letter for each kind, so that bands are told apart without their colours.
_KINDS = {
    "crash": ("C", style.VERMILLION), "shutdown": ("S", style.ORANGE), "new disk": ("N", style.PURPLE),
    "disk failure": ("D", style.BLACK), "pause": ("P", style.GREEN), "partition": ("X", style.BLUE),
    "one-way partition": ("O", style.SKY), "clog": ("L", style.GREY), "slow disk": ("W", style.FAINT),
    "full disk": ("F", "#7A3B2E"), "clock jump": ("T", "#8C6D1F"), "bit flip": ("B", "#5B8C5A"),
}
_OTHER = ("?", style.GREY)
# These take nodes away; they are shaded across all panels.
_SHADED = ("crash", "shutdown", "new disk", "disk failure", "full disk", "pause", "partition",
           "one-way partition")


class NotARun(Exception):
    """Why a file cannot be drawn."""


def read_run(path):
    """The run in a file, as the nemesis wrote it."""
    try:
        with open(path, encoding="utf-8") as file:
            run = json.load(file)
    except (ValueError, RecursionError) as error:
        raise NotARun(f"no JSON: {error}") from error
    if not isinstance(run, dict) or run.get("schema") != SCHEMA or not run.get("worlds"):
        raise NotARun(f"no run of the nemesis ({SCHEMA})")
    return run


def nemesis_picture(name, run):
    """A column for each world: operations, availability, latency, and the faults by kind. NotARun where parts lack."""
    try:
        return _picture(name, run)
    except LookupError as error:
        raise NotARun(f"a part of it lacks {error}") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise NotARun(f"a part of it is none of a run: {error}") from error


def _picture(name, run):
    worlds = run["worlds"]
    mode = "" if run["write_mode"] == "plain" else f", {run['write_mode']}"
    title = (f"{run['strategy']}{mode}, N={run['n']} W={run['w']} R={run['r']}, {run['durability']}: "
             f"{len(run['faults'])} faults in {style.plain_number(run['length'])} s (seed {run['seed']})")
    figure, panels = style.grid(worlds, 4, title, row_height=2.3)
    drawn = Drawn("time since the start (s)")
    kinds = [kind for kind in [*_KINDS, *sorted({fault["kind"] for fault in run["faults"]} - set(_KINDS))]
             if any(fault["kind"] == kind for fault in run["faults"])]
    for world, panel in zip(worlds, panels):
        panel[0].set_title(f"{world['world']}: {world['verdict']}",
                           color=style.BLACK if world["verdict"] == "passed" else style.VERMILLION)
        _draw_world(world, panel[:3], drawn)
        _draw_faults(run, kinds, panel, drawn if world is worlds[0] else None)
        panel[0].set_xlim(0, run["length"])
        panel[-1].set_xlabel("time since the start (s)")
    caption = (
        "How to read it: each bar below is one fault, from its beginning to its end, with the node it happens to (or, for "
        "partitions, the group; for clogs, from > to). Stops, pauses and cuts are shaded through all panels; where W nodes "
        "reach one another, operations should go on. Available is the share of the operations that ended OK among those "
        "that ended in that second, with a gap where none did; an operation counts in the second in which it ends. P99 of a "
        "second is nearly its slowest answer.")
    return Picture(name, title, figure, caption, drawn)


def _draw_world(world, panel, drawn):
    rates, available, latency = panel
    seconds = world["seconds"]
    middles = numpy.arange(len(seconds)) + 0.5
    count = {name: numpy.array([second[name] for second in seconds]) for name in ("ok", "failed", "unknown")}
    for name, label, look in (("ok", "OK", {"color": style.BLUE, "linewidth": 1.8}),
                              ("failed", "failed", {"color": style.VERMILLION, "linestyle": "--"}),
                              ("unknown", "unknown outcome", {"color": style.PURPLE, "linestyle": ":"})):
        rates.plot(middles, count[name], label=label, **look)
        drawn.add(world["world"], f"operations per second, {label}", middles, count[name])
    rates.set_ylabel("operations per second")
    rates.set_ylim(bottom=0)
    rates.legend(loc="upper right", ncol=3)
    shares = _draw_available(available, count["ok"], count["ok"] + count["failed"] + count["unknown"])
    drawn.add(world["world"], "available (%)", middles, shares)
    for name, (color, dash, _) in (("p50", style.SERIES[0]), ("p99", style.SERIES[1])):
        points = [(middle, second[name] * 1e3) for middle, second in zip(middles, seconds) if second[name] is not None]
        if points:
            latency.plot(*zip(*points), color=color, linestyle=dash, label=name.upper())
            drawn.add(world["world"], f"{name.upper()} of the latency (ms)", *zip(*points))
    latency.set_ylabel("latency (ms)")
    latency.set_yscale("log")
    style.plain_ticks(latency.yaxis)
    if latency.get_legend_handles_labels()[0]:
        latency.legend(loc="upper right", ncol=2)


def _draw_available(axis, good, ended):
    """Returns the shares of good operations in percent; None for a second in which none ended, a gap in the picture."""
    shares = [100.0 * ok / of if of else None for ok, of in zip(good, ended)]
    edges = numpy.arange(len(shares) + 1)
    drawn = numpy.array(shares, dtype=float)
    axis.stairs(drawn, edges, fill=True, color=style.GREEN, alpha=0.6)
    # The line tells an outage, where it is at 0, from a gap.
    axis.stairs(drawn, edges, baseline=None, color=style.GREEN, linewidth=1.8)
    axis.set_ylim(-4, 105)
    axis.set_ylabel("available (%)")
    if ended.any():
        axis.text(0.99, 0.12, f"{100.0 * good.sum() / ended.sum():.1f} % of all", transform=axis.transAxes, ha="right",
                  bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8})
    return shares


def _draw_faults(run, kinds, panel, drawn):
    bands = panel[-1]
    bands.set_ylim(len(kinds) - 0.5, -0.5)
    bands.set_yticks(range(len(kinds)), [f"{kind} ({_KINDS.get(kind, _OTHER)[0]})" for kind in kinds])
    bands.grid(axis="y", visible=False)
    few = len(run["faults"]) <= 60
    for fault in run["faults"]:
        letter, color = _KINDS.get(fault["kind"], _OTHER)
        row = kinds.index(fault["kind"])
        start, end = fault["start"], min(fault["end"], run["length"])
        bands.barh(row, max(end - start, run["length"] / 400), left=start, height=0.75, color=color, alpha=0.8)
        between = ">" if fault["kind"] == "clog" else ","
        where = between.join(str(node) for node in fault["nodes"])
        if few:
            bands.text(start, row, f" {where}", va="center", ha="left", fontsize=7, clip_on=True,
                       bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.6, "pad": 0.5})
        if drawn:
            drawn.add("faults", f"{fault['kind']} {where}", [start], [end - start])
        if fault["kind"] not in _SHADED:
            continue
        for axis in panel[:-1]:
            axis.axvspan(start, end, color=color, alpha=0.13, linewidth=0, zorder=0)
        if few:
            panel[0].annotate(letter, (start, 1.0), xycoords=("data", "axes fraction"), fontsize=7, color=color,
                              ha="left", va="bottom")
