"""The load generator as a program: what it leaves behind when runs go well, end early, or cannot be."""

import json
import os
import signal
import subprocess
import tempfile
import unittest

from harness import Cluster

LOADGEN = os.path.abspath(os.environ["LOADGEN"])
VOID, INTERRUPTED = 3, 130


class LoadgenTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR"))
        self.addCleanup(folder.cleanup)
        self.result = os.path.join(folder.name, "result.json")
        self.history = os.path.join(folder.name, "history")

    def start_cluster(self, strategy="leader_follower", **quorums):
        cluster = Cluster(self.addCleanup, strategy, n=3, **quorums)
        cluster.start()
        return cluster

    def command(self, cluster, *flags, transport="stream"):
        port = (lambda node: node.port) if transport == "rest" else (lambda node: node.grpc_port)
        targets = ",".join(f"{node.address}:{port(node)}" for node in cluster.nodes)
        mode = "leaderless" if cluster.strategy == "leaderless" else "leader"
        return [LOADGEN, f"--mode={mode}", f"--targets={targets}", f"--transport={transport}", f"--output={self.result}",
                "--warmup=0", *flags]

    def run_load(self, *arguments, **keywords):
        return subprocess.run(self.command(*arguments, **keywords), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=120, check=False)

    def load_result(self):
        with open(self.result, encoding="utf-8") as file:
            return json.load(file)

    def outcomes(self, result):
        return {(entry["operation"], entry["outcome"]): entry["count"] for entry in result["operations"]}

    def expect_clean_history(self):
        checked = subprocess.run([LOADGEN, "check", self.history], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                 timeout=60, check=False)
        self.assertEqual(checked.returncode, 0, checked.stdout)

    def test_mix_with_pairs(self):
        cluster = self.start_cluster(w=3, r=1)
        done = self.run_load(cluster, "--mix=f", "--duration=2", "--qps=300", "--num_keys=20", f"--history={self.history}")
        self.assertIn(done.returncode, (0, VOID), done.stderr)
        result = self.load_result()
        counts = self.outcomes(result)
        self.assertEqual(result["run"]["workload"]["mix"], "F")
        self.assertEqual(counts["read", "ok"], 600)
        self.assertGreater(counts["write", "ok"], 200)
        self.assertLessEqual(abs(counts["read_modify_write", "ok"] - counts["write", "ok"]), 1)
        self.assertEqual(result["staleness"]["strict"]["stale"], 0)
        self.assertEqual(result["staleness"]["absent"], 0, "the keys are written before the run")
        self.assertIn("pair", done.stdout)
        self.expect_clean_history()

    def test_mix_with_inserts(self):
        cluster = self.start_cluster("leaderless", w=3, r=1)
        done = self.run_load(cluster, "--mix=d", "--duration=2", "--qps=500", "--num_keys=20", f"--history={self.history}")
        self.assertIn(done.returncode, (0, VOID), done.stderr)
        result = self.load_result()
        self.assertEqual(result["run"]["workload"]["distribution"], "latest:0.99")
        self.assertIsNone(result["run"]["workload"]["top_key_share"])
        self.assertEqual(result["staleness"]["absent"], 0, "no key is read before its insert was acknowledged")
        self.expect_clean_history()

    def test_a_second_run_with_the_same_keys(self):
        cluster = self.start_cluster(w=3, r=1)
        for _ in range(2):
            done = self.run_load(cluster, "--seed=7", "--duration=1", "--qps=200", "--num_keys=5", "--write_ratio=0.2",
                                 f"--history={self.history}")
            self.assertIn(done.returncode, (0, VOID), done.stderr)
            self.assertEqual(self.load_result()["staleness"]["corrupt"], 0)
            self.assertNotIn("WRONG", done.stdout)
            self.expect_clean_history()

    def test_find_max_refuses_what_it_would_ignore(self):
        # Before it looks for a cluster: there is none.
        for flags, says in (
                (["--p99=5ms", f"--history={self.history}"], "--history means nothing to find-max"),
                (["--stale=1%", "--write_ratio=1"], "-stale is a goal of reads")):
            done = subprocess.run([LOADGEN, "find-max", *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  timeout=60, check=False)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(says, done.stderr)

    def test_lines_for_programs(self):
        cluster = self.start_cluster(w=2, r=2)
        done = self.run_load(cluster, "--json_lines", "--duration=2", "--qps=200")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertGreaterEqual(len(lines), 2)
        self.assertEqual(sum(line["reads_ok"] + line["writes_ok"] for line in lines), 400)
        self.assertIn("Verdict", done.stderr)

    def test_counters_and_delays_of_the_servers(self):
        cluster = self.start_cluster(w=3, r=1)
        self.run_load(cluster, "--duration=1", "--qps=100", transport="rest")
        servers = self.load_result()["servers"]
        self.assertEqual(len(servers), 3)
        self.assertGreater(servers[0]["counters"]["peer_batches_sent"], 0)
        self.assertNotIn("open_operations", servers[0]["counters"])
        self.assertEqual(self.load_result()["run"]["cluster"]["emulate"], "")

    def test_an_interrupted_run_whose_reader_has_gone_is_saved(self):
        cluster = self.start_cluster(w=2, r=2)
        reading, writing = os.pipe()
        load = subprocess.Popen(self.command(cluster, "--duration=60", "--qps=200"), stdout=writing, stderr=subprocess.DEVNULL)
        self.addCleanup(load.kill)
        os.close(writing)
        with os.fdopen(reading) as output:
            while "op/s p50" not in output.readline():
                self.assertIsNone(load.poll(), "the load has ended by itself")
        load.send_signal(signal.SIGINT)
        self.assertEqual(load.wait(timeout=30), INTERRUPTED)
        counts = self.outcomes(self.load_result())
        self.assertGreater(counts["read", "ok"] + counts["write", "ok"], 0)

    def test_servers_that_die_in_mid_run(self):
        cluster = self.start_cluster(w=2, r=1)
        load = subprocess.Popen(self.command(cluster, "--duration=4", "--qps=200", "--timeout_ms=500"), stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(load.stdout.close)
        self.addCleanup(load.kill)
        while "op/s p50" not in load.stdout.readline():
            self.assertIsNone(load.poll(), "the load has ended by itself")
        for node in cluster.nodes:
            node.kill()
        load.communicate(timeout=60)
        self.assertNotEqual(load.returncode, INTERRUPTED)
        result = self.load_result()
        counts = self.outcomes(result)
        self.assertGreater(counts["read", "ok"], 0)
        self.assertGreater(counts["read", "failed"], 0)
        self.assertTrue(result["failures"])

    def test_what_cannot_be(self):
        cluster = Cluster(self.addCleanup, "leader_follower", n=1, w=1, r=1)  # not started
        for flags, status, says in [
                (["--write_ratio=1.5"], 2, "write_ratio"), (["--write_ratio=nan"], 2, "write_ratio"),
                (["--qps=0"], 2, "qps"), (["--duration=-1"], 2, "duration"), (["--no_such_flag"], 2, "no_such_flag"),
                (["word"], 2, "word"), (["--mix=e"], 2, "scans"), (["--mix=a", "--write_ratio=0.3"], 2, "write_ratio"),
                (["--followed_writes=101"], 2, "followed_writes"), (["--duration=1"], 1, "no target is healthy"),
                (["--output=/nowhere/results.json"], 1, "there is no folder /nowhere")]:
            done = self.run_load(cluster, *flags)
            self.assertEqual(done.returncode, status, (flags, done.stderr))
            self.assertIn(says, done.stderr, flags)
        self.assertFalse(os.path.exists(self.result))


if __name__ == "__main__":
    unittest.main()
