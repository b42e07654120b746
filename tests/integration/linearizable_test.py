"""Linearizable reads and clusters, as users meet them: what is promised, what is refused, and what a load sees of it."""

import os
import subprocess
import tempfile
import unittest

from harness import BASE_PORT, Cluster, Node, await_true, claim_address

LOADGEN = os.path.abspath(os.environ["LOADGEN"])
FLAG = "--write_mode=linearizable"


class LinearizableClusterTest(unittest.TestCase):
    def start(self, n=3):
        cluster = Cluster(self.addCleanup, "leaderless", n=n, flags=[FLAG])
        cluster.start()
        return cluster

    def test_majorities_answer_and_nobody_else(self):
        cluster = self.start()
        health = cluster[1].health()
        self.assertIn("linearizable", health.body["guarantee"])
        self.assertEqual((health.body["w"], health.body["r"]), (2, 2))
        self.assertEqual(cluster[1].set("key", "old").status, 201)
        read = cluster[3].read("key")
        self.assertEqual((read.status, read.body["value"], read.body["required"]), (200, "old", 2), read)
        self.assertEqual(cluster[3].read("key", "?consistency=linearizable").status, 200)
        for refused in (cluster[1].set("key", "v", w=1), cluster[1].read("key", "?r=1")):
            self.assertEqual((refused.status, refused.body["code"]), (400, "FAILED_PRECONDITION"), refused)
        cluster[3].kill()
        await_true(lambda: cluster[1].set("key", "new").status == 201, "two of three write")
        self.assertEqual(cluster[2].read("key").body["value"], "new")
        cluster[2].kill()
        await_true(lambda: cluster[1].read("key").status == 503, "one of three answers nothing")
        self.assertFalse(cluster[1].set("key", "newest").may_have_applied)
        self.assertEqual(cluster[1].local_read("key").body["value"], "new")

    def test_nodes_of_both_kinds_are_no_cluster(self):
        addresses = [claim_address(self.addCleanup) for _ in range(2)]
        nodes = []
        for number, address in enumerate(addresses):
            other = addresses[1 - number]
            settings = {"NODE_ID": str(number + 1), "PEER_URLS": f"http://{other}:{BASE_PORT}"}
            node = Node(address, BASE_PORT, [FLAG] if number == 0 else [], settings)
            self.addCleanup(node.close)
            node.start()
            nodes.append(node)

        def refusal():
            health = nodes[0].health()
            return health is not None and [peer for peer in health.body["peers"] if "plain" in peer.get("refusal", "")]

        await_true(refusal, "each says why it refuses the other")

    def test_w_and_r_cannot_be_chosen(self):
        settings = {"NODE_ID": "1", "PEER_URLS": "http://127.0.0.2:1,http://127.0.0.3:1", "W": "3"}
        node = Node(claim_address(self.addCleanup), BASE_PORT, [FLAG], settings)
        self.addCleanup(node.close)
        node.start()
        self.assertEqual(node.wait(), 2)
        self.assertIn("majority", node.log())

    def test_a_load_on_few_keys_sees_atomic_registers(self):
        cluster = self.start()
        with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR")) as folder:
            history = os.path.join(folder, "history")
            targets = ",".join(f"{node.address}:{node.grpc_port}" for node in cluster.nodes)
            load = subprocess.run(
                [LOADGEN, "--mode=leaderless", f"--targets={targets}", "--transport=stream", "--num_keys=3", "--closed_loop=32",
                 "--write_ratio=0.5", "--duration=2", "--warmup=0", "--followed_writes=0", "--quiet",
                 f"--history={history}", f"--output={os.path.join(folder, 'result.json')}"],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
            self.assertIn(load.returncode, (0, 3), load.stdout)
            judged = subprocess.run([LOADGEN, "check", history], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                    timeout=60, check=False)
        self.assertEqual(judged.returncode, 0, judged.stdout)
        print(judged.stdout)


class LinearizableReadTest(unittest.TestCase):
    def test_any_node_hands_it_to_the_leader(self):
        cluster = Cluster(self.addCleanup, "leader_follower", n=3, w=2, r=1)
        cluster.start()
        for value in map(str, range(20)):
            self.assertEqual(cluster[1].set("key", value).status, 201)
            for number in (2, 3, 1):
                read = cluster[number].read("key", "?consistency=linearizable")
                self.assertEqual((read.status, read.body["value"]), (200, value), read)
                raw = cluster[number].get("/v1/kv/key?consistency=linearizable")
                self.assertEqual((raw.status, raw.text), (200, value.encode()), raw)
        read = cluster[2].read("key", "?consistency=linearizable")
        self.assertEqual(read.body["node"], cluster[1].health().body["node_id"], read)
        refused = cluster[2].read("key", "?consistency=linearizable&r=1")
        self.assertEqual(refused.status, 400, refused)
        cluster[1].kill()
        await_true(lambda: cluster[2].read("key", "?consistency=linearizable").status == 503, "without a leader there is none")
        self.assertEqual(cluster[2].read("key").body["value"], "19")

    def test_is_refused_where_it_cannot_be_promised(self):
        cluster = Cluster(self.addCleanup, "leaderless", n=3)
        cluster.start()
        refused = cluster[1].read("key", "?consistency=linearizable")
        self.assertEqual((refused.status, refused.body["code"]), (400, "FAILED_PRECONDITION"), refused)
        self.assertIn("--write_mode", refused.body["message"])


if __name__ == "__main__":
    unittest.main()
