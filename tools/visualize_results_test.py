"""tools/visualize_results.py: what it makes of the tool's files, of files of the documented format, and of others."""

import argparse
import contextlib
import csv
import io
import json
import os
import re
import struct
import tempfile
import unittest
import xml.etree.ElementTree

import jsonschema
import numpy
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

import visualize_results
from plots import as_asked, comparison, examples, latency, report, staleness, style, summary, timeline
from plots.distribution import Distribution
from plots.results import NotAResult, Share, read_result, tell_apart

DOCUMENTED = {
    "mode": "leader", "write_latencies": [0.002], "read_latencies": [0.001, 0.003], "stale_reads": [],
    "read_write_intervals": [0.5], "statistics": {"total_writes": 1, "total_reads": 2, "total_stale_reads": 0,
                                                  "write_avg_latency": 0.002, "read_avg_latency": 0.002}}


ASKED = argparse.Namespace(qps=400, num_keys=50, duration=2, read_target="coordinator", emulate="")


def example(w=5, seconds=1, qps=400, **run):
    """A file with all sections, of a leader and R=1; `run`: "section.member" -> value, to replace parts of it."""
    whole = examples.whole(numpy.random.default_rng(6), "leader", w, 1, 0.5, seconds=seconds, qps=qps)
    for where, value in run.items():
        section, member = where.split(".")
        whole["run"][section][member] = value
    return whole


class Folder(unittest.TestCase):
    """A test with a folder of its own for result files."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR"))
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.results = os.path.join(folder.name, "results")
        self.output = os.path.join(folder.name, "visualizations")
        os.mkdir(self.results)

    def put(self, name, value):
        """Writes a file, of JSON unless `value` is text; returns its path."""
        path = os.path.join(self.results, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(value if isinstance(value, str) else json.dumps(value))
        return path

    def run_tool(self):
        """(exit status, standard output, standard error)"""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = visualize_results.main(["--results", self.results, "--output", self.output])
        return status, out.getvalue(), err.getvalue()

    def text(self, name):
        with open(os.path.join(self.output, name), encoding="utf-8") as file:
            return file.read()

    def assert_pictures(self, configs):
        kinds = ("read_latency", "write_latency", "intervals")
        names = [f"{config}_{kind}.png" for config in configs for kind in kinds]
        names += ["comparison_p99_latency.png", "comparison_stale_reads.png"]
        self.assertEqual(sorted(os.listdir(self.output)), sorted(names + ["csv", "report.html", "summary_report.txt"]))
        for name in names:
            with open(os.path.join(self.output, name), "rb") as file:
                head = file.read(24)
            self.assertEqual(head[:8], b"\x89PNG\r\n\x1a\n", name)
            width, height = struct.unpack(">II", head[16:24])
            self.assertTrue(500 < width < 4000 and 300 < height < 4000, f"{name}: {width}x{height}")


class DrawingTest(Folder):

    def test_files_of_the_tool(self):
        random = numpy.random.default_rng(1)
        for mode, w, r, share, judgement in (("leader", 1, 1, 0.1, "shared"), ("leader", 1, 1, 0.5, "void"),
                                             ("leaderless", 5, 1, 0.5, "valid")):
            whole = examples.whole(random, mode, w, r, share, judgement, 3, 200)
            self.put(examples.file_name(mode, w, r, share), whole)
        status, out, err = self.run_tool()
        self.assertEqual((status, err), (0, ""))
        self.assertIn("Drew 3 run(s)", out)
        self.assert_pictures(["leader_w1r1", "leaderless_w5r1"])
        self.check_summary(self.text("summary_report.txt"))
        self.check_page(self.text("report.html"))
        self.check_numbers(whole)

    def check_summary(self, text):
        for name in ("leader_w1r1_10w90r", "leader_w1r1_50w50r", "leaderless_w5r1_50w50r"):
            self.assertEqual(len(re.findall(rf"^{name} ", text, re.MULTILINE)), 4, name)
        self.assertRegex(text, r"leader_w1r1_50w50r +200\.0 +197\.0  void \(generator and servers share")
        self.assertRegex(text, r"leader_w1r1_10w90r +\d+ of \d+ \(\d+\.\d\d %;")

    def check_page(self, page):
        self.assertNotIn("<script", page)
        links = set(re.findall(r'(?:src|href)="([^"#]+)', page)) | set(re.findall(r"url\(([^)#]+)\)", page))
        self.assertEqual(links, set(), "the page needs no other file")
        drawings = re.findall(r"<svg .*?</svg>", page, re.DOTALL)
        # Only the weak quorum has stale reads, of which two pictures more are drawn.
        self.assertEqual(len(drawings), 3 + 6 + 4)
        self.assertEqual(page.count("<figcaption>How to read it: "), len(drawings))
        for drawing in drawings:
            xml.etree.ElementTree.fromstring(drawing)
        for part in ("VOID, do not use the latencies", "SHARED, generator and servers", "<dt>seed</dt><dd><code>42<",
                     "loadgen -mode leader -write-ratio 0.1", "2 cores, an example"):
            self.assertIn(part, page)

    def check_numbers(self, strong):
        """`strong`: the file of the leaderless run."""
        names = [os.path.splitext(name)[0] for name in os.listdir(os.path.join(self.output, "csv"))]
        kinds = ["read_latency", "write_latency", "intervals", "percentiles", "timeline", "staleness"]
        expected = [f"{config}_{kind}" for config in ("leader_w1r1", "leaderless_w5r1") for kind in kinds]
        expected += ["leader_w1r1_versions_behind", "leader_w1r1_outdated", "overview", "comparison_p99_latency",
                     "comparison_stale_reads"]
        self.assertEqual(sorted(names), sorted(expected))
        rows = list(csv.reader(io.StringIO(self.text("csv/comparison_stale_reads.csv"))))
        self.assertEqual(rows[0], ["run", "series", "writes (%)", "value", "low", "high"])
        share = Share(strong["statistics"]["total_reads"], strong["statistics"]["total_stale_reads"])
        row = next(row for row in rows if row[:2] == ["leaderless_w5r1_50w50r", "loose stale reads (%)"])
        wanted = [50, *(100 * number for number in (share.rate, *share.interval()))]
        numpy.testing.assert_allclose([float(cell) for cell in row[2:]], wanted)

    def test_files_of_the_documented_format_with_nulls(self):
        self.put("leader_w5r1_10w90r.json", DOCUMENTED)
        self.put("theirs.json", {"mode": "leaderless", "write_latencies": None, "read_latencies": [0.4, None],
                                 "stale_reads": None, "read_write_intervals": None, "statistics": None})
        self.put("nothing.json", {"mode": "leader", "write_latencies": None, "read_latencies": None})
        status, _, err = self.run_tool()
        self.assertEqual((status, err), (0, ""))
        self.assert_pictures(["leader_w5r1", "theirs", "nothing"])

    def test_what_is_no_result_is_named_and_the_others_are_drawn(self):
        self.put("good.json", DOCUMENTED)
        self.put("cut.json", '{"mode": "leader", "read_lat')
        self.put("foreign.json", {"name": "quorate", "version": 1})
        self.put("list.json", [1, 2])
        self.put("ignored.txt", "not looked at")
        status, out, err = self.run_tool()
        self.assertEqual(status, 1)
        self.assertIn("Drew 1 run(s)", out)
        self.assertRegex(err, r"cut\.json is no result file: it is no JSON, or cut off")
        self.assertRegex(err, r"foreign\.json is no result file: it has no 'mode'")
        self.assertRegex(err, r"list\.json is no result file: the file holds \[1, 2\] instead of an object")
        self.assert_pictures(["good"])
        self.assertIn("cut.json", self.text("summary_report.txt"))

    def test_pictures_of_an_earlier_call_are_removed_and_nothing_else(self):
        old = self.put("yesterday.json", DOCUMENTED)
        self.assertEqual(self.run_tool()[0], 0)
        os.remove(old)
        self.put("today.json", DOCUMENTED)
        mine = {"my_intervals.png": "mine", "csv/my_intervals.csv": "run,series\n"}
        for name, text in mine.items():
            with open(os.path.join(self.output, name), "w", encoding="utf-8") as file:
                file.write(text)
        self.assertEqual(self.run_tool()[0], 0)
        for name, text in mine.items():
            self.assertEqual(self.text(name), text)
            os.remove(os.path.join(self.output, name))
        self.assert_pictures(["today"])
        self.assertEqual([name for name in os.listdir(os.path.join(self.output, "csv")) if "yesterday" in name], [])

    def test_nothing_to_draw(self):
        status, _, err = self.run_tool()
        self.assertEqual(status, 1)
        self.assertIn("there are no result files", err)
        self.put("foreign.json", {})
        self.assertEqual(self.run_tool()[0], 1)
        self.assertFalse(os.path.exists(self.output))

    def test_one_bad_file_does_not_keep_the_others_from_being_drawn(self):
        self.put("good.json", DOCUMENTED)
        bad = {"flag": {"series": [{"start": 0, "warm_up": "yes"}]},
               "large": {"read_latencies": [1e299, 1e-9]}, "offered": {"totals": {"offered_per_second": 10**400}}}
        for name, change in bad.items():
            self.put(f"{name}.json", {**DOCUMENTED, **change})
        self.put("tiny.json", {**DOCUMENTED, "read_latencies": [1e-300, 1.0], "write_latencies": [1e-300]})
        self.put("half.json", example(**{"host.cpu": "\ud800", "cluster.emulate": "\udfff"}))
        status, out, err = self.run_tool()
        self.assertEqual(status, 1, err)
        self.assertIn("Drew 3 run(s)", out)
        for name in bad:
            self.assertRegex(err, rf"{name}\.json is no result file: \w")

    def test_an_output_that_is_no_folder(self):
        self.put("good.json", DOCUMENTED)
        with open(self.output, "w", encoding="utf-8"):
            pass
        status, _, err = self.run_tool()
        self.assertEqual(status, 1)
        self.assertIn("cannot write to", err)


class LabelsTest(Folder):

    def test_no_text_leaves_its_picture(self):
        random = numpy.random.default_rng(2)
        for share in examples.RATIOS[1:]:
            whole = examples.whole(random, "leader", 1, 1, share, "shared", 3, 300)
            self.put(examples.file_name("leader", 1, 1, share), whole)
        # The last one has a companion of the same ratio under other conditions, so their labels are long.
        whole["run"]["cluster"]["emulate"] = "wan3,link:1/2=20ms,apply=exponential:5ms"
        self.put("leader_w1r1_90w10r-far-away.json", whole)
        results, _ = visualize_results.read_all(visualize_results.result_paths(self.results))
        groups = visualize_results.grouped(results)
        config, of_config = next(iter(groups.items()))
        pictures = [
            latency.latency_picture(config, of_config, "read"), latency.intervals_picture(config, of_config),
            latency.percentile_picture(config, of_config), timeline.timeline_picture(config, of_config),
            staleness.staleness_picture(config, of_config), staleness.versions_picture(config, of_config),
            staleness.obsolete_picture(config, of_config), comparison.p99_picture(groups),
            comparison.stale_picture(groups), comparison.overview_picture(groups)]
        for picture in pictures:
            FigureCanvasAgg(picture.figure).draw()  # puts all in its place
            width, height = picture.figure.bbox.width, picture.figure.bbox.height
            texts = [text for text in picture.figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
            self.assertGreater(len(texts), 10, picture.name)
            labels = {label for axis in picture.figure.axes for label in (axis.get_ylabel(), axis.get_xlabel())}
            self.assertTrue(any(unit in label for unit in ("ms", "%", "versions") for label in labels), picture.name)
            for text in texts:
                box = text.get_window_extent()
                # Ticks beyond the ends of an axis are not drawn.
                if text.get_text() in labels or not re.fullmatch(r"[\d.,]+", text.get_text()):
                    self.assertTrue(box.x0 > -2 and box.y0 > -2 and box.x1 < width + 2 and box.y1 < height + 2,
                                    f"{picture.name}: {text.get_text()!r} at {box}")


    def labelled(self, changes):
        """The results of example files of one configuration: name -> what is different in its run."""
        results = []
        for name, change in changes.items():
            ratio = re.search(r"_(\d+)w\d+r", name)
            change = {"workload.write_ratio": int(ratio[1]) / 100 if ratio else 0.5, **change}
            results.append(read_result(self.put(f"{name}.json", example(**change))))
        tell_apart(results)
        return results

    def test_conditions_stand_with_the_configuration_or_with_the_run(self):
        far, near = {"cluster.emulate": "classroom", "workload.read_target": "any"}, {"workload.read_target": "any"}
        first, second = self.labelled({"leader_w5r1_10w90r": far, "leader_w5r1_50w50r": near})
        self.assertEqual(first.config_label, "leader-follower W=5 R=1, reads at any node")
        self.assertEqual([first.run_label, second.run_label], [
            "10 % writes, 90 % reads, emulated: classroom", "50 % writes, 50 % reads"])
        alone, = self.labelled({"today": {"workload.loop": "closed", "workload.read_target": "local"}})
        self.assertEqual(alone.config_label,
                         "leader-follower W=5 R=1, local reads, closed loop (tail under-sampled)")

    def test_runs_of_one_ratio_have_the_names_of_their_files(self):
        results = self.labelled({"leader_w5r1_10w90r": {}, "leader_w5r1_10w90r-again": {}, "leader_w5r1_50w50r": {}})
        self.assertEqual([result.run_label for result in results],
                         ["10w90r", "10w90r-again", "50 % writes, 50 % reads"])
        picture = comparison.p99_picture({"leader_w5r1": results})
        places = [bar.get_x() for bar in picture.figure.axes[0].patches]
        self.assertEqual(len(set(places)), 3, places)

    def test_captions_say_whose_stale_reads_break_no_promise(self):
        for change, free in (({}, False), ({"workload.read_target": "local"}, True)):
            results = self.labelled({"leader_w5r1_50w50r": change})
            caption = comparison.stale_picture({"leader_w5r1": results}).caption
            self.assertEqual("they break no promise here: this run." in caption, free, caption)

    def test_one_stale_read_of_many_is_not_shown_as_none(self):
        whole = example()
        whole["staleness"]["strict"].update(reads=10_000_000, stale=1)
        result = read_result(self.put("leader_w5r1_50w50r.json", whole))
        groups = {"leader_w5r1": [result]}
        self.assertRegex(summary.short_table(groups), r" <0\.01 +\d")
        self.assertIn("1 of 10000000 (<0.01 %; <0.01 to <0.01)", summary.summary_text(groups, []))
        self.assertIn("1 of 10,000,000",
                      [text.get_text() for text in comparison.stale_picture(groups).figure.axes[0].texts])
        whole["staleness"]["strict"]["stale"] = 0
        result = read_result(self.put("leader_w5r1_50w50r.json", whole))
        self.assertIn("0 of 10000000 (0.00 %; 0.00 to <0.01)", summary.summary_text({"leader_w5r1": [result]}, []))

    def test_an_interrupted_run_is_not_shown_as_a_whole_one(self):
        whole = example()
        whole["verdict"]["exit_code"] = 130
        results = [read_result(self.put(f"{name}.json", value)) for name, value in (
            ("leader_w5r1_50w50r", whole), ("leader_w5r1_50w50r-whole", example()))]
        tell_apart(results)
        groups = {"leader_w5r1": results}
        for drawing in (latency.latency_picture("leader_w5r1", results, "read"),
                        timeline.timeline_picture("leader_w5r1", results)):
            titles = [axis.get_title() for axis in drawing.figure.axes]
            self.assertEqual(sum("INTERRUPTED" in title for title in titles), 1, titles)
        for drawing in (comparison.p99_picture(groups), comparison.stale_picture(groups)):
            self.assertIn("INTERRUPTED, so it was measured for less than the whole time: leader_w5r1_50w50r.",
                          drawing.caption)
        for text in (summary.short_table(groups), summary.summary_text(groups, []),
                     report.report_html(groups, [], {}, [])):
            self.assertIn("shared, interrupted", text)

    def test_what_a_file_says_against_its_name_stands_with_its_run(self):
        right, wrong = self.labelled({
            "leader_w5r1_10w90r": {},
            "leader_w5r1_90w10r": {"workload.write_ratio": 0.5, "cluster.w": 3, "workload.mix": "A"}})
        self.assertEqual(right.run_label, "10 % writes, 90 % reads")
        self.assertEqual(wrong.run_label,
                         "90 % writes, 10 % reads, mix A, in truth W=3 R=1, in truth 50 % writes")

    def test_loads_that_differ_are_named_where_runs_are_compared(self):
        for change, name, note in (
            ({}, "leaderless_w5r1_50w50r", ""),
            ({"workload.num_keys": 10, "workload.qps": 50}, "leaderless_w5r1_50w50r", "op/s (50, 400); keys (10, 50)."),
            ({}, "leaderless_w5r1_10w90r", "ratios of writes and reads."),
        ):
            groups = visualize_results.grouped(self.labelled({"leader_w5r1_50w50r": {}, name: change}))
            texts = [drawing(groups).caption for drawing in (
                comparison.p99_picture, comparison.stale_picture, comparison.overview_picture)]
            texts += [summary.short_table(groups), summary.summary_text(groups, []),
                      report.report_html(groups, [], {}, [])]
            for text in texts:
                self.assertEqual("NOT OF THE SAME LOAD" in text, bool(note), text)
                self.assertIn(note, re.sub(r"\s+", " ", text))

    def test_text_is_no_formula(self):
        results = self.labelled({"a": {"cluster.emulate": "$link_1$"}})
        picture = latency.latency_picture("a", results, "read")
        page = style.to_svg(picture.figure)
        self.assertIn("<!-- leader-follower W=5 R=1, emulated: $link_1$: read latency -->", page)

    def test_the_last_percentile_is_not_rounded_to_all(self):
        result = read_result(self.put("many.json", {
            **DOCUMENTED, "operations": [{"operation": "read", "outcome": "ok", "response": {
                "histogram": {"sparse": [[1000000, 2000000], [5000000, 1]]}}}]}))
        axis = latency.percentile_picture("many", [result]).figure.axes[0]
        labels = [label.get_text() for label in axis.get_xticklabels()]
        self.assertEqual(labels[-2:], ["99.9999", "99.99999"])

    def test_a_timeline_shows_all_runs_to_their_ends_and_no_splinters(self):
        runs = []
        for name, seconds in (("long", 5), ("short", 2)):
            whole = example(seconds=seconds)
            whole["series"].append({**whole["series"][-1], "start": seconds + 1.0, "seconds": 0.1})
            runs.append(read_result(self.put(f"{name}.json", whole)))
        figure = timeline.timeline_picture("leader_w5r1", runs).figure
        self.assertEqual({axis.get_xlim() for axis in figure.axes}, {(0.0, 6.0)})

    def test_a_timeline_of_merged_runs_leaves_out_what_lies_between_them(self):
        # As `loadgen merge` writes it: one run, and another that began 100 s later.
        whole = example(seconds=2)
        whole["series"] += [{**second, "start": second["start"] + 100} for second in whole["series"]]
        whole["series"][-1].update(p50=None, p99=None)
        result = read_result(self.put("merged.json", whole))
        rates, latencies, stale = timeline.timeline_picture("leader_w5r1", [result]).figure.axes
        for axis, last in ((rates, 102.5), (latencies, 101.5)):
            for line in axis.get_lines():
                places, values = line.get_data()
                between = [value for place, value in zip(places, values) if numpy.isnan(place)]
                self.assertTrue(len(between) == 2 and numpy.isnan(between).all(), values)
                self.assertEqual(max(place for place, value in zip(places, values) if not numpy.isnan(value)), last)
        bars = [patch.get_extents().transformed(stale.transData.inverted()) for patch in stale.patches]
        spans = sorted((round(bar.x0), round(bar.x1)) for bar in bars)
        self.assertEqual(spans, [(0, 1), (0, 3), (100, 101), (100, 103)], "warm-ups and stale reads, of each run")

    def test_a_timeline_is_grey_until_the_measured_time_begins(self):
        whole = example(seconds=3)
        whole["series"][1]["warm_up"] = True
        for begins, grey in (([1.25], (0, 1.25)), ([2.0], (0, 2)), ([], (0, 2)), ([0.0], None)):
            whole["run"]["phases"] = [{"name": "measure", "start": begin, "end": 4.0} for begin in begins]
            result = read_result(self.put("leader_w5r1_50w50r.json", whole))
            axis = timeline.timeline_picture("leader_w5r1", [result]).figure.axes[0]
            bars = [patch.get_extents().transformed(axis.transData.inverted()) for patch in axis.patches]
            self.assertEqual([(round(bar.x0, 6), round(bar.x1, 6)) for bar in bars], [grey] if grey else [], begins)

    def test_a_timeline_without_percentiles_says_so(self):
        whole = example(seconds=2)
        for second in whole["series"]:
            second.update(p50=None, p99=None)
        figure = timeline.timeline_picture("leader_w5r1", [read_result(self.put("merged.json", whole))]).figure
        self.assertIn("this file tells no percentiles\nof single seconds",
                      [text.get_text() for text in figure.axes[1].texts])

    def test_the_error_of_a_prediction_stands_with_the_curve_that_it_is_of(self):
        figure = staleness.staleness_picture("weak", [read_result(self.put("weak.json", example(w=1)))]).figure
        _, labels = figure.axes[0].get_legend_handles_labels()
        self.assertIn("predicted, joint (RMSE 2.1 %)", labels)
        self.assertIn("predicted, independent", labels)

    def test_a_loose_count_among_strict_ones_is_marked(self):
        results = [read_result(self.put("theirs.json", DOCUMENTED))]
        texts = [text.get_text() for text in comparison.overview_picture({"theirs": results}).figure.findobj(Text)]
        self.assertIn("0 loose", texts)


class SpoiltLatenciesTest(Folder):
    """A verdict that forbids the latencies of one kind of operation, as loadgen/verdict.cc words it."""

    def setUp(self):
        super().setUp()
        whole = example(seconds=10)
        whole["verdict"]["reasons"] += [
            "today.json: the p99 of the generator's send lag is 60 % of that of the response time of reads: use no "
            "latency of these"]
        self.results = [read_result(self.put("leader_w5r1_50w50r.json", whole))]
        self.groups = {"leader_w5r1": self.results}

    def texts(self, picture):
        return [text.get_text() for text in picture.figure.findobj(Text)]

    def test_pictures_of_that_kind_say_so(self):
        for kind, color in (("read", style.VERMILLION), ("write", style.BLACK)):
            picture = latency.latency_picture("leader_w5r1", self.results, kind)
            title = picture.figure.axes[0].title
            self.assertIn("USE NO LATENCY OF READS", title.get_text())
            self.assertEqual(title.get_color(), color)
            self.assertIn("Use no latency of reads, which are largely the generator's own lag: this run.", picture.caption)
        reads, writes = comparison.p99_picture(self.groups).figure.axes
        for axis, marked in ((reads, True), (writes, False)):
            self.assertEqual(any("DO NOT USE" in text for text in (each.get_text() for each in axis.texts)), marked)
            self.assertEqual(axis.patches[0].get_hatch() == "////", marked)
        self.assertEqual(sum("DO NOT USE" in text for text in self.texts(comparison.overview_picture(self.groups))), 1)
        self.assertEqual(
            sum("DO NOT USE" in text for text in self.texts(latency.percentile_picture("leader_w5r1", self.results))), 1)

    def test_tables_say_so(self):
        text = summary.summary_text(self.groups, [])
        self.assertRegex(text, r"\n +read .* DO NOT USE\n")
        self.assertNotRegex(text, r"write .* DO NOT USE\n")
        self.assertIn("shared, use no latency of reads", summary.short_table(self.groups))
        self.assertEqual(report.report_html(self.groups, [], {}, []).count("DO NOT USE</span>"), 2)


class FailuresTest(Folder):

    def setUp(self):
        super().setUp()
        whole = example(w=1)
        whole["operations"] += [{**whole["operations"][-1], "outcome": outcome, "count": count}
                                for outcome, count in (("failed", 12), ("unknown", 3))]
        whole["totals"]["missed"] = 4
        whole["staleness"].update(corrupt=5, inversions=6, sessions={"monotonic_read": 7, "read_your_writes": 8})
        self.put("leader_w1r1_50w50r.json", whole)
        self.put("theirs.json", DOCUMENTED)
        results, _ = visualize_results.read_all(visualize_results.result_paths(self.results))
        self.groups = visualize_results.grouped(results)

    def test_they_stand_in_the_summary(self):
        text = summary.summary_text(self.groups, [])
        self.assertRegex(text, r"run +failed +unknown +missed +corrupt +inversions +sessions\n")
        self.assertRegex(text, r"leader_w1r1_50w50r +12 +3 +4 +5 +6 +15\n")
        self.assertRegex(text, r"theirs +- +- +- +- +- +-\n")
        self.assertIn("leader_w1r1_50w50r: 12 failed, 3 unknown, 4 missed, 5 corrupt",
                      summary.short_table(self.groups))

    def test_they_stand_on_the_page(self):
        page = report.report_html(self.groups, [], {}, [])
        self.assertIn('<td>leader_w1r1_50w50r</td><td class="n wrong">12</td><td class="n wrong">3</td>'
                      '<td class="n wrong">4</td><td class="n wrong">5</td><td class="n">6</td><td class="n">15</td>',
                      page)

    def test_nothing_is_said_where_no_file_tells(self):
        del self.groups["leader_w1r1"]
        self.assertNotIn("anomalies", summary.summary_text(self.groups, []))
        self.assertNotIn("anomalies", report.report_html(self.groups, [], {}, []))


class AsAskedTest(unittest.TestCase):

    def test_a_result_of_another_load_is_told(self):
        for change, reason in (
            ({}, ""), ({"workload.qps": 200}, "its qps is 200"), ({"workload.num_keys": 10}, "its num_keys is 10"),
            ({"workload.read_target": "local"}, "its read_target is 'local'"),
            ({"cluster.emulate": "classroom"}, "its emulate is 'classroom'"),
        ):
            self.assertEqual(as_asked.difference(example(seconds=2, **change), ASKED), reason)
        for seconds, reason in ((1, "it was measured for 1 s"), (60, "it was measured for 60 s")):
            self.assertEqual(as_asked.difference(example(seconds=seconds, qps=1), ASKED), reason)

    def test_the_time_between_merged_runs_does_not_count(self):
        result = example(seconds=2)
        result["run"]["phases"] = [{"name": "measure", "start": start, "end": start + 1} for start in (1.0, 61.0)]
        self.assertEqual(as_asked.difference(result, ASKED), "")

    def test_a_run_that_did_not_come_to_its_end_is_told(self):
        result = example(seconds=2)
        for status, reason in ((0, ""), (3, ""), (1, "its run ended with exit status 1"),
                               (130, "its run ended with exit status 130")):
            result["verdict"]["exit_code"] = status
            self.assertEqual(as_asked.difference(result, ASKED), reason)

    def test_other_files_are_not_taken_for_it(self):
        with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR")) as folder:
            for text in ("", "[]", "{}", json.dumps(DOCUMENTED), json.dumps({"run": None, "verdict": 3})):
                path = os.path.join(folder, "a.json")
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
                out = io.StringIO()
                with contextlib.redirect_stdout(out):
                    status = as_asked.main([path, "--qps=1", "--num_keys=1", "--duration=1", "--read_target=any"])
                self.assertEqual((status, out.getvalue()), (1, "it does not tell how it was made\n"), text)


class ReadingTest(Folder):

    def test_examples_keep_the_schema(self):
        with open(os.environ["RESULT_SCHEMA"], encoding="utf-8") as file:
            validator = jsonschema.Draft202012Validator(json.load(file))
        example = examples.whole(numpy.random.default_rng(3), "leader", 1, 1, 0.5, seconds=2)
        self.assertEqual([error.message for error in validator.iter_errors(example)], [])

    def test_a_runs_place_is_in_its_files_name_or_in_the_file(self):
        whole = examples.whole(numpy.random.default_rng(4), "leader", 3, 2, 0.5, seconds=1)
        for name, value, config, ratio in (
            ("leader_w5r1_10w90r", DOCUMENTED, "leader_w5r1", "10w90r"),
            ("leaderless_w5r1_90w10r-classroom", DOCUMENTED, "leaderless_w5r1", "90w10r"),
            ("today", whole, "leader_w3r2", "50w50r"),
            ("a b;c", DOCUMENTED, "a_b_c", "33w67r"),
        ):
            result = read_result(self.put(f"{name}.json", value))
            self.assertEqual((result.config, result.ratio), (config, ratio), name)

    def test_histograms_win_over_lists_which_may_be_samples(self):
        whole = examples.whole(numpy.random.default_rng(5), "leader", 5, 1, 0.5, seconds=1)
        whole["read_latencies"] = [0.001]
        result = read_result(self.put("a.json", whole))
        self.assertEqual(result.latencies["read"].count, whole["operations"][0]["count"])

    def test_wrong_members_are_named(self):
        for change, message in (
            ({"mode": "follower"}, r'mode is "follower" instead of'),
            ({"mode": None}, r"mode is"),
            ({"read_latencies": [0.1, "fast"]}, r'read_latencies\[1\] is "fast" instead of a number'),
            ({"read_latencies": [-1]}, r"read_latencies\[0\] is -1, which no measurement can be"),
            ({"read_latencies": {}}, r"read_latencies is \{\} instead of a list"),
            ({"write_latencies": [True]}, r"write_latencies\[0\] is true instead of a number"),
            ({"statistics": []}, r"statistics is \[\] instead of an object"),
            ({"staleness": {"strict": {"reads": "all"}}}, r'staleness\.strict\.reads is "all" instead of a number'),
            ({"operations": [{"operation": "read", "outcome": "ok", "response": {"histogram": {"sparse": [[1]]}}}]},
             r"operations\[0\]\.response\.histogram\.sparse\[0\] is \[1\] instead of two numbers"),
        ):
            with self.assertRaisesRegex(NotAResult, message):
                read_result(self.put("wrong.json", {**DOCUMENTED, **change}))
        for text in ("", "NaN", '{"mode": "leader", "read_latencies": [NaN], "write_latencies": []}', "[" * 100000):
            with self.assertRaises(NotAResult, msg=text[:20]):
                read_result(self.put("wrong.json", text))


class ArithmeticTest(unittest.TestCase):

    def test_percentiles_are_by_nearest_rank(self):
        distribution = Distribution.from_values([value / 1000 for value in range(1000, 0, -1)])
        self.assertEqual([distribution.percentile(share) for share in (0, 0.5, 0.99, 1)], [0.001, 0.5, 0.99, 1.0])
        self.assertTrue(distribution.supports(0.99))
        self.assertFalse(distribution.supports(0.999))
        self.assertIsNone(Distribution.from_values([]).percentile(0.5))

    def test_buckets_weigh_what_they_count(self):
        distribution = Distribution.from_buckets([(2_000_000, 1), (1_000_000, 9)])
        self.assertEqual(distribution.count, 10)
        self.assertEqual((distribution.percentile(0.9), distribution.percentile(0.91)), (0.001, 0.002))
        self.assertAlmostEqual(distribution.mean(), 0.0011)

    def test_shares_have_wilsons_interval(self):
        low, high = Share(100, 10).interval()
        self.assertAlmostEqual(low, 0.0552, places=4)
        self.assertAlmostEqual(high, 0.1744, places=4)
        self.assertEqual(Share(10, 0).interval()[0], 0.0)
        self.assertIsNone(Share(0, 0).interval())

    def test_a_summary_of_nothing_has_no_figures(self):
        self.assertIn("Results of 0 run(s)", summary.summary_text({}, []))


if __name__ == "__main__":
    unittest.main()
