"""Which tile and how many warps a kernel gets: a committed table, so that nothing is tuned under a cell.

`data/configs/<operation>.json` holds, for each architecture, dtype and power of two ("bucket"), the arguments
of the launch. `glassbox bench NAME --tune` makes it again on a GPU.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import torch

from glassbox.arguments import bad_value
from glassbox.paths import data

ANY = "any"
_target: list[str] = []
_forced: dict[str, list[dict]] = {}


def path_of(operation: str) -> Path:
    """Return where the table of an operation lies."""
    return data() / "configs" / f"{operation}.json"


@cache
def table(operation: str) -> tuple[dict, ...]:
    """Return the rows of an operation's table: arch, dtype, bucket (None: beyond the others), config."""
    if not path_of(operation).is_file():
        known = sorted(path.stem for path in path_of(operation).parent.glob("*.json"))
        raise bad_value("operation", f"one of {', '.join(known)}", operation)
    return tuple(json.loads(path_of(operation).read_text(encoding="utf-8"))["rows"])


def choose(
    operation: str, dtype: torch.dtype, size: int, arch: str | None = None, *, backend: str = "compiled"
) -> dict:
    """Return the launch arguments for a problem of that dtype and size.

    Convention: the rows of the exact architecture come before those for any, the exact dtype before any;
        among them the smallest bucket that is at least `size`. The architecture is `arch`, or the `target`,
        or for what is compiled this machine's GPU: what is simulated is the same on every machine.
    Raises: ValueError for an operation without a table.
    """
    if _forced.get(operation):
        return dict(_forced[operation][-1])
    rows = table(operation)
    if arch is None:
        arch = current_arch() if _target or backend == "compiled" else ANY
    for wanted_arch in (arch, ANY):
        for wanted_dtype in (str(dtype).removeprefix("torch."), ANY):
            fitting = [r for r in rows if (r["arch"], r["dtype"]) == (wanted_arch, wanted_dtype)]
            fitting = [r for r in fitting if r["bucket"] is None or r["bucket"] >= size]
            if fitting:
                return dict(min(fitting, key=lambda r: r["bucket"] or float("inf"))["config"])
    raise bad_value("size", f"a size that the table of {operation} covers", size)


def current_arch() -> str:
    """Return the architecture that kernels are launched for: "sm_90", or "any" without a GPU."""
    if _target:
        return _target[-1]
    if torch.cuda.is_available():
        return "sm_{}{}".format(*torch.cuda.get_device_capability())
    return ANY


@contextmanager
def target(arch: str) -> Iterator[None]:
    """Choose for another architecture than this machine's, as compiling ahead of time does."""
    _target.append(arch)
    try:
        yield
    finally:
        _target.pop()


@contextmanager
def override(operation: str, config: dict) -> Iterator[None]:
    """Let `choose` return `config` for an operation, as tuning does."""
    _forced.setdefault(operation, []).append(dict(config))
    try:
        yield
    finally:
        _forced[operation].pop()
