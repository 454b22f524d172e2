"""How something is timed: L2 cleared before every call, nobody always first, the median of a hundred calls.

The clock is a `Timer`, so that this order can be tested without a GPU.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from statistics import median, quantiles
from typing import NamedTuple, Protocol, runtime_checkable

REPETITIONS = 100
WARM_UP = 10
HOST_BOUND = 0.9  # a graph below this share of the call's own time: the processor was the slower one


def nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Provider:
    """One competitor: `call` is timed; `prepare` runs before L2 is cleared and is not."""

    call: Callable[[], object]
    prepare: Callable[[], object] = nothing


class Sample(NamedTuple):
    """What is kept of many times, in milliseconds."""

    median: float
    p20: float
    p80: float
    count: int


@runtime_checkable
class Timer(Protocol):
    """A device's clock and the means to clear its L2 cache."""

    def session(self) -> AbstractContextManager:
        """Hold everything that is timed, from the making of its inputs on."""

    def clear(self) -> None:
        """Queue a write of at least twice L2."""

    def start(self) -> None:
        """Queue the start mark."""

    def stop(self) -> None:
        """Queue the end mark."""

    def read(self) -> list[float]:
        """Wait for the device; return the milliseconds of every pair of marks since the last reading."""

    def capture(self, call: Callable[[], object]) -> Callable[[], object]:
        """Return a call that replays the device's work of `call` without its work on the host."""


def orders(names: Sequence[str], rounds: int) -> Iterator[list[str]]:
    """Return who goes when in each round: rotated by one every second round, and there and back.

    Convention: in 2 len(names) rounds everyone is at every place exactly twice.
    """
    for number in range(rounds):
        first = number // 2 % len(names)
        order = [*names[first:], *names[:first]]
        yield order[::-1] if number % 2 else order


def measure(
    providers: Mapping[str, Provider], timer: Timer, repetitions: int = REPETITIONS, warm_up: int = WARM_UP
) -> dict[str, Sample]:
    """Time all providers in one run and return a sample for each.

    Convention: at least `repetitions` calls each, up to the next multiple of 2 len(providers), after
        `warm_up` calls each whose times are dropped. The device is not waited for until the end.
    """
    if not providers:
        return {}
    names, whole = list(providers), 2 * len(providers)
    _run(providers, orders(names, warm_up), timer)
    timer.read()
    rounds = list(orders(names, -(-repetitions // whole) * whole))
    _run(providers, rounds, timer)
    by_name: dict[str, list[float]] = {name: [] for name in names}
    for name, time in zip([name for order in rounds for name in order], timer.read(), strict=True):
        by_name[name].append(time)
    return {name: sample(times) for name, times in by_name.items()}


def _run(providers: Mapping[str, Provider], rounds, timer: Timer) -> None:
    for order in rounds:
        for name in order:
            _once(providers[name], timer)


def _once(provider: Provider, timer: Timer) -> None:
    """Time one call. A wait between clearing and starting would let the device go idle."""
    provider.prepare()
    timer.clear()
    timer.start()
    provider.call()
    timer.stop()


def sample(times: Sequence[float]) -> Sample:
    """Return median, 20th and 80th percentile, linearly interpolated."""
    fifths = quantiles(times, n=5, method="inclusive") if len(times) > 1 else [times[0]] * 4
    return Sample(median(times), fifths[0], fifths[3], len(times))


class Graphs(NamedTuple):
    """Samples of replayed graphs, and why there is none where capture failed."""

    samples: dict[str, Sample]
    failures: dict[str, Exception]


def measure_graphs(providers: Mapping[str, Provider], timer: Timer, repetitions: int = REPETITIONS) -> Graphs:
    """Time the device's work alone, by replaying each provider's captured call; the same order and clearing.

    Convention: run after `measure`, so that nothing is left to compile while a graph is captured.
    """
    replays, failures = {}, {}
    for name, provider in providers.items():
        try:
            replays[name] = Provider(timer.capture(provider.call), provider.prepare)
        except RuntimeError as error:  # what CUDA cannot capture
            failures[name] = error
    return Graphs(measure(replays, timer, repetitions), failures)


def host_bound(call: Sample, graph: Sample | None) -> bool:
    """Tell whether the host, not the device, set the time of the plain call."""
    return graph is not None and graph.median < HOST_BOUND * call.median
