"""The servers that bench/ measures: each process on an address of its own in 127.0.0.0/8, and ended by its id.

    with Processes(folder) as processes:
        addresses, ids = start_server("leaderless", binaries, processes)
"""

import contextlib
import ctypes
import errno
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
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


class LineProgram:
    """A program that prints lines of JSON, each given to `take` on a thread of its own, and None after the last.

    To be made on the main thread. Its process ends with the context."""

    def __init__(self, command, take, prepare=die_with_parent):
        self._said = tempfile.TemporaryFile(mode="w+", encoding="utf-8")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._said,
                                        text=True, start_new_session=True, preexec_fn=prepare)
        self._take = take
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.kill()
        self._reader.join()
        self.process.stdout.close()
        self._said.close()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def wait(self, seconds):
        """Until it has ended and all its lines were taken; subprocess.TimeoutExpired where it takes longer."""
        self.process.wait(seconds)
        self._reader.join()

    def last_words(self):
        """The end of what it has said beside its lines; once it has ended."""
        self._said.seek(0)
        return self._said.read()[-500:].strip()

    def _read(self):
        for line in self.process.stdout:
            self._take(json.loads(line))
        self._take(None)


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
            except OSError as error:
                claim.close()
                if error.errno == errno.EADDRINUSE:
                    continue
                # Any other address would be refused as well, without end.
                raise OSError(error.errno, f"cannot use {address}, though the servers need all of 127.0.0.0/8: "
                                           f"{error.strerror}") from error
            self._stack.callback(claim.close)
            return address

    def folder(self):
        return tempfile.mkdtemp(dir=self._folder)

    def start(self, command, ready):
        """Starts a program that serves once `ready()` is true."""
        program = Program(command, self._folder, ready)
        self._stack.callback(program.end, signal.SIGKILL)
        self.ids.append(program.id)
        return program


class Program:
    """A process, which ends with this one. To be started on the main thread."""

    def __init__(self, command, folder, ready):
        self._command = command
        self._ready = ready
        log = tempfile.NamedTemporaryFile(dir=folder, suffix=".log", delete=False)
        self._log = log.name
        with log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder,
                                             env={"PATH": os.environ["PATH"], **_library_path()},
                                             start_new_session=True, preexec_fn=die_with_parent)

    @property
    def id(self):
        return self._process.pid

    def await_ready(self, seconds=_START_SECONDS):
        """Failure, with what the program said, where it takes too long."""
        deadline = time.monotonic() + seconds
        while not self._ready():
            self.check_alive()
            if time.monotonic() > deadline:
                raise Failure(f"{self._command[0]} is not ready:\n{self._said()}")
            time.sleep(0.05)
        return self

    def check_alive(self):
        """Failure, with what the program said, where it has ended."""
        if self._process.poll() is not None:
            raise Failure(f"{self._command[0]} ended with status {self._process.returncode}:\n{self._said()}")

    def end(self, number, seconds=_START_SECONDS):
        """Sends a signal and waits; Failure where the process does not end. Does nothing where it has ended."""
        self._process.send_signal(number)
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise Failure(f"{self._command[0]} has not ended within {seconds:g} s after signal {number}") from error

    def _said(self):
        with open(self._log, encoding="utf-8", errors="replace") as file:
            return file.read()[-2000:]


def _library_path():
    return {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}


def _listens(address, port):
    try:
        with socket.create_connection((address, port), timeout=1):
            return True
    except OSError:
        return False


def health(address):
    """Whether a node on this address serves, and how many others it is connected with."""
    connection = http.client.HTTPConnection(address, _HTTP_PORT, timeout=2)
    try:
        connection.request("GET", "/health")
        reply = connection.getresponse()
        body = json.loads(reply.read())
        return reply.status == 200, sum(peer["connected"] for peer in body["peers"])
    except (OSError, http.client.HTTPException, ValueError):
        return False, 0
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
    processes.start(command, lambda: _listens(address, _BENCH_PORT)).await_ready()
    return {"grpc": f"{address}:{_BENCH_PORT}"}


class Cluster:
    """Nodes 1 to NODES, the first the leader where there is one. `durability`: None for nodes without a folder."""

    def __init__(self, strategy, binary, processes, w=NODES, durability=None, flags=()):
        self._strategy = strategy
        self._binary = binary
        self._processes = processes
        self._w = w
        self._flags = [*flags, *([f"--durability={durability}"] if durability else [])]
        self._addresses = [processes.claim_address() for _ in range(NODES)]
        self._folders = [processes.folder() if durability else None for _ in range(NODES)]
        self._programs = {}
        for number in range(1, NODES + 1):
            self.start(number)
        for program in self._programs.values():
            program.await_ready()

    @property
    def ids(self):
        """Of the nodes' processes, in order."""
        return [self._programs[number].id for number in range(1, NODES + 1)]

    @property
    def has_leader(self):
        return self._strategy == "leader_follower"

    def address(self, number):
        return self._addresses[number - 1]

    def grpc(self, number):
        return f"{self.address(number)}:{_GRPC_PORT}"

    def targets(self):
        """By protocol, the addresses of the first node."""
        return {"grpc": self.grpc(1), "http": f"{self.address(1)}:{_HTTP_PORT}"}

    def start(self, number):
        """Starts a node that does not run, on its folder; does not wait. Ready: it serves, connected with all others."""
        address, folder = self.address(number), self._folders[number - 1]
        others = ",".join(f"http://{other}:{_HTTP_PORT}" for other in self._addresses if other != address)
        command = [self._binary, f"--listen_address={address}", f"--port={_HTTP_PORT}", f"--node_id={number}",
                   f"--strategy={self._strategy}", *self._flags]
        if not self.has_leader:
            command += [f"--peer_urls={others}", f"--w={self._w}", "--r=1"]
        elif number == 1:
            command += ["--node_type=leader", f"--follower_urls={others}", f"--w={self._w}", "--r=1"]
        else:
            command.append("--node_type=follower")
        if folder:
            command.append(f"--data_dir={folder}")
        self._programs[number] = self._processes.start(command, lambda: health(address) == (True, NODES - 1))
        return self._programs[number]

    def stop(self, number, signal_number):
        self._programs[number].end(signal_number)

    def forget(self, number):
        """Empties the folder of a node that does not run."""
        shutil.rmtree(self._folders[number - 1])
        os.mkdir(self._folders[number - 1])

    def check_alive(self):
        """Failure where a node has ended by itself."""
        for program in self._programs.values():
            program.check_alive()


def _start_redis(replicas, processes):
    master = processes.claim_address()
    command = [shutil.which("redis-server"), "--port", str(_REDIS_PORT), "--save", "", "--appendonly", "no",
               "--repl-diskless-sync-delay", "0"]
    processes.start([*command, "--bind", master, "--dir", processes.folder()],
                    lambda: _listens(master, _REDIS_PORT)).await_ready()
    for _ in range(replicas):
        address = processes.claim_address()
        processes.start([*command, "--bind", address, "--dir", processes.folder(), "--replicaof", master,
                         str(_REDIS_PORT)], lambda address=address: _listens(address, _REDIS_PORT)).await_ready()
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
        return Cluster("leader_follower", binaries["node"], processes, durability="synced").targets()
    if kind in ("redis", "redis_replicas"):
        return _start_redis(REPLICAS if kind == "redis_replicas" else 0, processes)
    return Cluster(kind, binaries["node"], processes).targets()
