"""A node stands still under an open load: response times must tell what everyone would have waited.

While the server stands still for S seconds of a run of T, operations stay due. One that is due x seconds before the
server goes on is answered x seconds late. So at an even rate the share of operations that take longer than y is
(S - y) / T, and the p99 is where that is 1 %: S - T / 100, whatever the rate. A generator that waits for answers would
see a few slow operations instead.

The run is short by default; QUORATE_STALL_SECONDS makes it longer (30: a stall of 1.4 s).

The server must be able to do several times what is asked of it, to be through with what waited soon enough. Under
sanitizers it is not, over REST, and there is nothing to measure.
"""

import json
import os
import signal
import subprocess
import time
import unittest

from harness import PATIENCE_SECONDS, Cluster, is_instrumented

RUN_SECONDS = float(os.environ.get("QUORATE_STALL_SECONDS", "6"))
STALL_SECONDS = max(1.0, RUN_SECONDS * 1.4 / 30)
OPERATIONS_PER_SECOND = 200
TOLERANCE = 0.05
RUNS_MAX = 3


class StallTest(unittest.TestCase):
    def measure_stall(self, transport):
        cluster = Cluster(self.addCleanup, "leader_follower", n=3, w=1, r=1)
        cluster.start()
        leader = cluster[1]
        port = leader.port if transport == "rest" else leader.grpc_port
        probe = subprocess.Popen(
            [os.path.abspath(os.environ["LOAD_PROBE"]), f"--transport={transport}",
             f"--target={leader.address}:{port}", f"--qps={OPERATIONS_PER_SECOND}", f"--seconds={RUN_SECONDS}"],
            stdout=subprocess.PIPE, text=True)
        self.addCleanup(probe.stdout.close)
        self.addCleanup(probe.wait)
        self.addCleanup(probe.kill)
        while probe.stdout.readline().strip() != "measure":
            self.assertIsNone(probe.poll(), "the load has ended before anything was measured")
        stopped = time.monotonic()
        leader.process.send_signal(signal.SIGSTOP)
        time.sleep(STALL_SECONDS)
        leader.process.send_signal(signal.SIGCONT)
        stall = time.monotonic() - stopped
        output, _ = probe.communicate(timeout=RUN_SECONDS + PATIENCE_SECONDS)
        self.assertEqual(probe.returncode, 0)
        return stall, json.loads(output.splitlines()[-1])

    def expect_the_whole_stall(self, transport):
        """Returns the figures of a run whose p99 is as it must be.

        Other programs may take the processors at the wrong moment, so one of a few runs has to fit. A generator that
        hides the stall would be off by nearly all of it, every time.
        """
        misses = []
        for _ in range(RUNS_MAX):
            stall, result = self.measure_stall(transport)
            print(f"{transport}: stall {stall:.3f} s of {result['window']} s: p99 of the response time "
                  f"{result['response']['p99']:.3f} s, of the service time {result['service']['p99']:.3f} s", flush=True)
            self.assertEqual(result["scheduled"], RUN_SECONDS * OPERATIONS_PER_SECOND)
            self.assertEqual(result["ok"], result["scheduled"], result)
            expected = stall - result["window"] / 100
            if abs(result["response"]["p99"] - expected) <= TOLERANCE * expected:
                self.assertLess(result["response"]["p50"], STALL_SECONDS / 5)
                return result
            misses.append((result["response"]["p99"], expected))
        raise AssertionError(f"p99 of the response time and what it should be: {misses}")

    def test_over_rest(self):
        result = self.expect_the_whole_stall("rest")
        # Connections were too few to send all that was due, so part of the wait was in the generator.
        self.assertGreater(result["send_lag"]["max"], STALL_SECONDS / 5)

    def test_over_calls(self):
        self.expect_the_whole_stall("unary")

    def test_over_a_stream(self):
        self.expect_the_whole_stall("stream")


if __name__ == "__main__":
    if is_instrumented(os.environ["LOAD_PROBE"]):
        print("SKIPPED: it measures time, and programs under sanitizers are too slow for that")
    else:
        unittest.main()
