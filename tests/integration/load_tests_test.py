"""tools/run_all_tests.sh and its siblings: real nodes, loaded by a stand-in for the load generator or by itself."""

import fcntl
import glob
import json
import os
import signal
import socket
import subprocess
import tempfile
import unittest

import jsonschema

import processes
from harness import await_true, claim_address, load_tests, node_binary  # pylint: disable=unused-import

SECONDS = 600
CONFIGS = ["leader_w5r1", "leader_w1r5", "leader_w3r3", "leaderless_w5r1"]

# Notes how it was called and what the first target says of itself; then does as the environment says: one word and
# whose output it is for.
STAND_IN = """#!/usr/bin/env python3
import glob, json, os, signal, sys, urllib.request
flags = dict(zip(sys.argv[1::2], sys.argv[2::2]))
first = flags["-targets"].split(",")[0]
with urllib.request.urlopen(f"http://{first}/health", timeout=30) as reply:
    health = json.load(reply)
with open(os.environ["CALLS"], "a") as calls:
    calls.write(json.dumps({"pid": os.getpid(), "flags": sys.argv[1:], "health": health}) + "\\n")
behaviour, _, whose = os.environ["BEHAVIOUR"].partition(" ")
if whose not in flags["-output"]:
    behaviour = ""
if behaviour == "wait":
    signal.pause()
if behaviour == "fail":
    sys.exit("the stand-in fails, as it was told")
if behaviour == "kill":
    with open(glob.glob(os.environ["RUN_DIRS"] + "/quorate-load-*/node-3.pid")[0]) as file:
        os.kill(int(file.read().split()[0]), signal.SIGKILL)
seconds, status = int(flags["-duration"]), int(behaviour[4:]) if behaviour.startswith("exit") else 0
target = [flag.split("=")[1] for flag in sys.argv if flag.startswith("-read_target=")]
run = {"phases": [{"name": "warm-up", "start": 0, "end": 1}, {"name": "measure", "start": 1, "end": 1 + seconds}],
       "cluster": {"emulate": health["emulated_delays"]},
       "workload": {"qps": int(flags["-qps"]), "num_keys": int(flags["-num-keys"]),
                    "read_target": target[0] if target else "coordinator"}}
with open(flags["-output"], "w") as output:
    json.dump({"mode": flags["-mode"], "write_latencies": [0.002] * 30, "read_latencies": [0.001] * 30,
               "stale_reads": [], "read_write_intervals": [0.1], "statistics": None, "run": run,
               "verdict": {"judgement": "valid", "exit_code": status}}, output)
print("a report")
sys.exit(status)
"""


class LoadTestsTest(unittest.TestCase):

    def setUp(self):
        self.address = claim_address(self.addCleanup)
        folder = tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR"))
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.results = os.path.join(self.folder, "results")
        self.output = os.path.join(self.folder, "visualizations")
        self.calls_path = os.path.join(self.folder, "calls")
        self.stand_in = os.path.join(self.folder, "stand_in")
        with open(self.stand_in, "w", encoding="utf-8") as file:
            file.write(STAND_IN)
        os.chmod(self.stand_in, 0o700)
        # Whatever a test breaks, its nodes end with it.
        self.addCleanup(self.finished, "cleanup.sh")

    def environment(self, behaviour):
        # What the drawing library finds out about fonts is kept for the next call.
        return {**os.environ, "CALLS": self.calls_path, "BEHAVIOUR": behaviour, "RUN_DIRS": self.folder,
                "MPLCONFIGDIR": os.environ.get("TEST_TMPDIR", self.folder)}

    def command(self, script, *arguments, loadgen=None):
        if script == "cleanup.sh":
            return [os.path.abspath(f"tools/{script}"), *arguments, "--run_dirs", self.folder]
        own = ["--address", self.address, "--run_dirs", self.folder, "--results", self.results, "--visualizations", self.output,
               "--binary", node_binary(), "--loadgen", loadgen or self.stand_in, "--duration", "1"]
        return [os.path.abspath(f"tools/{script}"), *arguments, *own]

    def finished(self, script, *arguments, behaviour="", loadgen=None):
        return subprocess.run(
            self.command(script, *arguments, loadgen=loadgen), cwd=self.folder, env=self.environment(behaviour),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False)

    def calls(self):
        if not os.path.exists(self.calls_path):
            return []
        with open(self.calls_path, encoding="utf-8") as file:
            return [json.loads(line) for line in file.read().splitlines()]

    def names(self, folder):
        return sorted(os.listdir(folder))

    def assert_no_node_is_left(self):
        for port in range(8080, 8085):
            with socket.socket() as listener:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind((self.address, port))
        self.assertEqual(glob.glob(f"{self.folder}/quorate-load-*/*.pid"), [])

    def started(self, *arguments, behaviour, output=subprocess.PIPE):
        """A script in the background, as from a terminal, where SIGINT is not ignored. It leads a process group."""
        process = subprocess.Popen(
            self.command("run_all_tests.sh", *arguments), cwd=self.folder, env=self.environment(behaviour),
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, text=True, start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def test_all_configurations_and_ratios(self):
        done = self.finished("run_all_tests.sh")
        self.assertEqual(done.returncode, 0, done)
        names = [f"{config}_{ratio}" for config in CONFIGS for ratio in ("1w99r", "10w90r", "50w50r", "90w10r")]
        files = [f"{name}.{ending}" for name in names for ending in ("json", "txt")]
        self.assertEqual(self.names(self.results), sorted(files))
        kinds = ("read_latency", "write_latency", "intervals")
        pictures = [f"{config}_{kind}.png" for config in CONFIGS for kind in kinds]
        self.assertEqual(self.names(self.output), sorted(pictures + [
            "comparison_p99_latency.png", "comparison_stale_reads.png", "csv", "report.html", "summary_report.txt"]))
        for place, name in enumerate(names, start=1):
            self.assertRegex(done.stdout, rf"(?m)^\[ ?{place}/16\] {name} +about \d+ (s|min) left$")
            self.assertRegex(done.stdout, rf"(?m)^{name} +2\.000 ", "the table at the end")
        self.assertEqual(len(self.calls()), 16)
        for call, name in zip(self.calls(), names):
            self.check_call(call, name)
        self.assert_no_node_is_left()

    def check_call(self, call, name):
        config, ratio = name.rsplit("_", 1)
        flags = dict(zip(call["flags"][::2], call["flags"][1::2]))
        self.assertEqual(flags, {
            "-mode": config.split("_")[0], "-write-ratio": f"{int(ratio.split('w')[0]) / 100:.2f}", "-duration": "1",
            "-qps": "200", "-num-keys": "50", "-output": f"{self.results}/{name}.json",
            "-targets": ",".join(f"{self.address}:{port}" for port in range(8080, 8085))})
        health = call["health"]
        strategy = "leaderless" if config.startswith("leaderless") else "leader_follower"
        self.assertEqual((health["strategy"], f"w{health['w']}r{health['r']}", health["n"]),
                         (strategy, config.split("_")[1], 5))

    def test_a_run_without_a_result_is_named_and_the_others_go_on(self):
        done = self.finished("run_all_tests.sh", "--config", "leader_w1r1", "--ratio", "0w100r,50w50r,100w0r",
                             behaviour="fail leader_w1r1_50w50r")
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("leader_w1r1_50w50r failed (exit status 1)", done.stderr)
        self.assertIn("the stand-in fails", done.stderr)
        self.assertIn("these runs failed: leader_w1r1_50w50r", done.stderr)
        self.assert_logs_are_kept(done, "leader_w1r1")
        self.assertEqual([name for name in self.names(self.results) if name.endswith(".json")],
                         ["leader_w1r1_0w100r.json", "leader_w1r1_100w0r.json"])
        self.assertEqual([call["flags"][3] for call in self.calls()], ["0.00", "0.50", "1.00"])
        self.assertIn("leader_w1r1_intervals.png", self.names(self.output))
        self.assert_no_node_is_left()

        again = self.finished("run_all_tests.sh", "--config=leader_w1r1", "--ratio=0w100r,50w50r", "--resume")
        self.assertEqual(again.returncode, 0, again)
        self.assertEqual([call["flags"][3] for call in self.calls()[3:]], ["0.50"])
        self.assertNotIn("leader_w1r1.logs", self.names(self.results))

    def assert_logs_are_kept(self, done, config):
        self.assertIn(f"The logs of these nodes are in {self.results}/{config}.logs", done.stderr)
        self.assertEqual(self.names(f"{self.results}/{config}.logs"), [f"node-{node}.log" for node in range(1, 6)])

    def test_a_result_of_a_run_that_was_not_measured_to_its_end_is_set_aside(self):
        for status in (1, 130):
            done = self.finished("run_all_tests.sh", "--config", "leader_w1r1", "--ratio", "0w100r,50w50r",
                                 behaviour=f"exit{status} 50w50r")
            self.assertEqual(done.returncode, 1, done)
            self.assertIn(f"leader_w1r1_50w50r failed (exit status {status})", done.stderr)
            self.assertEqual([name for name in self.names(self.results) if ".json" in name],
                             ["leader_w1r1_0w100r.json", "leader_w1r1_50w50r.json.failed"])
            self.assert_logs_are_kept(done, "leader_w1r1")
        void = self.finished("run_all_tests.sh", "--config", "leader_w1r1", "--ratio", "50w50r", behaviour="exit3")
        self.assertEqual(void.returncode, 0, void)
        self.assertEqual([name for name in self.names(self.results) if "50w50r" in name],
                         ["leader_w1r1_50w50r.json", "leader_w1r1_50w50r.txt"])

    def test_a_run_that_costs_a_node_has_failed_and_the_next_gets_new_nodes(self):
        done = self.finished("run_all_tests.sh", "--config", "leaderless_w2r2", "--ratio", "0w100r,50w50r",
                             behaviour="kill 0w100r")
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("leaderless_w2r2_0w100r failed, since not all nodes are healthy after it", done.stderr)
        self.assertRegex(done.stderr, r"(?m)^3 .* ended$")
        self.assertIn("these runs failed: leaderless_w2r2_0w100r\n", done.stderr)
        self.assertEqual([name for name in self.names(self.results) if ".json" in name],
                         ["leaderless_w2r2_0w100r.json.failed", "leaderless_w2r2_50w50r.json"])
        self.assert_logs_are_kept(done, "leaderless_w2r2")
        self.assert_no_node_is_left()

    def test_a_cluster_that_does_not_start_ends_all(self):
        with socket.socket() as holder:
            holder.bind((self.address, 8082))
            holder.listen()
            done = self.finished("run_all_tests.sh", "--config", "leader_w1r1", "--ratio", "50w50r")
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("8082, wanted by node 3, is in use", done.stderr)
        self.assertIn("the cluster for leader_w1r1 does not start", done.stderr)
        self.assertNotIn("logs", done.stderr)
        self.assertEqual(self.names(self.results), [])
        self.assertEqual(self.calls(), [])

    def test_resume_does_again_what_is_of_another_load(self):
        def resumed(*arguments):
            done = self.finished("run_all_tests.sh", "--config=leader_w1r1", "--ratio=50w50r", "--resume", *arguments)
            self.assertEqual(done.returncode, 0, done)
            return done.stdout

        resumed("--qps", "100")
        self.assertIn("All results are there already", resumed("--qps", "100"))
        self.assertEqual(len(self.calls()), 1)
        for arguments, reason in (
            (("--qps", "90"), "its qps is 100"), (("--qps", "90", "--num_keys", "10"), "its num_keys is 50"),
            (("--qps", "90", "--num_keys", "10", "--emulate", "lan"), "its emulate is ''"),
        ):
            self.assertIn(f"leader_w1r1_50w50r is done again: {reason}.", resumed(*arguments))
        self.assertIn("All results are there already", resumed("--qps", "90", "--num_keys", "10", "--emulate", "lan"))
        self.assertEqual(len(self.calls()), 4)

    def put_files(self, folder, names):
        os.makedirs(folder, exist_ok=True)
        for name in names:
            with open(os.path.join(folder, name), "w", encoding="utf-8"):
                pass

    def test_ctrl_c_stops_nodes_and_load_and_leaves_nothing_old(self):
        self.put_files(self.results, ["leader_w3r3_90w10r.json", "leader_w3r3_90w10r.txt"])
        script = self.started("--config", "leader_w3r3", "--ratio", "50w50r,90w10r", behaviour="wait")
        call = await_true(self.calls, "the load has begun")[0]
        script.send_signal(signal.SIGINT)
        _, errors = script.communicate(timeout=SECONDS)
        self.assertEqual(script.returncode, 130, errors)
        self.assertIn("Interrupted: all nodes are stopped", errors)
        self.assertFalse(os.path.exists(f"/proc/{call['pid']}"))
        self.assertEqual(self.names(self.results), ["leader_w3r3_50w50r.txt"])
        self.assertFalse(os.path.exists(self.output))
        self.assert_no_node_is_left()

    def test_a_terminal_that_is_closed_stops_nodes_and_load(self):
        reader, writer = os.pipe()
        script = self.started("--config", "leader_w1r1", "--ratio", "50w50r", behaviour="wait", output=writer)
        os.close(writer)
        call = await_true(self.calls, "the load has begun")[0]
        # What it prints finds nobody, and bash wants to print that its children were hung up.
        os.close(reader)
        os.killpg(script.pid, signal.SIGHUP)
        script.wait(timeout=SECONDS)
        self.assertFalse(processes.runs(call["pid"]))
        self.assert_no_node_is_left()

    def test_cleanup_stops_what_a_killed_script_has_left(self):
        script = self.started("--config", "leaderless_w2r2", "--ratio", "50w50r", behaviour="wait")
        call = await_true(self.calls, "the load has begun")[0]
        self.addCleanup(processes.kill, call["pid"])
        running = self.finished("cleanup.sh")
        self.assertIn("A load test is running", running.stderr)
        self.assertTrue(glob.glob(f"{self.folder}/quorate-load-*/*.pid"))
        script.kill()
        script.wait()
        self.assertTrue(processes.runs(call["pid"]))
        cleaned = self.finished("cleanup.sh")
        self.assertEqual(cleaned.returncode, 0, cleaned)
        self.assertIn(f"Ended the load generator, process {call['pid']}.", cleaned.stdout)
        self.assertFalse(processes.runs(call["pid"]))
        self.assertIn("Stopped nodes 1 2 3 4 5.\n", cleaned.stdout)
        self.assert_no_node_is_left()
        self.assertEqual(glob.glob(f"{self.folder}/quorate-load-*"), [])
        self.assertEqual(self.names(self.results), ["leaderless_w2r2_50w50r.txt"], "kept without --all")

    def test_cleanup_removes_only_what_load_tests_write(self):
        self.put_files(self.results, ["leader_w1r1_50w50r.json", "leader_w1r1_50w50r.txt",
                                      "leader_w1r1_10w90r.json.failed", "leader_w1r1_10w90r.json.123.0.part"])
        self.put_files(f"{self.results}/leader_w1r1.logs", ["node-1.log"])
        self.put_files(self.output, ["leader_w1r1_intervals.png", "comparison_stale_reads.png", "report.html",
                                     "summary_report.txt"])
        self.put_files(f"{self.output}/csv", ["leader_w1r1_timeline.csv", "overview.csv"])
        mine = {self.results: ["mine.json", "mine.txt", "leader_w1r1_50w50r-mine.json"],
                self.output: ["mine.png", "mine.html", "mine.svg"], f"{self.output}/csv": ["mine.csv"]}
        for folder, names in mine.items():
            self.put_files(folder, names)
        for folder, names in ((self.results, mine[self.results]), (self.output, [*mine[self.output], "csv"])):
            cleaned = self.finished("cleanup.sh", "--all")
            self.assertEqual(cleaned.returncode, 0, cleaned)
            self.assertEqual(self.names(folder), sorted(names))
        self.assertEqual(self.names(f"{self.output}/csv"), ["mine.csv"])
        for folder, names in mine.items():
            for name in names:
                os.remove(os.path.join(folder, name))
        self.assertEqual(self.finished("cleanup.sh", "--all").returncode, 0)
        self.assertEqual([os.path.exists(folder) for folder in mine], [False] * 3)

    def test_cleanup_removes_nothing_while_a_load_test_runs(self):
        files = {self.results: ["leader_w1r1_50w50r.json", "leader_w1r1_50w50r.json.123.0.part"],
                 self.output: ["report.html"]}
        for folder, names in files.items():
            self.put_files(folder, names)
        run_dir = f"{self.folder}/quorate-load-{os.getuid()}-{self.address}-8080"
        os.mkdir(run_dir)
        with open(f"{run_dir}/load.lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # as lock_run_dir in tools/load_lib.sh does
            cleaned = self.finished("cleanup.sh", "--all")
            self.assertEqual(cleaned.returncode, 1, cleaned)
            self.assertIn("no results and pictures were removed", cleaned.stderr)
            for folder, names in files.items():
                self.assertEqual(self.names(folder), sorted(names))
        self.assertEqual(self.finished("cleanup.sh", "--all").returncode, 0)
        self.assertEqual([os.path.exists(folder) for folder in files], [False] * 2)

    def test_the_scripts_for_one_strategy(self):
        done = self.finished("run_leader_follower.sh", "w1r5", "--ratio", "10w90r", "--read_target", "any")
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("-read_target=any", self.calls()[0]["flags"])
        done = self.finished("run_leaderless.sh", "--ratio", "10w90r", "--emulate", "lan")
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual([name for name in self.names(self.results) if name.endswith(".json")],
                         ["leader_w1r5_10w90r.json", "leaderless_w5r1_10w90r.json"])
        self.assertEqual(self.calls()[1]["flags"][7], "50", "emulated delays are slow, so the load is smaller")

    def test_wrong_usage(self):
        for arguments, message in (
            (("--config", "leader_w6r1"), "'leader_w6r1' is no configuration"),
            (("--ratio", "10w80r"), "'10w80r' is no ratio"), (("--ratio", "90r10w"), "is no ratio"),
            (("--qps", "0"), "--qps is '0'"), (("--qps", "1000001"), "from 1 to 1000000 "),
            (("--num_keys", "10000001"), "from 1 to 10000000 "), (("--read_target", "far"), "--read_target is 'far'"),
            (("--nonsense=1",), "unknown option --nonsense"), (("now",), "unknown argument now"),
            (("--results=",), "must name folders"),
        ):
            done = subprocess.run([os.path.abspath("tools/run_all_tests.sh"), *arguments], cwd=self.folder,
                                  capture_output=True, text=True, timeout=SECONDS, check=False)
            self.assertEqual(done.returncode, 2, (arguments, done))
            self.assertIn(message, done.stderr)
        self.assertEqual(self.calls(), [])

    def test_the_load_generator_itself(self):
        done = self.finished("run_all_tests.sh", "--config", "leader_w5r1,leaderless_w5r1", "--ratio", "10w90r",
                             loadgen=os.path.abspath(os.environ["LOADGEN"]))
        self.assertEqual(done.returncode, 0, done)
        with open(os.environ["RESULT_SCHEMA"], encoding="utf-8") as file:
            validator = jsonschema.Draft202012Validator(json.load(file))
        for name, mode in (("leader_w5r1_10w90r", "leader"), ("leaderless_w5r1_10w90r", "leaderless")):
            with open(f"{self.results}/{name}.json", encoding="utf-8") as file:
                result = json.load(file)
            self.assertEqual([f"{list(error.path)}: {error.message}" for error in validator.iter_errors(result)], [])
            self.assertEqual((result["schema"], result["mode"]), ("quorate.loadgen.result/1", mode))
            self.assertGreater(result["statistics"]["total_reads"], 0)
            # Every replica has acknowledged before the client hears of it.
            self.assertEqual(result["staleness"]["strict"]["stale"], 0)
        self.assertIn("leaderless_w5r1_intervals.png", self.names(self.output))
        self.assert_no_node_is_left()


if __name__ == "__main__":
    unittest.main()
