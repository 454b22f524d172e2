"""How much faster the simulator is than Triton's interpreter: `python -m glassbox.machine.simulator.speed`.

The work: attention forward over 256 tokens and 4 heads of size 64 in fp32, tile 64. Both are timed in one
run, in turns; the interpreter runs in a process of its own, because TRITON_INTERPRET must be set before
Python starts.
"""

import json
import os
import subprocess
import sys
import time
from functools import cache
from importlib.util import find_spec

import torch

from glassbox.machine import launch, tl, triton

TOKENS, HEADS, SIZE, TILE = 256, 4, 64, 64


@triton.jit
def _attention_tile(q_ptr, k_ptr, v_ptr, out_ptr, n, scale, BLOCK: tl.constexpr, D: tl.constexpr):
    head, d = tl.program_id(1), tl.arange(0, D)
    row = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    at = head * n * D + row[:, None] * D + d[None, :]
    q = tl.load(q_ptr + at, mask=row[:, None] < n, other=0.0)
    m = tl.full([BLOCK], float("-inf"), tl.float32)
    l = tl.zeros([BLOCK], tl.float32)
    o = tl.zeros([BLOCK, D], tl.float32)
    for start in range(0, n, BLOCK):
        col = start + tl.arange(0, BLOCK)
        there = head * n * D + col[:, None] * D + d[None, :]
        k = tl.load(k_ptr + there, mask=col[:, None] < n, other=0.0)
        v = tl.load(v_ptr + there, mask=col[:, None] < n, other=0.0)
        s = tl.dot(q, tl.trans(k), input_precision="ieee") * scale
        s = tl.where(col[None, :] < n, s, float("-inf"))
        m_new = tl.maximum(m, tl.max(s, 1))
        p = tl.exp(s - m_new[:, None])
        shrink = tl.exp(m - m_new)
        l = l * shrink + tl.sum(p, 1)
        o = tl.dot(p, v, o * shrink[:, None], input_precision="ieee")
        m = m_new
    tl.store(out_ptr + at, o / l[:, None], mask=row[:, None] < n)


@cache
def inputs() -> tuple[torch.Tensor, ...]:
    """Return queries, keys and values."""
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(HEADS, TOKENS, SIZE, generator=generator) for _ in range(3))


def work(**options) -> torch.Tensor:
    """Run the attention once and return its output."""
    q, k, v = inputs()
    out = torch.empty_like(q)
    grid = (triton.cdiv(TOKENS, TILE), HEADS)
    launch(_attention_tile, grid, q, k, v, out, TOKENS, SIZE**-0.5, BLOCK=TILE, D=SIZE, **options)
    return out


def milliseconds(repeats: int, **options) -> list[float]:
    """Return the wall time of each of `repeats` runs, after one that is not counted."""
    work(**options)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work(**options)
        times.append(1e3 * (time.perf_counter() - start))
    return times


def _interpreted(repeats: int) -> list[float]:
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    command = [sys.executable, "-m", "glassbox.machine.simulator.speed", "--interpreted", str(repeats)]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True, encoding="utf-8"
    )
    return json.loads(done.stdout)


def ratios(rounds: int = 3) -> dict[str, float]:
    """Return each way's milliseconds, and how many times faster than the interpreter it is.

    Convention: the fastest of each way's runs, taken in turns; what else the machine does only adds to a run.
    """
    ways = {"metered": {"checks": False}, "all checks": {"checks": True, "find_nonfinite": True}}
    times = {"interpreter": [], **{name: [] for name in ways}}
    for _ in range(rounds):
        times["interpreter"] += _interpreted(3)
        for name, options in ways.items():
            times[name] += milliseconds(15, **options)
    out = {f"{name} ms": min(t) for name, t in times.items()}
    for name in ways:
        out[f"{name} ratio"] = out["interpreter ms"] / out[f"{name} ms"]
    return out


def main() -> int:
    """Print both ratios, with `--json` for a program to read; exit 2 where Triton is not installed."""
    if "--interpreted" in sys.argv:
        print(json.dumps(milliseconds(int(sys.argv[-1]), backend="interpreted")))
        return 0
    if find_spec("triton") is None:
        print("Triton is not installed here, so there is nothing to compare with.")
        return 2
    if "--json" in sys.argv:
        print(json.dumps(ratios(rounds=2)))
        return 0
    print(f"attention forward, {TOKENS} tokens x {HEADS} heads x {SIZE}, fp32, tile {TILE}")
    for name, value in ratios().items():
        print(f"  {name:<20}{value:8.1f}{'x' if name.endswith('ratio') else ''}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
