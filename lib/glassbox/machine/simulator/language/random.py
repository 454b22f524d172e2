"""Random numbers that depend on a seed and an offset alone: Philox, bit for bit as Triton's."""

import numpy as np

from ..arithmetic import as_block
from ..block import Block, Dense
from ..dtypes import float32, uint32, uint64
from ..errors import TypeMismatch
from .constants import whole
from .creation import cast
from .elementwise import _high_half, cos, log, maximum, sin, sqrt

__all__ = (  # the part of tl that lives here
    "pair_uniform_to_normal", "philox", "philox_impl", "rand", "rand4x", "randint", "randint4x",
    "randn", "randn4x", "uint_to_uniform_float",
)  # fmt: skip

_KEYS = {np.uint32: (0x9E3779B9, 0xBB67AE85), np.uint64: (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)}
_ROUNDS = {np.uint32: (0xD2511F53, 0xCD9E8D57), np.uint64: (0xD2E7470EE14C6C93, 0xCA5A826395121157)}


def philox_impl(c0, c1, c2, c3, k0, k1, n_rounds=10):
    """Return the state (c0, c1, c2, c3) after `n_rounds` rounds with the key (k0, k1)."""
    kind = as_block(c0).dtype
    if kind not in (uint32, uint64):
        raise TypeMismatch(f"philox needs uint32 or uint64; came {kind}")
    word = kind.numpy.type
    c0, c1, c2, c3, k0, k1 = (np.asarray(cast(x, kind).data) for x in (c0, c1, c2, c3, k0, k1))
    (key_a, key_b), (round_a, round_b) = ([word(v) for v in table[word]] for table in (_KEYS, _ROUNDS))
    for _ in range(whole(n_rounds, "n_rounds")):
        c0, c2, c1, c3 = (
            _high_half(np.broadcast_to(round_b, c2.shape), c2) ^ c1 ^ k0,
            _high_half(np.broadcast_to(round_a, c0.shape), c0) ^ c3 ^ k1,
            round_b * c2,
            round_a * c0,
        )
        k0, k1 = k0 + key_a, k1 + key_b
    return tuple(Dense(np.asarray(c), kind) for c in np.broadcast_arrays(c0, c1, c2, c3))


def philox(seed, c0, c1, c2, c3, n_rounds=10):
    """Return four random words for a seed and a four-word counter."""
    seed = cast(as_block(seed), uint64)
    counters = [as_block(c) for c in (c0, c1, c2, c3)]
    if counters[0].dtype.bits == 32:
        kind, low, high = uint32, cast(seed & 0xFFFFFFFF, uint32), cast((seed >> 32) & 0xFFFFFFFF, uint32)
    else:
        kind, low, high = uint64, seed, Dense(np.zeros(1, np.uint64), uint64)
    return philox_impl(*(cast(c, kind) for c in counters), low, high, n_rounds)


def randint4x(seed, offset, n_rounds=10):
    """Return four blocks of random 32-bit integers."""
    offset = as_block(offset)
    low = cast(offset, uint32)
    zero = Dense(np.zeros(low.dims, np.uint32), uint32)
    high = cast(offset >> 32, uint32) if offset.dtype.bits > 32 else zero
    return philox(seed, low, high, zero, zero, n_rounds)


def randint(seed, offset, n_rounds=10) -> Block:
    """Return a block of random 32-bit integers."""
    return randint4x(seed, offset, n_rounds)[0]


def uint_to_uniform_float(x) -> Block:
    """Return a random integer as a number in [0, 1)."""
    x = as_block(x)
    signed, scale = (np.int32, 4.6566127342e-10) if x.dtype.bits == 32 else (np.int64, 2.0**-63)
    bits = np.asarray(x.data).view(signed)
    positive = np.where(bits < 0, -bits - 1, bits).astype(np.float32)
    return Dense(positive * np.float32(scale), float32)


def rand4x(seed, offsets, n_rounds=10):
    """Return four blocks of fp32 numbers, uniform in [0, 1)."""
    return tuple(uint_to_uniform_float(i) for i in randint4x(seed, offsets, n_rounds))


def rand(seed, offset, n_rounds=10) -> Block:
    """Return a block of fp32 numbers, uniform in [0, 1)."""
    return uint_to_uniform_float(randint(seed, offset, n_rounds))


def pair_uniform_to_normal(u1, u2):
    """Return two normal numbers made of two uniform ones (Box-Muller)."""
    radius, angle = sqrt(-2.0 * log(maximum(1.0e-7, u1))), 6.283185307179586 * u2
    return radius * cos(angle), radius * sin(angle)


def randn4x(seed, offset, n_rounds=10):
    """Return four blocks of fp32 numbers from the standard normal distribution."""
    u1, u2, u3, u4 = rand4x(seed, offset, n_rounds)
    return (*pair_uniform_to_normal(u1, u2), *pair_uniform_to_normal(u3, u4))


def randn(seed, offset, n_rounds=10) -> Block:
    """Return a block of fp32 numbers from the standard normal distribution."""
    u1, u2, *_ = rand4x(seed, offset, n_rounds)
    return pair_uniform_to_normal(u1, u2)[0]
