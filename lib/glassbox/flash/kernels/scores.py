"""Functions of the score for the kernels: the value, and its slope by the score, each a jit function.

Both are called as f(score, head, query, key, given): the score in natural units, its place, and the numbers
and tensors that the function was made with.
"""

from glassbox.flash.kernels.pieces import LOG2E
from glassbox.machine import tl, triton


@triton.jit
def squashed(x):
    """tanh(x) as 1 - 2 / (exp(2 x) + 1): no overflow at either end; its series where that would cancel."""
    series = x * (1 - x * x * (1.0 / 3 - x * x * (2.0 / 15)))
    return tl.where(tl.abs(x) < 0.1, series, 1 - 2 / (tl.exp2(x * (2 * LOG2E)) + 1))


@triton.jit
def soft_cap_value(score, head, query, key, given):
    """limit tanh(score / limit)"""
    return given[0] * squashed(score / given[0])


@triton.jit
def soft_cap_slope(score, head, query, key, given):
    """1 - tanh(score / limit)^2"""
    tanh = squashed(score / given[0])
    return 1 - tanh * tanh


@triton.jit
def alibi_value(score, head, query, key, given):
    """score - slope_head |query - key|"""
    return score - tl.load(given[0] + head).to(tl.float32) * tl.abs(query - key).to(tl.float32)


@triton.jit
def alibi_slope(score, head, query, key, given):
    """1"""
    return 1.0


PAIRS = {"soft_cap": (soft_cap_value, soft_cap_slope), "alibi": (alibi_value, alibi_slope)}


def register(name: str, value, slope) -> None:
    """Let kernels find a pair of jit functions under a name; the same name again replaces it."""
    PAIRS[name] = value, slope
