"""The gRPC service on real clusters in both strategies: answers, codes of errors, and agreement with REST."""

import base64
import json
import os
import signal
import subprocess
import unittest

from harness import Cluster, await_true

OK = 0
INVALID_ARGUMENT = 3
UNAVAILABLE = 14
DEADLINE_EXCEEDED = 4

MAX_KEY_BYTES = 1024
MAX_VALUE_BYTES = 10000


class Answer:
    """What kv_call printed."""

    def __init__(self, text):
        fields = json.loads(text)
        self.code = fields["code"]
        self.message = fields["message"]
        self.response = fields["response"]
        self.details = fields["details"]

    def __repr__(self):
        return f"code {self.code} {self.message!r} {self.response} {self.details}"


def call(node, method, request):
    """Calls a method with a request in Protobuf's text format."""
    result = subprocess.run(
        [os.path.abspath(os.environ["KV_CALL"]), f"{node.address}:{node.grpc_port}", method, request],
        capture_output=True, text=True, timeout=60, check=True)
    return Answer(result.stdout)


class GrpcCalls:
    """Runs in both strategies; see below."""

    strategy = ""

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(cls.addClassCleanup, cls.strategy, n=3, flags=[f"--max_value_bytes={MAX_VALUE_BYTES}"])
        cls.cluster.start()
        cls.node = cls.cluster[1]

    def expect_refused(self, node, method, request):
        answer = call(node, method, request)
        self.assertEqual(answer.code, INVALID_ARGUMENT, answer)
        self.assertTrue(answer.message, answer)
        self.assertFalse(answer.details["may_have_applied"], answer)

    def test_every_method_on_every_node(self):
        for number, node in enumerate(self.cluster.nodes, start=1):
            key = f"grpc {number}"
            absent = call(node, "Get", f'key: "{key}"')
            self.assertEqual((absent.code, absent.response["found"]), (OK, False), absent)
            self.assertEqual(absent.response["version"], "0")
            written = call(node, "Set", f'key: "{key}" text: "value" w: 3')
            self.assertEqual(written.code, OK, written)
            self.assertEqual((written.response["acks"], written.response["required"]), (3, 3), written)
            for reader in self.cluster.nodes:
                for method in ("Get", "LocalRead"):
                    read = call(reader, method, f'key: "{key}"')
                    self.assertEqual((read.code, read.response["text"]), (OK, "value"), read)
                    self.assertEqual(read.response["version"], written.response["version"])
                    self.assertEqual(read.response["order"], written.response["order"])
                rest = reader.read(key)
                self.assertEqual(str(rest.body["version"]), written.response["version"])
                self.assertEqual(rest.body["order"], written.response["order"])
            deleted = call(node, "Delete", f'key: "{key}" context: "" w: 3')
            self.assertGreater(int(deleted.response["version"]), int(written.response["version"]))
            gone = call(node, "Get", f'key: "{key}"')
            self.assertEqual((gone.response["found"], gone.response["version"]), (False, deleted.response["version"]))
            status = call(node, "Status", "")
            self.assertEqual((status.response["state"], status.response["node"]), ("serving", str(number)), status)
            self.assertEqual((status.response["n"], status.response["w"], status.response["r"]), (3, 2, 2))

    def test_bytes(self):
        written = call(self.node, "Set", r'key_bytes: "\377\000" data: "\376\000"')
        self.assertEqual(written.code, OK, written)
        read = call(self.cluster[2], "Get", r'key_bytes: "\377\000"')
        self.assertEqual(base64.b64decode(read.response["data"]), b"\xfe\x00", read)
        rest = self.cluster[3].get("/get?key_b64=_wA")
        self.assertEqual(base64.b64decode(rest.body["value_b64"]), b"\xfe\x00", rest)

    def test_bad_input_is_refused_and_changes_nothing(self):
        self.assertEqual(self.node.set("kept", "value").status, 201)
        held = self.cluster.await_converged(["kept"])
        for node in self.cluster.nodes[:2]:
            for request in ('text: "v"', 'key: "" text: "v"', 'key: "kept"', 'key: "kept" key_bytes: "kept" text: "v"',
                            r'key: "\377" text: "v"', r'key: "kept" text: "\377"', 'key: "kept" text: "v" w: 0',
                            'key: "kept" text: "v" w: 4', 'key: "kept" text: "v" w: 4294967295',
                            'key: "kept" text: "v" context: "nonsense"',
                            f'key: "{"k" * (MAX_KEY_BYTES + 1)}" text: "v"',
                            f'key: "kept" text: "{"v" * (MAX_VALUE_BYTES + 1)}"'):
                self.expect_refused(node, "Set", request)
            for request in ('', 'key: ""', 'key: "kept" r: 0', 'key: "kept" r: 4', r'key: "\377"'):
                self.expect_refused(node, "Get", request)
            for request in ('', 'key: "kept" w: 0', 'key: "kept" w: 4', 'key: "kept" context: "nonsense"'):
                self.expect_refused(node, "Delete", request)
            self.expect_refused(node, "LocalRead", "")
        self.assertEqual(self.cluster.await_converged(["kept"]), held)

    def test_outcomes_without_enough_replicas(self):
        cluster = Cluster(self.addCleanup, self.strategy, n=3, w=2, r=2)
        cluster.start()
        self.assertEqual(call(cluster[1], "Set", 'key: "k" text: "v" w: 3').code, OK)
        for victim in cluster.nodes[1:]:
            victim.signal(signal.SIGSTOP)
        # The others are not yet known to be away: the write is sent, and may have happened.
        answer = call(cluster[1], "Set", 'key: "k" text: "perhaps"')
        self.assertIn(answer.code, (UNAVAILABLE, DEADLINE_EXCEEDED), answer)
        self.assertTrue(answer.details["may_have_applied"], answer)
        self.assertEqual((answer.details["acks"], answer.details["required"]), (1, 2), answer)
        # Now they are.
        answer = await_true(lambda: self.not_sent(call(cluster[1], "Set", 'key: "k" text: "never"')), "refused at once")
        self.assertEqual(answer.code, UNAVAILABLE, answer)
        self.assertEqual(call(cluster[1], "Get", 'key: "k"').code, UNAVAILABLE)
        local = call(cluster[1], "LocalRead", 'key: "k"')
        self.assertEqual((local.code, local.response["text"]), (OK, "perhaps"), local)
        for victim in cluster.nodes[1:]:
            victim.signal(signal.SIGCONT)
        await_true(lambda: call(cluster[1], "Get", 'key: "k" r: 3').response.get("text") == "perhaps",
                   "the write takes effect once the others are back")

    @staticmethod
    def not_sent(answer):
        return answer if answer.details and not answer.details["may_have_applied"] else None


class LeaderFollowerGrpcTest(GrpcCalls, unittest.TestCase):
    strategy = "leader_follower"


class LeaderlessGrpcTest(GrpcCalls, unittest.TestCase):
    strategy = "leaderless"


if __name__ == "__main__":
    unittest.main()
