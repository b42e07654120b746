"""What the harness of these tests does itself."""

import errno
import socket
import unittest
from unittest import mock

from harness import claim_address


class ClaimAddressTest(unittest.TestCase):

    def refused(self, *errors):
        """A socket whose bind() fails with these errors, one after the other, and then succeeds."""
        refusals = [OSError(error, "as the test wants it") for error in errors]
        return mock.patch("socket.socket", return_value=mock.Mock(spec=socket.socket, bind=mock.Mock(
            side_effect=[*refusals, None])))

    def test_an_address_in_use_is_passed_over(self):
        with self.refused(errno.EADDRINUSE, errno.EADDRINUSE) as sockets:
            self.assertRegex(claim_address(self.addCleanup), r"^127\.")
            self.assertEqual(sockets.call_count, 3)

    def test_a_machine_without_these_addresses_is_told_at_once(self):
        with self.refused(errno.EADDRNOTAVAIL), self.assertRaisesRegex(OSError, r"cannot use 127\..* 127\.0\.0\.0/8"):
            claim_address(self.addCleanup)


if __name__ == "__main__":
    unittest.main()
