"""What decoding moves: heads packed or one by one, keys whole or split, a latent or what it expands to.

Every number is metered: the kernels run on the simulator, which counts each load and store.
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from glassbox.arguments import bad_value, expect_whole
from glassbox.machine import Report, metered
from glassbox.tiny import seeds

DTYPE = torch.bfloat16
CACHE = ("k_ptr", "v_ptr", "latent_ptr", "k_rotary_ptr")


def packed_heads(
    heads: int = 8, groups: tuple[int, ...] = (8, 4, 2, 1), keys: int = 512, size: int = 64
) -> list[dict]:
    """Return what one decoded token reads, with the query heads of a key head in one tile and one by one.

        packed:       n g (d + e) numbers of the cache
        one by one:   n h (d + e), h/g times as much

    Convention: rows of `groups` (the key heads), `form`, `cache` (bytes of keys and values loaded), `least`
        (bytes of keys and values that exist), `bytes` (all loads and stores), `programs`. One sequence, one
        split, bfloat16.
    """
    _expect_sizes(heads=heads, keys=keys, size=size)
    rows = []
    for g in groups:
        if heads % g:
            raise bad_value("groups", f"divisors of {heads}", groups)
        q, k, v = _normal(1, heads, size), _normal(1, g, keys, size), _normal(1, g, keys, size)
        forms = {"packed": (q, k, v), "one by one": _one_by_one(q, k, v)}
        rows += [{"groups": g, "form": form, **_decoded(given, 1)} for form, given in forms.items()]
    return rows


def split_keys(
    splits: Iterable[int] = (1, 2, 4, 8, 16), heads: int = 8, groups: int = 2, keys: int = 2048,
    size: int = 64,
) -> list[dict]:  # fmt: skip
    """Return what splitting the keys costs: the partial outputs, written in float32 and read again.

        partial bytes = 2 S h (4 e + 4)  if S > 1

    Convention: rows of `splits`, `programs` (of the first launch), `partial` (bytes of partial outputs and
        log-sum-exps, written and read), and `cache`, `least`, `bytes` as in `packed_heads`.
    """
    _expect_sizes(heads=heads, groups=groups, keys=keys, size=size)
    q, k, v = _normal(1, heads, size), _normal(1, groups, keys, size), _normal(1, groups, keys, size)
    return [{"splits": s, **_decoded((q, k, v), s)} for s in splits]


def latent_once(
    heads: int = 16, keys: int = 256, latent: int = 128, rotary: int = 16, size: int = 32
) -> list[dict]:
    """Return what one token of multi-head latent attention reads of its cache, in three forms.

        one tile for both:    n (r + p)       the latent is loaded once, as keys and as values
        keys, then values:    n (2 r + p)     the same absorbed form on a kernel that knows nothing of it
        expanded:             n h (d + p + e) keys and values of every head, made from the latent

    Convention: rows of `form`, and `cache`, `least`, `bytes`, `programs` as in `packed_heads`. To make and
        store the expanded keys and values is not counted. bfloat16.
    """
    _expect_sizes(heads=heads, keys=keys, latent=latent, rotary=rotary, size=size)
    q, turned = _normal(1, heads, latent), _normal(1, heads, rotary)
    rows, turned_keys = _normal(1, keys, latent), _normal(1, keys, rotary)
    both = (torch.cat((q, turned), -1), torch.cat((rows, turned_keys), -1)[:, None], rows[:, None])
    every = (_normal(1, heads, size + rotary), _normal(1, heads, keys, size + rotary))
    return [
        {"form": "one tile for both", **_latent(q, turned, rows, turned_keys)},
        {"form": "keys, then values", **_decoded(both, 1)},
        {"form": "expanded", **_decoded((*every, _normal(1, heads, keys, size)), 1)},
    ]


def _normal(*shape: int) -> Tensor:
    return seeds.normal(shape, seed=len(shape)).to(DTYPE)


def _expect_sizes(**sizes: int) -> None:
    for name, size in sizes.items():
        expect_whole(name, size, 1)


def _one_by_one(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the same attention with a key head for every query head: views of one memory, nothing copied."""
    group = q.shape[1] // k.shape[1]
    return (
        q.unflatten(1, (-1, group)).flatten(0, 1),
        *(x.flatten(0, 1)[:, None].expand(-1, group, -1, -1) for x in (k, v)),
    )


def _decoded(given: tuple[Tensor, Tensor, Tensor], splits: int) -> dict[str, int]:
    from glassbox.attention.kernels import decode

    scale = given[0].shape[-1] ** -0.5
    return _metered(lambda: decode(*given, None, scale, backend="simulated", splits=splits))


def _latent(q: Tensor, turned: Tensor, rows: Tensor, turned_keys: Tensor) -> dict[str, int]:
    from glassbox.attention.kernels import latent_decode

    scale = (q.shape[-1] + turned.shape[-1]) ** -0.5
    arguments = (q, turned, rows, turned_keys, None, scale)
    return _metered(lambda: latent_decode(*arguments, backend="simulated", splits=1))


def _metered(call: Callable[[], object]) -> dict[str, int]:
    with metered() as reports:
        call()
    first = reports[0]
    cache = [first.arguments[name] for name in CACHE if name in first.arguments]
    return {
        "programs": len(first.programs),
        "cache": sum(one.loaded for one in cache),
        "least": sum(one.loaded_unique for one in cache),
        "partial": _partial(reports),
        "bytes": sum(report.bytes_moved for report in reports),
    }


def _partial(reports: list[Report]) -> int:
    if len(reports) == 1:
        return 0
    parts = [reports[1].arguments[name] for name in ("part_ptr", "part_lse_ptr")]
    written = [reports[0].arguments[name] for name in ("o_ptr", "lse_ptr")]
    return sum(one.loaded for one in parts) + sum(one.stored for one in written)
