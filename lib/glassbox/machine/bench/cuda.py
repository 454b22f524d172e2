"""The clock of an NVIDIA GPU: CUDA events, an L2 clear, graph replay, and what the card says of itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from glassbox.machine.bench.rig import Facts, Rig
from glassbox.machine.bench.state import read_state
from glassbox.machine.gpus import GPUS

LEAST_CLEARED = 2**28  # also long enough (60 us at 4.3 TB/s) for the host to queue the call meanwhile
LOAD_BYTES, LOAD_CALLS = 2**31, 1000  # about half a second of writing


class CudaTimer:
    """Times on a stream of its own.

    Autograd runs a backward step on the stream of its forward step, and the default stream cannot be
    captured: so inputs, forward passes, timing and capture all use this one stream.
    """

    def __init__(self, l2_bytes: int) -> None:
        self.stream = torch.cuda.Stream()
        with torch.cuda.stream(self.stream):
            self.buffer = torch.empty(cleared_bytes(l2_bytes), dtype=torch.int8, device="cuda")
        self._spare: list[tuple] = []
        self._used: list[tuple] = []

    @contextmanager
    def session(self) -> Iterator[None]:
        """Make this timer's stream the current one."""
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            yield
        torch.cuda.current_stream().wait_stream(self.stream)

    def clear(self) -> None:
        """Queue the write that clears L2. The marks of the call are made here, before it, not inside."""
        self._used.append(self._spare.pop() if self._spare else _marks())
        self.buffer.zero_()

    def start(self) -> None:
        """Queue the start mark."""
        self._used[-1][0].record()

    def stop(self) -> None:
        """Queue the end mark."""
        self._used[-1][1].record()

    def read(self) -> list[float]:
        """Wait, and return the milliseconds between the marks of every call since the last reading."""
        torch.cuda.synchronize()
        times = [start.elapsed_time(stop) for start, stop in self._used]
        self._spare += self._used
        self._used = []
        return times

    def capture(self, call: Callable[[], object]) -> Callable[[], object]:
        """Return the replay of a CUDA graph of `call`."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self.stream):
            kept = call()

        def replay(kept=kept) -> None:  # the graph writes into what the captured call returned
            graph.replay()

        return replay


def _marks() -> tuple:
    """Return two events that exist already: CUDA makes an event when it is first recorded."""
    marks = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    for mark in marks:
        mark.record()
    return marks


def cleared_bytes(l2_bytes: int) -> int:
    """Return how many bytes are written to clear an L2 of that size: at least twice as many."""
    return max(2 * l2_bytes, LEAST_CLEARED)


def facts_of(properties) -> Facts:
    """Return what CUDA's device properties say."""
    return Facts(
        name=properties.name,
        architecture=f"sm_{properties.major}{properties.minor}",
        multiprocessors=properties.multi_processor_count,
        memory_bytes=properties.total_memory,
        l2_bytes=properties.L2_cache_size,
        cleared_bytes=cleared_bytes(properties.L2_cache_size),
        peak_bytes_per_s=peak_bandwidth(properties),
    )


def peak_bandwidth(properties) -> float | None:
    """Return the memory's peak in bytes per second: the datasheet's, else two transfers per clock and line.

    Convention: CUDA gives the clock in kHz and the bus width in bits; None where torch gives neither.
    """
    for gpu in GPUS.values():
        if properties.name in gpu.driver_names:
            return gpu.memory_bytes_per_second
    clock, width = (getattr(properties, name, 0) for name in ("memory_clock_rate", "memory_bus_width"))
    return 2.0 * clock * 1e3 * width / 8 or None


def cuda_rig() -> Rig | None:
    """Return what is needed to measure on this machine's GPU, None without one."""
    if not torch.cuda.is_available():
        return None
    facts = facts_of(torch.cuda.get_device_properties(torch.cuda.current_device()))
    return Rig(
        timer=CudaTimer(facts.l2_bytes),
        device=torch.device("cuda"),
        facts=facts,
        state=lambda: _state_under_load(facts.name),
        fresh=_fresh,
    )


def _state_under_load(name: str) -> dict:
    """Read clocks while the card writes memory: an idle card lowers them before they are read."""
    target = torch.empty(LOAD_BYTES, dtype=torch.int8, device="cuda")
    for _ in range(LOAD_CALLS):
        target.zero_()
    return read_state(name)


def _fresh() -> None:
    """Forget compiled code, which is limited to a few shapes for each function, and free the memory."""
    torch.compiler.reset()
    torch.cuda.empty_cache()
