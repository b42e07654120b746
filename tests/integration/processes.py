"""Processes that are not the test's own children, such as those that a script has started and left, by their ids."""

import contextlib
import os
import signal


def runs(pid):
    """Whether it is there and has not ended: one that ended waits as a zombie until its parent asks."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def kill(pid):
    """Ends it at once; nothing where it has ended already."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
