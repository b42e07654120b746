"""Nodes that are killed, paused and started again while clients read and write.

Five nodes, W=3 and R=3, data in memory: a node that starts again has forgotten everything.
"""

import signal
import unittest

from harness import Cluster, await_true
from load import Load

KEYS = 40
WRITERS = 4
ENOUGH_WRITES = 300


class Faults:
    """Runs in both strategies; see below."""

    strategy = ""

    def setUp(self):
        self.cluster = Cluster(self.addCleanup, self.strategy, n=5, w=3, r=3)
        self.cluster.start()
        self.load = Load(self.addCleanup, versions_grow=self.strategy == "leader_follower")

    def start_writers(self, nodes):
        for writer in range(WRITERS):
            self.load.write(nodes, [f"key {writer}/{i}" for i in range(KEYS // WRITERS)])
        self.await_more_writes()
        await_true(lambda: all(history.acknowledged for history in self.load.histories), "every key is written")

    def await_more_writes(self):
        target = self.load.acknowledged + ENOUGH_WRITES
        await_true(lambda: self.load.acknowledged >= target, f"{ENOUGH_WRITES} more writes are acknowledged")

    def expect_nothing_lost(self):
        """After the load: all nodes agree, and on nothing older than what was acknowledged."""
        self.load.stop()
        held = self.cluster.await_converged([history.key for history in self.load.histories])
        for history in self.load.histories:
            value, version = held[history.key]
            number = history.holds({"value": value})
            self.assertGreaterEqual(number, history.acknowledged, history.key)
            self.assertLessEqual(number, history.sent, history.key)
            self.assertGreater(version, 0)
        for node in self.cluster.nodes:
            for history in self.load.histories[:5]:
                reply = node.read(history.key)
                self.assertEqual((reply.body["value"], reply.body["version"]), held[history.key])
        self.assertGreater(self.load.answered_reads, 0)

    def kill_and_restart(self, victim, others, writes_go_on):
        self.start_writers(others)
        self.load.read(others)
        self.await_more_writes()
        victim.kill()
        if writes_go_on:
            self.await_more_writes()
        else:
            refused = self.load.refused
            await_true(lambda: self.load.refused > refused + 10, "writes are refused without the leader")
            reads = self.load.answered_reads
            await_true(lambda: self.load.answered_reads > reads + 50, "reads go on without the leader")

        victim.start()
        # From its first moment on the node must not say that what it forgot was never there.
        self.load.read([victim])
        self.load.read([victim], local=True, fresh=False)
        self.cluster.await_healthy()
        self.await_more_writes()
        self.expect_nothing_lost()

    def test_a_node_is_killed_and_starts_again_empty(self):
        self.kill_and_restart(self.cluster[5], self.cluster.nodes[:4], writes_go_on=True)

    def test_nodes_are_killed_one_after_the_other(self):
        # As many in total as a write has holders: each must have caught up before the next one goes.
        nodes = self.cluster.nodes
        self.start_writers(nodes)
        self.load.read(nodes)
        for victim in nodes[1:4]:
            victim.kill()
            self.await_more_writes()
            victim.start()
            self.cluster.await_healthy()
        self.expect_nothing_lost()

    def test_without_a_majority_writes_are_refused_and_nothing_is_lost(self):
        nodes = self.cluster.nodes
        self.start_writers(nodes[:1])
        self.load.stop()
        for victim in nodes[2:]:
            victim.signal(signal.SIGSTOP)
        # Until the node has noticed, a write is sent and its outcome unknown; from then on it is refused.
        reply = await_true(lambda: self.refusal(nodes[0].set("key 0/0", "never")), "writes are refused")
        self.assertEqual((reply.status, reply.body["code"]), (503, "UNAVAILABLE"), reply)
        read = nodes[1].read("key 0/0")
        self.assertEqual((read.status, read.body["code"]), (503, "UNAVAILABLE"), read)
        self.assertEqual(nodes[0].local_read("key 0/0").status, 200)
        self.assertEqual(nodes[1].read("key 0/1", "?r=1").status, 200)

        for victim in nodes[2:]:
            victim.signal(signal.SIGCONT)
        written = await_true(lambda: self.success(nodes[0].set("key 0/0", "key 0/0:1000000")), "writes go on")
        self.assertGreaterEqual(written.body["acks"], 3)
        held = self.cluster.await_converged([history.key for history in self.load.histories])
        for history in self.load.histories[1:]:
            self.assertGreaterEqual(history.holds({"value": held[history.key][0]}), history.acknowledged)
        self.assertEqual(held["key 0/0"][0], "key 0/0:1000000")

    @staticmethod
    def refusal(reply):
        return reply if reply.status == 503 and not reply.may_have_applied else None

    @staticmethod
    def success(reply):
        return reply if reply.status == 201 else None

    def pause(self, paused, others):
        self.start_writers(others)
        self.load.read(others)
        paused.signal(signal.SIGSTOP)
        await_true(lambda: self.disconnected(others[0], paused), "the others notice")
        return paused

    def test_a_paused_node_catches_up(self):
        paused = self.pause(self.cluster[4], self.cluster.nodes[:3])
        self.await_more_writes()
        paused.signal(signal.SIGCONT)
        self.cluster.await_healthy()
        self.await_more_writes()
        self.expect_nothing_lost()

    @staticmethod
    def disconnected(observer, node):
        peers = observer.health().body["peers"]
        return any(peer["http_address"] == node.url and not peer["connected"] for peer in peers)


class LeaderFollowerFaultsTest(Faults, unittest.TestCase):
    strategy = "leader_follower"

    def test_the_leader_is_killed_and_starts_again_empty(self):
        self.kill_and_restart(self.cluster[1], self.cluster.nodes[1:], writes_go_on=False)

    def test_a_paused_leader_goes_on(self):
        leader = self.pause(self.cluster[1], self.cluster.nodes[1:])
        reads = self.load.answered_reads
        await_true(lambda: self.load.answered_reads > reads + 50, "reads go on without the leader")
        leader.signal(signal.SIGCONT)
        self.cluster.await_healthy()
        self.await_more_writes()
        self.expect_nothing_lost()


class LeaderlessFaultsTest(Faults, unittest.TestCase):
    strategy = "leaderless"


if __name__ == "__main__":
    unittest.main()
