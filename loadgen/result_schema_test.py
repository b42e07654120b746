"""Holds what the load generator writes against loadgen/result_schema.json, and the schema against broken results."""

import copy
import json
import os
import subprocess
import unittest

import jsonschema


def load_schema():
    with open(os.environ["RESULT_SCHEMA"], encoding="utf-8") as file:
        return json.load(file)


def refuse_constant(name):
    raise ValueError(f"{name} is no JSON")


def printed(which):
    """What the C++ writer makes of an example."""
    text = subprocess.run([os.environ["PRINT_RESULT"], which], capture_output=True, text=True, timeout=60,
                          check=True).stdout
    return json.loads(text, parse_constant=refuse_constant)


def at(result, path):
    """The parent of a member, and the member's key."""
    *parents, last = path.split("/")
    for name in parents:
        result = result[int(name)] if isinstance(result, list) else result[name]
    return result, int(last) if isinstance(result, list) else last


class ResultSchemaTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        schema = load_schema()
        jsonschema.Draft202012Validator.check_schema(schema)
        cls.validator = jsonschema.Draft202012Validator(schema)
        cls.example = printed("example")

    def problems(self, result):
        return [f"{list(error.path)}: {error.message}" for error in self.validator.iter_errors(result)]

    def test_what_the_writer_writes_is_valid(self):
        self.assertEqual(self.problems(self.example), [])

    def test_a_run_in_which_nothing_happened_is_valid(self):
        self.assertEqual(self.problems(printed("empty")), [])

    def test_the_documented_part_is_valid_alone(self):
        names = ["mode", "write_latencies", "read_latencies", "stale_reads", "read_write_intervals", "statistics"]
        documented = {name: self.example[name] for name in names}
        self.assertEqual(self.problems(documented), [])
        for name in names:
            without = {key: value for key, value in documented.items() if key != name}
            self.assertTrue(self.problems(without), name)

    def test_what_is_unknown_is_passed_over(self):
        self.assertEqual(self.problems({**self.example, "weather": "fine"}), [])

    def test_files_from_before_there_were_windows_are_valid(self):
        older = {key: value for key, value in self.example.items() if key != "windows"}
        self.assertEqual(self.problems(older), [])

    def test_the_example_fills_every_section_of_the_schema(self):
        for name in load_schema()["properties"]:
            self.assertIn(name, self.example)
            self.assertTrue(self.example[name], name)

    def test_missing_members_are_refused(self):
        for path in (
            "verdict", "run/seed", "run/cluster/emulate", "run/workload/read_target", "operations/0/response",
            "operations/0/service/histogram", "send_lag/histogram/sparse", "series/0/p99", "staleness/loose",
            "staleness/sessions/monotonic_read", "prediction/rmse", "intervals/read_read", "stale_reads/0/key",
            "statistics/total_reads", "raw_samples/limit", "windows/0/inversions",
        ):
            broken = copy.deepcopy(self.example)
            parent, key = at(broken, path)
            del parent[key]
            self.assertTrue(self.problems(broken), path)

    def test_wrong_values_are_refused(self):
        for path, value in (
            ("schema", "quorate.loadgen.result/2"), ("mode", "follower"), ("write_latencies", None),
            ("read_latencies/0", -0.001), ("read_latencies/0", None), ("read_latencies/0", "1ms"),
            ("statistics/total_writes", 1.5), ("statistics/total_writes", -1), ("verdict/judgement", "fine"),
            ("verdict/exit_code", 256), ("run/command", "loadgen"), ("run/workload/write_ratio", 1.1),
            ("run/workload/loop", "half open"), ("operations/0/operation", "scan"), ("operations/0/outcome", "late"),
            ("operations/0/response/percentiles", {"42": 1}), ("operations/0/response/intervals95/50", [0.1]),
            ("operations/0/response/histogram/unit", "us"), ("operations/0/response/histogram/sparse/0", [1]),
            ("operations/0/response/histogram/sparse/0", [1, 0]), ("staleness/strict/rate", 1.01),
            ("staleness/k/0", [1, 2, 3]), ("prediction/points/0/stale_joint", None), ("series/0/warm_up", 0),
            ("servers/0/counters/repairs", "3"), ("windows/0/seconds", 0), ("windows/0/judged", -1),
            ("windows/0/read_response/0", [1, 0]), ("windows/0/write_response/0", [1]), ("windows", [{}]),
        ):
            broken = copy.deepcopy(self.example)
            parent, key = at(broken, path)
            parent[key] = value
            self.assertTrue(self.problems(broken), f"{path} = {value!r}")


if __name__ == "__main__":
    unittest.main()
