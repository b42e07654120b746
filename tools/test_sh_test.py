"""tools/test.sh and others that call Bazel, with a stand-in for it: what they hand to it, and what they leave behind."""

import fcntl
import os
import select
import shutil
import signal
import subprocess
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = 30


class ScriptTest(unittest.TestCase):
    """The tests of a script in a work tree of its own, which holds little else."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR"))
        self.addCleanup(folder.cleanup)
        self.root = folder.name
        os.mkdir(f"{self.root}/tools")

    def copy(self, *names):
        for name in names:
            shutil.copy(os.path.join(HERE, name), f"{self.root}/tools/{name}")

    def put(self, name, text=""):
        """A stand-in for a program: a script of bash."""
        path = f"{self.root}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/bash\n{text}\n")
        os.chmod(path, 0o700)

    def interrupted(self, number, name, *arguments):
        """The exit status of a script that gets a signal, with all of its group, when a stand-in writes x to file 100.

        It has to leave no process and no file. When it is hung up, nobody is left to read what it prints.
        """
        scratch = f"{self.root}/scratch"
        os.makedirs(scratch, exist_ok=True)
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        self.assertEqual(fcntl.fcntl(writer, fcntl.F_DUPFD, 100), 100)
        os.close(writer)
        script = subprocess.Popen(
            [f"{self.root}/tools/{name}", *arguments], cwd="/", pass_fds=[100], start_new_session=True,
            env={**os.environ, "PATH": f"{self.root}/bin:/usr/bin:/bin", "TMPDIR": scratch},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        self.addCleanup(script.stdout.close)
        os.close(100)
        self.assertEqual(self.read_soon(reader), b"x", "it is at work")
        if number == signal.SIGHUP:
            script.stdout.close()
        os.killpg(script.pid, number)
        script.wait(SECONDS)
        self.assertEqual(self.read_soon(reader), b"", "all of its processes have ended")
        self.assertEqual(os.listdir(scratch), [])
        return script.returncode

    def read_soon(self, file):
        """One byte, or none where no process has the other end any more."""
        self.assertTrue(select.select([file], [], [], SECONDS)[0], "processes are left")
        return os.read(file, 1)


class TestScriptTest(ScriptTest):

    def setUp(self):
        super().setUp()
        self.copy("test.sh", "lib.sh")
        self.put("tools/setup.sh", f"touch {self.root}/installed")
        self.put("tools/bazel", 'printf "%s\\n" "$@"')
        self.put("tools/test_summary.py")

    def printed(self, *arguments):
        done = subprocess.run(["bash", f"{self.root}/tools/test.sh", *arguments], cwd="/", capture_output=True,
                              text=True, timeout=SECONDS, check=False)
        self.assertEqual(done.returncode, 0, done)
        return done.stdout

    def called(self, *arguments):
        """(options, patterns) that Bazel gets, without those that the script adds itself."""
        words = self.printed(*arguments).split()
        border = words.index("--")
        self.assertEqual(words[:3], ["--max_idle_secs=60", "test", "--keep_going"])
        return words[4:border], words[border + 1:]

    def test_help_neither_installs_nor_builds(self):
        for flag in ("-h", "--help"):
            printed = self.printed(flag)
            self.assertIn("Usage: tools/test.sh [bazel test options] [target patterns]", printed)
            self.assertNotIn("--keep_going", printed)
        self.assertFalse(os.path.exists(f"{self.root}/installed"))

    def test_without_patterns_it_runs_all(self):
        self.assertEqual(self.called(), ([], ["//..."]))
        self.assertEqual(self.called("--config=asan"), (["--config=asan"], ["//..."]))
        filters = ["--instrumentation_filter=//tools/...", "--x=tools:a"]
        self.assertEqual(self.called(*filters), (filters, ["//..."]))
        self.assertEqual(self.called("--config", "asan", "--test_env", "A:b"),
                         (["--config", "asan", "--test_env", "A:b"], ["//..."]))

    def test_patterns_of_all_kinds(self):
        for pattern in ("//tools/...", "//tools:all", ":all", "@system//:x", "...", "tools/...", "tools:tidy_test"):
            self.assertEqual(self.called("--config=asan", pattern, "-k"), (["--config=asan", "-k"], [pattern]))
        self.assertEqual(self.called("-k", "--", "tools"), (["-k"], ["tools"]))

    def test_what_is_left_out_is_left_out_of_all(self):
        self.assertEqual(self.called("-//tests/...", "-k"), (["-k"], ["//...", "-//tests/..."]))
        self.assertEqual(self.called("--", "-//tests/..."), ([], ["//...", "-//tests/..."]))
        self.assertEqual(self.called("-tools:a", "-bench/..."), ([], ["//...", "-tools:a", "-bench/..."]))
        self.assertEqual(self.called("//tools/...", "-//tools:a"), ([], ["//tools/...", "-//tools:a"]))


class DemoScriptTest(ScriptTest):

    def test_an_interruption_leaves_nothing_behind(self):
        self.copy("demo.sh", "cluster.sh", "lib.sh")
        self.put("tools/setup.sh")
        self.put("tools/bazel", f"echo {self.root}")
        self.put("node/quorate_node", "exec sleep 100")
        self.put("loadgen/loadgen", "printf x >&100; exec sleep 100")
        self.put("bin/ss")
        self.put("bin/curl", """case "$*" in
              *--output*/set*) echo 201 ;;
              *--output*/nosuchkey) echo 404 ;;
              *--output*) echo 200 ;;
              *) printf '{"status":"healthy"}\\n200' ;;
            esac""")
        self.assertEqual(self.interrupted(signal.SIGINT, "demo.sh"), 130)
        self.interrupted(signal.SIGHUP, "demo.sh")


class FuzzScriptTest(ScriptTest):

    def test_an_interruption_ends_the_target_at_hand_and_all(self):
        self.copy("fuzz.sh", "lib.sh")
        self.put("tools/bazel", f"echo {self.root}")
        self.put("bin/clang-14")
        for target in ("one_fuzz", "other_fuzz"):
            self.put(f"tests/fuzz/{target}.cc")
            self.put(f"tests/fuzz/{target}", "printf x >&100; exec sleep 100")
        self.assertEqual(self.interrupted(signal.SIGINT, "fuzz.sh"), 130)
        self.interrupted(signal.SIGHUP, "fuzz.sh")


class SetupScriptTest(ScriptTest):

    def test_an_interruption_ends_what_it_builds(self):
        self.copy("setup.sh")
        self.put("bin/dpkg-query", 'for name in "${@:3}"; do echo "$name installed"; done')
        for program in ("apt-get", "sudo"):
            self.put(f"bin/{program}")
        self.put("bin/go", "mkdir $GOPATH; printf x >&100; exec sleep 100")
        for number in (signal.SIGINT, signal.SIGHUP):
            self.interrupted(number, "setup.sh", "--dev")


if __name__ == "__main__":
    unittest.main()
