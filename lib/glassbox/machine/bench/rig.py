"""What the harness needs of the machine that it measures on; a test brings its own."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from glassbox.machine.bench.protocol import Timer, nothing


@dataclass(frozen=True)
class Facts:
    """What a device says of itself. Bandwidths in bytes per second, None where it does not say."""

    name: str
    architecture: str
    multiprocessors: int
    memory_bytes: int
    l2_bytes: int
    cleared_bytes: int
    peak_bytes_per_s: float | None


@dataclass(frozen=True)
class Rig:
    """A clock, a device, what it is, how it is doing (`state`), and how to start a case afresh."""

    timer: Timer
    device: torch.device
    facts: Facts
    state: Callable[[], dict]
    fresh: Callable[[], None] = nothing
