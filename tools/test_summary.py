"""Sums up one `bazel test` from its build events. Usage: test_summary.py EVENTS_FILE BAZEL_STATUS

What is counted: each case of a GoogleTest program; one for any other test program; one failure for a target that does
not build. A program that fails outside of its cases (a crash, a leak found at the end, a timeout) is one failure more.

How a test that cannot run here is skipped: a GoogleTest case calls GTEST_SKIP() << "reason"; any other test prints a
line "SKIPPED: reason" and exits with 0. Skipped ones are named with their reason, and are neither passed nor failed.

The last line of the output is "N passed, N failed", or "N passed, N failed, N skipped" when any were skipped.
Exit status: 0 only when nothing failed.
"""

import json
import re
import sys
import urllib.parse
import xml.etree.ElementTree as ElementTree

# What `bazel test` exits with when tests failed, and when there were no tests at all; both leave a true count.
_BAZEL_TESTS_FAILED = 3
_BAZEL_NO_TESTS = 4


class Summary:
    """Running totals. `failed` holds names; `skipped` holds (name, reason)."""

    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []

    def add_program(self, label, status, report):
        """Adds one run of a test program. `report` is the text of its test.xml, or None where it left none."""
        failed_before = len(self.failed)
        if report is not None:
            for case in _cases(report):
                self._add_case(label, case)
        if status != "PASSED" and len(self.failed) == failed_before:
            self.failed.append(f"{label} ({status.lower()} outside of its cases)")

    def _add_case(self, label, case):
        name = _case_name(label, case)
        if case.find("failure") is not None or case.find("error") is not None:
            self.failed.append(name)
            return
        reason = _skip_reason(case)
        if reason is not None:
            self.skipped.append((name, reason))
        else:
            self.passed += 1

    def last_line(self):
        line = f"{self.passed} passed, {len(self.failed)} failed"
        return f"{line}, {len(self.skipped)} skipped" if self.skipped else line


def _cases(report):
    """The cases in a test.xml. Bazel writes one for programs that write none, and puts the program's output in it."""
    root = ElementTree.fromstring(report)
    for suite in root.iter("testsuite"):
        output = suite.findtext("system-out") or ""
        for case in suite.findall("testcase"):
            case.set("program_output", output)
            yield case


def _case_name(label, case):
    if case.get("classname"):
        return f"{label} {case.get('classname')}.{case.get('name')}"
    return label


def _skip_reason(case):
    """Why the case did not run, or None if it did."""
    skipped = case.find("skipped")
    if skipped is not None:
        # GoogleTest puts the place of the GTEST_SKIP on a line before the reason.
        lines = (skipped.get("message") or "").strip().splitlines()
        return " ".join(lines[1:]) or "no reason given"
    if case.get("status") == "notrun":
        return "disabled in its source"
    said = re.search(r"^SKIPPED: *(.+)$", case.get("program_output"), re.MULTILINE)
    return said.group(1).strip() if said else None


def _read_report(outputs):
    for output in outputs:
        if output.get("name") == "test.xml":
            path = urllib.parse.unquote(urllib.parse.urlparse(output["uri"]).path)
            try:
                with open(path, encoding="utf-8", errors="replace") as file:
                    return file.read()
            except FileNotFoundError:
                return None
    return None


def summarize(events, bazel_status):
    """Returns the Summary of the parsed build events; `bazel_status` is what `bazel test` exited with."""
    summary = Summary()
    unbuilt = set()
    last_attempts = {}
    for event in events:
        identity = event.get("id", {})
        if "testResult" in identity and "testResult" in event:
            result = identity["testResult"]
            # A test that is repeated after a failure reports each attempt; the last one is what counts.
            run = (result["label"], result.get("run"), result.get("shard"))
            last_attempts[run] = event["testResult"]
        elif "targetCompleted" in identity and not event.get("completed", {}).get("success", False):
            unbuilt.add(identity["targetCompleted"]["label"])
    summary.failed.extend(f"{label} (does not build)" for label in sorted(unbuilt))
    for (label, _, _), result in sorted(last_attempts.items()):
        summary.add_program(label, result["status"], _read_report(result.get("testActionOutput", [])))
    if bazel_status not in (0, _BAZEL_TESTS_FAILED, _BAZEL_NO_TESTS) and not summary.failed:
        summary.failed.append(f"the build (Bazel ended with status {bazel_status})")
    return summary


def main(arguments):
    if len(arguments) != 2:
        print(__doc__.splitlines()[0], file=sys.stderr)
        return 2
    events_path, bazel_status = arguments
    with open(events_path, encoding="utf-8") as file:
        summary = summarize([json.loads(line) for line in file], int(bazel_status))
    print()
    for name, reason in summary.skipped:
        print(f"SKIPPED {name}: {reason}")
    for name in summary.failed:
        print(f"FAILED  {name}")
    print(summary.last_line())
    return 1 if summary.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
