"""Ring attention in real processes: each keeps its queries, the keys and values travel from one to the next.

Processes are spawned and talk through pipes: no ports, the same on Linux, macOS and Windows. Arrays travel as
copies, as between machines; nothing is shared.
"""

import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from time import monotonic
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from glassbox.arguments import bad_type, bad_value, expect_positive, expect_whole
from glassbox.attention import masks
from glassbox.attention.reference.core import Attended
from glassbox.flash.api import checked_rules
from glassbox.flash.reference.scoring import Rules
from glassbox.flash.reference.tiled import Keys, Queries, joined
from glassbox.flash.ring import attend, empty, place

SECONDS_TO_END = 5
ADVICE = "in a script, call it below `if __name__ == '__main__':`"


class RingRun(NamedTuple):
    """What a ring of processes leaves."""

    attended: Attended
    sent: tuple[int, ...]  # bytes of keys, values and positions that each process handed on
    met: tuple[tuple[int, ...], ...]  # for each process the first key of each shard, in the order it met them


class Job(NamedTuple):
    """What one process starts with: plain arrays, which every platform can hand to a new process."""

    rank: int
    ranks: int
    queries: tuple[np.ndarray, ...]  # q, and where they stand
    keys: tuple[np.ndarray, ...]  # k, v, and where they stand
    causal: bool
    window: int | None
    scale: float


def ring_attention_processes(
    q: Float[Tensor, "b h t d"],
    k: Float[Tensor, "b g n d"],
    v: Float[Tensor, "b g n e"],
    processes: int,
    *,
    causal: bool = False,
    window: int | None = None,
    scale: float | None = None,
    timeout: float = 120.0,
) -> RingRun:
    """Return attention as a ring of processes computes it, and what each of them sent.

        each process, once per shard:   attend to the keys that are here, merge, hand the keys to the next

    Shapes, precision: as `ring_attention`, which does the same in one process.
    Convention: causal and window as masks, bottom-right, |query - key| < window. No gradient passes. Each
        process computes with one thread. To start one takes seconds: it imports torch.
    Raises: TypeError, ValueError as `ring_attention`, or for tensors that are not on the CPU; RuntimeError if
        a process fails or dies; TimeoutError after `timeout` seconds. No process is left behind.
    Source: Liu et al. 2023, algorithm 1 (arXiv:2310.01889).
    Taught in: notebooks/12_flash_attention.ipynb
    """
    rules = checked_rules(q, k, v, _mask(causal, window), None, scale)
    expect_whole("processes", processes, 1)
    expect_positive("timeout", timeout)
    if processes > k.shape[2]:
        raise bad_value("processes", f"at most {k.shape[2]}, one key for each", processes)
    if q.device.type != "cpu":
        raise bad_value("q", "tensors on the CPU", q)
    ring = place(q.detach(), k.detach(), v.detach(), processes)
    jobs = [
        Job(rank, processes, _arrays(device.queries), _arrays(device.keys), causal, window, rules.scale)
        for rank, device in enumerate(ring)
    ]
    found = run_ring(attend_in_ring, jobs, timeout)
    parts = [Attended(*map(torch.from_numpy, each["attended"])) for each in found]
    return RingRun(joined(parts, q), *(tuple(each[name] for each in found) for name in ("sent", "met")))


def _mask(causal: bool, window: int | None) -> masks.Mask | None:
    if not isinstance(causal, bool):
        raise bad_type("causal", "True or False", causal)
    near = None if window is None else masks.sliding_window(window)
    if not causal:
        return near
    return masks.causal() if near is None else masks.causal() & near


def _arrays(tensors: Sequence[Tensor]) -> tuple[np.ndarray, ...]:
    return tuple(x.contiguous().numpy() for x in tensors)


# ---- in each process


def attend_in_ring(job: Job, receive: Connection, send: Connection) -> dict:
    """Do the work of one process: attend to its keys, pass them on, take those of the one before; repeat.

    Taught in: notebooks/12_flash_attention.ipynb
    """
    torch.set_num_threads(1)
    rules = Rules(job.scale, _mask(job.causal, job.window))
    device = empty(Queries(*map(torch.from_numpy, job.queries)), Keys(*map(torch.from_numpy, job.keys)))
    keys, sent, met = job.keys, 0, []
    for step in range(job.ranks):
        met.append(int(keys[2][0]))
        device = attend(device, rules)
        if step + 1 < job.ranks:
            sent += sum(x.nbytes for x in keys)
            keys = exchange(job.rank, keys, receive, send)
            device = device._replace(keys=Keys(*map(torch.from_numpy, keys)))
    return {"attended": _arrays(device.result), "sent": sent, "met": tuple(met)}


def exchange(rank: int, keys: tuple, receive: Connection, send: Connection) -> tuple:
    """Hand keys to the next process and take those of the one before.

    Convention: even ranks send first, odd ones receive first: a full pipe blocks who writes to it, and if all
        sent first, all would wait for ever.
    Taught in: notebooks/12_flash_attention.ipynb
    """
    if rank % 2:
        came = receive.recv()
        send.send(keys)
        return came
    send.send(keys)
    return receive.recv()


def _serve(work: Callable, job: object, receive: Connection, send: Connection, answer: Connection) -> None:
    """Run in the new process: tell the parent what the work returned, or what went wrong."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        answer.send(("done", work(job, receive, send)))
    except (EOFError, ConnectionError) as error:  # the fault is the neighbour's, who is gone
        answer.send(("cut off", repr(error)))
    except BaseException as error:
        answer.send(("failed", repr(error)))


def _end_with_parent() -> None:
    """A parent that is killed cannot end its children: they watch it."""
    multiprocessing.parent_process().join()
    os._exit(1)


# ---- in the parent


def run_ring(work: Callable, jobs: Sequence, timeout: float) -> list:
    """Run work(job, receive, send) in one new process per job, joined to a ring; return what each returns.

    Convention: `send` of process i reaches `receive` of process i + 1. `work` and jobs must be picklable.
    Raises: RuntimeError if a process fails or dies, TimeoutError. All processes are ended on the way out.
    Taught in: notebooks/12_flash_attention.ipynb
    """
    context = multiprocessing.get_context("spawn")
    links = [context.Pipe(duplex=False) for _ in jobs]
    answers = [context.Pipe(duplex=False) for _ in jobs]
    children = []
    try:
        for rank, job in enumerate(jobs):
            ends = (links[rank][0], links[(rank + 1) % len(jobs)][1], answers[rank][1])
            children.append(context.Process(target=_serve, args=(work, job, *ends), daemon=True))
            children[-1].start()
        for link in (*(end for pair in links for end in pair), *(writer for _, writer in answers)):
            link.close()  # else nobody would notice that a process is gone
        return _collected(children, [reader for reader, _ in answers], timeout)
    finally:
        _end(children)
        for link in (end for pair in (*links, *answers) for end in pair):
            link.close()


def _collected(children: list, readers: list[Connection], timeout: float) -> list:
    """Wait for the answer of every process."""
    found, until = {}, monotonic() + timeout
    while len(found) < len(readers):
        open_ones = [reader for rank, reader in enumerate(readers) if rank not in found]
        ready = wait(open_ones, max(0.0, until - monotonic()))
        if not ready:
            late = [rank for rank in range(len(readers)) if rank not in found]
            raise TimeoutError(f"process {late[0]} of {len(readers)} gave no answer within {timeout:g} s")
        for reader in ready:
            rank = readers.index(reader)
            found[rank] = _answer(rank, reader, children[rank])
    cut = [rank for rank, (state, _) in found.items() if state == "cut off"]
    if cut:
        raise RuntimeError(f"process {cut[0]} was cut off: {found[cut[0]][1]}")
    return [found[rank][1] for rank in range(len(readers))]


def _answer(rank: int, reader: Connection, child) -> tuple[str, object]:
    try:
        state, value = reader.recv()
    except (EOFError, ConnectionError):
        child.join(SECONDS_TO_END)
        raise RuntimeError(
            f"process {rank} ended without a result (exit code {child.exitcode}); {ADVICE}"
        ) from None
    if state == "failed":
        raise RuntimeError(f"process {rank} failed: {value}")
    return state, value


def _end(children: list) -> None:
    """End what still runs: kindly, then not."""
    for end in ("terminate", "kill"):
        running = [child for child in children if child.is_alive()]
        for child in running:
            getattr(child, end)()
        for child in running:
            child.join(SECONDS_TO_END)
