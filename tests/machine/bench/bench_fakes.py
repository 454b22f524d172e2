"""A clock, a device and an operation to test the harness with, on any machine."""

from contextlib import nullcontext
from dataclasses import replace

import torch
from glassbox.machine.bench import Case, Goal, Operation, Peer
from glassbox.machine.bench.ceilings import Ceilings
from glassbox.machine.bench.rig import Facts, Rig

CEILINGS = Ceilings(copy_bytes_per_s=4e12, matmul_bf16_flop_per_s=8e14)
FACTS = Facts(
    name="NVIDIA H200",
    architecture="sm_90",
    multiprocessors=132,
    memory_bytes=141 * 10**9,
    l2_bytes=60 * 2**20,
    cleared_bytes=2**28,
    peak_bytes_per_s=4.8e12,
)
STATE = {
    "sm_clock_mhz": 1980.0,
    "memory_clock_mhz": 3201.0,
    "power_cap_w": 700.0,
    "temperature_c": 41.0,
    "driver": "580.159.03",
}


class FakeTimer:
    """A clock that moves only when it is told to; it logs what happens to it."""

    def __init__(self, can_capture=True, graph_share=0.5):
        self.now, self.log, self.inside = 0.0, [], 0
        self.can_capture, self.graph_share = can_capture, graph_share
        self._share, self._begin, self._times = 1.0, 0.0, []

    def session(self):
        """Hold nothing."""
        return nullcontext()

    def spend(self, milliseconds):
        """Let time pass: what a provider does."""
        self.log.append("call")
        self.now += milliseconds * self._share

    def clear(self):
        """Log the clearing."""
        self.log.append("clear")

    def start(self):
        """Log the start mark."""
        self.log.append("start")
        self._begin = self.now

    def stop(self):
        """Log the end mark."""
        self.log.append("stop")
        self._times.append(self.now - self._begin)

    def read(self):
        """Return and forget the times."""
        self.log.append("read")
        times, self._times = self._times, []
        return times

    def capture(self, call):
        """Return a call that takes a share of the time."""
        if not self.can_capture:
            raise RuntimeError("operation not permitted when stream is capturing")

        def replay():
            self._share = self.graph_share
            call()
            self._share = 1.0

        return replay


def fake_rig(timer, **facts):
    """Return a rig around a timer, on the CPU."""
    return Rig(timer, torch.device("cpu"), replace(FACTS, **facts), lambda: dict(STATE))


def fake_ceilings(rig):
    """Return ceilings without measuring."""
    return CEILINGS


def doubling(timer, milliseconds):
    """Return 2 x as an implementation that takes so long."""

    def double(x):
        timer.spend(milliseconds)
        return x * 2

    return double


def case(rows, columns=2**20, dtype="float32", headline=False):
    """Return a case whose bytes are reckoned as if it had so many rows; the tensors are tiny."""
    return Case({"rows": rows, "columns": columns}, dtype, headline)


def toy(timer, ours_ms=1.0, peers=(), direction="forward", **changes):
    """Return an operation that doubles its input, with one peer that takes twice as long."""
    operation = Operation(
        name="double",
        direction=direction,
        cases=(case(256, headline=True), case(512)),
        inputs=lambda case, device: (torch.linspace(-1.7, 1.3, 12, dtype=case.torch_dtype).view(3, 4),),
        ours=doubling(timer, ours_ms),
        reference=lambda x: x * 2,
        peers=(Peer("twice", lambda case: doubling(timer, 2 * ours_ms)), *peers),
        bytes=lambda case: 2 * case["rows"] * case["columns"] * case.element_bytes,
        goals=(Goal(1.5, "twice"), Goal(0.4)),
    )
    return replace(operation, **changes)
