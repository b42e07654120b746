"""The servers of speed_table.py: each process on an address of its own in 127.0.0.0/8, and ended by its id.

    with Processes(folder) as processes:
        addresses, ids = start_server("leaderless", binaries, processes)
"""

import contextlib
import ctypes
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

NODES = 5
REPLICAS = 4

_HTTP_PORT = 8080
_GRPC_PORT = _HTTP_PORT + 1000
_BENCH_PORT = 9081
_REDIS_PORT = 6379
_CLAIM_PORT = 7999  # bound for as long as an address is in use, as the tests do
_START_SECONDS = 60


class Failure(Exception):
    """Something that the user should know, and that ends the run."""


def die_with_parent():
    """In a child, before it becomes its program: the kernel ends it when this program ends, however that may be."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


class Processes:
    """Starts programs, each on an address of its own, and ends them all, by their ids, when the context does."""

    def __init__(self, folder):
        self._folder = folder
        self._stack = contextlib.ExitStack()
        self.ids = []  # of all that were started, in order

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._stack.close()

    def claim_address(self):
        while True:
            address = f"127.{random.randint(1, 254)}.{random.randint(0, 255)}.{random.randint(1, 254)}"
            claim = socket.socket()
            try:
                claim.bind((address, _CLAIM_PORT))
            except OSError:
                claim.close()
                continue
            self._stack.callback(claim.close)
            return address

    def folder(self):
        return tempfile.mkdtemp(dir=self._folder)

    def start(self, command, ready):
        """Returns a function that waits until `ready()`; Failure, with what the program said, where it takes too long."""
        log = tempfile.NamedTemporaryFile(dir=self._folder, suffix=".log", delete=False)
        with log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._folder,
                                       env={"PATH": os.environ["PATH"], **_library_path()}, start_new_session=True,
                                       preexec_fn=die_with_parent)
        self._stack.callback(_end, process)
        self.ids.append(process.pid)
        return lambda: self._await(process, command, log.name, ready)

    def _await(self, process, command, log, ready):
        deadline = time.monotonic() + _START_SECONDS
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                with open(log, encoding="utf-8", errors="replace") as file:
                    said = file.read()[-2000:]
                state = f"ended with status {process.returncode}" if process.poll() is not None else "is not ready"
                raise Failure(f"{command[0]} {state}:\n{said}")
            time.sleep(0.05)


def _library_path():
    return {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}


def _end(process):
    process.kill()
    process.wait()


def _listens(address, port):
    try:
        with socket.create_connection((address, port), timeout=1):
            return True
    except OSError:
        return False


def _node_is_ready(address):
    """Healthy, and connected with all others."""
    connection = http.client.HTTPConnection(address, _HTTP_PORT, timeout=2)
    try:
        connection.request("GET", "/health")
        reply = connection.getresponse()
        body = json.loads(reply.read())
        return reply.status == 200 and sum(peer["connected"] for peer in body["peers"]) == NODES - 1
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()


def _replicas_are_online(address):
    try:
        with socket.create_connection((address, _REDIS_PORT), timeout=2) as connection:
            connection.sendall(b"INFO replication\r\n")
            return connection.recv(65536).count(b"state=online") == REPLICAS
    except OSError:
        return False


def _start_bench_server(answers, binaries, processes):
    address = processes.claim_address()
    command = [binaries["server"], f"--answers={answers}", f"--address={address}:{_BENCH_PORT}"]
    processes.start(command, lambda: _listens(address, _BENCH_PORT))()
    return {"grpc": f"{address}:{_BENCH_PORT}"}


def _start_cluster(strategy, binaries, processes, synced=False):
    addresses = [processes.claim_address() for _ in range(NODES)]
    waits = []
    for number, address in enumerate(addresses, start=1):
        others = ",".join(f"http://{other}:{_HTTP_PORT}" for other in addresses if other != address)
        command = [binaries["node"], f"--listen_address={address}", f"--port={_HTTP_PORT}", f"--node_id={number}",
                   f"--strategy={strategy}"]
        if strategy == "leaderless":
            command += [f"--peer_urls={others}", f"--w={NODES}", "--r=1"]
        elif number == 1:
            command += ["--node_type=leader", f"--follower_urls={others}", f"--w={NODES}", "--r=1"]
        else:
            command.append("--node_type=follower")
        if synced:
            command += [f"--data_dir={processes.folder()}", "--durability=synced"]
        waits.append(processes.start(command, lambda address=address: _node_is_ready(address)))
    for wait in waits:
        wait()
    return {"grpc": f"{addresses[0]}:{_GRPC_PORT}", "http": f"{addresses[0]}:{_HTTP_PORT}"}


def _start_redis(replicas, processes):
    master = processes.claim_address()
    command = [shutil.which("redis-server"), "--port", str(_REDIS_PORT), "--save", "", "--appendonly", "no",
               "--repl-diskless-sync-delay", "0"]
    wait = processes.start([*command, "--bind", master, "--dir", processes.folder()],
                           lambda: _listens(master, _REDIS_PORT))
    wait()
    for _ in range(replicas):
        address = processes.claim_address()
        processes.start([*command, "--bind", address, "--dir", processes.folder(), "--replicaof", master,
                         str(_REDIS_PORT)], lambda address=address: _listens(address, _REDIS_PORT))()
    deadline = time.monotonic() + _START_SECONDS
    while replicas > 0 and not _replicas_are_online(master):
        if time.monotonic() > deadline:
            raise Failure("the replicas of redis-server are not online")
        time.sleep(0.05)
    return {"redis": f"{master}:{_REDIS_PORT}"}


def start_server(kind, binaries, processes):
    """Starts what a row's `server` names; returns its address for each protocol, and the ids of its processes."""
    before = len(processes.ids)
    addresses = _start_addresses(kind, binaries, processes)
    return addresses, processes.ids[before:]


def _start_addresses(kind, binaries, processes):
    if kind in ("echo", "instant"):
        return _start_bench_server(kind, binaries, processes)
    if kind == "synced":
        return _start_cluster("leader_follower", binaries, processes, synced=True)
    if kind in ("redis", "redis_replicas"):
        return _start_redis(REPLICAS if kind == "redis_replicas" else 0, processes)
    return _start_cluster(kind, binaries, processes)
