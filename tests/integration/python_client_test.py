"""A client in Python, generated from proto/kv.proto and run on Debian's gRPC: what any other language would see."""

import signal
import unittest

import grpc

from harness import Cluster, await_true
from proto import kv_pb2, kv_pb2_grpc

DETAILS = "grpc-status-details-bin"
SECONDS = 20
INFLATED_BYTES = 128 << 20


class PythonClient:
    """Runs in both strategies; see below."""

    strategy = ""

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(cls.addClassCleanup, cls.strategy, n=3)
        cls.cluster.start()

    def setUp(self):
        self.stub = self.stub_of(self.cluster[1])

    def stub_of(self, node):
        channel = grpc.insecure_channel(f"{node.address}:{node.grpc_port}")
        self.addCleanup(channel.close)
        return kv_pb2_grpc.KeyValueStub(channel)

    def failure(self, call):
        """The error of a call that must fail: its code, its message and its details."""
        with self.assertRaises(grpc.RpcError) as raised:
            call()
        error = raised.exception
        encoded = dict(error.trailing_metadata())[DETAILS]
        status = kv_pb2.RpcStatus.FromString(encoded)
        self.assertEqual((status.code, status.message), (error.code().value[0], error.details()))
        details = kv_pb2.ErrorDetails()
        self.assertTrue(status.details[0].Unpack(details), status)
        return error.code(), error.details(), details

    def test_calls(self):
        absent = self.stub.Get(kv_pb2.GetRequest(key="k"), timeout=SECONDS)
        self.assertFalse(absent.found)
        self.assertIsNone(absent.WhichOneof("value"))
        written = self.stub.Set(kv_pb2.SetRequest(key="k", text="v\u00e9", w=3), timeout=SECONDS)
        self.assertEqual((written.acks, written.required), (3, 3))
        for number, node in enumerate(self.cluster.nodes, start=1):
            stub = self.stub_of(node)
            read = stub.Get(kv_pb2.GetRequest(key="k", r=3), timeout=SECONDS)
            local = stub.LocalRead(kv_pb2.LocalReadRequest(key_bytes=b"k"), timeout=SECONDS)
            for reply in (read, local):
                self.assertEqual((reply.found, reply.text, reply.version), (True, "v\u00e9", written.version))
                self.assertEqual(reply.order, written.order)
            status = stub.Status(kv_pb2.StatusRequest(), timeout=SECONDS)
            self.assertEqual((status.state, status.node, status.strategy), ("serving", str(number), self.strategy))
        deleted = self.stub.Delete(kv_pb2.DeleteRequest(key="k", context=read.context), timeout=SECONDS)
        self.assertGreater(deleted.version, written.version)
        self.assertFalse(self.stub.Get(kv_pb2.GetRequest(key="k"), timeout=SECONDS).found)

    def test_bytes(self):
        key, value = bytes(range(256)), b"\xff" * 100000
        self.stub.Set(kv_pb2.SetRequest(key_bytes=key, data=value), timeout=SECONDS)
        read = self.stub.Get(kv_pb2.GetRequest(key_bytes=key), timeout=SECONDS)
        self.assertEqual((read.WhichOneof("value"), read.data), ("data", value))
        self.stub.Set(kv_pb2.SetRequest(key_bytes=key, text=""), timeout=SECONDS)
        read = self.stub.Get(kv_pb2.GetRequest(key_bytes=key), timeout=SECONDS)
        self.assertEqual((read.found, read.WhichOneof("value"), read.text), (True, "text", ""))

    def test_errors_have_details(self):
        for call in (lambda: self.stub.Set(kv_pb2.SetRequest(text="v"), timeout=SECONDS),
                     lambda: self.stub.Set(kv_pb2.SetRequest(key="k"), timeout=SECONDS),
                     lambda: self.stub.Set(kv_pb2.SetRequest(key="k", text="v", w=4), timeout=SECONDS),
                     lambda: self.stub.Get(kv_pb2.GetRequest(key="k", r=0), timeout=SECONDS),
                     lambda: self.stub.Delete(kv_pb2.DeleteRequest(key="k" * 1025), timeout=SECONDS),
                     lambda: self.stub.LocalRead(kv_pb2.LocalReadRequest(), timeout=SECONDS)):
            code, message, details = self.failure(call)
            self.assertEqual(code, grpc.StatusCode.INVALID_ARGUMENT)
            self.assertTrue(message)
            self.assertFalse(details.may_have_applied)

    def test_a_write_that_may_have_happened_says_so(self):
        cluster = Cluster(self.addCleanup, self.strategy, n=3)
        cluster.start()
        stub = self.stub_of(cluster[1])
        for node in cluster.nodes[1:]:
            node.signal(signal.SIGSTOP)
        write = kv_pb2.SetRequest(key="k", text="perhaps")
        # Without a deadline of its own, so that the node's is sure to come first.
        code, _, details = self.failure(lambda: stub.Set(write))
        self.assertIn(code, (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED))
        self.assertEqual((details.may_have_applied, details.acks, details.required), (True, 1, 2))

        def refused():
            code, _, details = self.failure(lambda: stub.Set(write))
            return code if not details.may_have_applied else None

        self.assertEqual(await_true(refused, "the others are known to be away"), grpc.StatusCode.UNAVAILABLE)

    def test_compressed_requests_are_refused_before_they_are_inflated(self):
        node = self.cluster[1]
        channel = grpc.insecure_channel(f"{node.address}:{node.grpc_port}", compression=grpc.Compression.Gzip,
                                        options=[("grpc.max_send_message_length", -1)])
        self.addCleanup(channel.close)
        stub = kv_pb2_grpc.KeyValueStub(channel)
        write = kv_pb2.SetRequest(key="k", data=bytes(INFLATED_BYTES))
        stream = kv_pb2.StreamRequest(operations=[kv_pb2.StreamOperation(id=1, set=write)])
        before = node.peak_memory()
        for call in (lambda: stub.Set(write, timeout=SECONDS), lambda: next(stub.Stream(iter([stream]), timeout=SECONDS))):
            with self.assertRaises(grpc.RpcError) as raised:
                call()
            self.assertEqual(raised.exception.code(), grpc.StatusCode.UNIMPLEMENTED)
        self.assertLess(node.peak_memory() - before, INFLATED_BYTES / 2)

    def test_calls_in_flight_together(self):
        writes = [self.stub.Set.future(kv_pb2.SetRequest(key=f"k{i}", text=str(i)), timeout=SECONDS)
                  for i in range(200)]
        for write in writes:
            self.assertGreater(write.result().version, 0)
        reads = [self.stub.Get.future(kv_pb2.GetRequest(key=f"k{i}"), timeout=SECONDS) for i in range(200)]
        self.assertEqual([read.result().text for read in reads], [str(i) for i in range(200)])


class LeaderFollowerPythonClientTest(PythonClient, unittest.TestCase):
    strategy = "leader_follower"


class LeaderlessPythonClientTest(PythonClient, unittest.TestCase):
    strategy = "leaderless"


if __name__ == "__main__":
    unittest.main()
