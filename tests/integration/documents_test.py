"""Holds doc/operations.md against what the programs say of themselves."""

import os
import re
import subprocess
import unittest

from harness import Cluster, node_binary


class OperationsTest(unittest.TestCase):

    def test_every_flag_is_in_the_table_with_its_variable(self):
        help_text = subprocess.run([node_binary(), "--help"], capture_output=True, text=True, timeout=60,
                                   check=True).stdout
        flags = dict(re.findall(r"^  --(\w+)(?: \((\w+)\))?  ", help_text, re.MULTILINE))
        self.assertIn("port", flags)
        self.assertEqual(flags["port"], "PORT")
        with open(os.environ["OPERATIONS_MD"], encoding="utf-8") as file:
            text = file.read()
        table = dict(re.findall(r"^\| `--(\w+)` \| (?:`(\w+)` )?\|", text, re.MULTILINE))
        self.assertEqual(table, flags)

    def test_every_default_is_in_the_table(self):
        help_text = subprocess.run([node_binary(), "--help"], capture_output=True, text=True, timeout=60,
                                   check=True).stdout
        with open(os.environ["OPERATIONS_MD"], encoding="utf-8") as file:
            text = file.read()
        defaults = re.findall(r"^  --(\w+)(?: \(\w+\))? .*; default: (\S+)$", help_text, re.MULTILINE)
        self.assertGreater(len(defaults), 10)
        for flag, default in defaults:
            row = re.search(rf"^\| `--{flag}` \| (?:`\w+` )?\| `?([^|`]*)`? \|", text, re.MULTILINE)
            self.assertEqual(row.group(1).strip(), default, flag)

    def test_every_counter_is_in_the_table_and_none_besides(self):
        counted = set()
        for strategy, flags in (("leader_follower", []), ("leaderless", []), ("leaderless", ["--write_mode=linearizable"])):
            cluster = Cluster(self.addCleanup, strategy, n=3, flags=flags)
            cluster.start()
            for node in cluster.nodes:
                counted.update(node.health().body["counters"])
        with open(os.environ["OPERATIONS_MD"], encoding="utf-8") as file:
            section = re.search(r"^## Counters$(.*?)^## ", file.read(), re.MULTILINE | re.DOTALL).group(1)
        rows = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
        table = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
        self.assertEqual(table, counted)


if __name__ == "__main__":
    unittest.main()
