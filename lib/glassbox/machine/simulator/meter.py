"""Counting while a kernel runs: bytes per argument, FLOPs, live bytes, and the list of accesses."""

import sys
from math import prod

from .errors import MARK
from .state import run

LOAD, STORE, ATOMIC = "load", "store", "atomic"


class Meter:
    """The counters of one launch. Masked-off lanes move nothing; every other lane moves its own bytes."""

    def __init__(self, arguments: int, event_limit: int):
        self.event_limit = event_limit
        self.events, self.dropped = [], 0
        self.loaded, self.stored, self.atomics = ([0] * arguments for _ in range(3))
        self.programs = []
        self._before = (0, 0, 0)

    def access(self, operation: str, buffer, place) -> None:
        """Count one load, store or atomic."""
        size, number = prod(place.dims) * buffer.itemsize, buffer.number
        if operation is not STORE:
            self.loaded[number] += size
        if operation is not LOAD:
            self.stored[number] += size
        if operation is ATOMIC:
            self.atomics[number] += size
            size *= 2
        if len(self.events) < self.event_limit:
            frame = sys._getframe(2)
            while frame is not None and MARK not in frame.f_globals:
                frame = frame.f_back
            line = (
                (frame.f_code, frame.f_lasti) if frame else None
            )  # the line itself is dear: looked up later
            self.events.append(
                (run.me - 1, operation, buffer.number, line, place.base, place.dims, place.steps, size)
            )
        else:
            self.dropped += 1

    def end_program(self) -> None:
        """Close the counters of the program that just ran."""
        now = sum(self.loaded), sum(self.stored), sum(self.atomics)
        moved = tuple(b - a for a, b in zip(self._before, now, strict=True))
        self._before = now
        self.programs.append(
            (run.program, *moved, run.matrix, run.elementwise, run.special, run.account.peak)
        )
