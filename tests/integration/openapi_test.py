"""Holds doc/openapi.yaml against running nodes: every path, method, parameter and status, and each answer's form."""

import base64
import http.client
import json
import os
import re
import signal
import socket
import unittest
import urllib.parse

from harness import BASE_PORT, Cluster, Node, await_true, claim_address
from openapi import OpenApi

MAX_VALUE_BYTES = 1000
# A gateway of this limit takes bodies of up to BODY_BYTES (node/http_options.h), and buffers BUFFERED_BYTES of them.
LARGE_VALUE_BYTES = 4 << 20
BODY_BYTES = LARGE_VALUE_BYTES * 6 + (64 << 10)
BUFFERED_BYTES = 256 << 20

KEYED_PATHS = ("/get/{key}", "/local_read/{key}", "/v1/kv/{key}")
QUORUM_READS = ("/get", "/get/{key}", "/v1/kv", "/v1/kv/{key}")
LOCAL_READS = ("/local_read", "/local_read/{key}")
RAW = ("/v1/kv", "/v1/kv/{key}")
JSON_WRITES = ("/set", "/delete")


class Calls:
    """Makes documented calls, checks each answer, and notes what has been seen."""

    def __init__(self, api):
        self.api = api
        self.seen = set()  # (method, path, status)
        self.used = set()  # (method, path, parameter), in a call that succeeded

    def call(self, node, method, path, status, key="k", query=None, body=None, headers=None):
        """One call of `path`, a template, for `key`; the reply, which must have `status` and be as documented."""
        operation = self.api.operation(method, path)
        query = dict(query or {})
        if path == "/v1/kv" or f"{path}/{{key}}" in KEYED_PATHS:
            query.setdefault("key_b64", base64.b64encode(key.encode()).decode())
        if isinstance(body, dict):
            if status < 300:
                operation.check_json_request(body)
            body = json.dumps(body)
        target = path.replace("{key}", urllib.parse.quote(key))
        if query:
            target += "?" + urllib.parse.urlencode(query)
        if status < 300:
            operation.check_query(query)
        connection = http.client.HTTPConnection(node.address, node.port, timeout=60)
        try:
            connection.request(method, target, body, headers or {})
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        if response.status != status:
            raise AssertionError(f"{method} {target}: {response.status} {text[:500]}")
        operation.check_answer(status, response.headers, text)
        self.seen.add((method, path, status))
        if status < 300:
            self.used.update((method, path, name) for name in [*query, *(headers or {})])
        return response.headers, text


def readable(methods, paths):
    return [(method, path) for path in paths for method in methods]


READS = readable(("GET", "HEAD"), QUORUM_READS + LOCAL_READS)
RAW_WRITES = readable(("PUT", "DELETE"), RAW)


class OpenApiTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.api = OpenApi(os.environ["OPENAPI"])
        cls.calls = Calls(cls.api)
        cls.cluster = Cluster(cls.addClassCleanup, "leaderless", n=3, flags=[f"--max_value_bytes={MAX_VALUE_BYTES}"])
        cls.cluster.start()
        cls.node = cls.cluster[1]

    @classmethod
    def tearDownClass(cls):
        documented = {(method, path, status) for method, path in cls.api.operations()
                      for status in cls.api.operation(method, path).statuses()}
        if documented - cls.calls.seen:
            raise AssertionError(f"documented, and never provoked: {sorted(documented - cls.calls.seen)}")
        parameters = {(method, path, parameter["name"]) for method, path in cls.api.operations()
                      for parameter in cls.api.operation(method, path).parameters() if parameter["in"] != "path"}
        if parameters - cls.calls.used:
            raise AssertionError(f"documented, and never used: {sorted(parameters - cls.calls.used)}")

    def call(self, *arguments, **named):
        return self.calls.call(self.node, *arguments, **named)

    def test_the_document_is_whole(self):
        for reference in self.api.references():
            self.assertIsInstance(self.api.resolve({"$ref": reference}), dict, reference)
        for name, schema in self.api.schemas().items():
            self.api.check_schema(schema)
            self.assertEqual(schema["type"], "object", name)
            self.assertTrue(set(schema.get("required", [])) <= set(schema["properties"]), name)
        ids = [self.api.document["paths"][path][method.lower()]["operationId"]
               for method, path in self.api.operations()]
        self.assertEqual(len(ids), len(set(ids)))
        for method, path in self.api.operations():
            operation = self.api.operation(method, path)
            in_path = {parameter["name"] for parameter in operation.parameters() if parameter["in"] == "path"}
            self.assertEqual(in_path, set(re.findall(r"\{(\w+)\}", path)), operation.name)

    def test_the_document_has_what_the_node_serves(self):
        """The node itself lists its paths and methods, from the table by which it finds them."""
        message = self.node.get("/nothing").body["message"]
        served = set()
        for route in message.removeprefix("no such path; there are ").split("; "):
            methods, path = route.rsplit(" ", 1)
            paths = [path, path.removesuffix("/{key}")]
            served.update((method, form) for method in methods.split(", ") for form in paths)
        self.assertEqual(set(self.api.operations()), served)
        for path in self.api.paths():
            reply = self.node.request("PATCH", path.replace("{key}", "k"), b"{}")
            self.assertEqual(reply.status, 405, reply)
            allowed = {method for method, other in self.api.operations() if other == path}
            self.assertEqual(set(reply.headers["Allow"].split(", ")), allowed)

    def test_values(self):
        self.call("POST", "/set", 201, body={"key": "k", "value": "v"})
        for method, path in READS:
            self.call(method, path, 200, query={"siblings": "false"})
        for method, path in readable(("GET", "HEAD"), QUORUM_READS):
            self.call(method, path, 200, query={"r": "3"})
            self.call(method, path, 200, query={"consistency": "quorum"})
            # These nodes are not started as a linearizable cluster.
            self.call(method, path, 400, query={"consistency": "linearizable"})
        for method, path in readable(("GET", "HEAD"), RAW):
            self.call(method, path, 200, query={"timeout_ms": "20000", "consistency": "local"})
        for _, path in readable(("GET",), RAW):
            headers, text = self.call("GET", path, 200)
            self.assertEqual((headers["Content-Type"], text), ("application/octet-stream", b"v"))
        self.call("POST", "/delete", 200, body={"key": "k", "w": 3})
        for method, path in RAW_WRITES:
            self.call(method, path, 200, query={"w": "3", "timeout_ms": "20000"})

    def test_bytes(self):
        for value in ("v\u00e9\0", ""):
            self.call("POST", "/set", 201, key="bytes", body={"key": "bytes", "value": value})
            self.assertEqual(self.call("GET", "/v1/kv/{key}", 200, key="bytes")[1], value.encode())
        data = bytes(range(256))
        self.call("PUT", "/v1/kv/{key}", 200, key="bytes", body=data, headers={"Content-Type": "image/png"})
        self.assertEqual(self.call("GET", "/v1/kv", 200, key="bytes")[1], data)
        self.assertEqual(json.loads(self.call("GET", "/get/{key}", 200, key="bytes")[1])["encoding"], "base64")
        encoded = base64.b64encode(data).decode()
        _, text = self.call("POST", "/set", 201, body={"key_b64": encoded, "value_b64": encoded, "w": 3})
        context = json.loads(text)["context"]
        self.assertEqual(json.loads(self.call("GET", "/get", 200, query={"key_b64": encoded})[1])["key_b64"], encoded)
        self.assertEqual(self.node.get("/v1/kv/" + urllib.parse.quote(data)).text, data)
        self.call("POST", "/delete", 200, body={"key_b64": encoded, "context": context})

    def test_siblings(self):
        headers, _ = self.call("PUT", "/v1/kv/{key}", 200, key="s", body="first")
        context = headers["Quorate-Context"]
        for value in ("left", b"\xff"):
            self.call("PUT", "/v1/kv/{key}", 200, key="s", body=value, headers={"Quorate-Context": context})
        for path in ("/get/{key}", "/get", "/v1/kv/{key}", "/v1/kv"):
            headers, text = self.call("GET", path, 200, key="s", query={"siblings": "true"})
            body = json.loads(text)
            self.assertTrue(body["conflict"])
            self.assertEqual(len(body["siblings"]), 2, body)
        for path in RAW:
            self.call("HEAD", path, 200, key="s", query={"siblings": "true"})
        self.assertEqual(self.call("GET", "/v1/kv/{key}", 200, key="s")[0]["Quorate-Conflict"], "true")
        seen = {"Quorate-Context": headers["Quorate-Context"]}
        headers, _ = self.call("DELETE", "/v1/kv/{key}", 200, key="s", headers=seen)
        self.assertEqual(headers["Quorate-Replaced-Siblings"], "2")
        for method in ("PUT", "DELETE"):
            self.call(method, "/v1/kv", 200, key="s", headers={"Quorate-Context": headers["Quorate-Context"]})

    def test_sessions(self):
        headers, _ = self.call("POST", "/set", 201, key="session", body={"key": "session", "value": "v"})
        for method, path in readable(("GET", "HEAD"), QUORUM_READS) + RAW_WRITES:
            session = {"Quorate-Session": headers["Quorate-Session"]}
            headers, _ = self.call(method, path, 200, key="session", headers=session)
        for path in JSON_WRITES:
            session = {"Quorate-Session": headers["Quorate-Session"]}
            status = 201 if path == "/set" else 200
            body = {"key": "session", "value": "v"} if path == "/set" else {"key": "session"}
            headers, _ = self.call("POST", path, status, key="session", body=body, headers=session)
        # The token of another key, and of another kind of read.
        self.call("GET", "/get/{key}", 400, key="other", headers={"Quorate-Session": headers["Quorate-Session"]})
        self.call("GET", "/local_read/{key}", 400, key="session",
                  headers={"Quorate-Session": headers["Quorate-Session"]})

    def test_repeats(self):
        for method, path in RAW_WRITES + readable(("POST",), JSON_WRITES):
            name = {"Idempotency-Key": f"{method} {path}"}
            body = {"key": "named", "value": "v"} if path == "/set" else {"key": "named"} if method == "POST" else None
            status = 201 if path == "/set" else 200
            _, first = self.call(method, path, status, key="named", body=body, headers=name)
            _, repeat = self.call(method, path, status, key="named", body=body,
                                  headers={**name, "Quorate-Repeat": "true"})
            self.assertEqual(json.loads(repeat)["version"], json.loads(first)["version"])
        _, text = self.call("PUT", "/v1/kv/{key}", 504, key="named", body="v",
                            headers={"Idempotency-Key": "never", "Quorate-Repeat": "true"})
        self.assertTrue(json.loads(text)["details"][0]["may_have_applied"])
        self.call("PUT", "/v1/kv/{key}", 400, key="named", body="v", headers={"Idempotency-Key": "n" * 65})

    def test_absent_keys(self):
        self.call("POST", "/set", 201, body={"key": "gone", "value": "v", "w": 3})
        self.call("DELETE", "/v1/kv/{key}", 200, key="gone", query={"w": "3"})
        for key in ("gone", "never written"):
            for method, path in READS:
                self.call(method, path, 404, key=key)
        written = json.loads(self.call("GET", "/get/{key}", 404, key="gone")[1])["version"]
        self.assertGreater(written, 0)
        self.assertEqual(self.call("GET", "/v1/kv/{key}", 404, key="gone")[0]["Quorate-Version"], str(written))

    def test_bad_requests(self):
        for path in JSON_WRITES:
            self.call("POST", path, 400, body="{")
            self.call("POST", path, 501, body={"key": "k", "value": "v"}, headers={"If-Match": "*"})
            self.call("POST", path, 413, body=" " * (MAX_VALUE_BYTES * 6 + (1 << 20)))
        for method, path in READS:
            self.call(method, path, 400, query={"siblings": "perhaps"})
        for method, path in RAW_WRITES:
            self.call(method, path, 400, query={"W": "2"})
            self.call(method, path, 501, headers={"If-Match": "*"})
            self.call(method, path, 413, body=" " * (MAX_VALUE_BYTES * 6 + (1 << 20)))
        self.call("PUT", "/v1/kv/{key}", 400, body=b"v" * (MAX_VALUE_BYTES + 1))
        self.call("PUT", "/v1/kv/{key}", 200, body=b"v" * MAX_VALUE_BYTES)
        for method, path in readable(("GET", "HEAD"), RAW):
            self.call(method, path, 501, query={"consistency": "bounded"})

    def test_a_node_that_does_not_serve(self):
        node = Node(claim_address(self.addCleanup), BASE_PORT, (), {"NODE_TYPE": "follower"})
        self.addCleanup(node.close)
        node.start()
        await_true(node.health, "the node answers")
        for method, path in READS + RAW_WRITES + readable(("GET", "HEAD"), ("/health",)):
            self.calls.call(node, method, path, 503)
        for path in JSON_WRITES:
            self.calls.call(node, "POST", path, 503, body={"key": "k", "value": "v"})
        for method in ("GET", "HEAD"):
            self.calls.call(self.node, method, "/health", 200)

    def test_too_few_answers_in_time(self):
        cluster = Cluster(self.addCleanup, "leader_follower", n=2, w=2, r=2,
                          flags=["--http_operation_timeout=100ms"])
        cluster.start()

        def provoke(method, path, **named):
            """Right after its follower has stopped, the leader does not know it yet and waits."""
            await_true(cluster[1].healthy, "the leader serves again")
            await_true(lambda: cluster[1].read("k").status in (200, 404), "the follower is back")
            cluster[2].signal(signal.SIGSTOP)
            try:
                _, text = self.calls.call(cluster[1], method, path, 504, **named)
            finally:
                cluster[2].signal(signal.SIGCONT)
            if method not in ("GET", "HEAD"):
                self.assertTrue(json.loads(text)["details"][0]["may_have_applied"])

        for method, path in readable(("GET", "HEAD"), QUORUM_READS) + RAW_WRITES:
            provoke(method, path)
        for path in JSON_WRITES:
            provoke("POST", path, body={"key": "k", "value": "v"})

    def test_too_much_in_flight(self):
        node = Node(claim_address(self.addCleanup), BASE_PORT,
                    [f"--max_value_bytes={LARGE_VALUE_BYTES}", "--http_read_timeout=300s"], {"NODE_TYPE": "leader"})
        self.addCleanup(node.close)
        node.start()
        await_true(node.healthy, "the node is healthy")
        # Bodies that never end. Together they leave less room than the shortest body below needs.
        head = f"PUT /v1/kv/k HTTP/1.1\r\nHost: h\r\nContent-Length: {BODY_BYTES}\r\n\r\n".encode()
        held = []
        room = BUFFERED_BYTES - 10
        while room > 0:
            size = min(room, BODY_BYTES - 1)
            held.append(self.send(node, head + b"v" * size))
            room -= size
        await_true(lambda: all_received(node), "the node has read what it was sent")
        for method, path in RAW_WRITES:
            self.calls.call(node, method, path, 429, body=b"v" * 1000)
        for path in JSON_WRITES:
            self.calls.call(node, "POST", path, 429, body=" " * 1000)
        for connection in held:
            connection.close()
        await_true(lambda: node.request("PUT", "/v1/kv/k", b"v" * 1000).status == 200, "the node takes bodies again")

    def send(self, node, data):
        connection = socket.create_connection((node.address, node.port), timeout=60)
        self.addCleanup(connection.close)
        connection.sendall(data)
        return connection


def all_received(node):
    """Whether nothing is left in the system's buffers between this process and the node."""
    end = socket.inet_aton(node.address)[::-1].hex().upper() + f":{node.port:04X}"
    with open("/proc/net/tcp", encoding="ascii") as file:
        rows = [line.split() for line in file]
    queues = [row[4] for row in rows[1:] if end in row[1:3]]
    return all(queue == "00000000:00000000" for queue in queues if queue)


if __name__ == "__main__":
    unittest.main()
