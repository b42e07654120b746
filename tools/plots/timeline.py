"""Pictures of a run over time, and of staleness over the time since the write."""

import numpy

from . import style
from .picture import Picture
from .results import Share

# Fewer reads have an interval that covers everything.
_READS_MIN = 20


def timeline_picture(config, results):
    """Throughput, latency and stale reads, second by second. None where no file has them."""
    if not any(result.series for result in results):
        return None
    label = results[0].config_label
    figure, panels = style.grid(results, 3, f"{label}: the run over time", row_height=2.2)
    for result, panel in zip(results, panels):
        style.panel_title(panel[0], result)
        panel[-1].set_xlabel("time since the start (s)")
        for axis, text in zip(panel, ("operations per second", "response time (ms)", "stale reads per second")):
            axis.set_ylabel(text)
        if result.series:
            _draw_series(panel, result.series)
        else:
            for axis in panel:
                style.nothing(axis, "this file has no series")
    _scale_series(results, panels)
    caption = (
        "How to read it: the answered operations should lie on the offered ones; a dip, and a peak of P99 below it, is "
        "a stall. The grey stretch is the warm-up, which counts for nothing else. P99 of a second with few operations "
        "is not shown. " + style.verdict_note(results))
    return Picture(f"{config}_timeline", f"{label}: the run over time", figure, caption.strip())


def _per_second(series, *names):
    def rate(second):
        return sum(second.number(name, 0) for name in names) / max(second.number("seconds", 1) or 1, 1e-3)

    return numpy.array([rate(second) for second in series])


def _draw_series(panel, series):
    rates, latencies, stale = panel
    starts = numpy.array([second.number("start", 0.0) for second in series])
    middles = starts + numpy.array([second.number("seconds", 1) or 1 for second in series]) / 2
    rates.plot(middles, _per_second(series, "offered"), color=style.GREY, linestyle="--", label="offered")
    answered = _per_second(series, "reads_ok", "writes_ok")
    rates.plot(middles, answered, color=style.BLUE, linewidth=1.8, label="answered OK")
    failures = _per_second(series, "failed", "unknown")
    if failures.any():
        rates.plot(middles, failures, color=style.VERMILLION, linestyle="-.", label="failed or unknown")
    rates.legend(loc="lower right")
    for name, (color, dash, mark) in (("p50", style.SERIES[0]), ("p99", style.SERIES[1])):
        points = [(middle, second.number(name) * 1e3) for middle, second in zip(middles, series) if second.has(name)]
        if points:
            latencies.plot(*zip(*points), color=color, linestyle=dash, marker=mark if len(points) < 40 else "",
                           markersize=4, label=name.upper())
    if latencies.get_legend_handles_labels()[0]:
        latencies.legend(loc="upper right", ncol=2)
    widths = numpy.array([second.number("seconds", 1) or 1 for second in series])
    counts = _per_second(series, "stale")
    stale.stairs(counts, numpy.append(starts, starts[-1] + widths[-1]), fill=True, color=style.PURPLE)
    warm = [start + width for start, width, second in zip(starts, widths, series) if second.flag("warm_up")]
    for axis in panel:
        axis.set_xlim(starts[0], starts[-1] + widths[-1])
        if warm:
            axis.axvspan(starts[0], max(warm), color="#E4E4E4", zorder=0)


def _scale_series(results, panels):
    """The same scales for all runs, with room for the legends."""
    seconds = [second for result in results for second in result.series]
    rates = [_per_second(seconds, *names).max() for names in (("offered",), ("reads_ok", "writes_ok"))]
    stale = _per_second(seconds, "stale").max()
    times = [second.number(name) * 1e3 for second in seconds for name in ("p50", "p99") if second.has(name)]
    times = [time for time in times if time > 0] or [1.0]
    for rate_axis, time_axis, stale_axis in panels:
        rate_axis.set_ylim(0, max(max(rates) * 1.15, 1))
        style.plain_ticks(rate_axis.yaxis)
        wide = style.scale_axis(time_axis, "y", min(times), max(times))
        time_axis.set_ylim(min(times) / 1.5 if wide else 0, max(times) * (4 if wide else 1.4))
        stale_axis.set_ylim(0, max(stale * 1.1, 1))


def staleness_picture(config, results):
    """P(stale) over the time since the write: measured, and predicted. None where no file has it."""
    if not any(result.by_interval or result.prediction for result in results):
        return None
    label = results[0].config_label
    figure, panels = style.grid(results, 1, f"{label}: how stale reads die out", row_height=3.6)
    low, high = _interval_span(results)
    top = [1.0]
    for result, (axis,) in zip(results, panels):
        style.panel_title(axis, result)
        axis.set_xscale("log")
        axis.set_xlim(low, high)
        style.plain_ticks(axis.xaxis)
        axis.set_xlabel("time since the write was acknowledged (ms)")
        axis.set_ylabel("stale reads (%)")
        top += [_draw_measured(axis, result, low, high), _draw_predicted(axis, result, low, high)]
        if axis.get_legend_handles_labels()[0]:
            axis.legend(loc="upper right")
        else:
            style.nothing(axis, "no read came after\na write of its key")
    for (axis,) in panels:
        axis.set_ylim(0, min(max(top) * 1.25, 105))
    caption = (
        "How to read it: of the reads sent so long after the latest acknowledged write of their key, this share "
        "returned an older version (bars: 95 % intervals). Where the line reaches zero, all replicas have the write. "
        "The prediction (PBS) follows from the run's own delays: once as if replicas were independent, once with the "
        "delays of one operation kept together; what lies above both has another cause, such as queues. "
        + style.verdict_note(results))
    return Picture(f"{config}_staleness", f"{label}: P(stale) by time since the write", figure, caption.strip())


def _interval_span(results):
    """The ends of the time axis, in milliseconds."""
    edges = [edge * 1e3 for result in results for first, last, share in result.by_interval if share.reads
             for edge in (first, last) if edge]
    edges += [after * 1e3 for result in results for after, _, _ in result.prediction if after > 0]
    if not edges:
        return 0.1, 1000.0
    low, high = min(edges), max(edges)
    # The first interval begins at 0, and the last has no end: they get half a decade each.
    return low / 3, max(high, low * 10) * 3


def _merged(by_interval):
    """The intervals, neighbours put together until each has enough reads to say something."""
    merged = []
    for first, last, share in by_interval:
        if not share.reads:
            continue
        if merged and merged[-1][2].reads < _READS_MIN:
            first, _, before = merged.pop()
            share = Share(before.reads + share.reads, before.stale + share.stale)
        merged.append((first, last, share))
    return merged


def _draw_measured(axis, result, low, high):
    """Returns the highest percentage drawn."""
    centres, rates, below, above = [], [], [], []
    for first, last, share in _merged(result.by_interval):
        left = max(first * 1e3, low)
        right = min(last * 1e3 if last else high, high)
        centres.append(float(numpy.sqrt(left * max(right, left))))
        bounds = share.interval()
        rates.append(100 * share.rate)
        below.append(100 * (share.rate - bounds[0]))
        above.append(100 * (bounds[1] - share.rate))
    if not centres:
        return 0.0
    axis.errorbar(centres, rates, yerr=[below, above], color=style.BLUE, marker="o", markersize=5, linewidth=1.6,
                  elinewidth=0.8, capsize=2, label="measured", clip_on=False, zorder=3)
    return max(rate + more for rate, more in zip(rates, above))


def _draw_predicted(axis, result, low, high):
    """Returns the highest percentage drawn."""
    if not result.prediction:
        return 0.0
    after, independent, joint = (numpy.array(column) for column in zip(*result.prediction))
    after = numpy.clip(after * 1e3, low, high)
    error = "" if result.prediction_error is None else f" (RMSE {100 * result.prediction_error:.2g} %)"
    axis.plot(after, 100 * independent, color=style.VERMILLION, linestyle="--", label=f"predicted, independent{error}")
    axis.plot(after, 100 * joint, color=style.GREEN, linestyle="-.", label="predicted, joint")
    return 100 * max(independent.max(), joint.max())
