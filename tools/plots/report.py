"""report.html: all runs on one page that needs no network, no scripts and no other file."""

import html

from . import style, summary

_PIXELS_PER_INCH = 84

_STYLE = """
body { font: 16px/1.5 "DejaVu Sans", Verdana, sans-serif; color: #111; background: #fff; margin: 0 auto; padding: 1rem;
       max-width: 84rem; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.35rem; border-bottom: 2px solid #0072B2; margin-top: 2.5rem; }
nav a { margin-right: 1.2rem; } a { color: #00507F; }
figure { margin: 1.5rem 0; } figure svg { width: 100%; height: auto; display: block; }
figcaption { max-width: 62rem; color: #222; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.87rem; } th, td { border: 1px solid #bbb; padding: 0.25rem 0.6rem; }
th { background: #eee; text-align: left; } td.n { text-align: right; font-variant-numeric: tabular-nums; }
.void, .wrong { background: #FBE3D6; font-weight: bold; } .shared { background: #FFF3D1; }
.notice { border-left: 6px solid #D55E00; background: #FBE3D6; padding: 0.5rem 1rem; }
details { margin: 0.4rem 0; } summary { cursor: pointer; } code { overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content auto; gap: 0.1rem 1rem; margin: 0.3rem 1.5rem; }
dd { margin: 0; }
@media print { details > * { display: block; } figure { break-inside: avoid; } }
"""


def _text(text):
    return html.escape(str(text))


def _ms(result, kind, share):
    distribution = result.latencies[kind]
    if not distribution.count or not distribution.supports(share):
        return "&ndash;"
    text = f"{distribution.percentile(share) * 1e3:,.3g}"
    # The whole row of a void run is marked.
    return f'<span class="void">{text}{style.latency_mark(result, kind)}</span>' if kind in result.spoilt else text


def _percent(share):
    if share is None or not share.reads:
        return "&ndash;"
    low, high = share.interval()
    return f"{100 * share.rate:.3g} <small>({100 * low:.2g} to {100 * high:.2g})</small>"


def _number(value):
    return "&ndash;" if value is None else f"{value:,.4g}"


def _table(results):
    head = ["run", "writes", "reads", "write P50", "write P99", "read P50", "read P99", "strict stale, %",
            "loose stale, %", "answered op/s", "verdict"]
    rows = ["<tr>" + "".join(f"<th>{name}</th>" for name in head) + "</tr>"]
    for result in results:
        cells = [f"{result.total_writes:,}", f"{result.total_reads:,}", _ms(result, "write", 0.5),
                 _ms(result, "write", 0.99), _ms(result, "read", 0.5), _ms(result, "read", 0.99),
                 _percent(result.strict), _percent(result.loose or result.counted),
                 _number(result.achieved)]
        mark = f' class="{result.judgement}"' if result.judgement in ("shared", "void") else ""
        rows.append(f"<tr{mark}><td>{_text(result.name)}</td>" + "".join(f'<td class="n">{cell}</td>' for cell in cells)
                    + f"<td>{_text(result.verdict_text)}</td></tr>")
    return f'<div class="wide"><table>{"".join(rows)}</table></div>'


def _troubles(results):
    """A table of what went wrong, as far as the files tell."""
    names = summary.told_troubles(results)
    if not names:
        return ""
    rows = ["<tr>" + "".join(f"<th>{name}</th>" for name in ["run", *names]) + "</tr>"]
    for result in results:
        cells = ""
        for name in names:
            count = result.troubles.get(name)
            mark = "n wrong" if count and name in summary.ALWAYS_WRONG else "n"
            cells += f'<td class="{mark}">{"&ndash;" if count is None else f"{count:,}"}</td>'
        rows.append(f"<tr><td>{_text(result.name)}</td>{cells}</tr>")
    return (f'<h3>Failures and anomalies</h3><div class="wide"><table>{"".join(rows)}</table></div>'
            f'<p>{_text(" ".join(summary.TROUBLE_NOTES))}</p>')


def _provenance(results):
    parts = []
    for result in results:
        facts = [("file", result.path)] + result.facts
        verdict = "; ".join([result.verdict_text] + result.reasons)
        facts.append(("verdict", verdict))
        rows = "".join(f"<dt>{_text(name)}</dt><dd><code>{_text(text)}</code></dd>" for name, text in facts)
        parts.append(f"<details><summary>{_text(result.name)}: {_text(verdict)}</summary><dl>{rows}</dl></details>")
    return "".join(parts)


def _figure(picture):
    # As wide as it was made for, so that the letters of all pictures have the same size.
    width = int(picture.figure.get_size_inches()[0] * _PIXELS_PER_INCH)
    label = html.escape(picture.title, quote=True)
    svg = style.to_svg(picture.figure).replace(
        "<svg ", f'<svg role="img" aria-label="{label}" style="max-width:{width}px" ', 1)
    return (f'<figure id="{_text(picture.name)}">{svg}<figcaption>{_text(picture.caption)}</figcaption></figure>')


def report_html(groups, overviews, pictures, refused):
    """`overviews`: pictures of all runs; `pictures`: configuration -> its pictures; `refused`: (path, reason)."""
    results = [result for each in groups.values() for result in each]
    links = "".join(f'<a href="#{_text(config)}">{_text(of[0].config_label)}</a>' for config, of in groups.items())
    parts = [
        "<!DOCTYPE html>", '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Quorate: {len(results)} run(s)</title><style>{_STYLE}</style></head><body>",
        "<h1>Load and staleness</h1>",
        f'<nav><a href="#all">all runs</a>{links}<a href="#provenance">where the figures come from</a></nav>',
        f'<h2 id="all">All runs</h2><p>Response times in milliseconds. A percentile that fewer than ten operations lie '
        f"above is not shown; stale shares have 95 % intervals.</p>{_table(results)}{_troubles(results)}"]
    note = style.comparison_note(results)
    if note:
        parts.append(f'<p class="notice">{_text(note)}</p>')
    if refused:
        items = "".join(f"<li><code>{_text(path)}</code>: {_text(reason)}</li>" for path, reason in refused)
        parts.append(f'<div class="notice">Left out, since they are no results:<ul>{items}</ul></div>')
    parts += map(_figure, overviews)
    for config, its_pictures in pictures.items():
        parts.append(f'<h2 id="{_text(config)}">{_text(groups[config][0].config_label)}</h2>')
        parts += map(_figure, its_pictures)
    parts.append(f'<h2 id="provenance">Where the figures come from</h2>{_provenance(results)}</body></html>')
    return "\n".join(parts) + "\n"
