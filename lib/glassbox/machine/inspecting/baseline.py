"""Hold every kernel of a topic to what it compiles to: no spills, no loss of wide loads, no new registers."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

import torch

from glassbox import paths
from glassbox.machine.inspecting.api import inspect_many
from glassbox.machine.inspecting.compilation import CompilationError
from glassbox.machine.inspecting.inspection import Inspection
from glassbox.machine.inspecting.records import Variants, provenance, variants_of
from glassbox.machine.inspecting.shipping import is_aligned
from glassbox.machine.launching import Launch

CHECKED = ("sm_80", "sm_90")
TOLERANCE = 0.10
Compiled = tuple[str, Launch, Inspection | CompilationError]


def aligned(name: str, launch: Launch) -> bool:
    """Tell whether a launch allows 128-bit loads: aligned tensors, integers divisible by 16 or equal to 1."""
    values = [*launch.args, *launch.kwargs.values()]
    tensors = [value for value in values if isinstance(value, torch.Tensor)]
    sizes = [value for value in launch.args if isinstance(value, int)]
    return bool(tensors) and all(map(is_aligned, tensors)) and all(n % 16 == 0 or n == 1 for n in sizes)


def faults(
    topic: str,
    variants: Variants,
    archs: Iterable[str] = CHECKED,
    *,
    may_spill: Collection[str] = (),
    streaming: Callable[[str, Launch], bool] = aligned,
) -> list[str]:
    """Compile every variant for every architecture and return what is wrong, one line each.

    `variants(arch)` yields (name, Launch) pairs, the launches as they are made for that architecture. Each
    must compile; not spill, unless named in `may_spill`; fit into shared memory; use tensor cores if it has a
    dot that they can do; load 128 bits at a time if `streaming` says so and it has no dot; and have registers
    and shared memory within 10 % of `data/registers/<topic>.json`.
    """
    known = read_baseline(topic)
    found = [] if known else [f"data/registers/{topic}.json is missing; write it with `{command(topic)}`"]
    for arch in archs:
        for name, launch, result in compiled(variants, arch):
            if isinstance(result, CompilationError):
                found.append(f"{name} on {arch}: {result}")
                continue
            wide = streaming(name, launch) and not result.dots
            wrong = list(_faults(result, name in may_spill, wide))
            wrong += _drift(result, known, name, topic) if known else ()
            found += [f"{name} on {arch}: {one}" for one in wrong]
    return found


def compiled(variants: Variants, arch: str) -> list[Compiled]:
    """Return every variant with its launch and what it compiles to."""
    pairs = list(variants(arch))
    results = inspect_many([launch for _, launch in pairs], arch, disassemble=False)
    return [(name, launch, result) for (name, launch), result in zip(pairs, results, strict=True)]


def _faults(result: Inspection, may_spill: bool, wide: bool) -> Iterator[str]:
    if (result.spills or result.stack_bytes) and not may_spill:
        yield (f"spills: {result.stack_bytes} bytes per thread; take a smaller tile or more warps")
    if result.shared_bytes > result.shared_limit:
        yield f"cannot be launched: {result.shared_bytes:,} of {result.shared_limit:,} bytes of shared memory"
    if result.dots and not result.tensor_core:
        yield f"{result.dots} dots but no tensor-core instruction"
    if wide and not (result.vector_loads or result.tma):
        yield "no 128-bit load though its arguments allow it"


def _drift(result: Inspection, known: dict, name: str, topic: str) -> Iterator[str]:
    before = known.get(name, {}).get(result.arch)
    if before is None:
        yield f"not in data/registers/{topic}.json; write it with `{command(topic)}`"
        return
    for what, now in _measured(result).items():
        if what != "vector_loads" and abs(now - before[what]) > TOLERANCE * before[what]:
            yield (
                f"{what} {now}, {before[what]} in data/registers/{topic}.json ({result.compiler}); "
                f"if that is meant, write it again with `{command(topic)}`"
            )
    if before["vector_loads"] and not result.vector_loads:
        yield f"lost its 128-bit loads: {before['vector_loads']} in data/registers/{topic}.json"


def _measured(result: Inspection) -> dict[str, int]:
    return {
        "registers": result.registers,
        "shared_bytes": result.shared_bytes,
        "vector_loads": result.vector_loads,
    }


def command(topic: str, source: str | None = None) -> str:
    """Return the command that writes a topic's baseline."""
    return f"python -m glassbox.machine.inspecting baseline {topic}" + (
        f" --variants {source}" if source else ""
    )


def read_baseline(topic: str) -> dict[str, dict[str, dict[str, int]]]:
    """Return variant -> architecture -> registers, shared_bytes, vector_loads; empty if not written yet."""
    path = baseline_path(topic)
    return json.loads(path.read_text(encoding="utf-8"))["kernels"] if path.is_file() else {}


def write_baseline(topic: str, archs: Iterable[str] = CHECKED, source: str | None = None) -> Path:
    """Compile every variant and write `data/registers/<topic>.json`; return the file.

    Raises: the first CompilationError, before anything is written.
    """
    kernels: dict[str, dict[str, dict[str, int]]] = {}
    compilers = set()
    for arch in archs:
        for name, _, result in compiled(variants_of(topic, source), arch):
            if isinstance(result, CompilationError):
                raise result
            kernels.setdefault(name, {})[arch] = _measured(result)
            compilers.add(result.compiler)
    path = baseline_path(topic)
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = {
        "provenance": provenance("; ".join(sorted(compilers)), command(topic, source)),
        "kernels": kernels,
    }
    path.write_text(_one_line_per_kernel(rows), encoding="utf-8")
    return path


def baseline_path(topic: str) -> Path:
    """Return where a topic's baseline lies."""
    return paths.data() / "registers" / f"{topic}.json"


def _one_line_per_kernel(rows: dict) -> str:
    lines = [f"  {json.dumps(name)}: {json.dumps(facts)}" for name, facts in rows["kernels"].items()]
    head = f'{{\n "provenance": {json.dumps(rows["provenance"])},\n "kernels": {{\n'
    return head + ",\n".join(lines) + "\n }\n}\n"
