"""kvctl without a cluster: its command line, help and exit status, and the completion for bash."""

import os
import re
import subprocess
import unittest

KVCTL = os.path.abspath(os.environ["KVCTL"])
COMPLETION = os.path.abspath(os.environ["KVCTL_BASH"])

OK = 0
WRONG_USAGE = 2
NOTHING_WRITTEN = 3
UNAVAILABLE = 5

# Nobody can listen on port 1 of this address without being root.
NOWHERE = "--target=127.0.0.1:1"


def kvctl(*words, **options):
    return subprocess.run(
        [KVCTL, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, check=False, **options)


def commands():
    return re.findall(r"^  ([a-z-]+) ", kvctl("--help").stdout, re.MULTILINE)


def complete(*words, program=KVCTL, before=""):
    """What bash offers for the last of `words` behind the name of a program, once it has done `before`."""
    script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _kvctl; printf "%s\\n" "${COMPREPLY[@]}"'
    result = subprocess.run(
        ["bash", "-c", f"{before}\n{script}", "bash", COMPLETION, program, *words], capture_output=True, text=True,
        timeout=60, check=True)
    return result.stdout.split()


class CommandLineTest(unittest.TestCase):
    def expect_usage_error(self, words, expected, **options):
        result = kvctl(*words, **options)
        self.assertEqual(result.returncode, WRONG_USAGE, result)
        self.assertIn(expected, result.stderr)
        self.assertEqual(result.stdout, "")

    def test_help(self):
        self.assertEqual(commands(), ["get", "set", "delete", "local-read", "status"])
        self.assertIn("Exit status", kvctl("--help").stdout)
        for command in commands():
            for words in ((command, "--help"), ("help", command)):
                result = kvctl(*words)
                self.assertEqual(result.returncode, OK, result)
                self.assertIn(f"kvctl {command}", result.stdout)
                self.assertIn("--target", result.stdout)
                self.assertNotIn("logtostderr", result.stdout)
        self.assertIn("kvctl 0.1.0", kvctl("--version").stdout)

    def test_every_kind_of_help_is_help(self):
        for flag in ("--helpshort", "--helpfull", "--helppackage", "--helpxml", "--helpon=main", "--helpmatch=flag"):
            result = kvctl("set", "k", "v", NOWHERE, flag)
            self.assertEqual(result.returncode, OK, result)
            self.assertIn("Usage: kvctl set KEY", result.stdout)

    def test_wrong_usage_is_named(self):
        self.expect_usage_error([], "Usage: kvctl")
        self.expect_usage_error(["put", "k", "v"], "no command 'put'")
        self.expect_usage_error(["get"], "'get' needs more: kvctl get KEY")
        self.expect_usage_error(["get", "a", "b"], "'b' is one word too many")
        self.expect_usage_error(["get", "k", "--json", "false"], "'false' is one word too many")
        self.expect_usage_error(["get", "k", "-w", "3"], "--w is not for 'get'")
        self.expect_usage_error(["status", "--siblings"], "--siblings is not for 'status'")
        self.expect_usage_error(["get", "k", "--nosuchflag"], "nosuchflag")
        self.expect_usage_error(["get", "k", "-r", "0"], "--r=0 is no number from 1")
        self.expect_usage_error(["get", "k", "-r", "3x"], "--r=3x is no number from 1")
        for timeout in ("0s", "-1s", "1", "nan", "25h", "inf"):
            self.expect_usage_error(["get", "k", f"--timeout={timeout}"], f"--timeout={timeout}")
        self.expect_usage_error(["set", "k"], "give a value, or --file")
        self.expect_usage_error(["set", "k", "v", "--file", "-"], "give a value, or --file")
        self.expect_usage_error(["set", "k", "--file", "/no/such/file"], "cannot read /no/such/file")
        self.expect_usage_error(["set", "k", "v", "--context", "?"], "--context is no base64")
        self.expect_usage_error(["get", "k", "--target", "localhost"], "'localhost' is no address")
        self.expect_usage_error(["get", "k", "--target="], "--target")

    def test_values_that_cannot_be_read_are_not_written(self):
        folder = os.path.dirname(KVCTL)
        self.expect_usage_error(["set", "k", NOWHERE, "--file", folder], f"cannot read {folder}: Is a directory")
        self.expect_usage_error(["set", "k", NOWHERE, "--file", "/dev/zero"], "/dev/zero has more than 8388608 bytes")
        with open("/dev/zero", "rb") as endless:
            self.expect_usage_error(["set", "k", NOWHERE, "--file", "-"], "standard input has more than", stdin=endless)
        descriptor = os.open(folder, os.O_RDONLY)
        self.addCleanup(os.close, descriptor)
        self.expect_usage_error(["set", "k", NOWHERE, "--file", "-"], "cannot read standard input", stdin=descriptor)
        closed = subprocess.run(["bash", "-c", '"$@" <&-', "bash", KVCTL, "set", "k", NOWHERE, "--file", "-"],
                                capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(closed.returncode, WRONG_USAGE, closed)
        self.assertIn("cannot read standard input", closed.stderr)

    def test_nobody_answers(self):
        result = kvctl("get", "k", NOWHERE, "--timeout=300ms")
        self.assertEqual(result.returncode, UNAVAILABLE, result)
        self.assertIn("127.0.0.1:1", result.stderr)
        result = kvctl("set", "k", "v", NOWHERE, "--timeout=300ms")
        self.assertEqual(result.returncode, NOTHING_WRITTEN, result)
        self.assertIn("nothing was written", result.stderr)
        result = kvctl("status", NOWHERE, "--timeout=300ms", "--json")
        self.assertEqual(result.returncode, UNAVAILABLE, result)
        self.assertIn('"code"', result.stdout)


class CompletionTest(unittest.TestCase):
    def test_offers_the_commands(self):
        self.assertEqual(complete(""), commands() + ["help"])
        self.assertEqual(complete("l"), ["local-read"])
        self.assertEqual(complete("help", "s"), ["set", "status"])

    def test_offers_the_flags_of_a_command(self):
        listed = re.findall(r"^  (--\w+)", kvctl("status", "--help").stdout, re.MULTILINE)
        self.assertEqual(complete("status", "--"), listed + ["--help"])
        self.assertEqual(complete("get", "--raw", "key", "--si"), ["--siblings"])
        self.assertEqual(complete("set", "key", ""), [])

    def test_an_alias_is_followed(self):
        for name in ("kvctl", "kv"):
            self.assertEqual(complete("get", "--si", program=name, before=f"alias {name}={KVCTL}"), ["--siblings"])
            self.assertEqual(complete("l", program=name, before=f"alias {name}={KVCTL}"), ["local-read"])
        self.assertEqual(complete("--si", program="kvget", before=f"alias kvget='{KVCTL} get --raw'"), ["--siblings"])


if __name__ == "__main__":
    unittest.main()
