"""The time of one more token: from a cache, or by computing the whole text again."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from statistics import median
from time import process_time

import torch
from jaxtyping import Float, Int
from torch import Tensor

from glassbox.attention.caches import ContiguousCache
from glassbox.attention.toy import ToyAttention, ToyLM
from glassbox.measured import Shape
from glassbox.tiny.loss import as_tokens
from glassbox.tiny.text import stories

DECODE_TIME = Shape("length", 1, ("length", "seconds", "least", "most"))
FORMS = ("cached", "recomputed")


def empty_caches(model: ToyLM, capacity: int) -> list[ContiguousCache]:
    """Return a cache for each layer of a toy whose attention is `ToyAttention`."""
    return [
        ContiguousCache.empty(1, attention.kv_heads, capacity, attention.head_size)
        for attention in model.attentions
    ]


@torch.no_grad()
def extend(
    model: ToyLM, tokens: Int[Tensor, "1 t"], caches: Sequence[ContiguousCache]
) -> tuple[Float[Tensor, "1 t v"], list[ContiguousCache]]:
    """Read t new tokens after those of the caches; return their scores and the grown caches.

    Convention: t is 1, or the caches are empty.
    """
    stream, grown = model.embed(tokens), []
    for index, layer in enumerate(model.layers):
        if index % 2:
            stream = layer(stream)
            continue
        x, attention, cache = layer.before(stream), layer.sublayer, caches[index // 2]
        cache, seen = cache.append(*attention.keys_and_values(x, cache.length))
        first = cache.length - tokens.shape[1]
        stream = stream + attention.read(attention.queries(x, first), seen.keys, seen.values)
        grown.append(cache)
    return model.head(model.final(stream)), grown


def next_token(model: ToyLM, text: Int[Tensor, "1 n"], form: str) -> Callable[[], Tensor]:
    """Return a function that scores what follows the text: its last token read "cached", or all "recomputed".

    Convention: what comes before the last token is in the cache already, and stays as it is: a call can be
        repeated.
    """
    if form == "recomputed":
        return torch.no_grad()(lambda: model(text)[:, -1])
    _, caches = extend(model, text[:, :-1], empty_caches(model, text.shape[1]))
    return lambda: extend(model, text[:, -1:], caches)[0][:, -1]


def decode_time(
    lengths: Sequence[int] = (64, 128, 256, 512, 1024),
    kv_heads: Iterable[int] = (8, 1),
    forms: Sequence[str] = FORMS,
    repeats: int = 15,
) -> list[dict]:
    """Time one more token after a text of so many, in the toy with 8 query heads, batch 1.

    A row has `form` ("cached" or "recomputed"), `kv_heads`, `length`, and of `repeats` calls the median
    (`seconds`), the `least`, and the `most`: processor time of one thread, after two calls that do not count.
    """
    text = as_tokens(stories())
    rows = []
    for number in kv_heads:
        model = ToyLM(partial(ToyAttention, 64, 8, number))
        for form in forms:
            for length in lengths:
                times = _times(next_token(model, text[None, :length], form), repeats)
                found = {"seconds": median(times), "least": min(times), "most": max(times)}
                rows.append({"form": form, "kv_heads": number, "length": length} | found)
    return rows


def _times(call: Callable[[], Tensor], repeats: int) -> list[float]:
    call(), call()
    times = []
    for _ in range(repeats):
        start = process_time()
        call()
        times.append(process_time() - start)
    return times


def growth(rows: Iterable[dict], form: str, kv_heads: int = 8) -> float:
    """Return the time of a token at the longest text divided by that at the shortest."""
    found = [row for row in rows if (row["form"], row["kv_heads"]) == (form, kv_heads)]
    shortest, *_, longest = sorted(found, key=lambda row: row["length"])
    return longest["seconds"] / shortest["seconds"]
