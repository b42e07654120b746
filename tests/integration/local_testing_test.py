"""Follows doc/local_testing.md word for word, but for the address: this test has one of its own."""

import json
import os
import re
import signal
import subprocess
import tempfile
import unittest

from harness import BASE_PORT, Node, await_true, claim_address, node_binary

NODES = 5


class LocalTestingTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        with open(os.environ["LOCAL_TESTING_MD"], encoding="utf-8") as file:
            sections = re.split(r"^## (.+)$", file.read(), flags=re.MULTILINE)
        # Heading to the blocks below it.
        cls.blocks = {heading: re.findall(r"^```\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
                      for heading, text in zip(sections[1::2], sections[2::2])}

    def setUp(self):
        self.address = claim_address(self.addCleanup)
        self.log = tempfile.NamedTemporaryFile(dir=os.environ.get("TEST_TMPDIR"), suffix=".log", delete=False).name

    def run_block(self, heading, index):
        """Runs a block with bash, and returns the JSON objects that it has printed. Its nodes end with the test."""
        script = self.blocks[heading][index].replace("localhost", self.address).replace("127.0.0.1", self.address)
        node = f'node() {{ "{node_binary()}" --listen_address={self.address} "$@" >>"{self.log}" 2>&1; }}'
        # Not through pipes, which the nodes would keep open.
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(["bash", "-euc", f"{node}\n{script}"], stdin=subprocess.DEVNULL, stdout=output,
                                       stderr=errors, start_new_session=True)
            self.addCleanup(self.end_group, process.pid)
            status = process.wait(60)
            output.seek(0)
            errors.seek(0)
            self.assertEqual(status, 0, errors.read())
            text = output.read().decode()
        decoder = json.JSONDecoder()
        answers = []
        while text:
            answer, end = decoder.raw_decode(text)
            answers.append(answer)
            text = text[end:].strip()
        return answers

    @staticmethod
    def end_group(group):
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            pass  # everything in it has ended

    def await_healthy(self):
        for port in range(BASE_PORT, BASE_PORT + NODES):
            await_true(Node(self.address, port).healthy, f"the node on {port} is healthy")

    def test_leader_and_followers(self):
        self.run_block("Leader and followers", 0)
        self.await_healthy()
        health = Node(self.address, BASE_PORT).health().body
        self.assertEqual((health["role"], health["n"], health["w"], health["r"]), ("leader", 5, 5, 1))
        written, read, local = self.run_block("Leader and followers", 1)
        self.assertEqual(written["message"], "Key set successfully")
        for answer in (read, local):
            self.assertEqual((answer["value"], answer["version"]), ("myvalue", written["version"]))

    def test_leaderless(self):
        self.run_block("Leaderless", 0)
        self.await_healthy()
        health = Node(self.address, BASE_PORT).health().body
        self.assertEqual((health["role"], health["n"], health["w"], health["r"]), ("replica", 5, 3, 3))
        *_, read = self.run_block("Leaderless", 1)
        self.assertEqual({sibling["value"] for sibling in read["siblings"]}, {"left", "right"})

        three_of_five, two_of_five = self.run_block("Break things", 0)
        self.assertEqual(three_of_five["message"], "Key set successfully")
        self.assertGreaterEqual(three_of_five["acks"], 3)
        # A machine that is busy enough may not have noticed yet.
        self.assertIn(two_of_five["code"], ("UNAVAILABLE", "DEADLINE_EXCEEDED"))
        self.assertEqual(two_of_five["details"][0]["required"], 3)
        self.await_healthy()


if __name__ == "__main__":
    unittest.main()
