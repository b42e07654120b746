"""kvctl on real clusters in both strategies: answers, exit status, JSON, and the watch."""

import json
import os
import signal
import subprocess
import tempfile
import unittest

from harness import PATIENCE_SECONDS, Cluster, await_true

OK = 0
NOT_FOUND = 1
WRONG_USAGE = 2
NOTHING_WRITTEN = 3
OUTCOME_UNKNOWN = 4
UNAVAILABLE = 5


def target(*nodes):
    return "--target=" + ",".join(f"{node.address}:{node.grpc_port}" for node in nodes)


def start(*words, **options):
    return subprocess.Popen(
        [os.path.abspath(os.environ["KVCTL"]), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        stdin=subprocess.PIPE, **options)


def kvctl(*words, stdin=b""):
    process = start(*words)
    process.out, process.err = process.communicate(stdin, timeout=PATIENCE_SECONDS)
    return process


class KvctlCalls:
    """Runs in both strategies; see below."""

    strategy = ""

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(cls.addClassCleanup, cls.strategy, n=3)
        cls.cluster.start()
        cls.target = target(*cls.cluster.nodes)

    def run_ok(self, *words, stdin=b""):
        result = kvctl(self.target, *words, stdin=stdin)  # flags stand before --
        self.assertEqual((result.returncode, result.err), (OK, b""))
        return result.out

    def test_writes_and_reads(self):
        self.assertIn(b"held by 3 replicas (3 required)", self.run_ok("set", "key", "value", "-w", "3"))
        self.assertEqual(self.run_ok("get", "key"), b"value\n")
        self.assertEqual(self.run_ok("get", "key", "-r", "3", "--raw"), b"value")
        self.assertEqual(self.run_ok("local-read", "key"), b"value\n")
        written = json.loads(self.run_ok("set", "key", "second", "-w", "3", "--json"))
        self.assertEqual((written["acks"], written["required"], written["durability"]), (3, 3, "memory"))
        read = json.loads(self.run_ok("get", "key", "--json"))
        self.assertEqual((read["value"], read["version"], read["found"]), ("second", written["version"], True))
        self.assertEqual(read["order"], written["order"])
        self.run_ok("set", "key", "third", "--context", read["context"])
        self.run_ok("delete", "key", "-w", "3")
        gone = kvctl("get", "key", self.target)
        self.assertEqual((gone.returncode, gone.out), (NOT_FOUND, b""))
        self.assertIn(b"the key was deleted", gone.err)
        never = kvctl("local-read", "never", self.target, "--json")
        self.assertEqual(never.returncode, NOT_FOUND)
        self.assertEqual(json.loads(never.out)["found"], False)

    def test_bytes_from_a_file(self):
        value = bytes(range(256)) * 100
        self.run_ok("set", "bytes", "--file", "-", stdin=value)
        self.assertEqual(self.run_ok("get", "bytes", "--raw"), value)
        with tempfile.NamedTemporaryFile(dir=os.environ.get("TEST_TMPDIR")) as file:
            file.write(value[:1000])
            file.flush()
            self.run_ok("set", "bytes", "--file", file.name)
        self.assertEqual(self.run_ok("get", "bytes", "--raw"), value[:1000])
        self.run_ok("set", "--", "-key", "-value")
        self.assertEqual(self.run_ok("get", "--", "-key"), b"-value\n")

    def test_wrong_requests(self):
        for words in (("set", "key", "v", "-w", "4"), ("get", "key", "-r", "4"), ("get", ""),
                      ("delete", "key", "--context", "bm9uc2Vuc2U=")):
            result = kvctl(*words, self.target)
            self.assertEqual(result.returncode, WRONG_USAGE, (words, result.err))
            self.assertIn(b"INVALID_ARGUMENT", result.err)

    def test_status(self):
        text = self.run_ok("status").decode()
        self.assertIn(f"cluster quorate: {self.strategy}, N=3 W=2 R=2", text)
        self.assertEqual(text.count("serving"), 3, text)
        status = json.loads(self.run_ok("status", "--json"))
        self.assertEqual([node["node"] for node in status["nodes"]], ["1", "2", "3"])
        self.assertTrue(all(node["reachable"] for node in status["nodes"]), status)
        # One target is enough to find the others.
        one = kvctl("status", target(self.cluster[2]))
        self.assertEqual(one.out.decode().count("serving"), 3, one.out)

    def watch(self, *words):
        process = start("status", "--watch", *words)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stdin.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_watch_ends_with_control_c(self):
        process = self.watch("--interval=50ms", "--json", self.target)
        for _ in range(3):
            self.assertEqual(len(json.loads(process.stdout.readline())["nodes"]), 3)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(PATIENCE_SECONDS), OK)

    def test_outcomes_without_enough_replicas(self):
        cluster = Cluster(self.addCleanup, self.strategy, n=3, w=2, r=2)
        cluster.start()
        watch = self.watch("--timeout=1h", "--interval=50ms", "--json", target(cluster[1]))
        self.assertEqual(len(json.loads(watch.stdout.readline())["nodes"]), 3)
        for victim in cluster.nodes[1:]:
            victim.signal(signal.SIGSTOP)
        # The others are not yet known to be away: the write is sent, and may have happened.
        unknown = kvctl("set", "key", "perhaps", target(cluster[1]))
        self.assertEqual(unknown.returncode, OUTCOME_UNKNOWN, unknown.err)
        self.assertIn(b"may have been applied", unknown.err)

        def refused():
            result = kvctl("set", "key", "never", target(cluster[1]), "--timeout=500ms")
            return result if result.returncode == NOTHING_WRITTEN else None

        self.assertIn(b"nothing was written", await_true(refused, "refused").err)
        self.assertEqual(kvctl("get", "key", target(cluster[1])).returncode, UNAVAILABLE)
        local = kvctl("local-read", "key", target(cluster[1]))
        self.assertEqual((local.returncode, local.out), (OK, b"perhaps\n"))
        status = json.loads(kvctl("status", "--json", target(cluster[1]), "--timeout=500ms").out)
        self.assertEqual([node["reachable"] for node in status["nodes"]], [True, False, False])
        # By now the watch waits for the others, and would for an hour.
        watch.send_signal(signal.SIGINT)
        self.assertEqual(watch.wait(PATIENCE_SECONDS), OK)

    def test_passes_over_a_node_that_is_down(self):
        cluster = Cluster(self.addCleanup, self.strategy, n=3, w=2, r=2)
        cluster.start()
        cluster[3].kill()
        for _ in range(3):
            result = kvctl("set", "key", "value", target(cluster[3], cluster[1]), "--timeout=10s")
            self.assertEqual(result.returncode, OK, result.err)
            result = kvctl("get", "key", target(cluster[3], cluster[2]), "--timeout=10s")
            self.assertEqual((result.returncode, result.out), (OK, b"value\n"), result.err)


class LeaderFollowerKvctlTest(KvctlCalls, unittest.TestCase):
    strategy = "leader_follower"


class LeaderlessKvctlTest(KvctlCalls, unittest.TestCase):
    strategy = "leaderless"


if __name__ == "__main__":
    unittest.main()
