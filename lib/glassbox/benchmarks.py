"""The command `glassbox bench`: find the operations by name, measure or tune them, print and record."""

import pkgutil
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console

import glassbox
from glassbox.machine import configs
from glassbox.machine.bench import record as records
from glassbox.machine.bench.case import Operation
from glassbox.machine.bench.cuda import cuda_rig
from glassbox.machine.bench.peers import absence
from glassbox.machine.bench.prune import prune_ahead
from glassbox.machine.bench.rig import Rig
from glassbox.machine.bench.run import chosen, run
from glassbox.machine.bench.show import show
from glassbox.machine.bench.tune import difference, tune, write_table

DONE, UNKNOWN, NO_GPU = 0, 1, 2
EVERYTHING = "all"
WIDTH = 180


def discover() -> dict[str, tuple[Operation, ...]]:
    """Return the operations of every topic that has some: `glassbox.<topic>.benchmarks.OPERATIONS`."""
    folders = [module.name for module in pkgutil.iter_modules(glassbox.__path__) if module.ispkg]
    names = {topic: f"glassbox.{topic}.benchmarks" for topic in folders if topic != "machine"}
    return {topic: tuple(import_module(name).OPERATIONS) for topic, name in names.items() if find_spec(name)}


def select(name: str, known: dict[str, tuple[Operation, ...]]) -> list[Operation]:
    """Return the operation of that name, or all of a topic, or all; nothing for an unknown name."""
    every = [operation for operations in known.values() for operation in operations]
    if name == EVERYTHING:
        return every
    return list(known.get(name, ())) or [operation for operation in every if operation.name == name]


def bench(
    name: str,
    tuning: bool = False,
    write: bool = False,
    quick: bool = False,
    out: Path | None = None,
    find_rig: Callable[[], Rig | None] = cuda_rig,
    console: Console | None = None,
) -> int:
    """Measure, or tune, an operation, a topic or "all"; return the exit code.

    Convention: 0 measured, 1 unknown name, 2 no GPU. Records go to `out`, by default to data/benchmarks; a
        quick run is recorded only where `out` says. A config table changes only with `write`.
    """
    console = console or wide_console()
    known = discover()
    operations = select(name, known)
    if not operations:
        return _unknown(name, known, console)
    if (rig := find_rig()) is None:
        return _without_gpu(operations, quick, console)
    command = " ".join(["glassbox bench", name, *["--tune"] * tuning, *["--quick"] * quick])
    for operation in operations:
        if tuning:
            _tune(operation, rig, quick, command, write, console)
        else:
            _measure(operation, rig, quick, command, out, console)
    return DONE


def wide_console() -> Console:
    """Return a console whose lines do not break in the middle of a table when they go to a file."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH)


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _unknown(name: str, known: dict[str, tuple[Operation, ...]], console: Console) -> int:
    _say(console, f"glassbox bench: no operation is called {name!r}. Known:")
    for topic, operations in known.items():
        _say(console, f"  {topic}: {', '.join(operation.name for operation in operations)}")
    _say(console, f"  {EVERYTHING}: every one of these")
    return UNKNOWN


def _without_gpu(operations: Sequence[Operation], quick: bool, console: Console) -> int:
    """Say what would have been measured, and which peers are absent."""
    _say(console, "glassbox bench needs an NVIDIA GPU; torch finds none here. Nothing was measured.")
    _say(console, "On a machine with one, this command measures:")
    for operation in operations:
        cases = ", ".join(map(str, chosen(operation, quick)))
        peers = ", ".join(peer.name for peer in operation.peers)
        _say(console, f"  {operation.name}: {cases}; against {peers}")
    for peer, why in _absent(operations).items():
        _say(console, f"  absent here: {peer} ({why})")
    return NO_GPU


def _absent(operations: Sequence[Operation]) -> dict[str, str]:
    why = {peer.name: absence(peer) for operation in operations for peer in operation.peers}
    return {name: reason for name, reason in why.items() if reason}


def _measure(
    operation: Operation, rig: Rig, quick: bool, command: str, out: Path | None, console: Console
) -> None:
    made = run(operation, rig, command, quick, tell=lambda text: _say(console, text))
    show(made, operation.goals, console)
    if quick and out is None:
        _say(console, "a quick run is not recorded; --out FOLDER records it")
    else:
        _say(console, f"recorded in {records.write(made, out).name}")


def _tune(operation: Operation, rig: Rig, quick: bool, command: str, write: bool, console: Console) -> None:
    if operation.table is None:
        return _say(console, f"{operation.name}: takes no launch arguments from a table")
    _say(console, f"{operation.name}: table {operation.table.name}, in use (-) and found (+)")
    picks = tune(operation, rig, prune_ahead, quick, tell=lambda text: _say(console, text))
    for line in difference(picks):
        _say(console, line)
    changed = [pick for pick in picks if pick.changed]
    if write and changed:
        path = configs.path_of(operation.table.name)
        made = f"tuned on {rig.facts.name} with `{command}`; other rows chosen ahead of time"
        write_table(path, changed, made)
        _say(console, f"written: {path.name}, {len(changed)} rows")
    elif changed:
        _say(console, f"{len(changed)} rows would change; --write changes them")
    return None
