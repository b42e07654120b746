"""grpcurl, without any proto files: it learns the service from the node. tools/setup.sh --dev installs it."""

import base64
import json
import shutil
import subprocess
import sys
import unittest

from harness import Cluster, await_true

# What grpcurl adds to the gRPC code of a failed call to get its exit status.
EXIT_OFFSET = 64
INVALID_ARGUMENT = 3
UNIMPLEMENTED = 12
UNAVAILABLE = 14


class Grpcurl:
    """Runs in both strategies; see below."""

    strategy = ""

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(cls.addClassCleanup, cls.strategy, n=3)
        cls.cluster.start()
        cls.node = cls.cluster[1]

    def run_grpcurl(self, *arguments, node=None, options=()):
        node = node or self.node
        return subprocess.run(
            ["grpcurl", "-plaintext", "-max-time", "20", *options, f"{node.address}:{node.grpc_port}", *arguments],
            capture_output=True, text=True, timeout=60, check=False)

    def output(self, *arguments, **named):
        result = self.run_grpcurl(*arguments, **named)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def call(self, method, request, node=None):
        return json.loads(self.output(f"quorate.v1.KeyValue/{method}", node=node,
                                      options=("-emit-defaults", "-d", json.dumps(request))))

    def failure(self, code, method, request):
        result = self.run_grpcurl(f"quorate.v1.KeyValue/{method}", options=("-d", json.dumps(request)))
        self.assertEqual(result.returncode, EXIT_OFFSET + code, result)
        return result.stderr

    def test_the_node_describes_itself(self):
        services = self.output("list").split()
        self.assertIn("quorate.v1.KeyValue", services)
        self.assertIn("grpc.health.v1.Health", services)
        self.assertEqual(set(self.output("list", "quorate.v1.KeyValue").split()),
                         {f"quorate.v1.KeyValue.{method}"
                          for method in ("Get", "Set", "Delete", "LocalRead", "Stream", "Status")})
        self.assertIn("rpc Set ( .quorate.v1.SetRequest ) returns ( .quorate.v1.WriteResponse );",
                      self.output("describe", "quorate.v1.KeyValue"))
        self.assertIn("may_have_applied", self.output("describe", "quorate.v1.ErrorDetails"))
        health = json.loads(self.output("grpc.health.v1.Health/Check"))
        self.assertEqual(health["status"], "SERVING")

    def test_calls(self):
        for number, node in enumerate(self.cluster.nodes, start=1):
            key = f"key {number}"
            self.assertFalse(self.call("Get", {"key": key}, node)["found"])
            written = self.call("Set", {"key": key, "text": "v\u00e9", "w": 3}, node)
            self.assertEqual((written["acks"], written["required"]), (3, 3))
            for method in ("Get", "LocalRead"):
                read = self.call(method, {"key": key}, node)
                self.assertEqual((read["found"], read["text"], read["version"]), (True, "v\u00e9", written["version"]))
            self.assertEqual(self.call("Get", {"key": key, "r": 3}, node)["required"], 3)
            deleted = self.call("Delete", {"key": key, "context": read["context"]}, node)
            self.assertGreater(int(deleted["version"]), int(written["version"]))
            self.assertFalse(self.call("Get", {"key": key}, node)["found"])
            self.assertEqual(self.call("Status", {}, node)["node"], str(number))

    def test_bytes(self):
        encoded = base64.b64encode(bytes(range(256))).decode()
        self.call("Set", {"key_bytes": encoded, "data": encoded})
        self.assertEqual(self.call("Get", {"key_bytes": encoded})["data"], encoded)

    def test_errors(self):
        for method, request in (("Set", {"key": "", "text": "v"}), ("Set", {"key": "k", "text": "v", "w": 9}),
                                ("Get", {"key": "k", "r": 0}), ("Delete", {}), ("LocalRead", {"key": "k" * 2000})):
            text = self.failure(INVALID_ARGUMENT, method, request)
            self.assertIn("Code: InvalidArgument", text)
            self.assertIn("quorate.v1.ErrorDetails", text)
        result = self.run_grpcurl("quorate.v1.KeyValue/Nothing")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn('does not include a method named "Nothing"', result.stderr)

    def test_without_enough_replicas(self):
        cluster = Cluster(self.addCleanup, self.strategy, n=2, w=2, r=2)
        cluster.start()
        cluster[2].kill()
        request = ("-d", json.dumps({"key": "k", "text": "v"}))

        def refused():
            result = self.run_grpcurl("quorate.v1.KeyValue/Set", node=cluster[1], options=request)
            return result if "may_have_applied" not in result.stderr and "mayHaveApplied" not in result.stderr else None

        result = await_true(refused, "the write is refused beforehand")
        self.assertEqual(result.returncode, EXIT_OFFSET + UNAVAILABLE, result)


class LeaderFollowerGrpcurlTest(Grpcurl, unittest.TestCase):
    strategy = "leader_follower"


class LeaderlessGrpcurlTest(Grpcurl, unittest.TestCase):
    strategy = "leaderless"


if __name__ == "__main__":
    if shutil.which("grpcurl") is None:
        print("SKIPPED: there is no grpcurl here; tools/setup.sh --dev builds it where Go is installed")
        sys.exit(0)
    unittest.main()
