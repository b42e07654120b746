"""tools/cleanup.sh ends what a killed load test has left, from whichever session, and touches nothing of others."""

import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import unittest

import processes

TOOLS = os.path.abspath("tools")

# A script for load tests that is killed while its load generator, a stand-in, goes on. It takes so many seconds until its
# process id is noted.
KILLED = """
. "$1/lib.sh"
. "$1/load_lib.sh"
load_run_dirs=$2
take_run_dir 8200 127.0.0.9
seconds=$3
printf() { sleep "$seconds"; builtin printf "$@"; }
start_load "$run_dir" "$run_dir/report" sleep 1000
echo "$loadgen_pid"
kill -KILL $$
"""

# Where the scripts keep a cluster's folder when nobody says otherwise.
DEFAULT_PLACE = """
. "$1/lib.sh"
. "$1/load_lib.sh"
take_run_dir "$2" 127.0.0.1
echo "$run_dir"
"""


def session(runtime_dir=None):
    environment = {name: value for name, value in os.environ.items() if name != "XDG_RUNTIME_DIR"}
    return environment if runtime_dir is None else {**environment, "XDG_RUNTIME_DIR": runtime_dir}


def bash(script, *arguments, runtime_dir=None):
    return subprocess.run(["bash", "-c", script, "script", TOOLS, *arguments], env=session(runtime_dir),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


class CleanupTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR"))
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.run_dirs = os.path.join(self.folder, "run_dirs")
        os.mkdir(self.run_dirs)

    def cleanup(self, *arguments, environment=None):
        return subprocess.run([os.path.join(TOOLS, "cleanup.sh"), *arguments, "--run_dirs", self.run_dirs],
                              cwd=self.folder, env=environment or session(), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)

    def killed_load_test(self, runtime_dir=None, seconds=0):
        """The process id of the load generator that it has left, and that is noted after so many seconds."""
        killed = bash(KILLED, self.run_dirs, str(seconds), runtime_dir=runtime_dir)
        self.assertEqual(killed.returncode, -signal.SIGKILL, killed)
        pid = int(killed.stdout)
        self.addCleanup(processes.kill, pid)
        return pid

    def test_finds_what_another_session_has_left(self):
        other_dir = os.path.join(self.folder, "session")
        os.mkdir(other_dir)
        for there, here in ((other_dir, None), (None, other_dir), (other_dir, "/proc/nowhere")):
            pid = self.killed_load_test(there)
            self.assertTrue(processes.runs(pid))
            cleaned = self.cleanup(environment=session(here))
            self.assertEqual(cleaned.returncode, 0, cleaned)
            self.assertIn(f"Ended the load generator, process {pid}.", cleaned.stdout)
            self.assertFalse(processes.runs(pid))
            self.assertEqual(os.listdir(self.run_dirs), [])

    def with_listener_at(self, address, port):
        """An environment in which a stranger listens there and nowhere else, as a stand-in for ss tells."""
        tools = os.path.join(self.folder, "tools")
        os.makedirs(tools, exist_ok=True)
        with open(f"{tools}/ss", "w", encoding="utf-8") as file:
            file.write(f"""#!/bin/sh
                [ "$2" != "sport = :{port}" ] || echo 'LISTEN 0 9 {address}:{port} 0.0.0.0:* users:(("stranger",pid=1,fd=3))'
                """)
        os.chmod(f"{tools}/ss", 0o700)
        return {**session(), "PATH": f"{tools}:{os.environ['PATH']}"}

    def test_looks_at_the_ports_of_what_was_left(self):
        for address, port, found in (("127.0.0.1", 8080, False), ("127.0.0.1", 8200, False), ("127.0.0.9", 8200, True)):
            self.killed_load_test()
            cleaned = self.cleanup(environment=self.with_listener_at(address, port))
            self.assertEqual(cleaned.returncode, 0, cleaned)
            self.assertEqual("in use by stranger" in cleaned.stderr, found, cleaned)

    def test_leaves_folders_alone_whose_names_no_load_test_gives(self):
        names = ["quorate-load-notes", f"quorate-load-{os.getuid()}-127.0.0.1-8080-old", "quorate-load-0-host-8080"]
        for name in names:
            os.mkdir(os.path.join(self.run_dirs, name))
        cleaned = self.cleanup("--all")
        self.assertEqual((cleaned.returncode, cleaned.stderr), (0, ""))
        self.assertEqual(sorted(os.listdir(self.run_dirs)), sorted(names))

    def test_ends_a_load_generator_whose_process_id_is_not_noted_yet(self):
        pid = self.killed_load_test(seconds=1)
        cleaned = self.cleanup()
        self.assertEqual(cleaned.returncode, 0, cleaned)
        self.assertIn(f"Ended the load generator, process {pid}.", cleaned.stdout)
        self.assertFalse(processes.runs(pid))

    def test_says_so_where_nothing_is_left(self):
        cleaned = self.cleanup()
        self.assertEqual((cleaned.returncode, cleaned.stderr), (0, ""))
        self.assertIn(f"No load test of yours has left anything in {self.run_dirs}.", cleaned.stdout)

    def test_every_session_has_the_same_place(self):
        name = secrets.token_hex(8)  # in place of a port: nobody else has it
        places = set()
        for runtime_dir in (self.folder, None, "/proc/nowhere"):
            taken = bash(DEFAULT_PLACE, name, runtime_dir=runtime_dir)
            self.assertEqual(taken.returncode, 0, taken)
            places.add(taken.stdout.strip())
        for place in places:
            self.addCleanup(shutil.rmtree, place)
        self.assertEqual(len(places), 1, places)

    def test_a_folder_that_a_link_leads_to_is_left_alone(self):
        mine = os.path.join(self.folder, "mine")
        os.mkdir(mine)
        with open(os.path.join(mine, "node-1.pid"), "w", encoding="utf-8"):
            pass
        link = os.path.join(self.run_dirs, f"quorate-load-{os.getuid()}-127.0.0.9-8200")
        os.symlink(mine, link)
        self.assertEqual(self.cleanup().returncode, 0)
        self.assertEqual((os.listdir(mine), os.path.islink(link)), (["node-1.pid"], True))
        taken = bash(KILLED, self.run_dirs, "0")
        self.assertEqual(taken.returncode, 1, taken)
        self.assertIn("belongs to somebody else", taken.stderr)

    def folder_of_another_user(self):
        other = os.path.join(self.run_dirs, "quorate-load-65534-127.0.0.1-8080")
        os.mkdir(other)
        try:
            os.chown(other, 65534, -1)
        except OSError as error:
            self.skipTest(f"only root can give a folder away: {error}")
        return other

    def test_names_the_load_test_of_another_user(self):
        other = self.folder_of_another_user()
        cleaned = self.cleanup()
        self.assertEqual(cleaned.returncode, 0, cleaned)
        self.assertIn(f"in {other}", cleaned.stderr)
        self.assertEqual(os.listdir(self.run_dirs), [os.path.basename(other)])

    def test_removes_nothing_while_a_load_test_of_another_user_may_run(self):
        other = self.folder_of_another_user()
        files = [os.path.join(self.folder, name) for name in ("results/leader_w1r1_50w50r.json", "visualizations/report.html")]
        for path in files:
            os.mkdir(os.path.dirname(path))
            with open(path, "w", encoding="utf-8"):
                pass

        def refused():
            cleaned = self.cleanup("--all")
            self.assertEqual(cleaned.returncode, 1, cleaned)
            self.assertRegex(cleaned.stderr, f"load test of .* may be running in {other}: .* tools/cleanup.sh as ")
            self.assertIn("no results and pictures were removed", cleaned.stderr)
            self.assertEqual([os.path.exists(path) for path in files], [True] * 2)

        refused()  # it may have begun, and not have its lock yet
        with open(f"{other}/load.lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # as lock_run_dir in tools/load_lib.sh does
            refused()
        cleaned = self.cleanup("--all")
        self.assertEqual(cleaned.returncode, 0, cleaned)
        self.assertIn(f"has left in {other}", cleaned.stderr)
        self.assertEqual([os.path.exists(path) for path in files], [False] * 2)
        self.assertEqual(os.listdir(other), ["load.lock"])


if __name__ == "__main__":
    unittest.main()
