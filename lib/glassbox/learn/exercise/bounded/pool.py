"""Processes that are ready before they are needed: importing torch takes longer than any check.

On Linux a server with torch loaded forks a child for each function. Elsewhere forking a process that has
loaded torch is not safe, so one fresh process always waits ahead of the next function.
"""

import atexit
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading

from glassbox.learn.exercise.bounded.orders import END, NUMBER, ORDER, START

PACKAGE = __name__.rpartition(".")[0]
FORKS = sys.platform == "linux"
SECONDS_TO_START = 60
SECONDS_TO_END = 5
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def _start(module: str, *arguments: str, **options) -> subprocess.Popen:
    command = [sys.executable, "-P", "-m", f"{PACKAGE}.{module}", *arguments]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    # a session of its own: an interrupt of the notebook is not meant for it
    return subprocess.Popen(command, env=os.environ | ONE_THREAD, start_new_session=True, **quiet | options)


class Fresh:
    """A process started for one function alone."""

    def __init__(self):
        self.process = _start("child", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.number, self.reader, self.writer = self.process.pid, self.process.stdout, self.process.stdin

    def end(self) -> int | None:
        self.process.kill()
        code = self.process.wait(SECONDS_TO_END)
        for stream in (self.reader, self.writer):
            with contextlib.suppress(OSError):  # what was not sent any more
                stream.close()
        return code

    close = end


class Forked:
    """A child of a server."""

    def __init__(self, server: "Server", number: int, stream: socket.socket):
        self.server, self.number, self.stream = server, number, stream
        self.reader, self.writer = stream.makefile("rb"), stream.makefile("wb")

    def end(self) -> int | None:
        try:
            return self.server.order(END, self.number)
        except OSError:  # the server was killed; its children live on
            with contextlib.suppress(OSError):
                os.killpg(self.number, signal.SIGKILL)
            return None
        finally:
            self.stream.close()


class Server:
    """The process that forks."""

    def __init__(self):
        self.control, other = socket.socketpair()
        with other:
            descriptor = other.fileno()
            self.process = _start("server", str(descriptor), pass_fds=(descriptor,))
        self.control.settimeout(SECONDS_TO_START)
        self.lock = threading.Lock()

    def fork(self) -> Forked:
        """Return a new child.

        Raises: OSError if the server has died.
        """
        ours, other = socket.socketpair()
        with other:
            return Forked(self, self.order(START, 0, [other.fileno()]), ours)

    def order(self, kind: bytes, number: int, descriptors: list[int] = []) -> int:  # noqa: B006
        """Send one order and return the reply."""
        with self.lock:
            socket.send_fds(self.control, [ORDER.pack(kind, number)], descriptors)
            reply = self.control.recv(NUMBER.size, socket.MSG_WAITALL)
        if len(reply) < NUMBER.size:
            raise ConnectionError("the process that runs the checks has ended")
        return NUMBER.unpack(reply)[0]

    def close(self) -> None:
        """End the server and its children."""
        self.control.close()
        try:
            self.process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


# ---- the one that waits

_lock = threading.Lock()
_waiting: Server | Fresh | None = None
_owner = os.getpid()


def _ready() -> Server | Fresh:
    """Return what waits, started now if need be. Only under the lock."""
    global _waiting, _owner
    if _waiting is None or _owner != os.getpid():  # this process may have been forked itself
        _waiting, _owner = (Server() if FORKS else Fresh()), os.getpid()
    return _waiting


def _drop(used: Server | Fresh) -> None:
    """Let `used` wait no longer. Only under the lock."""
    global _waiting
    if _waiting is used:
        _waiting = None


def warm() -> None:
    """Start a process now, so that the next check need not wait for it."""
    with _lock:
        _ready()


def take() -> Forked | Fresh:
    """Return a process for one function."""
    for _ in range(3):  # a server may have been killed since it was last used
        with _lock:
            waiting = _ready()
            if isinstance(waiting, Fresh):
                _drop(waiting)
                _ready()
                return waiting
        try:
            return waiting.fork()
        except OSError:
            with _lock:
                _drop(waiting)
            waiting.close()
    raise RuntimeError("checks cannot run: a Python process with torch does not start on this machine")


@atexit.register
def close_all() -> None:
    """End what waits. The next check starts anew."""
    with _lock:
        waiting = _waiting
        if waiting is not None:
            _drop(waiting)
    if waiting is not None and _owner == os.getpid():
        waiting.close()
