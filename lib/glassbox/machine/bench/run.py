"""One operation, measured: every case, every provider, one record."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from glassbox.machine.bench.accuracy import Judgement, Truth, truth
from glassbox.machine.bench.case import Case, Function, Operation
from glassbox.machine.bench.ceilings import Ceilings, measure_ceilings
from glassbox.machine.bench.direction import as_tuple, provider
from glassbox.machine.bench.peers import Peer, absence
from glassbox.machine.bench.protocol import REPETITIONS, Provider, Sample, host_bound, measure, measure_graphs
from glassbox.machine.bench.provenance import provenance, reason
from glassbox.machine.bench.record import SCHEMA
from glassbox.machine.bench.rig import Facts, Rig

OURS = "ours"
SEED = 0
L2_FIGURE = "above the peak of the memory: an L2 figure"
BEYOND_COPY = 1.15  # a copy reaches nine tenths of the peak, which this stands for where it is not known


class Problem(NamedTuple):
    """One case with its tensors, and what is right."""

    operation: Operation
    case: Case
    tensors: tuple[Tensor, ...]
    gradients: tuple[Tensor, ...]
    truth: Truth


def run(
    operation: Operation,
    rig: Rig,
    command: str,
    quick: bool = False,
    ceilings: Callable[[Rig], Ceilings] = measure_ceilings,
    tell: Callable[[str], object] = lambda text: None,
) -> dict:
    """Measure an operation against its peers and return the record.

    Convention: a quick run takes the headline cases. `tell` hears of each case before it is measured.
    """
    rows: list[dict] = []
    with rig.timer.session():
        start, limits = rig.state(), ceilings(rig)
        for case in chosen(operation, quick):
            tell(f"{operation.name}: {case}")
            rows += measure_case(operation, case, rig, limits)
        end = rig.state()
    distributions = {peer.distribution or peer.package for peer in operation.peers}
    return {
        "schema": SCHEMA,
        "operation": operation.name,
        "direction": operation.direction,
        "quick": quick,
        "gpu": rig.facts.name,
        "ceilings": limits._asdict(),
        "device": device(rig.facts, start, end),
        "provenance": provenance(command, sorted(distributions - {"torch"})),
        "protocol": {
            "repetitions": REPETITIONS,
            "order": "rotated and reversed each round",
            "l2": f"{rig.facts.cleared_bytes} bytes written before every call, outside the timed region",
        },
        "rows": rows,
    }


def chosen(operation: Operation, quick: bool) -> list[Case]:
    """Return the cases of a full run, or of a quick one."""
    return [case for case in operation.cases if case.headline or not quick]


def device(facts: Facts, start: dict, end: dict) -> dict:
    """Return what the device is, and how it was before and after."""
    fixed = ("driver", "power_cap_w")
    state = {name: {key: value for key, value in state.items() if key not in fixed}
             for name, state in (("start", start), ("end", end))}  # fmt: skip
    return {
        **{key: value for key, value in vars(facts).items() if key not in ("name", "cleared_bytes")},
        **{key: start.get(key) for key in fixed},
        **state,
    }


def problem(operation: Operation, case: Case, device: torch.device) -> Problem:
    """Make a case's tensors, the gradients of its outputs, and its true results. The seed is fixed."""
    torch.manual_seed(SEED)
    tensors = operation.inputs(case, device)
    with torch.no_grad():
        made = as_tuple(operation.reference(*tensors))
    gradients = tuple(torch.randn_like(each) for each in made)
    right = truth(operation.direction, operation.reference, tensors, gradients)
    return Problem(operation, case, tensors, gradients, right)


def measure_case(operation: Operation, case: Case, rig: Rig, limits: Ceilings) -> list[dict]:
    """Return one row for ours and for each peer: times, or why there is none."""
    rig.fresh()
    this = problem(operation, case, rig.device)
    head = {"case": str(case), **case.sizes, "dtype": case.dtype, "headline": case.headline}
    rows = {OURS: entry(this, lambda: operation.ours)}
    rows |= {peer.name: peer_entry(this, peer) for peer in operation.peers}
    times(rows, rig, partial(_costs, operation, case, limits, rig.facts))
    ours = rows[OURS].get("median_ms")
    for name, row in rows.items():
        if ours and "median_ms" in row and name != OURS:
            row["ratio"] = row["median_ms"] / ours
    return [{"peer": name, **head, **_shown(row)} for name, row in rows.items()]


def peer_entry(this: Problem, peer: Peer) -> dict:
    """Return a peer's entry, or its absence."""
    why = absence(peer) or peer.skip(this.case)
    return {"absent": why} if why else entry(this, lambda: peer.build(this.case))


def entry(this: Problem, build) -> dict:
    """Build a provider, run it once and judge it; keep what is to be timed under "provider"."""
    try:
        made, judged = _judged(this, build())
    except Exception as error:  # a peer may fail in any way; the others are still measured
        return {"absent": reason(error)}
    found = {"error": judged.error, "error_ratio": judged.ratio}
    return {**found, "refused": judged.refused} if judged.refused else {**found, "provider": made}


def _judged(this: Problem, function: Function) -> tuple[Provider, Judgement]:
    made = provider(this.operation.direction, function, this.tensors, this.gradients)
    made.prepare()
    return made, this.truth.judge(made.call())


def times(rows: dict[str, dict], rig: Rig, costs) -> None:
    """Time every entry that has a provider, as it is called and as a replayed graph."""
    providers = {name: row["provider"] for name, row in rows.items() if "provider" in row}
    samples = measure(providers, rig.timer)
    graphs = measure_graphs(providers, rig.timer)
    for name, sample in samples.items():
        graph = graphs.samples.get(name)
        rows[name] |= _sample("", sample) | {"repetitions": sample.count}
        rows[name] |= _sample("graph_", graph) if graph else {"no_graph": reason(graphs.failures[name])}
        rows[name] |= {"host_bound": host_bound(sample, graph)} | costs(sample)


def _sample(prefix: str, sample: Sample) -> dict:
    return {f"{prefix}{name}_ms": getattr(sample, name) for name in ("median", "p20", "p80")}


def _costs(operation: Operation, case: Case, limits: Ceilings, facts: Facts, sample: Sample) -> dict:
    """Return compulsory bytes, FLOPs, what they come to per second, and the share of what is possible."""
    moved, flops = operation.bytes(case), operation.flops(case)
    per_second = moved / sample.median * 1e3
    peak = facts.peak_bytes_per_s or BEYOND_COPY * limits.copy_bytes_per_s
    costs = {"bytes": moved, "flops": flops, "bytes_per_s": per_second}
    if per_second > peak:
        return {**costs, "share": None, "flag": L2_FIGURE}
    return {**costs, "share": limits.floor_ms(moved, flops) / sample.median}


def _shown(row: dict) -> dict:
    return {key: value for key, value in row.items() if key != "provider"}
