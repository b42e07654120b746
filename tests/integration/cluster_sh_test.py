"""tools/cluster.sh: starts, shows and stops real nodes, and nothing else."""

import fcntl
import glob
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest
import urllib.request

import processes
from harness import PATIENCE_SECONDS, await_true, claim_address, node_binary

SCRIPT = os.path.abspath("tools/cluster.sh")
SECONDS = 120


class ClusterScriptTest(unittest.TestCase):

    def setUp(self):
        self.address = claim_address(self.addCleanup)
        self.run_dir = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))
        self.addCleanup(self.run_script, "stop")

    def run_script(self, command, *arguments, environment=None, folder=True):
        """The finished script; its output is text. `folder`: whether it is told which folder is its own."""
        return subprocess.run(
            [SCRIPT, command, f"--address={self.address}", *([f"--run_dir={self.run_dir}"] if folder else []),
             *arguments],
            cwd="/", env={**os.environ, **(environment or {})}, capture_output=True, text=True, timeout=SECONDS,
            check=False)

    def start(self, *arguments, environment=None):
        return self.run_script("start", "--binary", node_binary(), *arguments, environment=environment)

    def pids(self):
        pids = []
        for path in glob.glob(f"{self.run_dir}/node-*.pid"):
            with open(path, encoding="utf-8") as file:
                pids.append(int(file.read().split()[0]))
        return pids

    def health(self, port):
        with urllib.request.urlopen(f"http://{self.address}:{port}/health", timeout=30) as reply:
            return reply.read().decode()

    def test_leader_and_followers(self):
        # What the user's shell exports for something else must not reach the nodes.
        started = self.start("-w", "4", "-r", "2",
                             environment={"PORT": "1", "W": "77", "NODE_TYPE": "boss", "PEER_URLS": "x"})
        self.assertEqual(started.returncode, 0, started)
        self.assertEqual(started.stdout.count("healthy"), 5, started)
        self.assertEqual(started.stdout.count("follower"), 4, started)
        health = self.health(8080)
        for part in ('"role":"leader"', '"w":4', '"r":2', '"n":5', '"node_id":"1"'):
            self.assertIn(part, health)
        self.assertIn('"role":"follower"', self.health(8084))
        self.assertEqual(len(glob.glob(f"{self.run_dir}/node-*.log")), 5)
        pids = self.pids()
        self.assertEqual(len(pids), 5)

        again = self.start()
        self.assertEqual(again.returncode, 1)
        self.assertIn("runs here already", again.stderr)
        self.assertTrue(all(processes.runs(pid) for pid in pids))

        status = self.run_script("status")
        self.assertEqual((status.returncode, status.stdout.count("healthy")), (0, 5), status)
        os.kill(pids[0], signal.SIGKILL)
        await_true(lambda: not processes.runs(pids[0]), "the node is gone")
        status = self.run_script("status")
        self.assertEqual(status.returncode, 1, status)
        self.assertIn("ended", status.stdout)

        stopped = self.run_script("stop")
        self.assertEqual(stopped.returncode, 0, stopped)
        self.assertFalse([pid for pid in pids if processes.runs(pid)])
        self.assertEqual(self.run_script("status").returncode, 3)
        self.assertEqual(self.run_script("stop").returncode, 0)

    def test_leaderless_with_flags_for_the_nodes(self):
        started = self.start("--strategy=leaderless", "-n", "3", "--base_port", "8200", "--", "--cluster=mine")
        self.assertEqual(started.returncode, 0, started)
        health = self.health(8202)
        for part in ('"strategy":"leaderless"', '"n":3', '"cluster":"mine"', '"role":"replica"'):
            self.assertIn(part, health)
        self.assertEqual(self.run_script("status").returncode, 0)

    def test_ports_in_use_are_named(self):
        with socket.socket() as holder:
            holder.bind((self.address, 9081))
            holder.listen()
            started = self.start("-n", "3")
            self.assertEqual(started.returncode, 1, started)
            self.assertIn(f"{self.address}:9081, wanted by node 2, is in use by", started.stderr)
            self.assertEqual(self.pids(), [])
        self.assertEqual(self.start("-n", "3").returncode, 0)

    def test_a_node_that_does_not_start_is_shown_and_the_others_are_stopped(self):
        started = self.start("-n", "3", "-w", "9")
        self.assertEqual(started.returncode, 1, started)
        self.assertIn("W is '9' but must be a number from 1 to N=3", started.stderr)
        self.assertEqual(self.pids(), [])
        with socket.socket() as port:
            port.bind((self.address, 8081))

    def test_start_gives_up_on_nodes_that_do_not_become_healthy(self):
        # A program of which only the first instance is a node: a leader without followers. It has time to answer at all.
        program = self.put_program(
            f"{self.run_dir}/program", f'[ "$NODE_ID" = 1 ] && exec {node_binary()} "$@"\nexec sleep 1000')
        started = self.run_script("start", "--binary", program, "-n", "2", "--timeout", "5")
        self.assertEqual(started.returncode, 1, started)
        self.assertIn("node 1 is not healthy after 5 s (recovering)", started.stderr)
        self.assertEqual(self.pids(), [])

    def put_program(self, path, text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\n{text}\n")
        os.chmod(path, 0o700)
        return path

    def stand_ins(self, healthy_answers):
        """A program in the place of a node, and the environment in which so many questions find it healthy, then none."""
        tools = f"{self.run_dir}/tools"
        os.mkdir(tools)
        calls = f"{self.run_dir}/calls"
        self.put_program(f"{tools}/curl", f"""echo >>{calls}
            state=recovering
            [ $(wc -l <{calls}) -gt {healthy_answers} ] || state=healthy
            printf '{{"status":"%s"}}\\n200' $state""")
        node = self.put_program(f"{self.run_dir}/node", "exec sleep 1000")
        return node, {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}

    def test_a_start_whose_nodes_do_not_stay_healthy_leaves_none(self):
        node, environment = self.stand_ins(healthy_answers=1)
        started = self.run_script("start", "--binary", node, "-n", "1", environment=environment)
        self.assertEqual(started.returncode, 1, started)
        self.assertIn("recovering", started.stdout)
        self.assertIn("not all nodes have stayed healthy", started.stderr)
        self.assertEqual(self.pids(), [])

    def test_stop_finds_what_another_session_has_started(self):
        node, environment = self.stand_ins(healthy_answers=1000)
        self.addCleanup(shutil.rmtree, f"/tmp/quorate-cluster-{os.getuid()}-{self.address}-8080", ignore_errors=True)
        self.addCleanup(self.run_script, "stop", folder=False)
        sessions = [{**environment, "XDG_RUNTIME_DIR": place} for place in (self.run_dir, "", "/proc/nowhere")]
        for one, other in zip(sessions, sessions[1:] + sessions[:1]):
            started = self.run_script("start", "--binary", node, "-n", "1", environment=one, folder=False)
            self.assertEqual(started.returncode, 0, started)
            self.assertEqual(self.run_script("status", environment=other, folder=False).returncode, 0)
            self.assertIn("Stopped nodes 1", self.run_script("stop", environment=other, folder=False).stdout)

    def test_stop_and_status_name_who_has_the_port_of_a_cluster_that_is_not_theirs(self):
        with socket.socket() as holder:
            holder.bind((self.address, 8080))
            holder.listen()
            for command, status in (("stop", 0), ("status", 3)):
                done = self.run_script(command)
                self.assertEqual(done.returncode, status, done)
                self.assertIn("No cluster runs here", done.stdout)
                self.assertIn(f"but {self.address}:8080 is in use by", done.stderr)
        self.assertEqual(self.run_script("stop").stderr, "")

    def test_an_interrupted_start_leaves_no_node(self):
        # The script calls `cat` when a node has been started and is not on file yet. This one interrupts the whole
        # process group first, as Ctrl-C does.
        tools = f"{self.run_dir}/tools"
        os.mkdir(tools)
        self.put_program(f"{tools}/cat", 'kill -INT 0\nPATH=${PATH#*:} exec cat "$@"')
        node = self.put_program(f"{self.run_dir}/node", "exec sleep 1000")
        # Every process of the start inherits one end, so the other one ends with the last of them.
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        inherited = fcntl.fcntl(writer, fcntl.F_DUPFD, 100)  # a number that the script does not use itself
        started = subprocess.run(
            [SCRIPT, "start", f"--address={self.address}", f"--run_dir={self.run_dir}/cluster", "--binary", node],
            env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}, pass_fds=[inherited], start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL), capture_output=True, text=True,
            timeout=SECONDS, check=False)
        os.close(writer)
        os.close(inherited)
        self.assertEqual(started.returncode, 130, started)
        self.assertTrue(select.select([reader], [], [], PATIENCE_SECONDS)[0], "a process of the start is left")

    def test_stop_leaves_a_process_alone_that_took_over_an_id(self):
        with subprocess.Popen(["sleep", "1000"]) as stranger:
            with open(f"{self.run_dir}/node-1.pid", "w", encoding="utf-8") as file:
                file.write(f"{stranger.pid} some-other-start 127.0.0.1:1 127.0.0.1:2\n")
            self.assertEqual(self.run_script("status").returncode, 3)
            self.assertEqual(self.run_script("stop").returncode, 0)
            self.assertIsNone(stranger.poll())
            stranger.kill()

    def test_stop_ends_a_node_that_does_not_react(self):
        self.assertEqual(self.start("-n", "1").returncode, 0)
        pid = self.pids()[0]
        os.kill(pid, signal.SIGSTOP)
        stopped = self.run_script("stop")
        self.assertEqual(stopped.returncode, 0, stopped)
        self.assertIn("killed nodes", stopped.stderr)
        self.assertFalse(processes.runs(pid))

    def test_stop_ends_a_node_that_does_not_react_where_nobody_reads_of_it(self):
        node, environment = self.stand_ins(healthy_answers=1000)
        started = self.run_script("start", "--binary", node, "-n", "1", environment=environment)
        self.assertEqual(started.returncode, 0, started)
        pid = self.pids()[0]
        os.kill(pid, signal.SIGSTOP)
        with open("/dev/full", "w", encoding="utf-8") as nobody:
            subprocess.run([SCRIPT, "stop", f"--address={self.address}", f"--run_dir={self.run_dir}"], stdout=nobody,
                           stderr=nobody, timeout=SECONDS, check=False)
        self.assertFalse(processes.runs(pid))
        self.assertEqual(self.pids(), [])

    def test_wrong_usage(self):
        for arguments, message in (
            ((), "start, stop or status"),
            (("begin",), "unknown command"),
            (("start", "-n", "0"), "-n is '0'"),
            (("start", "-n"), "needs a value"),
            (("start", "--base_port", "99999"), "--base_port"),
            (("start", "--nonsense=1"), "unknown option"),
            (("start", "extra"), "unknown argument"),
            (("start", "--address", "localhost"), "IPv4"),
        ):
            result = subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, timeout=SECONDS, check=False)
            self.assertEqual(result.returncode, 2, result)
            self.assertIn(message, result.stderr)
        self.assertIn("Usage:", subprocess.run([SCRIPT, "--help"], capture_output=True, text=True, check=True).stdout)


if __name__ == "__main__":
    unittest.main()
