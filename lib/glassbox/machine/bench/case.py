"""What a topic says about an operation that is to be measured: shapes, functions, peers, costs and goals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from glassbox.machine.bench.peers import Peer

Direction = Literal["forward", "backward", "forward+backward"]
Function = Callable[..., Tensor | tuple[Tensor, ...]]


@dataclass(frozen=True)
class Case:
    """One problem: named sizes and a dtype. A `headline` case is measured in a quick run as well."""

    sizes: Mapping[str, int]
    dtype: str
    headline: bool = False

    def __getitem__(self, size: str) -> int:
        return self.sizes[size]

    def __str__(self) -> str:
        return f"{' x '.join(map(str, self.sizes.values()))} {self.dtype}"

    @property
    def torch_dtype(self) -> torch.dtype:
        """The dtype as torch's own."""
        return getattr(torch, self.dtype)

    @property
    def element_bytes(self) -> int:
        """The bytes of one element."""
        return self.torch_dtype.itemsize


@dataclass(frozen=True)
class Goal:
    """What is to be reached: peer's time over ours, or without a peer our share of the ceiling."""

    at_least: float
    peer: str | None = None

    def __str__(self) -> str:
        return f">= {self.at_least:.2f}x {self.peer}" if self.peer else f"share >= {self.at_least:.2f}"


@dataclass(frozen=True)
class Table:
    """Where an operation's launch arguments come from, and what may be tried instead.

    Convention: `name` and `size` are the key of `configs.choose`; every candidate is a whole config.
    """

    name: str
    size: Callable[[Case], int]
    candidates: Callable[[Case], Sequence[dict]]


@dataclass(frozen=True)
class Operation:
    """An operation, in one direction, on a list of cases.

    `inputs(case, device)` makes the tensors; `ours`, `reference` and what a peer builds are functions of
    those tensors alone. `bytes(case)` is the compulsory traffic: every input read once, every output written
    once. `flops(case)` counts what tensor cores could do; 0 for work that only moves memory.
    Convention: in `backward`, and in `forward+backward`, gradients are taken for every input.
    """

    name: str
    direction: Direction
    cases: tuple[Case, ...]
    inputs: Callable[[Case, torch.device], tuple[Tensor, ...]]
    ours: Function
    reference: Function
    peers: tuple[Peer, ...]
    bytes: Callable[[Case], int]
    flops: Callable[[Case], int] = lambda case: 0
    goals: tuple[Goal, ...] = ()
    table: Table | None = field(default=None)
