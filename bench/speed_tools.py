"""What the commands of bench/ share: building programs, filling servers, and telling how busy the machine is."""

import json
import os
import re
import resource
import subprocess
import sys
import time

from speed_servers import NODES, Failure, die_with_parent

SETTLE_SECONDS = 300

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_FILL_SECONDS = 900
_IDLE_CORES = 0.1
_PATIENCE_SECONDS = 30  # beyond the measured time, for a load to end


def build(targets, folder):
    """The paths of programs, name -> path, for name -> Bazel's target: in `folder`, or freshly built."""
    if folder is None:
        bazel = [os.path.join(_ROOT, "tools", "bazel"), "--max_idle_secs=60"]
        subprocess.run([*bazel, "build", *targets.values()], cwd=_ROOT, check=True, stdout=sys.stderr)
        folder = subprocess.run([*bazel, "info", "bazel-bin"], cwd=_ROOT, check=True, capture_output=True,
                                text=True).stdout.strip()
    return {name: os.path.join(os.path.abspath(folder), *target[2:].split(":")) for name, target in targets.items()}


def run_load(binary, flags, seconds):
    """What one run of the load program says; Failure where it says nothing in time."""
    try:
        done = subprocess.run([binary, *flags], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=seconds + _PATIENCE_SECONDS, preexec_fn=die_with_parent, check=False)
    except subprocess.TimeoutExpired as error:
        raise Failure(f"the load did not end within {error.timeout:.0f} s") from error
    if done.returncode != 0:
        raise Failure(f"the load failed: {done.stderr[-500:].strip()}")
    return json.loads(done.stdout)


def fill(binary, addresses, keys, value_bytes=100):
    """Writes every key once, to all replicas. The echo servers have nothing to fill."""
    if "redis" in addresses:
        flags = ["--protocol=redis", f"--target={addresses['redis']}", "--connections=8", "--in_flight=64"]
    elif "http" in addresses:
        flags = ["--protocol=stream", f"--target={addresses['grpc']}", "--connections=4", "--in_flight=512"]
    else:
        return
    flags += ["--call=set", f"--w={NODES}", "--fill", f"--keys={keys}", f"--value_bytes={value_bytes}", "--warm_up=0",
              f"--seconds={_FILL_SECONDS}"]
    result = run_load(binary, flags, _FILL_SECONDS)
    if result["operations"] != keys or result["errors"] > 0:
        raise Failure(f"{result['operations']} of {keys} keys could be written, {result['errors']} errors: "
                      f"{result['first_error']}")


def processor_seconds(ids):
    """What the processes have used so far."""
    ticks = 0
    for process in ids:
        with open(f"/proc/{process}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def settle(servers):
    """Waits until filled servers rest, not for long; returns how many cores each kind uses that does not rest."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        before = {kind: processor_seconds(ids) for kind, (_, ids) in servers.items()}
        started = time.monotonic()
        time.sleep(2)
        passed = time.monotonic() - started
        used = {kind: (processor_seconds(ids) - before[kind]) / passed for kind, (_, ids) in servers.items()}
        restless = {kind: cores for kind, cores in used.items() if cores > _IDLE_CORES}
        if not restless or time.monotonic() > deadline:
            return restless


class Others:
    """How busy programs that are none of ours keep the machine, from the construction on."""

    def __init__(self):
        self._all, self._idle = self._times()
        self._own = self._own_seconds()

    def share(self):
        """Of all cores' time. What we have started counts as ours once it has ended."""
        everything, idle = self._times()
        passed = max(everything - self._all, 1e-9)
        own = self._own_seconds() - self._own
        return max(0.0, passed - (idle - self._idle) - own) / passed

    @staticmethod
    def _times():
        with open("/proc/stat", encoding="ascii") as file:
            ticks = [int(word) for word in file.readline().split()[1:9]]
        second = os.sysconf("SC_CLK_TCK")
        return sum(ticks) / second, (ticks[3] + ticks[4]) / second

    @staticmethod
    def _own_seconds():
        uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(use.ru_utime + use.ru_stime for use in uses)


def print_machine():
    """What the figures were measured on, and how busy it was before."""
    cores = len(os.sched_getaffinity(0))
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = re.findall(r"^model name\s*:\s*(.*)$", file.read(), re.MULTILINE)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    print(f"Hardware: {cores} cores ({models[0] if models else 'unknown model'}), {memory:.0f} GiB. The load and all "
          f"servers share these {cores} cores.")
    before = Others()
    time.sleep(1)
    print(f"Other programs, before the start: {before.share():.0%} of all cores' time, load average "
          f"{os.getloadavg()[0]:.1f}.", flush=True)


def tell(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
