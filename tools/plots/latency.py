"""Pictures of latencies and intervals of one configuration, with its ratios of writes and reads side by side."""

import numpy

from . import style
from .picture import Drawn, Picture

_BARS = 48
_CURVE_POINTS_MAX = 200
_LEGEND_LINE = 0.18  # inches
_KINDS = [("write_read", "write, then read"), ("read_write", "read, then write"),
          ("write_write", "write, then write"), ("read_read", "read, then read")]


def milliseconds_range(distributions):
    """The least and the greatest, with some room, of those that hold anything; None of nothing."""
    filled = [each for each in distributions if each.count]
    if not filled:
        return None
    low, high = min(each.min() for each in filled) * 1e3, max(each.max() for each in filled) * 1e3
    if high <= 0:
        return 0.0, 1.0
    # A clock that ticks may show 0, which a logarithmic axis cannot.
    low = max(low, high / 1e7)
    if low == high:
        return low * 0.9, high * 1.1
    return low, high


def _edges(low, high, wide):
    return numpy.geomspace(low, high, _BARS + 1) if wide else numpy.linspace(low, high, _BARS + 1)


def _draw_histogram(axis, distribution, edges, color):
    heights, _ = numpy.histogram(
        numpy.clip(distribution.values * 1e3, edges[0], edges[-1]), bins=edges, weights=distribution.counts)
    axis.stairs(heights, edges, baseline=0.5, fill=True, color=color, linewidth=0)
    return heights


def _scale_heights(axes, highest):
    """The same logarithmic scale of counts for all panels of histograms; `highest`: of their bars."""
    for axis in axes:
        axis.set_yscale("log")
        axis.set_ylim(0.7, max(highest * 2, 10))
        style.plain_ticks(axis.yaxis)


def draw_cdf(axis, distribution, low, high, color, **options):
    """Steps, since between two samples nothing is known. Returns their places and percentages."""
    values = numpy.concatenate([[low], numpy.clip(distribution.values * 1e3, low, None), [high]])
    shares = numpy.concatenate([[0], distribution.cumulative / distribution.cumulative[-1] * 100, [100]])
    if len(values) > 4 * _CURVE_POINTS_MAX:
        kept = numpy.unique(numpy.searchsorted(shares, numpy.concatenate([
            numpy.linspace(0, 100, 2 * _CURVE_POINTS_MAX), 100 - numpy.geomspace(1e-4, 10, _CURVE_POINTS_MAX)])))
        kept = kept[kept < len(values)]
        values, shares = values[kept], shares[kept]
    axis.step(values, shares, where="post", color=color, **options)
    return values, shares


def mark_percentiles(axes, distribution):
    for share, name, dash in style.PERCENTILES:
        value = distribution.percentile(share) * 1e3
        sure = distribution.supports(share)
        label = f"{name} {style.plain_number(float(f'{value:.3g}'))} ms{'' if sure else ' ?'}"
        for axis in axes:
            axis.axvline(value, color=style.BLACK if sure else style.FAINT, linestyle=dash, linewidth=1.2, label=label)


def count_note(distribution, what):
    sample = ", a sample of all" if distribution.sampled else ""
    return f"{distribution.count:,} {what if distribution.count != 1 else what.rstrip('s')}{sample}"


def latency_picture(config, results, kind):
    """Histogram and cumulative distribution of the response times of "read" or "write"."""
    color = style.SKY if kind == "read" else style.ORANGE
    line = style.BLUE if kind == "read" else style.VERMILLION
    label = results[0].config_label
    figure, panels = style.grid(results, 2, f"{label}: {kind} latency")
    span = milliseconds_range([result.latencies[kind] for result in results])
    drawn = Drawn("response time (ms)")
    per_bar, not_slower = f"{kind}s per bar", f"share of {kind}s not slower (%)"
    highest = [1]
    for result, (bars, cdf) in zip(results, panels):
        distribution = result.latencies[kind]
        style.panel_title(bars, result, count_note(distribution, f"{kind}s"), kind)
        cdf.set_xlabel(f"{kind} response time (ms)")
        bars.set_xlabel(f"{kind} response time (ms)")
        bars.set_ylabel(per_bar)
        cdf.set_ylabel(not_slower)
        if not distribution.count:
            style.nothing(bars, f"no {kind} was measured")
            style.nothing(cdf, f"no {kind} was measured")
            continue
        wide = style.scale_axis(bars, "x", *span)
        style.scale_axis(cdf, "x", *span)
        edges = _edges(*span, wide)
        heights = _draw_histogram(bars, distribution, edges, color)
        highest.append(heights.max())
        drawn.add(result.name, per_bar, edges, heights)
        drawn.add(result.name, not_slower, *draw_cdf(cdf, distribution, *span, line, linewidth=1.8))
        cdf.set_ylim(0, 103)
        mark_percentiles([bars, cdf], distribution)
        cdf.legend(loc="lower right")
    _scale_heights([bars for bars, _ in panels], max(highest))
    caption = (
        "How to read it: above, how many operations took how long, on a logarithmic scale of counts, so that a lone "
        "slow operation far to the right can be seen. Below, the share of operations that took no longer: half of them "
        "lie left of P50, 99 of 100 left of P99. A grey percentile with a question mark has fewer than ten operations "
        "above it and may well be chance. " + style.verdict_note(results))
    return Picture(f"{config}_{kind}_latency", f"{label}: {kind} latency", figure, caption.strip(), drawn)


def percentile_picture(config, results):
    """Reads and writes over 1/(1-p): every tick to the right is ten times rarer."""
    label = results[0].config_label
    labels = {kind: [style.fill(result.run_label + style.latency_mark(result, kind)) for result in results]
              for kind in ("read", "write")}
    height = 4.2 + _LEGEND_LINE * max(sum(len(each.split("\n")) for each in of_kind) for of_kind in labels.values())
    figure, panels = style.grid([results[0]] * 2, 1, f"{label}: latency by percentile", row_height=height)
    nines = max([each.count for result in results for each in result.latencies.values()] + [10])
    right = 10 ** max(int(numpy.ceil(numpy.log10(nines))), 2)
    span = milliseconds_range([each for result in results for each in result.latencies.values()])
    drawn = Drawn("percentile (%)")
    for kind, (axis,) in zip(("read", "write"), panels):
        axis.set_title(f"{kind}s")
        for index, (result, name) in enumerate(zip(results, labels[kind])):
            distribution = result.latencies[kind]
            if distribution.count:
                points = _draw_percentiles(axis, distribution, name, style.series_style(index))
                drawn.add(result.name, f"{kind} response time (ms)", *points)
        axis.set_xscale("log")
        axis.set_xlim(1, right)
        ticks = [1, 2] + [10**power for power in range(1, int(numpy.log10(right)) + 1)]
        axis.set_xticks(ticks)
        axis.set_xticklabels(["0", "50"] + [f"{100 * (1 - 1 / tick):.12g}" for tick in ticks[2:]])
        axis.xaxis.set_minor_locator(style.NullLocator())
        axis.set_xlabel("percentile (%)")
        axis.set_ylabel("response time (ms)")
        if any(result.latencies[kind].count for result in results):
            style.scale_axis(axis, "y", *span)
            # Below, since names of files may be long.
            axis.legend(loc="upper left", bbox_to_anchor=(0, -0.13), frameon=False)
        else:
            style.nothing(axis, f"no {kind} was measured")
    caption = (
        "How to read it: at 99 % stands the time that one operation in a hundred exceeds, and each tick further right "
        "is ten times rarer. A flat line has no tail; a step up shows how often something slow gets in the way. Where "
        "the line is thin, fewer than ten operations lie further right, and chance rules. "
        + style.verdict_note(results))
    return Picture(f"{config}_percentiles", f"{label}: latency by percentile", figure, caption.strip(), drawn)


def _draw_percentiles(axis, distribution, label, look):
    """Returns the percentiles and their times in milliseconds."""
    color, dash, mark = look
    total = distribution.cumulative[-1]
    at_most = numpy.linspace(0, numpy.log10(total), _CURVE_POINTS_MAX) if total > 1 else numpy.array([0.0])
    inverse = 10.0 ** at_most  # 1 / (1 - p)
    ranks = numpy.maximum(total * (1 - 1 / inverse) - 1e-6, 0)
    found = numpy.minimum(numpy.searchsorted(distribution.cumulative, ranks), len(distribution.values) - 1)
    values = distribution.values[found] * 1e3
    solid = total / inverse >= 10 - 1e-6
    axis.plot(inverse, values, color=color, linestyle=dash, linewidth=0.7)
    axis.plot(inverse[solid], values[solid], color=color, linestyle=dash, linewidth=2.2)
    places = [min(int(numpy.searchsorted(inverse, tick)), len(inverse) - 1) for tick in (2, 10, 100, 1000)
              if tick <= inverse[-1] * 1.001]
    axis.plot(inverse[places], values[places], linestyle="", marker=mark, color=color, markersize=5)
    axis.plot([], [], color=color, linestyle=dash, marker=mark, markersize=5, label=label)
    return 100 * (1 - 1 / inverse), values


def intervals_picture(config, results):
    """The gaps between a write and a read of one key."""
    label = results[0].config_label
    by_kind = any(result.intervals for result in results)
    figure, panels = style.grid(results, 2 if by_kind else 1, f"{label}: time between operations on one key")
    span = milliseconds_range(
        [result.read_write_intervals for result in results]
        + [each for result in results for each in result.intervals.values()])
    drawn = Drawn("gap between two operations on a key (ms)")
    highest = [1]
    for result, panel in zip(results, panels):
        distribution = result.read_write_intervals
        style.panel_title(panel[0], result, count_note(distribution, "gaps"))
        panel[0].set_ylabel("gaps per bar")
        panel[0].set_xlabel("gap between a read and a write (ms)")
        if distribution.count:
            wide = style.scale_axis(panel[0], "x", *span)
            edges = _edges(*span, wide)
            heights = _draw_histogram(panel[0], distribution, edges, style.GREEN)
            highest.append(heights.max())
            drawn.add(result.name, "gaps between a read and a write per bar", edges, heights)
            median = distribution.percentile(0.5) * 1e3
            panel[0].axvline(median, color=style.BLACK, linewidth=1.2, label=f"median {median:,.3g} ms")
            panel[0].legend(loc="upper left")
        else:
            style.nothing(panel[0], "no read met a write\nof the same key")
        if by_kind:
            _draw_kinds(panel[1], result, span, drawn)
    _scale_heights([panel[0] for panel in panels], max(highest))
    caption = (
        "How to read it: a read can only be stale if it comes soon after a write of its key, so the further left the "
        "gaps lie, the harder the run looked for stale reads. A gap lies between an operation and the next one on its "
        "key; above are those between a read and a write, in either order"
        + (", below the shares of all four orders." if by_kind else ".") + " " + style.verdict_note(results))
    return Picture(f"{config}_intervals", f"{label}: intervals", figure, caption.strip(), drawn)


def _draw_kinds(axis, result, span, drawn):
    axis.set_xlabel("gap between neighbours on a key (ms)")
    axis.set_ylabel("share of gaps not longer (%)")
    if not result.intervals:
        style.nothing(axis, "this file does not tell\nthe four kinds apart")
        return
    style.scale_axis(axis, "x", *span)
    for index, (kind, text) in enumerate(_KINDS):
        if kind in result.intervals:
            color, dash, _ = style.series_style(index)
            steps = draw_cdf(axis, result.intervals[kind], *span, color, linestyle=dash, linewidth=1.8, label=text)
            drawn.add(result.name, f"{text}: share of gaps not longer (%)", *steps)
    axis.set_ylim(0, 103)
    axis.legend(loc="upper left")
