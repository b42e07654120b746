"""Pictures that put all configurations beside each other."""

import numpy

from . import style
from .picture import Drawn, Picture

_TICK_LETTERS = 32
# A bar of fewer percent cannot be told from none, so its count stands there.
_PERCENT_SEEN = 0.1


def _ratios(groups):
    """All ratios, ascending by their share of writes; those that nobody knows last."""
    found = {}
    for results in groups.values():
        for result in results:
            found.setdefault(result.run_label, result.write_share)
    return sorted(found, key=lambda label: (found[label] is None, found[label] or 0, label))


def _bars(axis, groups, draw):
    """Calls `draw(place, width, result, color)` for each result, in groups by configuration."""
    ratios = _ratios(groups)
    width = 0.8 / max(len(ratios), 1)
    for group, results in enumerate(groups.values()):
        for result in results:
            index = ratios.index(result.run_label)
            draw(group - 0.4 + width * (index + 0.5), width * 0.92, result, style.series_style(index)[0])
    axis.set_xticks(range(len(groups)))
    axis.set_xticklabels([_config_lines(results) for results in groups.values()])
    axis.set_xlim(-0.55, len(groups) - 0.45)
    axis.grid(axis="x", visible=False)


def _config_lines(results):
    return style.fill(results[0].config_label, _TICK_LETTERS)


def _add(drawn, result, series, value, *bounds):
    """A bar, or a point: its place is the share of writes, where it is known."""
    place = None if result.write_share is None else 100 * result.write_share
    drawn.add(result.name, series, [place], [value], *([bound] for bound in bounds))


def _legend(axis, groups):
    labels = _ratios(groups)
    handles = [style.matplotlib.patches.Patch(color=style.series_style(index)[0]) for index in range(len(labels))]
    axis.legend(handles, list(map(style.fill, labels)), loc="lower left", bbox_to_anchor=(0, 1.0), ncol=min(len(labels), 4), frameon=False)


def _figure(groups, rows, title):
    width = float(numpy.clip(3.6 * len(groups), 10, 24))
    figure = style.Figure(figsize=(width, 3.9 * rows + 0.9), layout="constrained")
    figure.suptitle(title, fontsize=13, fontweight="bold", x=0.01, ha="left")
    return figure, figure.subplots(rows, 1, squeeze=False)[:, 0]


def p99_picture(groups):
    """Response times by configuration and ratio. `groups`: configuration -> results."""
    figure, axes = _figure(groups, 2, "P99 latency by configuration")
    drawn = Drawn("writes (%)")
    for axis, kind in zip(axes, ("read", "write")):
        values = []

        def draw(place, width, result, color, axis=axis, kind=kind, values=values):
            distribution = result.latencies[kind]
            if not distribution.count:
                axis.annotate("none", (place, 0), xycoords=("data", "axes fraction"), xytext=(0, 4),
                              textcoords="offset points", ha="center", rotation=90, fontsize=8, color=style.GREY)
                return
            value = distribution.percentile(0.99) * 1e3
            values.append(value)
            _add(drawn, result, f"P99 of {kind}s (ms)", value)
            sure = distribution.supports(0.99) and result.latencies_hold(kind)
            axis.bar(place, value, width=width, color=color if sure else "white", edgecolor=color, linewidth=1.4,
                     hatch="" if sure else "////")
            note = "" if distribution.supports(0.99) else "?"
            note += style.latency_mark(result, kind)
            axis.annotate(f"{value:,.3g}{note}", (place, value), xytext=(0, 4), textcoords="offset points", ha="center",
                          va="bottom", rotation=90, fontsize=8.5)

        _bars(axis, groups, draw)
        axis.set_ylabel(f"P99 of {kind}s (ms)")
        if values and max(values) > 0:
            wide = style.scale_axis(axis, "y", min(value for value in values if value > 0), max(values))
            axis.set_ylim(min(value for value in values if value > 0) / 2 if wide else 0,
                          max(values) * (4 if wide else 1.5))
        else:
            style.nothing(axis, f"no {kind} was measured")
    _legend(axes[0], groups)
    results = [result for each in groups.values() for result in each]
    caption = (
        "How to read it: one operation in a hundred took longer than its bar. Writes wait for W replicas and reads for "
        "R, so the bars grow with them. A hatched bar with a question mark has fewer than ten operations above it and "
        "may well be chance, and the verdict forbids to use one marked VOID or DO NOT USE. " + style.load_note(results)
        + " " + style.verdict_note(results))
    return Picture("comparison_p99_latency", "P99 latency by configuration", figure, caption.strip(), drawn)


def stale_picture(groups):
    """Shares of stale reads, by both definitions."""
    figure, axes = _figure(groups, 2, "Stale reads by configuration")
    drawn = Drawn("writes (%)")
    views = [("strict", lambda result: result.strict), ("loose", lambda result: result.loose or result.counted)]
    for axis, (name, share_of) in zip(axes, views):
        heights = [0.5]

        def draw(place, width, result, color, axis=axis, name=name, share_of=share_of, heights=heights):
            share = share_of(result)
            if share is None or not share.reads:
                text = "no reads" if share else "not told"
                axis.annotate(text, (place, 0), xycoords=("data", "axes fraction"), xytext=(0, 4),
                              textcoords="offset points", ha="center", rotation=90, fontsize=8, color=style.GREY)
                return
            low, high = (100 * bound for bound in share.interval())
            rate = 100 * share.rate
            heights.append(high)
            _add(drawn, result, f"{name} stale reads (%)", rate, low, high)
            axis.bar(place, rate, width=width, color=color)
            axis.errorbar(place, rate, yerr=[[rate - low], [high - rate]], color=style.BLACK, capsize=3, linewidth=1)
            text = f"{share.stale:,} of {share.reads:,}" if 0 < rate < _PERCENT_SEEN else f"{rate:.2g} %"
            axis.annotate(text, (place, high), xytext=(0, 4), textcoords="offset points", ha="center",
                          va="bottom", rotation=90, fontsize=8.5)

        _bars(axis, groups, draw)
        axis.set_ylabel(f"{name} stale reads (%)")
        axis.set_ylim(0, max(heights) * 1.35)
    _legend(axes[0], groups)
    results = [result for each in groups.values() for result in each]
    caption = (
        "How to read it: strict counts a read that began after a newer write had been acknowledged and returned the "
        "older version; where W+R > N and reads go through the quorum, that is a broken promise. Loose asks only once "
        "the reply has come, so writes that ran beside the read count too, and files of other tools are shown there. "
        "The thin lines are 95 % intervals: with no stale read in n, up to about 4/n of the reads may still be stale. "
        + style.comparison_note(results))
    return Picture("comparison_stale_reads", "Stale reads by configuration", figure, caption.strip(), drawn)


def _overview_rows():
    def p99(kind):
        def value(result):
            distribution = result.latencies[kind]
            return distribution.percentile(0.99) * 1e3 if distribution.count else None
        return value

    def stale(result):
        share = result.strict or result.loose or result.counted
        return 100 * share.rate if share and share.reads else None

    def doubt(kind):
        def remark(result):
            spoilt = style.latency_mark(result, kind) if kind in result.spoilt else ""
            return ("" if result.latencies[kind].supports(0.99) else "?") + spoilt
        return remark

    # Name, value, whether the axis begins at zero, what to put behind a value.
    return [("answered op/s", lambda result: result.achieved, True, lambda result: ""),
            ("read P99 (ms)", p99("read"), False, doubt("read")),
            ("write P99 (ms)", p99("write"), False, doubt("write")),
            ("strict stale reads (%)", stale, True, lambda result: "" if result.strict else " loose")]


def _draw_points(axis, results, name, value_of, remark_of, drawn):
    points = [(place, value_of(result), result) for place, result in enumerate(results) if value_of(result) is not None]
    if not points:
        return style.nothing(axis, "none")
    # A line follows the share of writes, so it needs one point for each.
    axis.plot([point[0] for point in points], [point[1] for point in points], color=style.BLUE, marker="o",
              linestyle="" if any(result.is_named for result in results) else "-", clip_on=False, zorder=3)
    for place, value, result in points:
        void = result.judgement == "void"
        remark = remark_of(result)
        text = f"{value:,.3g}{remark}{' VOID' if void else ''}"
        _add(drawn, result, name if remark != " loose" else "loose stale reads (%)", value)
        axis.annotate(text, (place, value), xytext=(0, 6), textcoords="offset points", ha="center", fontsize=8,
                      color=style.VERMILLION if void or "NOT USE" in remark else style.BLACK)


def overview_picture(groups):
    """Mode and (W, R) from left to right, ratios within; throughput, P99 and stale reads from top to bottom."""
    rows = _overview_rows()
    figure = style.Figure(figsize=(float(numpy.clip(3.4 * len(groups), 7, 26)), 2.1 * len(rows) + 1.0),
                          layout="constrained")
    figure.suptitle("Overview", fontsize=13, fontweight="bold")
    drawn = Drawn("writes (%)")
    axes = figure.subplots(len(rows), len(groups), squeeze=False, sharex="col", sharey="row")
    for column, results in enumerate(groups.values()):
        for (name, value_of, _, remark_of), axis in zip(rows, axes[:, column]):
            _draw_points(axis, results, name, value_of, remark_of, drawn)
            axis.margins(x=0.2, y=0.3)
            if column == 0:
                axis.set_ylabel(name)
            axis.set_xticks(range(len(results)))
            named = any(result.is_named for result in results)
            axis.set_xticklabels([_short_name(result) for result in results], rotation=25 if named else 0,
                                 ha="right" if named else "center")
        axes[0, column].set_title(_config_lines(results))
        axes[-1, column].set_xlabel("writes/reads (%)")
    _scale_rows(rows, groups, axes)
    results = [result for each in groups.values() for result in each]
    caption = (
        "How to read it: a column is a configuration, a point a run; all panels of a row have the same scale. "
        "Throughput is what was offered unless the cluster could not follow. What a larger W costs shows in the "
        "writes, what a larger R costs in the reads, and what both save in the last row. A value with a question mark "
        "has fewer than ten operations above it. Of files that tell no strict count the loose one is shown, and marked. "
        + style.comparison_note(results))
    return Picture("overview", "Overview: mode and (W, R)", figure, caption.strip(), drawn)


def _short_name(result):
    return result.run_name if result.is_named else result.ratio.replace("w", "/").rstrip("r")


def _scale_rows(rows, groups, axes):
    for (_, value_of, from_zero, _), line in zip(rows, axes):
        values = [value for results in groups.values() for value in map(value_of, results) if value is not None]
        if not values:
            continue
        wide = not from_zero and min(values) > 0 and style.scale_axis(line[0], "y", min(values), max(values))
        if wide:
            line[0].set_ylim(min(values) / 2, max(values) * 3)
        else:
            line[0].set_ylim(0, max(max(values) * 1.35, 1))
            style.plain_ticks(line[0].yaxis)
