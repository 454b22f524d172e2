"""Launches that run the same way in the simulator and in Triton's interpreter.

Run as a script under TRITON_INTERPRET=1 it writes what the interpreter gives: `python interpreter_cases.py
out.pt`.
"""

import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import feature_kernels as features
import kernels_under_test as kernels
import promotion_kernels


def draw(*shape, dtype=torch.float32, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def sample_kernels(backend: str) -> dict[str, torch.Tensor]:
    """Return the outputs of every sample kernel in fp32 and fp16."""
    out = {}
    for dtype in (torch.float32, torch.float16):
        name, options = str(dtype).split(".")[1], {"backend": backend}
        x, y = draw(200, dtype=dtype), draw(400, dtype=dtype, seed=1)[::2]
        out[f"add {name}"] = kernels.add(x, y, **options)[0]
        matrix = draw(5, 37, dtype=dtype, seed=2)
        out[f"softmax {name}"] = kernels.softmax(matrix, **options)[0]
        out[f"softmax of columns {name}"] = kernels.softmax(matrix.T, **options)[0]
        a, b = draw(37, 50, dtype=dtype, seed=3), draw(41, 50, dtype=dtype, seed=4).T
        out[f"matmul {name}"] = kernels.matmul(a, b, **options)[0]
        q, k, v = (draw(2, 40, 16, dtype=dtype, seed=s) for s in (6, 7, 8))
        for causal in (False, True):
            o, lse, _ = kernels.attention(q, k, v, causal=causal, **options)
            out[f"attention {causal} {name}"], out[f"lse {causal} {name}"] = o, lse
    return out


def everything(backend: str) -> dict:
    return {
        "kernels": sample_kernels(backend),
        "promotion": promotion_kernels.promotion_table(backend),
        "features": features.feature_results(backend),
    }


if __name__ == "__main__":
    torch.save(everything("interpreted"), sys.argv[1])
