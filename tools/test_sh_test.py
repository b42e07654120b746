"""tools/test.sh: what it hands to Bazel, for which a stand-in notes its arguments."""

import os
import shutil
import subprocess
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))


class TestScriptTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR"))
        self.addCleanup(folder.cleanup)
        self.root = folder.name
        os.makedirs(f"{self.root}/tools")
        for name in ("test.sh", "lib.sh"):
            shutil.copy(os.path.join(HERE, name), f"{self.root}/tools/{name}")
        self.put("setup.sh", f"#!/bin/sh\ntouch {self.root}/installed\n")
        self.put("bazel", '#!/bin/sh\nprintf "%s\\n" "$@"\n')
        self.put("test_summary.py", "")

    def put(self, name, text):
        path = f"{self.root}/tools/{name}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o700)

    def printed(self, *arguments):
        done = subprocess.run(["bash", f"{self.root}/tools/test.sh", *arguments], cwd="/", capture_output=True,
                              text=True, timeout=60, check=False)
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


if __name__ == "__main__":
    unittest.main()
