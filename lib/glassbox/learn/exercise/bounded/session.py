"""The near end: send the function, call it, and stop it at its limits."""

import threading
import time
from queue import Empty, SimpleQueue
from typing import NamedTuple

import psutil

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
            self.loaded = _loaded(self._exchange(self.order))
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
        seen = _observation(self._exchange((tuple(args), tuple(cotangents), unit)))
        if seen.raised and _out_of_memory(seen.raised):
            raise Stopped("memory", self._end())
        return seen

    def _exchange(self, request):
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
            return wire.unpacked(reply)
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


def _loaded(reply) -> Loaded:
    try:
        if "raised" in reply:
            return Loaded(raised=Raised(*reply["raised"]))
        return Loaded(reply["callable"] is True, reply["parameters"], tuple(reply["values"]))
    except (TypeError, KeyError) as error:
        raise wire.Malformed("loaded") from error


def _observation(reply) -> Observation:
    try:
        seen = Observation(*reply)
        return seen._replace(raised=Raised(*seen.raised)) if seen.raised else seen
    except TypeError as error:
        raise wire.Malformed("observation") from error
