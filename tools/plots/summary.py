"""summary_report.txt: all runs in a table, with what to know about each."""

import textwrap

from . import style
from .results import TROUBLES

# Of the troubles, those that no promise of W and R makes right.
ALWAYS_WRONG = ("failed", "unknown", "missed", "corrupt")
# Also what report.html says below its table of the same.
TROUBLE_NOTES = (
    "Failed: no answer, or nothing was written. Unknown: writes that may have been written. Missed: never sent, since "
    "too many waited.",
    "Corrupt: what nobody wrote to that key. Inversions: older than what a read that had ended returned, which W and R "
    "do not forbid.",
    "Sessions: older than what the same session had read or written.")

_WIDTH = 120
_HEAD = f"{'run':<32}{'op':<7}{'count':>10}{'mean':>10}{'P50':>10}{'P95':>10}{'P99':>10}{'max':>10}"


def _ms(seconds):
    return f"{seconds * 1e3:.3f}" if seconds is not None else "-"


def _latency_row(result, kind):
    distribution = result.latencies[kind]
    cells = [_ms(distribution.mean())]
    for share in (0.5, 0.95, 0.99):
        cells.append(_ms(distribution.percentile(share)) if distribution.supports(share) else "-")
    cells.append(_ms(distribution.max()))
    count = result.total_reads if kind == "read" else result.total_writes
    # Both stand for operations that were answered OK; a list that was cut has fewer.
    count = max(count, distribution.count)
    name = result.name if kind == "write" else ""
    cells = "".join(f"{cell:>10}" for cell in cells)
    return f"{name:<32}{kind:<7}{count:>10}{cells} {style.latency_mark(result, kind)}"


def _percent(rate):
    """Two digits behind the point; what is less than these tell is not shown as nothing."""
    return "<0.01" if 0 < 100 * rate < 0.005 else f"{100 * rate:.2f}"


def _share(share):
    if share is None:
        return "not told"
    if not share.reads:
        return "no reads"
    low, high = map(_percent, share.interval())
    return f"{share.stale} of {share.reads} ({_percent(share.rate)} %; {low} to {high})"


def _stale_row(result):
    strict, loose = _share(result.strict), _share(result.loose or result.counted)
    return f"{result.name:<32}{strict:<44}{loose}"


def told_troubles(results):
    """The troubles that at least one file tells of."""
    return [name for name in TROUBLES if any(name in result.troubles for result in results)]


def _trouble_lines(results):
    names = told_troubles(results)
    if not names:
        return []
    head = f"{'run':<32}" + "".join(f"{name:>12}" for name in names)
    rows = [f"{result.name:<32}" + "".join(f"{result.troubles.get(name, '-'):>12}" for name in names)
            for result in results]
    notes = [line for note in TROUBLE_NOTES for line in textwrap.wrap(note, _WIDTH)]
    return ["", "Failures and anomalies", "", head, "-" * len(head), *rows, "", *notes]


def summary_text(groups, refused):
    """`groups`: configuration -> results; `refused`: (path, reason) of files that are no results."""
    results = [result for each in groups.values() for result in each]
    lines = [f"Results of {len(results)} run(s)", "", "Response times in milliseconds", "", _HEAD, "-" * len(_HEAD)]
    for result in results:
        lines += [_latency_row(result, kind) for kind in ("write", "read")]
    lines += [
        "", "A percentile that fewer than ten operations lie above is not shown (-).", "",
        "Stale reads, with 95 % intervals", "", f"{'run':<32}{'strict':<44}loose", "-" * 100]
    lines += [_stale_row(result) for result in results]
    lines += [
        "", "Strict: the read began after a newer write had been acknowledged. Loose: a newer one had been "
        "acknowledged when", "the reply came; files that have the documented part alone are counted here.",
        *textwrap.wrap(style.promise_note(results), _WIDTH), *textwrap.wrap(style.load_note(results), _WIDTH), *_trouble_lines(results), "",
        "Runs", "", f"{'run':<32}{'offered/s':>11}{'answered/s':>12}  verdict", "-" * 100]
    for result in results:
        offered = f"{result.offered:.1f}" if result.offered is not None else "-"
        achieved = f"{result.achieved:.1f}" if result.achieved is not None else "-"
        reasons = f" ({'; '.join(result.reasons)})" if result.reasons else ""
        lines.append(f"{result.name:<32}{offered:>11}{achieved:>12}  {result.verdict_text}{reasons}")
    if refused:
        lines += ["", "Left out", ""] + [f"{path}: {reason}" for path, reason in refused]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _rate(share):
    return _percent(share.rate) if share and share.reads else "-"


def _wrong_line(result):
    """What went wrong in a run; empty where nothing did."""
    found = [f"{result.troubles[name]} {name}" for name in ALWAYS_WRONG if result.troubles.get(name)]
    return f"{result.name}: {', '.join(found)}" if found else ""


def short_table(groups):
    """A line for each run, for a terminal, and below it what went wrong."""
    lines = [f"{'':<25}{'write, ms':>18}{'read, ms':>18}{'stale reads, %':>18}",
             f"{'run':<25}{'P50':>9}{'P99':>9}{'P50':>9}{'P99':>9}{'strict':>9}{'loose':>9}  verdict"]
    results = [result for each in groups.values() for result in each]
    for result in results:
        cells = [_ms(result.latencies[kind].percentile(share)) if result.latencies[kind].supports(share) else "-"
                 for kind in ("write", "read") for share in (0.5, 0.99)]
        cells += [_rate(result.strict), _rate(result.loose or result.counted)]
        lines.append(f"{result.name:<25}" + "".join(f"{cell:>9}" for cell in cells) + f"  {result.verdict_text}")
    return "\n".join(lines + list(filter(None, [*map(_wrong_line, results), style.load_note(results)])))
