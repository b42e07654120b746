"""What loadgen says of stale reads is held against a truth that is known beforehand.

Planted: followers apply each write a known time D after the leader, which acknowledges at once (W=1). So a read of what
a randomly chosen node alone holds, sent less than D after the last write's acknowledgement, is stale with probability
(N-1)/N, and later never; and what it returned has been outdated for less than D. Not planted: at W=5 every node has an
acknowledged write, so no read of any node is stale, however many are made.

--test_env=QUORATE_PLANT_READS=1000000 sets how many reads are checked in the second case; a million takes about a minute.
"""

import contextlib
import json
import os
import subprocess
import tempfile
import unittest

from harness import Cluster, is_instrumented

LOADGEN = os.path.abspath(os.environ["LOADGEN"])
NODES = 5
DELAY = 0.050
# Delays are precise to a millisecond, and the middle of two polls is where a write is taken to have come. A machine that
# has other work to do is late.
SLACK_BEFORE = 0.003
SLACK_AFTER = 0.030
READS = int(os.environ.get("QUORATE_PLANT_READS", "20000"))
RUNS_MAX = 3


class PlantTest(unittest.TestCase):
    def load(self, cluster, *flags):
        folder = tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR"))
        self.addCleanup(folder.cleanup)
        result = os.path.join(folder.name, "result.json")
        targets = ",".join(f"{node.address}:{node.grpc_port}" for node in cluster.nodes)
        command = [LOADGEN, "--mode=leader", f"--targets={targets}", "--read_target=local", f"--output={result}", "--quiet",
                   "--warmup=1", *flags]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600, check=False)
        # A void run says that the machine was busy; what is counted below holds all the same.
        self.assertIn(done.returncode, (0, 3), done.stdout)
        with open(result, encoding="utf-8") as file:
            return json.load(file)

    def expect_share(self, buckets, share):
        """The share of stale reads of all these together, within 4.4 standard deviations."""
        reads = sum(bucket["reads"] for bucket in buckets)
        stale = sum(bucket["stale"] for bucket in buckets)
        self.assertGreater(reads, 300, "too few reads to tell anything")
        deviation = (share * (1 - share) / reads) ** 0.5
        self.assertLessEqual(abs(stale / reads - share), 4.4 * deviation, f"{stale} of {reads} reads were stale, not {share}")
        return stale / reads

    def check_planted(self, transport):
        """Checks all that a busy machine cannot excuse, and returns what was wrong beside that."""
        with contextlib.ExitStack() as stack:
            cluster = Cluster(stack.callback, "leader_follower", n=NODES, w=1, r=1,
                              flags=[f"--emulate=apply={DELAY * 1000:.0f}ms"])
            cluster.start()
            result = self.load(cluster, f"--transport={transport}", "--num_keys=20", "--qps=1500", "--write_ratio=0.2",
                               "--duration=5", "--followed_writes=20")
        self.assertEqual(result["run"]["cluster"]["emulate"], f"apply={DELAY * 1000:.0f}ms")
        staleness, prediction = result["staleness"], result["prediction"]
        self.assertIsNotNone(prediction)
        buckets = staleness["by_interval"]
        before = [bucket for bucket in buckets if bucket["to"] is not None and bucket["to"] <= DELAY - SLACK_BEFORE]
        after = [bucket for bucket in buckets if bucket["from"] >= DELAY + SLACK_AFTER]
        share = self.expect_share(before, (NODES - 1) / NODES)
        for point in prediction["points"]:
            if point["after"] <= DELAY - SLACK_BEFORE:
                self.assertAlmostEqual(point["stale_joint"], (NODES - 1) / NODES, delta=0.02)
                self.assertAlmostEqual(point["stale_independent"], (NODES - 1) / NODES, delta=0.02)
        reads_after = sum(bucket["reads"] for bucket in after)
        self.assertGreater(reads_after, 300)
        late = sum(bucket["stale"] for bucket in after)
        # What was read had been outdated for any time up to D.
        outdated = staleness["t"]["percentiles"]["99"]
        self.assertIsNotNone(outdated)
        self.assertGreaterEqual(outdated, DELAY * 0.8)
        print(f"{transport}: planted 0.8 until {DELAY} s: measured {share:.3f} before, {late} stale after; t p99 {outdated:.4f}, "
              f"max {staleness['t']['max']:.4f} s; RMSE of the prediction {prediction['rmse']:.3f}", flush=True)
        predicted_late = max(max(point["stale_joint"], point["stale_independent"]) for point in prediction["points"]
                             if point["after"] >= DELAY + SLACK_AFTER)
        limits = [("stale reads after the delay", late / reads_after, 0.01), ("t, p99", outdated, DELAY + SLACK_AFTER),
                  ("predicted after the delay", predicted_late, 0.02), ("RMSE", prediction["rmse"], 0.1)]
        return [f"{what} is {value:.4f}, above {limit}" for what, value, limit in limits if value > limit]

    def expect_planted(self, transport):
        """Where other programs take the processors, nodes apply later than planted; so one of a few runs has to be in time."""
        for _ in range(RUNS_MAX):
            late = self.check_planted(transport)
            if not late:
                return
            print(f"{transport}: {late}", flush=True)
        self.fail(f"nodes were late in every run: {late}")

    def test_planted_delay_over_calls(self):
        self.expect_planted("unary")

    def test_planted_delay_over_streams(self):
        self.expect_planted("stream")

    def test_no_read_is_stale_where_every_node_has_every_write(self):
        cluster = Cluster(self.addCleanup, "leader_follower", n=NODES, w=NODES, r=1)
        cluster.start()
        reads = stale = inversions = 0
        # Few keys, each written often, so that reads follow writes closely.
        while reads < READS:
            result = self.load(cluster, "--transport=stream", "--num_keys=10", "--closed_loop=64", "--write_ratio=0.2",
                               f"--duration={1 if READS < 100000 else 10}", "--followed_writes=0")
            reads += result["staleness"]["strict"]["reads"]
            stale += result["staleness"]["strict"]["stale"]
            inversions += result["staleness"]["inversions"]
            self.assertEqual(result["staleness"]["corrupt"], 0)
        print(f"W=5: {reads} reads of single nodes, {stale} strictly stale, {inversions} inversions", flush=True)
        self.assertEqual(stale, 0)


if __name__ == "__main__":
    if is_instrumented(LOADGEN):
        print("SKIPPED: it measures time, and programs under sanitizers are too slow for that")
    else:
        unittest.main()
