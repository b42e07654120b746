"""Runs against faults are drawn, with their numbers, and what is no run is named."""

import csv
import json
import os
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "visualize_nemesis.py")


def run_with(worlds=1, kinds=("crash", "partition", "clog", "clock jump", "a kind of the future")):
    seconds = [{"ok": 50 + i, "failed": i, "unknown": 1, "p50": 0.002, "p99": 0.01 * (i + 1)} for i in range(9)]
    seconds.append({"ok": 0, "failed": 0, "unknown": 0, "p50": None, "p99": None})
    faults = [{"kind": kind, "nodes": [1, 2], "start": i, "end": i + 1.5, "amount": 0.1} for i, kind in enumerate(kinds)]
    return {
        "schema": "quorate.nemesis/1", "strategy": "leaderless", "write_mode": "plain", "durability": "synced",
        "n": 3, "w": 2, "r": 2, "leader": 0, "seed": 7, "length": 10.0, "faults": faults,
        "worlds": [{"world": f"world {i}", "verdict": "passed", "seconds": seconds} for i in range(worlds)],
    }


class VisualizeNemesisTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR"))
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, content):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content if isinstance(content, str) else json.dumps(content))
        return path

    def draw(self, *paths):
        return subprocess.run([sys.executable, "-B", PROGRAM, "--output", os.path.join(self.folder, "out"), *paths],
                              capture_output=True, text=True, check=False)

    def numbers(self, name):
        with open(os.path.join(self.folder, "out", f"{name}.csv"), encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def test_draws_both_worlds(self):
        done = self.draw(self.write("two.json", run_with(worlds=2)))
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(os.path.join(self.folder, "out", "two.png"), "rb") as file:
            self.assertEqual(file.read(8), b"\x89PNG\r\n\x1a\n")
        rows = self.numbers("two")
        self.assertEqual({row["run"] for row in rows}, {"world 0", "world 1", "faults"})
        available = [row["value"] for row in rows if row["run"] == "world 1" and "available" in row["series"]]
        self.assertEqual(len(available), 10)
        self.assertAlmostEqual(float(available[4]), 100 * 54 / 59)
        self.assertEqual(available[9], "", "no operation ended, so there is no share of any")
        self.assertEqual(len([row for row in rows if row["run"] == "faults"]), 5)

    def test_draws_many_faults(self):
        done = self.draw(self.write("many.json", run_with(kinds=["crash", "pause"] * 60)))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_files_of_one_name_have_pictures_of_their_own(self):
        paths = [self.write(f"{name}.json", run_with()) for name in ("1/a/series", "2/a/series", "2/b/series", "other")]
        done = self.draw(*paths, f"{self.folder}/2/../2/b/series.json")
        self.assertEqual(done.returncode, 0, done.stderr)
        names = ["1-a-series", "2-a-series", "b-series", "other"]
        self.assertEqual(sorted(os.listdir(os.path.join(self.folder, "out"))),
                         sorted(f"{name}.{ending}" for name in names for ending in ("csv", "png")))

    def test_a_later_call_hides_no_picture_of_another_run(self):
        runs = {f"{name}/series.json": {**run_with(), "seed": seed} for seed, name in enumerate(("1", "2", "x/2"))}
        printed = []
        for _ in range(2):
            for name, run in runs.items():
                done = self.draw(self.write(name, run))
                self.assertEqual(done.returncode, 0, done.stderr)
                printed.append(os.path.basename(done.stdout.strip()))
        self.assertEqual(printed[:3], ["series.png", "2-series.png", "x-2-series.png"])
        self.assertEqual(printed[3:], printed[:3], "a run that is drawn again replaces its own picture")
        self.assertEqual(len(os.listdir(os.path.join(self.folder, "out"))), 6)

    def test_names_a_folder_that_cannot_be_created(self):
        run = self.write("run.json", run_with())
        self.write("out", "a file in the place of the folder")
        done = self.draw(run)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "(?m)^visualize_nemesis: cannot create .*/out: File exists\n\\Z")

    def test_names_what_is_no_run_and_draws_the_rest(self):
        bad = [self.write("text.json", "no json"), self.write("other.json", {"schema": "quorate.loadgen/1"}),
               self.write("lacking.json", {key: value for key, value in run_with().items() if key != "write_mode"}),
               self.write("wrong.json", {**run_with(), "faults": [{"kind": 1}]}),
               self.write("text_worlds.json", {**run_with(), "worlds": "two"}),
               self.write("null_seconds.json", {**run_with(), "worlds": [{"world": "w", "verdict": "passed",
                                                                          "seconds": None}]}),
               os.path.join(self.folder, "missing.json")]
        done = self.draw(*bad, self.write("good.json", run_with()))
        self.assertEqual(done.returncode, 1)
        for path in bad:
            self.assertIn(f"visualize_nemesis: {path}: ", done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        self.assertTrue(os.path.exists(os.path.join(self.folder, "out", "good.png")))


if __name__ == "__main__":
    unittest.main()
