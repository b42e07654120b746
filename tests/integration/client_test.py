"""The C++ client library on real clusters in both strategies, by its examples."""

import os
import subprocess
import unittest

from harness import Cluster


def run(program, node, *words):
    """Runs an example against `node`, and returns what it printed."""
    result = subprocess.run(
        [os.path.abspath(os.environ[program]), f"{node.address}:{node.grpc_port}", *words],
        capture_output=True, text=True, timeout=60, check=False)
    if result.returncode != 0:
        raise AssertionError(f"{program} ended with {result.returncode}: {result.stdout}{result.stderr}")
    return result.stdout


class ClientExamples:
    """Runs in both strategies; see below."""

    strategy = ""

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(cls.addClassCleanup, cls.strategy, n=3, w=2, r=2)
        cls.cluster.start()

    def test_hello(self):
        for version, node in enumerate(self.cluster.nodes, start=1):
            lines = run("HELLO", node).splitlines()
            self.assertRegex(lines[0], f"version {version}, on [23] replicas")
            self.assertEqual(lines[1], "hello")

    def test_many_calls(self):
        self.assertEqual(run("MANY_CALLS", self.cluster[2]), "1000 written, 0 with an unknown outcome\n")
        held = self.cluster.await_converged(["key 0", "key 999"])
        self.assertEqual({value for value, _ in held.values()}, {"value"})

    def test_own_writes(self):
        self.assertEqual(run("OWN_WRITES", self.cluster[2]), "100 drafts, each read right after it was written\n")

    def test_reaches_the_cluster_through_any_node_that_is_left(self):
        cluster = Cluster(self.addCleanup, self.strategy, n=3, w=2, r=2)
        cluster.start()
        cluster[3].kill()
        self.assertEqual(run("MANY_CALLS", cluster[2]), "1000 written, 0 with an unknown outcome\n")

    def test_no_conflict_to_resolve(self):
        self.assertEqual(self.cluster[1].set("quiet", "value").status, 201)
        self.assertEqual(run("RESOLVE_CONFLICT", self.cluster[1], "quiet"), "no conflict\n")


class LeaderFollowerClientTest(ClientExamples, unittest.TestCase):
    strategy = "leader_follower"


class LeaderlessClientTest(ClientExamples, unittest.TestCase):
    strategy = "leaderless"

    def test_resolves_a_conflict(self):
        # Two writers, neither of whom has seen the other's value.
        context = self.cluster[1].set("disputed", "first").body["context"]
        self.cluster[1].set("disputed", "one", context=context)
        self.cluster[1].set("disputed", "two", context=context)
        self.cluster.await_converged(["disputed"])
        self.assertIn(run("RESOLVE_CONFLICT", self.cluster[2], "disputed"),
                      ("settled: one and two\n", "settled: two and one\n"))
        self.assertEqual(run("RESOLVE_CONFLICT", self.cluster[3], "disputed"), "no conflict\n")

    def test_resolves_a_conflict_of_deletes(self):
        context = self.cluster[1].set("dropped", "first").body["context"]
        for _ in range(2):
            self.cluster[1].post("/delete", {"key": "dropped", "context": context})
        self.cluster.await_converged(["dropped"])
        self.assertEqual(run("RESOLVE_CONFLICT", self.cluster[2], "dropped"), "settled: (deleted)\n")
        self.assertEqual(self.cluster[3].read("dropped").status, 404)
        self.assertEqual(run("RESOLVE_CONFLICT", self.cluster[3], "dropped"), "no conflict\n")


if __name__ == "__main__":
    unittest.main()
