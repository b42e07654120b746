"""The REST API as README.md shows it, called by curl."""

import json
import os
import subprocess
import tempfile
import unittest

from harness import Cluster


class Curl:
    """Runs in both strategies; see below."""

    strategy = ""

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(cls.addClassCleanup, cls.strategy, n=3)
        cls.cluster.start()
        cls.node = cls.cluster[1]

    def curl(self, *arguments):
        """What curl printed; it fails where the HTTP status is 400 or more, unless asked to show it."""
        result = subprocess.run(["curl", "--silent", "--show-error", "--max-time", "20", *arguments],
                                capture_output=True, timeout=60, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def file(self, data):
        with tempfile.NamedTemporaryFile(dir=os.environ.get("TEST_TMPDIR"), delete=False) as file:
            file.write(data)
        self.addCleanup(os.unlink, file.name)
        return file.name

    def status(self, *arguments):
        return int(self.curl("--output", os.devnull, "--write-out", "%{http_code}", *arguments))

    def test_documented_calls(self):
        created = json.loads(self.curl("-X", "POST", f"{self.node.url}/set", "-H", "Content-Type: application/json",
                                       "-d", '{"key":"mykey","value":"myvalue"}'))
        self.assertEqual(created["message"], "Key set successfully")
        for path in ("get", "local_read"):
            read = json.loads(self.curl(f"{self.node.url}/{path}/mykey"))
            self.assertEqual((read["key"], read["value"], read["version"]), ("mykey", "myvalue", created["version"]))
        self.assertEqual(json.loads(self.curl(f"{self.node.url}/health"))["status"], "healthy")
        deleted = json.loads(self.curl(f"{self.node.url}/delete", "-d", '{"key":"mykey"}'))
        self.assertEqual(deleted["message"], "Key deleted successfully")
        self.assertEqual(self.status(f"{self.node.url}/get/mykey"), 404)

    def test_files(self):
        # Long enough for curl to ask first whether it may send it (Expect: 100-continue).
        data = os.urandom(3 << 20)
        url = f"{self.node.url}/v1/kv/pictures/a%20b.png"
        self.assertEqual(self.status("--upload-file", self.file(data), url), 200)
        self.assertEqual(self.curl(f"{self.cluster[3].url}/v1/kv/pictures%2Fa%20b.png"), data)
        head = self.curl("--head", url).decode()
        self.assertIn(f"Content-Length: {len(data)}", head)
        self.assertIn("Quorate-Version: ", head)
        self.assertEqual(self.status("-X", "PUT", "--data-binary", "@" + self.file(b""), url), 200)
        self.assertEqual(self.curl(url), b"")
        self.assertEqual(self.status("-X", "DELETE", url + "?w=3"), 200)
        self.assertEqual(self.status(url), 404)

    def test_a_chunked_upload(self):
        url = f"{self.node.url}/v1/kv/chunks"
        self.assertEqual(self.status("-H", "Transfer-Encoding: chunked", "-T", self.file(b"c" * 100000), url), 200)
        self.assertEqual(self.curl(url), b"c" * 100000)

    def test_a_context_goes_around(self):
        url = f"{self.node.url}/v1/kv/context"
        self.curl("-X", "PUT", "--data-binary", "one", url)
        context = self.curl("--output", os.devnull, "--write-out", "%header{quorate-context}", url).decode()
        self.assertTrue(context)
        self.assertEqual(self.status("-X", "PUT", "--data-binary", "two", "-H", f"Quorate-Context: {context}", url), 200)
        self.assertEqual(self.curl(url + "?siblings=true"), b"two")

    def test_a_session_reads_its_own_writes_everywhere(self):
        session = self.curl("-X", "PUT", "--data-binary", "draft", f"{self.node.url}/v1/kv/doc?w=1",
                            "--output", os.devnull, "--write-out", "%header{quorate-session}").decode()
        for node in self.cluster.nodes:
            self.assertEqual(self.curl("-H", f"Quorate-Session: {session}", f"{node.url}/v1/kv/doc?r=1"), b"draft")

    def test_dots_in_paths(self):
        url = f"{self.node.url}/v1/kv/../up"
        self.assertEqual(self.status("--path-as-is", "-X", "PUT", "--data-binary", "v", url), 200)
        self.assertEqual(self.curl("--path-as-is", url), b"v")

    def test_too_long_a_value(self):
        long_value = self.file(b"v" * ((4 << 20) + 1))
        self.assertEqual(self.status("--upload-file", long_value, f"{self.node.url}/v1/kv/long"), 400)
        far_too_long = self.file(b"v" * (30 << 20))
        self.assertEqual(self.status("--upload-file", far_too_long, f"{self.node.url}/v1/kv/long"), 413)


class LeaderFollowerCurlTest(Curl, unittest.TestCase):
    strategy = "leader_follower"


class LeaderlessCurlTest(Curl, unittest.TestCase):
    strategy = "leaderless"


if __name__ == "__main__":
    unittest.main()
