"""What a node is told before it starts: wrong settings, ports in use, peers that are away or belong elsewhere."""

import socket
import unittest

from harness import BASE_PORT, GRPC_PORT_OFFSET, Cluster, Node, await_true, claim_address

WRONG_SETTINGS = 2
CANNOT_LISTEN = 3


class StartTest(unittest.TestCase):

    def setUp(self):
        self.address = claim_address(self.addCleanup)
        self.other = f"http://{self.address}:{BASE_PORT + 1}"
        self.itself = f"http://{self.address}:{BASE_PORT}"

    def node(self, *arguments, port=BASE_PORT, **environment):
        node = Node(self.address, port, arguments, environment)
        self.addCleanup(node.close)
        return node

    def expect_refusal(self, status, message, *arguments, **environment):
        node = self.node(*arguments, **environment)
        node.start()
        self.assertEqual(node.wait(), status, node.log())
        self.assertIn(message, node.log())

    def test_wrong_settings(self):
        leader = {"NODE_TYPE": "leader", "FOLLOWER_URLS": self.other}
        replica = {"NODE_ID": "1", "PEER_URLS": self.other}
        for valid in (leader, replica):
            for name in ("W", "R"):
                for value in ("0", "3", "-1", "x", "1.5", "99999999999"):
                    self.expect_refusal(WRONG_SETTINGS, f"{name} is '{value}'", **valid, **{name: value})
            for value in ("0", "65536", "x", "80 80", "-1"):
                self.expect_refusal(WRONG_SETTINGS, f"PORT is '{value}'", **valid, PORT=value)
                self.expect_refusal(WRONG_SETTINGS, f"--grpc_port is '{value}'", f"--grpc_port={value}", **valid)
            self.expect_refusal(WRONG_SETTINGS, "--w is '9'", "--w=9", **valid, W="1")
            self.expect_refusal(WRONG_SETTINGS, "--max_value_bytes", "--max_value_bytes=x", **valid)
            self.expect_refusal(WRONG_SETTINGS, "--durability", "--durability=synced", **valid)
            self.expect_refusal(WRONG_SETTINGS, "nosuchflag", "--nosuchflag=1", **valid)
            self.expect_refusal(WRONG_SETTINGS, "leftover", "leftover", **valid)

    def test_wrong_peers(self):
        for urls, message in (
            (self.itself, "this node itself"),
            (f"{self.other},{self.other}", "twice"),
            ("localhost:8081", "localhost:8081"),
            ("https://localhost:8081", "https://localhost:8081"),
            ("http://localhost", "http://localhost"),
            (f"{self.other},", "''"),
        ):
            for variable, rest in (("FOLLOWER_URLS", {"NODE_TYPE": "leader"}), ("PEER_URLS", {"NODE_ID": "1"})):
                self.expect_refusal(WRONG_SETTINGS, variable, **rest, **{variable: urls})
                self.expect_refusal(WRONG_SETTINGS, message, **rest, **{variable: urls})

    def test_wrong_roles(self):
        self.expect_refusal(WRONG_SETTINGS, "NODE_TYPE")
        self.expect_refusal(WRONG_SETTINGS, "NODE_TYPE is 'boss'", NODE_TYPE="boss")
        self.expect_refusal(WRONG_SETTINGS, "--strategy is 'x'", "--strategy=x", NODE_TYPE="leader")
        self.expect_refusal(WRONG_SETTINGS, "W is for the leader", NODE_TYPE="follower", W="3")
        self.expect_refusal(WRONG_SETTINGS, "PEER_URLS", NODE_TYPE="leader", PEER_URLS=self.other)
        self.expect_refusal(WRONG_SETTINGS, "FOLLOWER_URLS", "--strategy=leaderless", FOLLOWER_URLS=self.other)

    def test_ports_in_use(self):
        for port in (BASE_PORT, BASE_PORT + GRPC_PORT_OFFSET):
            with socket.socket() as holder:
                holder.bind((self.address, port))
                holder.listen()
                self.expect_refusal(CANNOT_LISTEN, "in use", NODE_TYPE="leader")
                self.expect_refusal(CANNOT_LISTEN, str(port), NODE_TYPE="leader")
                self.expect_refusal(CANNOT_LISTEN, self.address, NODE_TYPE="leader")
        node = self.node(NODE_TYPE="leader")
        node.start()
        await_true(node.healthy, "a node whose ports are free again is healthy")

    def test_a_second_node_on_the_same_ports_leaves_the_first_alone(self):
        first = self.node(NODE_TYPE="leader")
        first.start()
        await_true(first.healthy, "the first node is healthy")
        self.expect_refusal(CANNOT_LISTEN, "in use", NODE_TYPE="leader")
        self.assertEqual(first.set("k", "v").status, 201)

    def test_a_leader_whose_followers_are_away_writes_nothing(self):
        leader = self.node(NODE_TYPE="leader", FOLLOWER_URLS=f"{self.other},http://{self.address}:{BASE_PORT + 2}")
        leader.start()
        self.expect_unavailable(leader, "recovering")

    def test_a_replica_whose_peers_are_away_coordinates_nothing(self):
        replica = self.node(NODE_ID="1", PEER_URLS=f"{self.other},http://{self.address}:{BASE_PORT + 2}")
        replica.start()
        self.expect_unavailable(replica, "syncing")

    def test_a_follower_that_no_leader_has_called_waits(self):
        follower = self.node(NODE_TYPE="follower")
        follower.start()
        self.expect_unavailable(follower, "waiting")

    def expect_unavailable(self, node, state):
        health = await_true(node.health, "the node answers")
        self.assertEqual((health.status, health.body["status"]), (503, state), health)
        self.assertTrue(health.body["detail"], health)
        for reply in (node.set("k", "v"), node.post("/delete", {"key": "k"})):
            self.assertEqual((reply.status, reply.body["code"]), (503, "UNAVAILABLE"), reply)
            self.assertFalse(reply.may_have_applied)
        for reply in (node.read("k"), node.local_read("k")):
            self.assertEqual((reply.status, reply.body["code"]), (503, "UNAVAILABLE"), reply)
        self.assertEqual(node.get("/get/").status, 400)


class DocumentedEnvironmentTest(unittest.TestCase):
    """Clusters that are told no more than the documented variables (and where to listen)."""

    def setUp(self):
        self.address = claim_address(self.addCleanup)
        self.urls = [f"http://{self.address}:{BASE_PORT + i}" for i in range(3)]

    def expect_cluster(self, environments):
        nodes = [Node(self.address, int(environment["PORT"]), (), environment) for environment in environments]
        for node in nodes:
            self.addCleanup(node.close)
            node.start()
        for node in nodes:
            await_true(node.healthy, f"{node.url} is healthy")
        for node in nodes:
            health = node.health().body
            self.assertEqual((health["n"], health["w"], health["r"]), (3, 3, 1), health)
            self.assertEqual(node.set("k", node.url).status, 201)
            for reader in nodes:
                self.assertEqual(reader.read("k").body["value"], node.url)

    def test_leader_and_followers(self):
        self.expect_cluster([
            {"NODE_TYPE": "leader", "PORT": "8080", "W": "3", "R": "1", "FOLLOWER_URLS": ",".join(self.urls[1:])},
            {"NODE_TYPE": "follower", "PORT": "8081"},
            {"NODE_TYPE": "follower", "PORT": "8082"},
        ])

    def test_leaderless(self):
        self.expect_cluster([
            {"NODE_ID": f"node{i}", "PORT": str(BASE_PORT + i), "W": "3", "R": "1",
             "PEER_URLS": ",".join(self.urls[:i] + self.urls[i + 1:])} for i in range(3)])


class ForeignPeersTest(unittest.TestCase):
    """Two healthy clusters, and a node that was told to join one of them with the wrong papers."""

    def expect_stranger_kept_out(self, strategy, stranger_environment, reason):
        cluster = Cluster(self.addCleanup, strategy, n=3)
        cluster.start()
        self.assertEqual(cluster[1].set("k", "theirs").status, 201)
        held = cluster.await_converged(["k"])

        urls = ",".join(node.url for node in cluster.nodes)
        environment = {name: urls if value == "URLS" else value for name, value in stranger_environment.items()}
        stranger = Node(cluster.address, BASE_PORT + 100, (), environment)
        self.addCleanup(stranger.close)
        stranger.start()
        await_true(lambda: reason in stranger.log(), f"the stranger says why it is kept out: {reason}")
        self.assertEqual(stranger.health().status, 503)
        self.assertEqual(stranger.set("k", "ours").status, 503)
        self.assertEqual(stranger.local_read("k").status, 503)

        for node in cluster.nodes:
            self.assertTrue(node.healthy())
        self.assertEqual(cluster.await_converged(["k"]), held)
        self.assertEqual(cluster[2].set("k", "still theirs").status, 201)

    def test_a_replica_of_another_cluster(self):
        self.expect_stranger_kept_out(
            "leaderless", {"NODE_ID": "9", "PORT": str(BASE_PORT + 100), "PEER_URLS": "URLS", "CLUSTER": "other"},
            "belongs to cluster 'quorate', not to 'other'")

    def test_a_leader_of_another_cluster(self):
        self.expect_stranger_kept_out(
            "leader_follower",
            {"NODE_TYPE": "leader", "PORT": str(BASE_PORT + 100), "FOLLOWER_URLS": "URLS", "CLUSTER": "other"},
            "belongs to cluster 'quorate', not to 'other'")

    def test_a_leader_among_leaderless_nodes(self):
        self.expect_stranger_kept_out(
            "leaderless", {"NODE_TYPE": "leader", "PORT": str(BASE_PORT + 100), "FOLLOWER_URLS": "URLS"},
            "replicates by leaderless, not by leader_follower")

    def test_a_replica_of_another_size(self):
        self.expect_stranger_kept_out(
            "leaderless", {"NODE_ID": "9", "PORT": str(BASE_PORT + 100), "PEER_URLS": "URLS"},
            "counts 3 replicas, not 4")


if __name__ == "__main__":
    unittest.main()
