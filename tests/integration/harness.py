"""Starts real nodes on an address of their own, talks to them over HTTP, and ends them.

    cluster = Cluster(self.addCleanup, "leaderless", n=5, w=3, r=3)
    cluster.start()
    reply = cluster[1].post("/set", {"key": "k", "value": "v"})
    cluster[2].kill()

Each cluster has an address in 127.0.0.0/8 that no other test process uses, so that tests run side by side on the same
ports. When the test ends, so do the nodes; a node that ended by itself before fails the test.
"""

import errno
import glob
import http.client
import json
import os
import random
import resource
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.parse

BASE_PORT = 8080
GRPC_PORT_OFFSET = 1000

# Bound for as long as an address is in use, so that no two tests have the same one.
_CLAIM_PORT = 7999

# How long anything may take that has to happen. Generous, since tests share a machine with others.
PATIENCE_SECONDS = 30.0
_POLL_SECONDS = 0.02


def load_tests(_loader, tests, _pattern):
    """Where Bazel runs a test in several processes (`shard_count`), those of its cases that are this process's.

    A test module that imports it is shared out so: unittest looks for it by this name.
    """
    shards, shard = int(os.environ.get("TEST_TOTAL_SHARDS", "1")), int(os.environ.get("TEST_SHARD_INDEX", "0"))
    if "TEST_SHARD_STATUS_FILE" in os.environ:
        with open(os.environ["TEST_SHARD_STATUS_FILE"], "w", encoding="utf-8"):
            pass  # tells Bazel that this is understood
    return unittest.TestSuite(list(_cases(tests))[shard::shards])


def _cases(tests):
    if not isinstance(tests, unittest.TestSuite):
        yield tests
        return
    for test in tests:
        yield from _cases(test)


def await_true(condition, what, seconds=PATIENCE_SECONDS):
    """Returns the first true value of `condition()`; an AssertionError that names `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(_POLL_SECONDS)


def claim_address(add_cleanup):
    """An address in 127.0.0.0/8 for one test alone, until what `add_cleanup` was given is called."""
    while True:
        address = f"127.{random.randint(1, 254)}.{random.randint(0, 255)}.{random.randint(1, 254)}"
        claim = socket.socket()
        try:
            claim.bind((address, _CLAIM_PORT))
        except OSError as error:
            claim.close()
            if error.errno == errno.EADDRINUSE:
                continue
            # Any other address would be refused as well, without end.
            raise OSError(error.errno, f"cannot use {address}, though tests need all of 127.0.0.0/8: "
                                       f"{error.strerror}") from error
        add_cleanup(claim.close)
        return address


def node_binary():
    """The path of the node program, which Bazel puts beside the tests."""
    return os.path.abspath(os.environ["QUORATE_NODE"])


def forgetful_node_binary():
    """The path of a node program that loses what is not synced when it is killed."""
    return os.path.abspath(os.environ["QUORATE_FORGETFUL_NODE"])


def is_instrumented(program):
    """Whether the program was built with a sanitizer, which makes it several times slower."""
    with open(program, "rb") as file:
        content = file.read()
    return any(name in content for name in (b"__asan_init", b"__ubsan_handle_", b"__tsan_init"))


class Reply:
    """An HTTP answer. `body` is its JSON, None where it has none or something else."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.text = response.read()
        try:
            self.body = json.loads(self.text)
        except ValueError:
            self.body = None

    def __repr__(self):
        return f"HTTP {self.status} {self.text[:300]!r}"

    @property
    def may_have_applied(self):
        """What an error says about a write."""
        return self.body["details"][0]["may_have_applied"]


class Node:
    """One node process."""

    def __init__(self, address, port, arguments=(), environment=None, open_files=None, binary=None):
        self.address = address
        self.port = port
        self.grpc_port = port + GRPC_PORT_OFFSET
        self.process = None
        self.log_path = None
        self._arguments = list(arguments)
        self._environment = dict(environment or {})
        self._open_files = open_files  # the soft limit that the process begins with
        self._binary = binary or node_binary()
        self._expected_exit = False

    @property
    def url(self):
        return f"http://{self.address}:{self.port}"

    def start(self):
        """Starts the process; with empty memory, if it ran before without a folder for its data."""
        log = tempfile.NamedTemporaryFile(
            dir=os.environ.get("TEST_TMPDIR"), prefix=f"node-{self.port}-", suffix=".log", delete=False)
        self.log_path = log.name
        environment = {name: value for name, value in os.environ.items() if name in ("PATH", "TMPDIR", "HOME")}
        for name, value in os.environ.items():
            if name.endswith("SAN_OPTIONS"):
                environment[name] = value
        environment.update(self._environment)
        with log:
            self.process = subprocess.Popen(
                [self._binary, f"--listen_address={self.address}", *self._arguments],
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                preexec_fn=self._limit_open_files if self._open_files else None)
        self._expected_exit = False

    def _limit_open_files(self):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (self._open_files, hard))

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def peak_memory(self):
        """The most bytes of memory that the process has had at a time."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as file:
            return next(int(line.split()[1]) << 10 for line in file if line.startswith("VmHWM:"))

    def signal(self, number):
        """Sends a signal; after SIGSTOP, none of the node's threads runs any more when this returns."""
        self.process.send_signal(number)
        if number == signal.SIGSTOP:
            await_true(self._all_stopped, "the node stops")

    def _all_stopped(self):
        for path in glob.glob(f"/proc/{self.process.pid}/task/*/stat"):
            try:
                with open(path, encoding="utf-8", errors="replace") as file:
                    state = file.read().rpartition(")")[2].split()[0]
            except (FileNotFoundError, ProcessLookupError):
                continue  # the thread has ended meanwhile
            if state != "T":
                return False
        return True

    def expect_exit(self):
        """From now on the process may end without failing the test."""
        self._expected_exit = True

    def kill(self):
        """Ends the process the hard way."""
        self.expect_exit()
        self.process.kill()
        self.process.wait(PATIENCE_SECONDS)

    def wait(self, seconds=PATIENCE_SECONDS):
        """Waits until the process ends by itself, and returns its exit status."""
        self.expect_exit()
        return self.process.wait(seconds)

    def close(self):
        """Ends the process; an AssertionError where it had ended by itself."""
        if self.process is None:
            return
        status = self.process.poll()
        if status is None:
            self.process.send_signal(signal.SIGCONT)
            self.kill()
        elif not self._expected_exit:
            raise AssertionError(f"node {self.port} ended by itself with status {status}:\n{self.log()[-3000:]}")

    def request(self, method, path, body=None, timeout=PATIENCE_SECONDS):
        """One request on a connection of its own. OSError where the node cannot be reached."""
        connection = http.client.HTTPConnection(self.address, self.port, timeout=timeout)
        try:
            connection.request(method, path, body=body)
            return Reply(connection.getresponse())
        except http.client.HTTPException as error:
            raise ConnectionError(f"{method} {path}: {error!r}") from error
        finally:
            connection.close()

    def get(self, path):
        return self.request("GET", path)

    def post(self, path, fields):
        return self.request("POST", path, json.dumps(fields))

    def set(self, key, value, **fields):
        return self.post("/set", {"key": key, "value": value, **fields})

    def read(self, key, query=""):
        return self.get(f"/get/{urllib.parse.quote(key, safe='')}{query}")

    def local_read(self, key):
        return self.get(f"/local_read/{urllib.parse.quote(key, safe='')}")

    def health(self):
        """The answer to /health, None where there is none."""
        try:
            return self.get("/health")
        except OSError:
            return None

    def healthy(self):
        reply = self.health()
        return reply is not None and reply.status == 200


class Cluster:
    """N nodes, numbered from 1. In leader_follower, node 1 leads.

    `data_dir`: keep data there, in a folder for each node.
    """

    def __init__(self, add_cleanup, strategy, n=5, w=None, r=None, flags=(), data_dir=None, binary=None):
        self.strategy = strategy
        self.address = claim_address(add_cleanup)
        self.nodes = []
        urls = [f"http://{self.address}:{BASE_PORT + i}" for i in range(n)]
        for i in range(n):
            environment = {"PORT": str(BASE_PORT + i), "NODE_ID": str(i + 1), "STRATEGY": strategy}
            others = ",".join(urls[:i] + urls[i + 1:])
            follower = strategy == "leader_follower" and i > 0
            if strategy == "leader_follower":
                environment["NODE_TYPE"] = "follower" if follower else "leader"
                if not follower:
                    environment["FOLLOWER_URLS"] = others
            else:
                environment["PEER_URLS"] = others
            if not follower:
                if w is not None:
                    environment["W"] = str(w)
                if r is not None:
                    environment["R"] = str(r)
            own_flags = [*flags, f"--data_dir={data_dir}/node-{i + 1}"] if data_dir else flags
            self.nodes.append(Node(self.address, BASE_PORT + i, own_flags, environment, binary=binary))
            add_cleanup(self.nodes[-1].close)

    def __getitem__(self, number):
        return self.nodes[number - 1]

    def start(self):
        """Starts all nodes and waits until they are healthy."""
        for node in self.nodes:
            node.start()
        self.await_healthy()

    def await_healthy(self):
        for number, node in enumerate(self.nodes, start=1):
            await_true(lambda node=node: node.process.poll() is not None or node.healthy(), f"node {number} is healthy")
            if node.process.poll() is not None:
                raise AssertionError(f"node {number} has ended:\n{node.log()[-3000:]}")

    def await_converged(self, keys):
        """Waits until every node holds the same of every key, and returns that: key -> (value, version)."""

        def held(node):
            replies = {key: node.local_read(key) for key in keys}
            if any(reply.status not in (200, 404) for reply in replies.values()):
                return None
            return {key: (reply.body.get("value"), reply.body["version"]) for key, reply in replies.items()}

        def same():
            first = held(self.nodes[0])
            return first if first and all(held(node) == first for node in self.nodes[1:]) else None

        return await_true(same, "all nodes hold the same")
