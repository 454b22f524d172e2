"""The near end: send the function, call it, and stop it at its limits."""

import threading
import time
from collections.abc import Callable
from functools import partial
from queue import Empty, SimpleQueue
from typing import NamedTuple

import psutil
import torch

from glassbox.learn.exercise.bounded import pool, wire
from glassbox.learn.exercise.bounded.code import Cells, Code
from glassbox.learn.exercise.bounded.observing import Observation, Raised

PATIENCE = 0.02  # seconds between two looks at the clock and the memory


class Limits(NamedTuple):
    """What a learner's code may use: seconds over all its calls, and memory beyond that of torch itself."""

    seconds: float = 10.0
    megabytes: int = 1024


class Stopped(Exception):
    """The process was ended, or ended itself; `reason` is time, memory, ended or garbled."""

    def __init__(self, reason: str, code: int | None = None):
        super().__init__(reason)
        self.reason, self.code = reason, code


class Loaded(NamedTuple):
    """What is known of the code before its first call."""

    callable: bool = False
    parameters: list | None = None
    values: tuple = ()
    raised: Raised | None = None


class Session:
    """Use as `with Session(code) as session:`; then `session.loaded` and `session.observe(args)`."""

    def __init__(self, code: Code | Cells, limits: Limits = Limits(), forbidden: tuple[str, ...] = ()):  # noqa: B008
        self.limits, self.left = limits, limits.seconds
        self.order = {"code": code.plain(), "forbidden": list(forbidden), **limits._asdict()}

    def __enter__(self) -> "Session":
        self.process = pool.take()
        self.requests, self.replies, self.over = SimpleQueue(), SimpleQueue(), False
        threading.Thread(target=self._carry, args=(self.process,), daemon=True).start()
        self.memory = 2**62
        try:
            self._await(pool.SECONDS_TO_START)
            self.memory = _memory(self.process.number)
            self.loaded = self._exchange(self.order, _loaded)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *problem) -> None:
        self._end()

    def observe(self, args: tuple, cotangents: tuple = (), unit: str = "") -> Observation:
        """Return what a call does, as `observing.observe`.

        Raises: Stopped at a limit, and ever after.
        """
        seen = self._exchange((tuple(args), tuple(cotangents), unit), partial(_observation, args))
        if seen.raised and _out_of_memory(seen.raised):
            raise Stopped("memory", self._end())
        return seen

    def _exchange(self, request, read: Callable):
        if self.over:
            raise Stopped("ended")
        self.requests.put(wire.packed(request))
        try:
            began = time.monotonic()
            reply = self._await(self.left)
            self.left -= time.monotonic() - began
            if reply is None:
                raise Stopped("ended")
            if isinstance(reply, Exception):
                raise Stopped("garbled")
            return read(wire.unpacked(reply))
        except wire.Malformed as error:
            raise Stopped("garbled", self._end()) from error
        except Stopped as stopped:
            stopped.code = self._end()
            raise

    def _await(self, seconds: float):
        deadline = time.monotonic() + seconds
        while True:
            try:
                return self.replies.get(timeout=PATIENCE)
            except Empty:
                self._look(deadline)

    def _look(self, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise Stopped("time")
        if _memory(self.process.number) - self.memory > self.limits.megabytes * 2**20:
            raise Stopped("memory")

    def _carry(self, process) -> None:
        """Write and read in a thread of its own: both may block for as long as the function runs."""
        try:
            self.replies.put(wire.receive(process.reader))
            while (request := self.requests.get()) is not None:
                wire.send(process.writer, request)
                self.replies.put(wire.receive(process.reader))
        except (OSError, ValueError, wire.Malformed) as error:
            self.replies.put(None if isinstance(error, OSError) else error)

    def _end(self) -> int | None:
        if self.over:
            return None
        self.over = True
        self.requests.put(None)
        return self.process.end()


def _memory(number: int) -> int:
    try:
        return psutil.Process(number).memory_info().rss
    except psutil.Error:  # it has just ended
        return 0


def _out_of_memory(raised: Raised) -> bool:
    return raised.type == "MemoryError" or "DefaultCPUAllocator" in raised.says


# ---- reading what the other process says, of which nothing is taken on trust


def _loaded(reply) -> Loaded:
    _expect(isinstance(reply, dict))
    if "raised" in reply:
        return Loaded(raised=_raised(reply["raised"]))
    parameters, values = reply.get("parameters"), reply.get("values")
    _expect(parameters is None or (isinstance(parameters, list) and all(map(_is_parameter, parameters))))
    _expect(isinstance(values, list))
    return Loaded(reply.get("callable") is True, parameters, tuple(values))


def _is_parameter(pair) -> bool:
    return isinstance(pair, tuple) and [type(part) for part in pair] == [str, bool]


def _observation(args: tuple, reply) -> Observation:
    _expect(isinstance(reply, tuple) and len(reply) == len(Observation._fields))
    seen = Observation(*reply)
    _expect(isinstance(seen.after, tuple) and type(seen.cost) is int and type(seen.largest) is str)
    _expect(isinstance(seen.gradients, tuple))
    wanted = [arg for arg in args if isinstance(arg, torch.Tensor) and arg.is_floating_point()]
    _expect(not seen.gradients or len(seen.gradients) == len(wanted))
    _expect(all(map(_is_gradient, seen.gradients, wanted)))
    return seen if seen.raised is None else seen._replace(raised=_raised(seen.raised))


def _is_gradient(got, of: torch.Tensor) -> bool:
    return got is None or (isinstance(got, torch.Tensor) and got.shape == of.shape and got.dtype == of.dtype)


def _raised(fields) -> Raised:
    _expect(isinstance(fields, tuple) and [type(each) for each in fields] == [str, str, str, int, str])
    return Raised(*fields)


def _expect(holds: bool) -> None:
    if not holds:
        raise wire.Malformed("fields")
