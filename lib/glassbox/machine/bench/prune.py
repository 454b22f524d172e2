"""Drop configs that a compiler without a GPU already shows to be bad: spills, too much shared memory."""

from collections.abc import Sequence

import torch

from glassbox.machine import captured, configs
from glassbox.machine.bench.case import Case, Operation
from glassbox.machine.bench.direction import as_tuple, provider
from glassbox.machine.bench.protocol import Provider
from glassbox.machine.bench.provenance import reason
from glassbox.machine.bench.rig import Rig
from glassbox.machine.inspecting import ARCHITECTURES, CompilationError, Inspection, inspect_many
from glassbox.machine.launching import Launch


def prune_ahead(operation: Operation, case: Case, candidates: Sequence[dict], rig: Rig) -> list[str]:
    """Return for each candidate why it is dropped, '' for those that compile well.

    Convention: an architecture that cannot be compiled for ahead of time drops nothing.
    """
    if rig.facts.architecture not in ARCHITECTURES:
        return [""] * len(candidates)
    made = ours(operation, case, rig.device)
    launches = [launches_of(made, operation.table.name, config) for config in candidates]
    flat = [launch for group in launches if isinstance(group, list) for launch in group]
    found = dict(zip(map(id, flat), inspect_many(flat, rig.facts.architecture), strict=True))
    return [
        group if isinstance(group, str) else flaws(found[id(launch)] for launch in group)
        for group in launches
    ]


def ours(operation: Operation, case: Case, device: torch.device) -> Provider:
    """Return our provider on fresh tensors."""
    tensors = operation.inputs(case, device)
    with torch.no_grad():
        gradients = [torch.randn_like(each) for each in as_tuple(operation.reference(*tensors))]
    return provider(operation.direction, operation.ours, tensors, gradients)


def launches_of(made: Provider, table: str, config: dict) -> list[Launch] | str:
    """Return what a call would launch with a config, or why it launches nothing. Nothing runs."""
    try:
        with configs.override(table, config), captured() as launches:
            made.call()
    except Exception as error:  # a config that the launcher refuses
        return reason(error)
    return list(launches)


def flaws(inspections) -> str:
    """Return what is wrong with any of a call's kernels, '' if nothing is."""
    return "; ".join(filter(None, map(_flaw, inspections)))


def _flaw(found: Inspection | CompilationError) -> str:
    if isinstance(found, CompilationError):
        return reason(found)
    if found.spills:
        return f"{found.kernel} spills ({found.spills})"
    if found.shared_bytes > found.shared_limit:
        return f"{found.kernel} needs {found.shared_bytes} bytes of shared memory"
    return ""
