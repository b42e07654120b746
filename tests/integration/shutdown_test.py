"""SIGTERM: what is in flight is finished, nothing new is taken, and the node ends in time."""

import http.client
import json
import signal
import socket
import threading
import time
import unittest

from harness import Cluster, await_true
from load import Load

# The node's own limit is 5 s; the rest is for a busy machine.
EXIT_SECONDS = 15

# After a silence of 1 s a node counts as away.
PEER_PATIENCE_SECONDS = 0.8


class Shutdown:
    """Runs in both strategies; see below."""

    strategy = ""

    def setUp(self):
        self.cluster = Cluster(self.addCleanup, self.strategy, n=3, w=3)
        self.cluster.start()
        self.node = self.cluster[1]

    def refuses_connections(self):
        try:
            socket.create_connection((self.node.address, self.node.port), timeout=5).close()
            return False
        except ConnectionRefusedError:
            return True

    def test_an_idle_node_ends_at_once(self):
        started = time.monotonic()
        self.node.signal(signal.SIGTERM)
        self.assertEqual(self.node.wait(EXIT_SECONDS), 0, self.node.log())
        self.assertLess(time.monotonic() - started, EXIT_SECONDS)

    def test_a_write_in_flight_is_finished(self):
        idle = http.client.HTTPConnection(self.node.address, self.node.port, timeout=30)
        self.addCleanup(idle.close)
        idle.request("GET", "/health")
        idle.getresponse().read()

        # W=3 needs the paused node, so the write stays open until that goes on.
        paused = self.cluster[3]
        pause_began = time.monotonic()
        paused.signal(signal.SIGSTOP)
        replies = []
        writer = threading.Thread(target=lambda: replies.append(self.node.set("k", "v")))
        writer.start()
        self.addCleanup(writer.join)
        await_true(lambda: self.node.local_read("k").status == 200, "the write is under way")

        self.node.expect_exit()
        self.node.signal(signal.SIGTERM)
        await_true(self.refuses_connections, "nothing new is taken")
        self.assertEqual(idle.sock.recv(1), b"", "an idle connection is closed")
        self.assertEqual(replies, [])
        paused.signal(signal.SIGCONT)
        pause = time.monotonic() - pause_began
        writer.join()
        if pause < PEER_PATIENCE_SECONDS:
            self.assertEqual(replies[0].status, 201, replies)
        else:
            # The machine was too slow: the others have given the paused node up. That is an answer as well.
            self.assertTrue(replies[0].status == 201 or replies[0].may_have_applied, replies)
        self.assertEqual(replies[0].headers["Connection"], "close")
        self.assertEqual(self.node.wait(EXIT_SECONDS), 0, self.node.log())
        for node in self.cluster.nodes[1:]:
            self.assertEqual(node.local_read("k").body["value"], "v")

    def test_a_write_that_cannot_be_finished_does_not_hold_the_node(self):
        self.cluster[2].signal(signal.SIGSTOP)
        self.cluster[3].signal(signal.SIGSTOP)
        body = json.dumps({"key": "k", "value": "v"})
        with socket.create_connection((self.node.address, self.node.port), timeout=30) as connection:
            connection.sendall(f"POST /set HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
            await_true(lambda: self.node.local_read("k").status == 200, "the write is under way")
            self.node.signal(signal.SIGTERM)
            self.assertEqual(self.node.wait(EXIT_SECONDS), 0, self.node.log())

    def test_every_request_under_load_is_answered_or_refused(self):
        load = Load(self.addCleanup, versions_grow=self.strategy == "leader_follower")
        for writer in range(4):
            load.write(self.cluster.nodes, [f"key {writer}"])
        await_true(lambda: load.acknowledged > 200, "writes are acknowledged")
        self.node.signal(signal.SIGTERM)
        self.assertEqual(self.node.wait(EXIT_SECONDS), 0, self.node.log())
        load.stop()
        # What had been acknowledged is on all three nodes, so also on those that are left.
        for node in self.cluster.nodes[1:]:
            for history in load.histories:
                reply = node.local_read(history.key)
                self.assertGreaterEqual(history.holds(reply.body), history.acknowledged)

    def test_a_second_signal_ends_the_node_at_once(self):
        self.cluster[2].signal(signal.SIGSTOP)
        self.cluster[3].signal(signal.SIGSTOP)
        writer = threading.Thread(target=self.write_into_the_void)
        writer.start()
        self.addCleanup(writer.join)
        await_true(lambda: self.node.local_read("k").status == 200, "the write is under way")
        self.node.expect_exit()
        self.node.signal(signal.SIGTERM)
        await_true(self.refuses_connections, "the node shuts down")
        self.node.signal(signal.SIGINT)
        self.assertEqual(self.node.wait(EXIT_SECONDS), 128 + signal.SIGINT, self.node.log())

    def write_into_the_void(self):
        try:
            self.node.set("k", "v")
        except OSError:
            pass  # the node has gone


class LeaderFollowerShutdownTest(Shutdown, unittest.TestCase):
    strategy = "leader_follower"


class LeaderlessShutdownTest(Shutdown, unittest.TestCase):
    strategy = "leaderless"


if __name__ == "__main__":
    unittest.main()
