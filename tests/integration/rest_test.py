"""The documented REST calls and their errors, on every node of real clusters in both strategies."""

import base64
import http.client
import json
import resource
import socket
import unittest

from harness import BASE_PORT, Cluster, Node, await_true, claim_address, is_instrumented, node_binary

MAX_KEY_BYTES = 1024
MAX_VALUE_BYTES = 1 << 20


class RestCalls:
    """Runs in both strategies; see below."""

    strategy = ""

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(cls.addClassCleanup, cls.strategy, n=3, flags=[f"--max_value_bytes={MAX_VALUE_BYTES}"])
        cls.cluster.start()
        cls.node = cls.cluster[1]

    def expect_error(self, reply, status, code):
        self.assertEqual(reply.status, status, reply)
        self.assertEqual(reply.headers["Content-Type"], "application/json; charset=utf-8")
        self.assertEqual(reply.body["code"], code, reply)
        self.assertIsInstance(reply.body["message"], str)
        self.assertTrue(reply.body["message"], reply)
        self.assertIsInstance(reply.body["details"], list)

    def test_documented_calls_on_every_node(self):
        for number, node in enumerate(self.cluster.nodes, start=1):
            key = f"mykey{number}"
            absent = node.get(f"/get/{key}")
            self.expect_error(absent, 404, "NOT_FOUND")

            created = node.post("/set", {"key": key, "value": "myvalue"})
            self.assertEqual(created.status, 201, created)
            self.assertEqual(created.body["message"], "Key set successfully")
            version = created.body["version"]
            self.assertIs(type(version), int)
            self.assertGreater(version, 0)

            again = node.post("/set", {"key": key, "value": "other"})
            self.assertGreater(again.body["version"], version, again)

            for reader in self.cluster.nodes:
                reply = reader.get(f"/get/{key}")
                self.assertEqual(reply.status, 200, reply)
                self.assertEqual(reply.body["key"], key)
                self.assertEqual(reply.body["value"], "other")
                self.assertEqual(reply.body["version"], again.body["version"])
                self.assertIs(type(reply.body["version"]), int)
                local = await_true(lambda: self.found(reader.get(f"/local_read/{key}"), "other"),
                                   "the write reaches every node")
                self.assertEqual(local.body["key"], key)
                self.assertEqual(local.body["version"], again.body["version"])

    @staticmethod
    def found(reply, value):
        return reply if reply.status == 200 and reply.body["value"] == value else None

    def test_health(self):
        for number, node in enumerate(self.cluster.nodes, start=1):
            reply = node.get("/health")
            self.assertEqual(reply.status, 200, reply)
            self.assertEqual(reply.body["status"], "healthy")
            self.assertEqual(reply.body["node_id"], str(number))
            self.assertEqual(reply.body["strategy"], self.strategy)
            self.assertEqual((reply.body["n"], reply.body["w"], reply.body["r"]), (3, 2, 2))
            if self.strategy == "leaderless":
                self.assertEqual(reply.body["role"], "replica")
            else:
                self.assertEqual(reply.body["role"], "leader" if number == 1 else "follower")
                self.assertEqual(reply.body["leader"], "1")

    def test_deletes(self):
        # At W=3: a node that has not yet seen a write gives its own, concurrent one no higher number.
        created = self.node.set("gone", "v", w=3)
        deleted = self.cluster[2].post("/delete", {"key": "gone", "w": 3})
        self.assertEqual(deleted.status, 200, deleted)
        self.assertEqual(deleted.body["message"], "Key deleted successfully")
        self.assertGreater(deleted.body["version"], created.body["version"])
        reply = self.cluster[3].read("gone")
        self.expect_error(reply, 404, "NOT_FOUND")
        self.assertEqual(reply.body["version"], deleted.body["version"])
        self.assertEqual(self.node.post("/delete", {"key": "never written"}).status, 200)
        back = self.node.set("gone", "back")
        self.assertGreater(back.body["version"], deleted.body["version"])
        self.assertEqual(self.cluster[3].read("gone").body["value"], "back")

    def test_keys_of_all_kinds(self):
        for key, path in [
            ("a/b/c", "a/b/c"),
            ("a/b", "a%2Fb"),
            ("sp ace", "sp%20ace"),
            ("pl+us", "pl+us"),
            ("per%41cent", "per%2541cent"),
            ("k\u00e9y\U0001f600", "k%C3%A9y%F0%9F%98%80"),
            ("nul\0nul", "nul%00nul"),
            ("?q=1&r=9#f", "%3Fq=1&r=9%23f"),
            ("../get/x", "../get/x"),
            ("//", "//"),
            ("k" * MAX_KEY_BYTES, "k" * MAX_KEY_BYTES),
            ("\u00e9" * (MAX_KEY_BYTES // 2), "%C3%A9" * (MAX_KEY_BYTES // 2)),
        ]:
            value = f"value of {key[:20]}"
            self.assertEqual(self.node.set(key, value).status, 201, key)
            reply = self.cluster[2].get(f"/get/{path}")
            self.assertEqual(reply.status, 200, (path[:50], reply))
            self.assertEqual((reply.body["key"], reply.body["value"]), (key, value))

    def test_binary_keys_and_values(self):
        data = bytes(range(256))
        encoded = base64.b64encode(data).decode()
        url_safe = base64.urlsafe_b64encode(data).decode().rstrip("=")
        self.assertEqual(self.node.post("/set", {"key_b64": encoded, "value_b64": url_safe}).status, 201)
        for form in (encoded.replace("=", "%3D"), url_safe):
            reply = self.cluster[3].get(f"/get?key_b64={form}")
            self.assertEqual(reply.status, 200, reply)
            self.assertEqual((reply.body["key_b64"], reply.body["value_b64"]), (encoded, encoded))
            self.assertEqual(reply.body["encoding"], "base64")

    def test_values_of_all_sizes(self):
        for size in (0, 1, 1000, MAX_VALUE_BYTES):
            value = ("0123456789\u0001\"\\" * (size // 13 + 1))[:size]
            self.assertEqual(self.node.set("sized", value).status, 201, size)
            self.assertEqual(self.cluster[3].read("sized").body["value"], value)

    def test_quorums_of_one_request(self):
        reply = self.node.set("k", "v", w=3)
        self.assertEqual((reply.status, reply.body["required"]), (201, 3), reply)
        reply = self.node.read("k", "?r=3")
        self.assertEqual((reply.status, reply.body["answers"], reply.body["required"]), (200, 3, 3), reply)
        for w in (0, -1, 4, 1 << 30):
            reply = self.cluster[2].set("k", "x", w=w)
            self.expect_error(reply, 400, "INVALID_ARGUMENT")
            self.assertFalse(reply.may_have_applied)
        for r in (0, -1, 4):
            self.expect_error(self.cluster[2].read("k", f"?r={r}"), 400, "INVALID_ARGUMENT")
        self.assertEqual(self.node.read("k").body["value"], "v")

    def test_bad_input_is_refused_and_changes_nothing(self):
        self.assertEqual(self.node.set("kept", "value").status, 201)
        before = self.cluster.await_converged(["kept"])
        long_key = "k" * (MAX_KEY_BYTES + 1)
        for body in (
            b"", b"{", b"[]", b"null", b"\"kept\"", b"{} {}", b"{\"key\":\"kept\",\"value\":\"v\",}",
            b"{\"key\":\"kept\",\"value\":\"\xff\xfe\"}", b"{\"key\":\"kept\",\"value\":\"\\ud800\"}",
            b"{\"key\":\"kept\",\"key\":\"kept\",\"value\":\"v\"}", b"{\"key\":\"kept\"}", b"{\"value\":\"v\"}",
            b"{\"key\":\"\",\"value\":\"v\"}", b"{\"key\":7,\"value\":\"v\"}", b"{\"key\":\"kept\",\"value\":7}",
            b"{\"key\":\"kept\",\"value\":null}", b"{\"key\":[\"kept\"],\"value\":\"v\"}",
            b"{\"key\":\"kept\",\"value\":\"v\",\"w\":\"2\"}", b"{\"key\":\"kept\",\"value\":\"v\",\"w\":1.5}",
            b"{\"key\":\"kept\",\"value_b64\":\"?\"}", b"{\"key\":\"kept\",\"value\":\"v\",\"value_b64\":\"dg==\"}",
            b"{\"key\":\"kept\",\"value\":\"v\",\"context\":\"AAAA\"}",
            b"[" * 100000, b"{\"x\":" * 100000,
            json.dumps({"key": long_key, "value": "v"}).encode(),
            json.dumps({"key": "kept", "value": "v" * (MAX_VALUE_BYTES + 1)}).encode(),
        ):
            for node in self.cluster.nodes[:2]:
                self.expect_error(node.request("POST", "/set", body), 400, "INVALID_ARGUMENT")
                self.expect_error(node.request("POST", "/delete", body.replace(b"\"kept\"", b"5")), 400,
                                  "INVALID_ARGUMENT")
        for path in ("/get/", "/get", "/get?key_b64=", "/get?key_b64=?", "/get/%", "/get/%4", "/get/%zz", "/get/%ff",
                     "/get/kept?r=x", "/get/kept?siblings=x", f"/get/{long_key}", "/local_read/",
                     f"/local_read/{long_key}"):
            self.expect_error(self.node.get(path), 400, "INVALID_ARGUMENT")
        self.assertEqual(self.cluster.await_converged(["kept"]), before)

    def test_unknown_paths_and_methods(self):
        for path in ("/", "/nothing", "/set/", "/gets/k", "/v2/kv/k"):
            self.expect_error(self.node.get(path), 404, "NOT_FOUND")
        for method, path, allow in (("GET", "/set", "POST"), ("PUT", "/set", "POST"), ("GET", "/delete", "POST"),
                                    ("POST", "/get/k", "GET, HEAD"), ("DELETE", "/get/k", "GET, HEAD"),
                                    ("POST", "/health", "GET, HEAD"), ("OPTIONS", "/local_read/k", "GET, HEAD")):
            reply = self.node.request(method, path, b"{}")
            self.expect_error(reply, 405, "UNIMPLEMENTED")
            self.assertEqual(reply.headers["Allow"], allow)

    def test_requests_beyond_the_limits_of_http(self):
        reply = self.node.get("/get/" + "k" * 9000)
        self.expect_error(reply, 431, "INVALID_ARGUMENT")
        reply = self.node.request("POST", "/set", b" " * (MAX_VALUE_BYTES * 6 + (1 << 20)))
        self.expect_error(reply, 413, "INVALID_ARGUMENT")
        self.assertTrue(self.node.healthy())

    def test_garbage_is_answered_or_dropped(self):
        for garbage in (b"\0" * 1000, b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01",
                        b"\r\n" * 5000, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"):
            with socket.create_connection((self.node.address, self.node.port), timeout=30) as connection:
                connection.sendall(garbage)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
        self.assertTrue(self.node.healthy())

    def test_one_connection_serves_many_requests(self):
        connection = http.client.HTTPConnection(self.node.address, self.node.port, timeout=30)
        self.addCleanup(connection.close)
        connection.connect()
        first_socket = connection.sock
        for i in range(100):
            connection.request("POST", "/set", json.dumps({"key": "k", "value": str(i)}))
            response = connection.getresponse()
            self.assertEqual(response.status, 201)
            response.read()
            connection.request("HEAD" if i % 2 else "GET", "/get/k")
            response = connection.getresponse()
            self.assertEqual(response.status, 200)
            body = response.read()
            if i % 2 == 0:
                self.assertEqual(json.loads(body)["value"], str(i))
        self.assertIs(connection.sock, first_socket)


class LeaderFollowerRestTest(RestCalls, unittest.TestCase):
    strategy = "leader_follower"


class WritesToFollowersTest(unittest.TestCase):

    def test_a_follower_may_refuse_writes_and_name_its_leader(self):
        cluster = Cluster(self.addCleanup, "leader_follower", n=2, flags=["--forward_writes=false"])
        cluster.start()
        reply = cluster[2].set("k", "v")
        self.assertEqual((reply.status, reply.body["code"]), (400, "FAILED_PRECONDITION"), reply)
        self.assertEqual(reply.body["details"][0]["leader"], "1")
        self.assertFalse(reply.may_have_applied)
        self.assertEqual(cluster[1].set("k", "v").status, 201)


class LeaderlessRestTest(RestCalls, unittest.TestCase):
    strategy = "leaderless"

    def test_siblings(self):
        first = self.node.set("k", "first")
        # A context belongs to its key.
        other = self.node.read("never written").body["context"]
        self.expect_error(self.node.set("k", "second", context=other), 400, "INVALID_ARGUMENT")

        context = first.body["context"]
        self.assertEqual(self.node.set("k", "left", context=context).status, 201)
        self.assertEqual(self.node.set("k", "right", context=context).status, 201)
        plain = self.cluster[2].read("k")
        self.assertEqual((plain.body["value"], plain.body["conflict"]), ("right", True), plain)
        every = self.cluster[2].read("k", "?siblings=true")
        self.assertEqual(sorted(sibling["value"] for sibling in every.body["siblings"]), ["left", "right"])

        settled = self.cluster[3].set("k", "settled", context=every.body["context"])
        self.assertEqual((settled.status, settled.body["replaced_siblings"]), (201, 2), settled)
        after = self.node.read("k", "?siblings=true")
        self.assertEqual((after.body["value"], after.body["conflict"]), ("settled", False), after)


class ConnectionLimitTest(unittest.TestCase):
    LIMIT = 300

    def test_connections_beyond_the_limit_are_told_so(self):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        # The node must raise the limit of its open files, or it could not take the connections that it promises.
        node = Node(claim_address(self.addCleanup), BASE_PORT, [f"--http_max_connections={self.LIMIT}"],
                    {"NODE_TYPE": "leader"}, open_files=100)
        self.addCleanup(node.close)
        node.start()
        await_true(node.healthy, "the node is healthy")

        connections = []
        status = 200
        while status == 200 and len(connections) <= self.LIMIT:
            connection = http.client.HTTPConnection(node.address, node.port, timeout=30)
            self.addCleanup(connection.close)
            connection.request("GET", "/health")
            response = connection.getresponse()
            response.read()
            status = response.status
            if status == 200:
                connections.append(connection)
        self.assertEqual(status, 503)
        # A connection that has just been closed may still have been counted.
        self.assertGreaterEqual(len(connections), self.LIMIT - 1)

        for _ in range(10):
            reply = await_true(node.health, "the node answers")
            self.assertEqual((reply.status, reply.body["code"]), (503, "UNAVAILABLE"), reply)
        for connection in connections:
            connection.request("GET", "/health")
            response = connection.getresponse()
            self.assertEqual(response.status, 200)
            response.read()
            connection.close()
        await_true(node.healthy, "the node takes connections again")


class RefusedBodiesTest(unittest.TestCase):
    CHUNK = b" " * (1 << 20)
    CHUNKS = 6  # of a value of 1 MiB, whose every byte may be escaped by six
    CONNECTIONS = 30

    def test_bodies_that_were_refused_take_no_memory(self):
        if is_instrumented(node_binary()):
            self.skipTest("sanitizers keep memory that has been freed")
        node = Node(claim_address(self.addCleanup), BASE_PORT, [f"--max_value_bytes={MAX_VALUE_BYTES}"],
                    {"NODE_TYPE": "leader"})
        self.addCleanup(node.close)
        node.start()
        await_true(node.healthy, "the node is healthy")
        before = self.resident_bytes(node)
        for _ in range(self.CONNECTIONS):
            connection = socket.create_connection((node.address, node.port), timeout=30)
            self.addCleanup(connection.close)
            connection.sendall(b"POST /set HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n")
            head = f"{len(self.CHUNK):x}\r\n".encode()
            for _ in range(self.CHUNKS):
                connection.sendall(head + self.CHUNK + b"\r\n")
            connection.sendall(head)
            # The client goes on: it has been told, but does not close.
            self.assertEqual(connection.recv(12), b"HTTP/1.1 413")
        grown = self.resident_bytes(node) - before
        self.assertLess(grown, self.CONNECTIONS * self.CHUNKS * len(self.CHUNK) / 2)

    @staticmethod
    def resident_bytes(node):
        with open(f"/proc/{node.process.pid}/status", encoding="utf-8") as file:
            return next(int(line.split()[1]) << 10 for line in file if line.startswith("VmRSS:"))


if __name__ == "__main__":
    unittest.main()
