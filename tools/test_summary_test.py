"""Builds the events and reports that Bazel and GoogleTest leave, and checks what is counted."""

import os
import tempfile
import unittest

import test_summary

_GTEST_REPORT = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="4"><testsuite name="Quorum" tests="4">
  <testcase name="Meets" status="run" result="completed" classname="Quorum" />
  <testcase name="Misses" status="run" result="completed" classname="Quorum">{failure}</testcase>
  <testcase name="Nets" status="run" result="skipped" classname="Quorum">
    <skipped message="quorum_test.cc:7&#x0A;no network namespaces"/>
  </testcase>
  <testcase name="Off" status="notrun" result="suppressed" classname="Quorum" />
</testsuite></testsuites>"""

_BAZEL_REPORT = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites><testsuite name="tools/a_test" tests="1">
  <testcase name="tools/a_test" status="run">{error}</testcase>
  <system-out>{output}</system-out>
</testsuite></testsuites>"""


class TestSummaryTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def result(self, label, status, report=None, attempt=1):
        """The event of one finished test program, with its report in a file as Bazel would leave it."""
        outputs = []
        if report is not None:
            path = os.path.join(self.folder.name, f"{label.replace('/', '_')} {attempt}.xml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(report)
            outputs.append({"name": "test.xml", "uri": "file://" + path.replace(" ", "%20")})
        return {
            "id": {"testResult": {"label": label, "run": 1, "shard": 1, "attempt": attempt}},
            "testResult": {"status": status, "testActionOutput": outputs},
        }

    def test_counts_cases_of_googletest_and_names_the_skipped(self):
        summary = test_summary.summarize([self.result("//a:a_test", "PASSED", _GTEST_REPORT.format(failure=""))], 0)
        self.assertEqual(summary.last_line(), "2 passed, 0 failed, 2 skipped")
        self.assertEqual(summary.skipped, [
            ("//a:a_test Quorum.Nets", "no network namespaces"),
            ("//a:a_test Quorum.Off", "disabled in its source"),
        ])

    def test_names_failed_cases_once(self):
        report = _GTEST_REPORT.format(failure='<failure message="no"/><failure message="nor this"/>')
        summary = test_summary.summarize([self.result("//a:a_test", "FAILED", report)], 3)
        self.assertEqual(summary.failed, ["//a:a_test Quorum.Misses"])
        self.assertEqual(summary.passed, 1)

    def test_a_program_that_fails_outside_of_its_cases_is_a_failure(self):
        clean = _GTEST_REPORT.format(failure="")
        summary = test_summary.summarize(
            [self.result("//a:leaks", "FAILED", clean), self.result("//a:hangs", "TIMEOUT")], 3)
        self.assertEqual(summary.failed, [
            "//a:hangs (timeout outside of its cases)", "//a:leaks (failed outside of its cases)",
        ])

    def test_other_programs_are_one_case_each(self):
        events = [
            self.result("//a:good", "PASSED", _BAZEL_REPORT.format(error="", output="fine")),
            self.result("//a:bad", "FAILED", _BAZEL_REPORT.format(error='<error message="1"/>', output="")),
            self.result("//a:unable", "PASSED", _BAZEL_REPORT.format(error="", output="x\nSKIPPED: no curl\n")),
        ]
        summary = test_summary.summarize(events, 3)
        self.assertEqual(summary.last_line(), "1 passed, 1 failed, 1 skipped")
        self.assertEqual(summary.skipped, [("//a:unable", "no curl")])

    def test_the_last_attempt_counts(self):
        events = [
            self.result("//a:flaky", "FAILED", _BAZEL_REPORT.format(error='<error message="1"/>', output="")),
            self.result("//a:flaky", "PASSED", _BAZEL_REPORT.format(error="", output=""), attempt=2),
        ]
        self.assertEqual(test_summary.summarize(events, 0).last_line(), "1 passed, 0 failed")

    def test_a_target_that_does_not_build_is_one_failure(self):
        unbuilt = {"id": {"targetCompleted": {"label": "//a:a"}}, "completed": {}}
        built = {"id": {"targetCompleted": {"label": "//a:b"}}, "completed": {"success": True}}
        aborted = {"id": {"targetCompleted": {"label": "//a:c"}}, "aborted": {"reason": "ANALYSIS_FAILURE"}}
        summary = test_summary.summarize([unbuilt, unbuilt, built, aborted], 1)
        self.assertEqual(summary.failed, ["//a:a (does not build)", "//a:c (does not build)"])

    def test_a_bazel_that_cannot_even_begin_is_a_failure(self):
        self.assertEqual(test_summary.summarize([], 2).last_line(), "0 passed, 1 failed")

    def test_no_tests_are_no_failure(self):
        self.assertEqual(test_summary.summarize([], 4).last_line(), "0 passed, 0 failed")


if __name__ == "__main__":
    unittest.main()
