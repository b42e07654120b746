#!/usr/bin/env python3
"""Draws the result files of the load generator.

Writes into the output folder, for each configuration (leader_w5r1, ...), <config>_read_latency.png,
<config>_write_latency.png and <config>_intervals.png; for all together comparison_p99_latency.png,
comparison_stale_reads.png, summary_report.txt, and report.html, which holds more pictures and needs no other file.
What each picture shows stands in csv/<picture>.csv as numbers: one row for each point.
Pictures that an earlier call has left there, known by these numbers, are removed: all that is there is of one call.
Files of other load generators are drawn as far as they have the documented format.

Exit status: 0 done; 1 a file was no result, or there was none (the others are drawn); 2 wrong usage.
"""

import argparse
import contextlib
import glob
import os
import sys

try:
    from plots import comparison, latency, picture, report, staleness, style, summary, timeline
    from plots.results import NotAResult, read_result, tell_apart
except ModuleNotFoundError as missing:
    sys.exit(f"visualize_results: {missing.name} is not installed for {sys.executable}: run tools/setup.sh and call "
             "this with /usr/bin/python3, or pip3 install -r requirements.txt")

# As the documentation lists them; others follow by name.
_ORDER = ["leader_w5r1", "leader_w1r5", "leader_w3r3", "leaderless_w5r1"]
# More would fit on no picture.
_RUNS_MAX = 200


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", default="results", help="folder with result files, or one file (default: results)")
    parser.add_argument("--output", default="visualizations", help="folder for pictures (default: visualizations)")
    parser.add_argument("--table", action="store_true", help="print a table of all runs as well")
    return parser.parse_args(arguments)


def complain(text):
    print(f"visualize_results: {text}", file=sys.stderr)


def result_paths(place):
    if os.path.isfile(place):
        return [place]
    return sorted(glob.glob(os.path.join(glob.escape(place), "*.json")))


def read_all(paths):
    """The results, and (path, reason) for each file that is none."""
    results, refused = [], []
    for path in paths:
        try:
            results.append(read_result(path))
        except NotAResult as error:
            refused.append((path, str(error)))
        except OSError as error:
            refused.append((path, error.strerror or str(error)))
    return results, refused


def grouped(results):
    """configuration -> results, both in the order in which they are shown."""
    def place(config):
        return (_ORDER.index(config) if config in _ORDER else len(_ORDER), config)

    groups = {}
    for result in sorted(results, key=lambda each: (place(each.config), each.write_share or 0, each.name)):
        groups.setdefault(result.config, []).append(result)
    for group in groups.values():
        tell_apart(group)
    return groups


def write_text(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def write_picture(drawing, output):
    style.to_png(drawing.figure, os.path.join(output, f"{drawing.name}.png"), drawing.caption)


def remove_earlier(output):
    """Removes the pictures of an earlier call, of runs that may not be drawn any more."""
    for table in glob.glob(os.path.join(glob.escape(output), "csv", "*.csv")):
        if picture.is_drawn(table):
            name = os.path.splitext(os.path.basename(table))[0]
            with contextlib.suppress(FileNotFoundError):  # some pictures are on the page alone
                os.remove(os.path.join(output, f"{name}.png"))
            os.remove(table)


def write_all(groups, refused, output):
    """Returns how many pictures have a file of their own."""
    numbers = os.path.join(output, "csv")
    remove_earlier(output)
    os.makedirs(numbers, exist_ok=True)
    comparisons = [comparison.p99_picture(groups), comparison.stale_picture(groups)]
    in_page, files = {}, list(comparisons)
    for config, results in groups.items():
        intervals = latency.intervals_picture(config, results)
        pictures = [latency.percentile_picture(config, results), timeline.timeline_picture(config, results),
                    staleness.staleness_picture(config, results), staleness.versions_picture(config, results),
                    staleness.obsolete_picture(config, results), intervals]
        in_page[config] = list(filter(None, pictures))
        files += [latency.latency_picture(config, results, "read"), latency.latency_picture(config, results, "write"),
                  intervals]
    overviews = [comparison.overview_picture(groups), *comparisons]
    # The page first, since it shows captions as text, and files have them in the picture.
    write_text(os.path.join(output, "report.html"), report.report_html(groups, overviews, in_page, refused))
    for drawing in files:
        write_picture(drawing, output)
    # Some are both in the page and in a file of their own.
    drawn = {drawing.name: drawing.drawn for each in (overviews, files, *in_page.values()) for drawing in each}
    for name, table in drawn.items():
        write_text(os.path.join(numbers, f"{name}.csv"), table.as_csv())
    write_text(os.path.join(output, "summary_report.txt"), summary.summary_text(groups, refused))
    return len(files)


def main(arguments):
    options = parse_arguments(arguments)
    paths = result_paths(options.results)
    if not paths:
        complain(f"there are no result files (*.json) in {options.results}: tools/run_all_tests.sh makes some")
        return 1
    if len(paths) > _RUNS_MAX:
        complain(f"{options.results} has {len(paths)} files, more than {_RUNS_MAX}: draw them in parts")
        return 1
    results, refused = read_all(paths)
    for path, reason in refused:
        complain(f"{path} is no result file: {reason}")
    if not results:
        return 1
    groups = grouped(results)
    try:
        count = write_all(groups, refused, options.output)
    except OSError as error:
        complain(f"cannot write to {options.output}: {error.strerror or error}")
        return 1
    if options.table:
        print(summary.short_table(groups))
    print(f"Drew {len(results)} run(s): {count} pictures, summary_report.txt and report.html in {options.output}/, "
          f"the numbers in {options.output}/csv/")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
