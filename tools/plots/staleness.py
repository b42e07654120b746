"""Pictures of how stale reads are: by the time since the write, in versions, and in time."""

import numpy
from matplotlib.ticker import MaxNLocator

from . import latency, style
from .picture import Drawn, Picture
from .results import Share

# Fewer reads have an interval that covers everything.
_READS_MIN = 20
_LABELLED_BARS_MAX = 8


def staleness_picture(config, results):
    """P(stale) over the time since the write: measured, and predicted. None where no file has it."""
    if not any(result.by_interval or result.prediction for result in results):
        return None
    label = results[0].config_label
    figure, panels = style.grid(results, 1, f"{label}: how stale reads die out", row_height=3.6)
    low, high = _interval_span(results)
    drawn = Drawn("time since the write was acknowledged (ms)")
    top = [1.0]
    for result, (axis,) in zip(results, panels):
        style.panel_title(axis, result)
        axis.set_xscale("log")
        axis.set_xlim(low, high)
        style.plain_ticks(axis.xaxis)
        axis.set_xlabel("time since the write was acknowledged (ms)")
        axis.set_ylabel("stale reads (%)")
        top += [_draw_measured(axis, result, low, high, drawn), _draw_predicted(axis, result, low, high, drawn)]
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
        + style.notes(results))
    return Picture(f"{config}_staleness", f"{label}: P(stale) by time since the write", figure, caption.strip(), drawn)


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


def _draw_measured(axis, result, low, high, drawn):
    """Returns the highest percentage drawn."""
    centres, rates, lows, highs = [], [], [], []
    for first, last, share in _merged(result.by_interval):
        left = max(first * 1e3, low)
        right = min(last * 1e3 if last else high, high)
        centres.append(float(numpy.sqrt(left * max(right, left))))
        bounds = share.interval()
        rates.append(100 * share.rate)
        lows.append(100 * bounds[0])
        highs.append(100 * bounds[1])
    if not centres:
        return 0.0
    error = [numpy.subtract(rates, lows), numpy.subtract(highs, rates)]
    axis.errorbar(centres, rates, yerr=error, color=style.BLUE, marker="o", markersize=5, linewidth=1.6,
                  elinewidth=0.8, capsize=2, label="measured", clip_on=False, zorder=3)
    drawn.add(result.name, "measured: stale reads (%)", centres, rates, lows, highs)
    return max(highs)


def _draw_predicted(axis, result, low, high, drawn):
    """Returns the highest percentage drawn."""
    if not result.prediction:
        return 0.0
    after, independent, joint = (numpy.array(column) for column in zip(*result.prediction))
    after = numpy.clip(after * 1e3, low, high)
    error = "" if result.prediction_error is None else f" (RMSE {100 * result.prediction_error:.2g} %)"
    for shares, name, note, color, dash in ((independent, "predicted, independent", "", style.VERMILLION, "--"),
                                            (joint, "predicted, joint", error, style.GREEN, "-.")):
        axis.plot(after, 100 * shares, color=color, linestyle=dash, label=name + note)
        drawn.add(result.name, f"{name}: stale reads (%)", after, 100 * shares)
    return 100 * max(independent.max(), joint.max())


def _has_stale_reads(results):
    return any(versions for result in results for versions, reads in result.versions_behind if reads)


def versions_picture(config, results):
    """How many versions reads were behind. None where no file tells of a stale read."""
    if not _has_stale_reads(results):
        return None
    label = results[0].config_label
    figure, panels = style.grid(results, 1, f"{label}: versions behind", row_height=3.0)
    drawn = Drawn("versions behind")
    highest = max(reads for result in results for _, reads in result.versions_behind)
    for result, (axis,) in zip(results, panels):
        style.panel_title(axis, result, _stale_note(result))
        axis.set_xlabel("versions behind (0: fresh)")
        axis.set_ylabel("reads")
        axis.set_yscale("log")
        axis.set_ylim(0.7, max(highest * 4, 10))
        style.plain_ticks(axis.yaxis)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        if not result.versions_behind:
            style.nothing(axis, "not told")
            continue
        versions, reads = zip(*result.versions_behind)
        bars = axis.bar(versions, reads, color=[style.PURPLE if behind else style.SKY for behind in versions])
        if len(versions) <= _LABELLED_BARS_MAX:
            axis.bar_label(bars, [f"{count:,}" for count in reads], padding=2, fontsize=8)
        drawn.add(result.name, "reads", versions, reads)
    caption = (
        "How to read it: how many reads returned the version that was so many acknowledged writes older than the latest "
        "one (k-staleness), on a logarithmic scale. At 0 are the reads that were fresh; bars far to the right are keys "
        "that are written faster than the writes arrive. " + style.notes(results))
    return Picture(f"{config}_versions_behind", f"{label}: versions behind", figure, caption.strip(), drawn)


def _stale_note(result):
    stale = sum(reads for versions, reads in result.versions_behind if versions)
    return f"{stale:,} of {sum(reads for _, reads in result.versions_behind):,} reads stale"


def obsolete_picture(config, results):
    """For how long what stale reads returned had been outdated. None where no file tells of a stale read."""
    distributions = [result.obsolete_for for result in results if result.obsolete_for]
    if not distributions:
        return None
    label = results[0].config_label
    figure, panels = style.grid(results, 1, f"{label}: how long outdated", row_height=3.2)
    drawn = Drawn("outdated for (ms)")
    span = latency.milliseconds_range(distributions)
    for result, (axis,) in zip(results, panels):
        axis.set_xlabel("outdated for (ms)")
        axis.set_ylabel("share of stale reads (%)")
        style.scale_axis(axis, "x", *span)
        axis.set_ylim(0, 103)
        if not result.obsolete_for:
            style.panel_title(axis, result)
            style.nothing(axis, "no stale read")
            continue
        style.panel_title(axis, result, latency.count_note(result.obsolete_for, "stale reads"))
        steps = latency.draw_cdf(axis, result.obsolete_for, *span, style.PURPLE, linewidth=1.8)
        latency.mark_percentiles([axis], result.obsolete_for)
        axis.legend(loc="lower right")
        drawn.add(result.name, "share of stale reads (%)", *steps)
    caption = (
        "How to read it: of the stale reads, this share returned what had been outdated for no longer than so, when the "
        "read was sent (t-staleness; the least that is sure). At the right end is the most outdated one. A grey "
        "percentile with a question mark has fewer than ten stale reads above it. " + style.notes(results))
    return Picture(f"{config}_outdated", f"{label}: how long outdated", figure, caption.strip(), drawn)
