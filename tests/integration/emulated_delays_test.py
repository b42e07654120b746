"""--emulate: what a slower network and slower stores do to writes and reads, and that nothing breaks by it."""

import signal
import time
import unittest

from harness import BASE_PORT, Cluster, Node, await_true, claim_address

WRONG_SETTINGS = 2

# What --emulate=classroom stands for, in seconds.
SEND = 0.2
APPLY = 0.1
READ = 0.05


def timed(call):
    """What `call` returned, and how many seconds it took."""
    started = time.monotonic()
    reply = call()
    return reply, time.monotonic() - started


class Classroom:
    """Runs in both strategies; see below."""

    strategy = ""
    writers = ()  # nodes that can take a write without asking another

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(cls.addClassCleanup, cls.strategy, n=5, flags=["--emulate=classroom"])
        cls.cluster.start()
        cls.node = cls.cluster[1]

    def test_a_write_to_all_takes_the_way_there_the_store_and_the_way_back(self):
        reply, seconds = timed(lambda: self.node.set("all", "v", w=5))
        self.assertEqual((reply.status, reply.body["acks"]), (201, 5), reply)
        self.assertGreaterEqual(seconds, SEND + APPLY + SEND)

    def test_a_read_from_all_takes_the_way_there_the_store_and_the_way_back(self):
        self.assertEqual(self.node.set("read", "v", w=5).status, 201)
        reply, seconds = timed(lambda: self.node.read("read", "?r=5"))
        self.assertEqual((reply.status, reply.body["answers"]), (200, 5), reply)
        self.assertGreaterEqual(seconds, SEND + READ + SEND)

    def test_what_needs_no_other_node_does_not_wait(self):
        await_true(lambda: timed(lambda: self.node.set("alone", "v", w=1))[1] < SEND, "a write at W=1 is fast")
        await_true(lambda: timed(lambda: self.node.read("alone", "?r=1"))[1] < SEND, "a read at R=1 is fast")

    def test_the_window_of_inconsistency_shows(self):
        self.assertEqual(self.node.set("window", "old", w=5).status, 201)
        written = []

        def stale():
            """Writes to one node and looks at another one at once."""
            reply = self.node.set("window", f"new {len(written)}", w=1)
            self.assertEqual(reply.status, 201, reply)
            written.append(reply.body["version"])
            local = self.cluster[3].local_read("window")
            return local if local.body["version"] < reply.body["version"] else None

        await_true(stale, "another node still has an older version")
        held = self.cluster.await_converged(["window"])
        self.assertEqual(held["window"], (f"new {len(written) - 1}", written[-1]))

    def test_replicas_converge_after_a_hundred_writes(self):
        for i in range(100):
            writer = self.cluster[self.writers[i % len(self.writers)]]
            reply = writer.set(f"key {i % 10}", str(i), w=1)
            self.assertEqual(reply.status, 201, reply)
        self.cluster.await_converged([f"key {i}" for i in range(10)])


class LeaderFollowerClassroomTest(Classroom, unittest.TestCase):
    strategy = "leader_follower"
    writers = (1,)


class LeaderlessClassroomTest(Classroom, unittest.TestCase):
    strategy = "leaderless"
    writers = (1, 2, 3, 4, 5)


class OtherDelaysTest(unittest.TestCase):

    def test_regions(self):
        for strategy in ("leader_follower", "leaderless"):
            cluster = Cluster(self.addCleanup, strategy, n=3, flags=["--emulate=wan3"])
            cluster.start()
            for node, place in zip(cluster.nodes, ("Virginia", "Oregon", "Ireland")):
                self.assertIn(f"emulated delays wan3 in {place}", node.log())
            for quorum, round_trip in ((2, 0.070), (3, 0.075)):
                reply, seconds = timed(lambda quorum=quorum: cluster[1].set("k", "v", w=quorum))
                self.assertEqual(reply.status, 201, reply)
                self.assertGreaterEqual(seconds, round_trip)
                reply, seconds = timed(lambda quorum=quorum: cluster[1].read("k", f"?r={quorum}"))
                self.assertEqual(reply.status, 200, reply)
                self.assertGreaterEqual(seconds, round_trip)
            reply, seconds = timed(lambda: cluster[2].read("k", "?r=3"))
            self.assertGreaterEqual(seconds, 0.130)

    def test_random_delays(self):
        cluster = Cluster(self.addCleanup, "leaderless", n=3,
                          flags=["--emulate=link=uniform:0s:40ms,apply=exponential:10ms,link:1/2=5ms"])
        cluster.start()
        for i in range(100):
            self.assertEqual(cluster[1 + i % 3].set(f"key {i % 7}", str(i)).status, 201)
        for i in range(7):
            self.assertEqual(cluster[1].read(f"key {i}", "?r=2").status, 200)
        cluster.await_converged([f"key {i}" for i in range(7)])

    def test_more_than_a_stream_may_hold_back(self):
        value = "v" * (1 << 20)
        for strategy in ("leader_follower", "leaderless"):
            cluster = Cluster(self.addCleanup, strategy, n=2, flags=["--emulate=link=300ms"])
            cluster.start()
            keys = [f"key {i}" for i in range(8)]
            for key in keys:
                self.assertEqual(cluster[1].set(key, value, w=1).status, 201)
            held = cluster.await_converged(keys)
            self.assertTrue(all(held[key][0] == value for key in keys))

    def test_a_node_ends_although_it_holds_much_back(self):
        # Exit status 0 means that the shutdown took no longer than it may.
        cluster = Cluster(self.addCleanup, "leaderless", n=2, flags=["--emulate=link=10s", "--shutdown_timeout=3s"])
        for node in cluster.nodes:
            node.start()
        # Each greets the other as soon as it has reached it, and again with each heartbeat.
        for node in cluster.nodes:
            await_true(lambda node=node: "connected to node" in node.log(), "the node has reached the other")
        for node in cluster.nodes:
            node.signal(signal.SIGTERM)
        for node in cluster.nodes:
            self.assertEqual(node.wait(), 0, node.log())

    def test_what_makes_no_sense_is_refused(self):
        address = claim_address(self.addCleanup)
        for spec in ("wan4", "link=x", "link=11s", "apply=uniform:2s:1s", "link:1/1=1s", "wan3,"):
            node = Node(address, BASE_PORT, [f"--emulate={spec}"], {"NODE_TYPE": "leader"})
            self.addCleanup(node.close)
            node.start()
            self.assertEqual(node.wait(), WRONG_SETTINGS, node.log())
            self.assertIn(f"--emulate is '{spec}'", node.log())


if __name__ == "__main__":
    unittest.main()
