"""Pictures of a run over time."""

import numpy

from . import style
from .picture import Drawn, Picture

# What lies further apart has a time between that no second tells of: merged runs need not follow each other at once.
_GAP_SECONDS = 0.5


def timeline_picture(config, results):
    """Throughput, latency and stale reads, second by second. None where no file has them."""
    if not any(result.series for result in results):
        return None
    label = results[0].config_label
    figure, panels = style.grid(results, 3, f"{label}: the run over time", row_height=2.2)
    drawn = Drawn("time since the start (s)")
    for result, panel in zip(results, panels):
        style.panel_title(panel[0], result)
        panel[-1].set_xlabel("time since the start (s)")
        for axis, text in zip(panel, ("operations per second", "response time (ms)", "stale reads per second")):
            axis.set_ylabel(text)
        if result.series:
            _draw_series(panel, result, drawn)
        else:
            for axis in panel:
                style.nothing(axis, "this file has no series")
    _scale_series(results, panels)
    caption = (
        "How to read it: the answered operations should lie on the offered ones; a dip, and a peak of P99 below it, is "
        "a stall. Grey stretches lie before what was measured, and count for nothing else. Where all lines break off, no run was "
        "measured; where those of the response times do, nothing was answered, or runs were merged that were under way "
        "at once, and of these no file tells the percentiles of a second. P99 of a second rests on that "
        "second's operations alone, so it is nearly the slowest of them, and the very slowest where they are fewer than "
        "a hundred. " + style.verdict_note(results))
    return Picture(f"{config}_timeline", f"{label}: the run over time", figure, caption.strip(), drawn)


def _seconds(second):
    return second.number("seconds", 1)


def _end(second):
    return second.number("start", 0.0) + _seconds(second)


def _per_second(series, *names):
    return numpy.array([sum(second.number(name, 0) for name in names) / _seconds(second) for second in series])


def _start(second):
    return second.number("start", 0.0)


def _stretches(series):
    """The seconds, in lists of those that follow each other without a gap."""
    stretches = []
    for second in series:
        if not stretches or _start(second) > _end(stretches[-1][-1]) + _GAP_SECONDS:
            stretches.append([])
        stretches[-1].append(second)
    return stretches


def _middles(series):
    return numpy.array([_start(second) + _seconds(second) / 2 for second in series])


def _broken(series, value_of):
    """Places and values of a line that breaks off at gaps, and where `value_of` a stretch has NaN."""
    places, values = [], []
    for stretch in _stretches(series):
        places += [*_middles(stretch), numpy.nan]
        values += [*value_of(stretch), numpy.nan]
    return places, values


def _draw_series(panel, result, drawn):
    rates, latencies, stale = panel
    series = result.series
    middles = _middles(series)
    for names, label, look in (
        (("offered",), "offered", {"color": style.GREY, "linestyle": "--"}),
        (("reads_ok", "writes_ok"), "answered OK", {"color": style.BLUE, "linewidth": 1.8}),
        (("failed", "unknown"), "failed or unknown", {"color": style.VERMILLION, "linestyle": "-."}),
    ):
        counts = _per_second(series, *names)
        if counts.any() or "failed" not in names:
            rates.plot(*_broken(series, lambda stretch, names=names: _per_second(stretch, *names)), label=label, **look)
            drawn.add(result.name, f"{label} per second", middles, counts)
    rates.legend(loc="lower right")
    _draw_latencies(latencies, result, drawn)
    for stretch in _stretches(series):
        stale.stairs(_per_second(stretch, "stale"), [*map(_start, stretch), _end(stretch[-1])], fill=True,
                     color=style.PURPLE)
    drawn.add(result.name, "stale reads per second", middles, _per_second(series, "stale"))
    for start, end in _before_measured(result):
        for axis in panel:
            axis.axvspan(start, end, color="#E4E4E4", zorder=0)


def _before_measured(result):
    """(start, end) of what lies before the measured time; of merged runs each has a warm-up of its own."""
    for stretch in _stretches([second for second in result.series if second.flag("warm_up")]):
        start, end = _start(stretch[0]), _end(stretch[-1])
        # The measured time may begin within the last of these seconds.
        end = min((begin for begin in result.measured_from if start <= begin < end), default=end)
        if end > start:
            yield start, end


def _draw_latencies(axis, result, drawn):
    for name, (color, dash, mark) in (("p50", style.SERIES[0]), ("p99", style.SERIES[1])):
        points = [(middle, second.number(name) * 1e3) for middle, second in zip(_middles(result.series), result.series)
                  if second.has(name)]
        if points:
            line = _broken(result.series, lambda stretch, name=name: [
                second.number(name) * 1e3 if second.has(name) else numpy.nan for second in stretch])
            axis.plot(*line, color=color, linestyle=dash, marker=mark if len(points) < 40 else "", markersize=4,
                      label=name.upper())
            drawn.add(result.name, f"{name.upper()} of the response times (ms)", *zip(*points))
    if axis.get_legend_handles_labels()[0]:
        axis.legend(loc="upper right", ncol=2)
    else:
        style.nothing(axis, "this file tells no percentiles\nof single seconds")


def _scale_series(results, panels):
    """The same scales for all runs, with room for the legends."""
    seconds = [second for result in results for second in result.series]
    rates = [_per_second(seconds, *names).max()
             for names in (("offered",), ("reads_ok", "writes_ok"), ("failed", "unknown"))]
    stale = _per_second(seconds, "stale").max()
    times = [second.number(name) * 1e3 for second in seconds for name in ("p50", "p99") if second.has(name)]
    times = [time for time in times if time > 0] or [1.0]
    for rate_axis, time_axis, stale_axis in panels:
        # The columns share it, so the limits of one run would be those of all.
        rate_axis.set_xlim(min(map(_start, seconds)), max(map(_end, seconds)))
        rate_axis.set_ylim(0, max(max(rates) * 1.15, 1))
        style.plain_ticks(rate_axis.yaxis)
        wide = style.scale_axis(time_axis, "y", min(times), max(times))
        time_axis.set_ylim(min(times) / 1.5 if wide else 0, max(times) * (4 if wide else 1.4))
        stale_axis.set_ylim(0, max(stale * 1.1, 1))
