"""Writers and readers that keep a cluster busy and remember what they were told.

Each key has one writer, which writes the numbers 1, 2, 3, ... one after another, so what a key may hold is known: at
least the last number that was acknowledged, at most the last one that was sent.
"""

import http.client
import json
import threading
import urllib.parse

_REQUEST_SECONDS = 10


class _Connection:
    """Requests to one node at a time; moves on to the next where one cannot be reached."""

    def __init__(self, nodes):
        self._nodes = nodes
        self._next = 0
        self._connection = None

    def request(self, method, path, body=None):
        """(status, JSON body), or (None, None) where there was no answer."""
        if self._connection is None:
            node = self._nodes[self._next % len(self._nodes)]
            self._connection = http.client.HTTPConnection(node.address, node.port, timeout=_REQUEST_SECONDS)
        try:
            self._connection.request(method, path, body)
            response = self._connection.getresponse()
            return response.status, json.loads(response.read())
        except (OSError, http.client.HTTPException):
            self.close()
            self._next += 1
            return None, None

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class KeyHistory:
    """What is known of one key. Written by its writer only; reading a number is atomic."""

    def __init__(self, key):
        self.key = key
        self.sent = 0
        self.acknowledged = 0
        self.version = 0  # of the last acknowledged write

    def holds(self, reply_body):
        """The number in an answer's value."""
        key, _, number = reply_body["value"].rpartition(":")
        assert key == self.key, f"{self.key} holds a value of {key}"
        return int(number)


class Load:
    """Threads that run until `stop`, or the test ends. What goes wrong in them is raised by `stop`.

    `versions_grow`: a later write of a key has a higher version, whichever node it goes to.
    """

    def __init__(self, add_cleanup, versions_grow):
        self.histories = []
        self.refused = 0   # writes that were not sent
        self.unknown = 0   # writes whose outcome is unknown
        self.answered_reads = 0
        self.unanswered_reads = 0
        self._versions_grow = versions_grow
        self._lock = threading.Lock()
        self._stop = threading.Event()
        add_cleanup(self._stop.set)
        self._threads = []
        self._errors = []

    @property
    def acknowledged(self):
        return sum(history.acknowledged for history in self.histories)

    def write(self, nodes, keys):
        """Starts a writer for these keys, which goes to the first of the nodes that answers."""
        histories = [KeyHistory(key) for key in keys]
        self.histories.extend(histories)
        self._start(self._write, _Connection(nodes), histories)

    def read(self, nodes, local=False, fresh=True):
        """Starts a reader of all keys that have been written so far.

        It accepts errors, but no absence, and no value older than the last one acknowledged before the read began
        (`fresh`), or no absence only.
        """
        self._start(self._read, _Connection(nodes), list(self.histories), "local_read" if local else "get", fresh)

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if self._errors:
            raise AssertionError("; ".join(self._errors[:5]))

    def _start(self, function, *arguments):

        def guarded():
            try:
                function(*arguments)
            except Exception as error:  # pylint: disable=broad-except
                with self._lock:
                    self._errors.append(f"{function.__name__}: {error!r}")
            finally:
                arguments[0].close()

        thread = threading.Thread(target=guarded, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _write(self, connection, histories):
        while not self._stop.is_set():
            for history in histories:
                history.sent += 1
                number = history.sent
                body = json.dumps({"key": history.key, "value": f"{history.key}:{number}"})
                status, reply = connection.request("POST", "/set", body)
                if status == 201:
                    assert not self._versions_grow or reply["version"] > history.version, (
                        f"set {history.key}: version {reply['version']} after {history.version}")
                    history.version = reply["version"]
                    history.acknowledged = number
                    continue
                with self._lock:
                    if reply is not None and not reply["details"][0]["may_have_applied"]:
                        self.refused += 1
                    else:
                        self.unknown += 1
                # A node that cannot write now is asked again, but not in a tight loop.
                self._stop.wait(0.05)

    def _read(self, connection, histories, call, fresh):
        while not self._stop.is_set():
            for history in histories:
                known = history.acknowledged
                status, reply = connection.request("GET", f"/{call}/{urllib.parse.quote(history.key, safe='')}")
                if status is None or status >= 500:
                    with self._lock:
                        self.unanswered_reads += 1
                    self._stop.wait(0.01)
                    continue
                with self._lock:
                    self.answered_reads += 1
                if known == 0:
                    continue
                assert status == 200, f"{call} {history.key}: HTTP {status}, although {known} was acknowledged"
                number = history.holds(reply)
                assert number <= history.sent, f"{call} {history.key}: {number}, which nobody wrote"
                assert not fresh or number >= known, f"{call} {history.key}: {number} after {known} was acknowledged"
