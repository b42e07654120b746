"""Nodes that keep their data, killed at once and again and again under load.

QUORATE_ROUNDS says how often; the default is for every day:

    bazel test //tests/integration:durability_test --test_env=QUORATE_ROUNDS=1000 --test_timeout=7200
"""

import os
import tempfile
import unittest

from harness import Cluster, await_true, forgetful_node_binary
from load import Load

ROUNDS = int(os.environ.get("QUORATE_ROUNDS", "4"))
KEYS = 40
WRITERS = 4
WRITES_A_ROUND = 150


class Durability:
    """Runs in both strategies; see below."""

    strategy = ""

    def start(self, durability, binary=None):
        folder = tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR"))
        self.addCleanup(folder.cleanup)
        self.cluster = Cluster(self.addCleanup, self.strategy, n=5, w=3, r=3, flags=[f"--durability={durability}"],
                               data_dir=folder.name, binary=binary)
        self.cluster.start()
        self.load = Load(self.addCleanup, versions_grow=self.strategy == "leader_follower")
        for writer in range(WRITERS):
            self.load.write(self.cluster.nodes, [f"key {writer}/{i}" for i in range(KEYS // WRITERS)])

    def await_more_writes(self):
        target = self.load.acknowledged + WRITES_A_ROUND
        await_true(lambda: self.load.acknowledged >= target, f"{WRITES_A_ROUND} more writes are acknowledged")

    def kill_and_check(self, victims):
        self.await_more_writes()
        # All processes are dead before the first one starts again.
        for node in victims:
            node.expect_exit()
            node.process.kill()
        for node in victims:
            node.kill()
        acknowledged = {history.key: history.acknowledged for history in self.load.histories}
        for node in victims:
            node.start()
        self.cluster.await_healthy()
        self.expect_at_least(acknowledged)

    def expect_at_least(self, acknowledged):
        """Every node reads, by quorum, no less than what was acknowledged."""
        for i, history in enumerate(self.load.histories):
            node = self.cluster.nodes[i % len(self.cluster.nodes)]
            reply = await_true(lambda node=node, key=history.key: self.answered(node.read(key)), "a quorum answers")
            held = history.holds(reply.body) if reply.status == 200 else 0
            self.assertGreaterEqual(held, acknowledged[history.key], f"{history.key}: {reply}")

    def expect_the_same_in_the_end(self):
        self.load.stop()
        held = self.cluster.await_converged([history.key for history in self.load.histories])
        for history in self.load.histories:
            number = history.holds({"value": held[history.key][0]})
            self.assertGreaterEqual(number, history.acknowledged, history.key)
            self.assertLessEqual(number, history.sent, history.key)

    @staticmethod
    def answered(reply):
        return reply if reply.status in (200, 404) else None

    def test_all_are_killed_at_once(self):
        self.start("synced")
        for _ in range(ROUNDS):
            self.kill_and_check(self.cluster.nodes)
        self.expect_the_same_in_the_end()

    def test_all_lose_their_power_at_once(self):
        self.start("synced", forgetful_node_binary())
        for _ in range(ROUNDS):
            self.kill_and_check(self.cluster.nodes)
        self.expect_the_same_in_the_end()

    def test_fewer_than_w_forget_what_was_not_synced(self):
        self.start("os", forgetful_node_binary())
        for i in range(ROUNDS):
            nodes = self.cluster.nodes
            self.kill_and_check([nodes[i % 5], nodes[(i + 2) % 5]])
        self.expect_the_same_in_the_end()

    def test_the_operating_system_keeps_what_a_process_leaves(self):
        self.start("os")
        for _ in range(ROUNDS):
            self.kill_and_check(self.cluster.nodes)
        self.expect_the_same_in_the_end()


class LeaderFollowerDurabilityTest(Durability, unittest.TestCase):
    strategy = "leader_follower"


class LeaderlessDurabilityTest(Durability, unittest.TestCase):
    strategy = "leaderless"


if __name__ == "__main__":
    unittest.main(verbosity=2)
