"""A process with torch loaded that forks one child per function (Linux).

Orders come over the control socket: start a child, with one end of a new socket, which becomes the child's;
or end a child. The server alone ends and reaps its children, so that the number of one cannot have passed to
another process in the meantime.
"""

import contextlib
import gc
import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Iterator

import torch

from glassbox.learn.exercise.bounded import child, observing
from glassbox.learn.exercise.bounded.orders import END, NUMBER, ORDER


def main(control: socket.socket) -> None:
    """Serve until the other side of `control` closes or dies; then end every child."""
    child.silent(control.fileno())
    torch.set_num_threads(1)
    uses = observing.first_uses()
    children: set[int] = set()
    try:
        while True:
            _load_more(uses, control)
            message = socket.recv_fds(control, ORDER.size, 1)
            if len(message[0]) < ORDER.size:
                return
            control.sendall(NUMBER.pack(_obey(*ORDER.unpack(message[0]), message[1], children, control)))
    except (ConnectionError, BrokenPipeError):
        return
    finally:
        for number in children:
            reap(number)


def _load_more(uses: Iterator[Callable], control: socket.socket) -> None:
    """While nobody asks, do once what makes torch import more modules, so that no child has to."""
    while not select.select([control], [], [], 0)[0]:
        use = next(uses, None)
        if use is None:
            return
        use()
        gc.freeze()  # a collection in a child would copy every page that it looks at


def _obey(order: bytes, number: int, descriptors: list[int], children: set[int], control) -> int:
    """Start or end a child; return its number or its exit code."""
    if order == END:
        children.discard(number)
        return reap(number)
    number = os.fork()
    if number == 0:
        _be_child(control, descriptors[0])
    os.close(descriptors[0])
    children.add(number)
    return number


def _be_child(control: socket.socket, descriptor: int) -> None:
    """Never returns: whatever happens in here must not run the server's own code."""
    try:
        os.setsid()
        control.close()
        stream = socket.socket(fileno=descriptor)
        child.serve(stream.makefile("rb"), stream.makefile("wb"))
    finally:
        os._exit(0)


def reap(number: int) -> int:
    """End a child and what it started, and return its exit code."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(number, signal.SIGKILL)
    try:
        return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
    except ChildProcessError:
        return 0


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
