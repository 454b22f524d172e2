"""One model wired in many ways: who shares keys and values, and what the cache then costs."""

from collections.abc import Sequence

from glassbox.arguments import bad_value, expect_whole
from glassbox.attention import accounting

MERGED = (32, 16, 8, 4, 2, 1)
CONTEXTS = tuple(4096 * step for step in range(1, 9))
DTYPES = ("bfloat16", "int8", "int4")


def wirings(
    model: str | dict = "LLaMA 2 7B",
    kv_heads: Sequence[int] = MERGED,
    latents: Sequence[int] = (512, 256),
    rope: int = 64,
    contexts: Sequence[int] = CONTEXTS,
    dtypes: Sequence[str] = DTYPES,
    batch: int = 16,
    memory: int = 24 * 10**9,
) -> list[dict]:
    """Return one row per wiring of `model`, dtype and context: what the cache costs, and what fits.

    Convention: the model keeps its layers, query heads and head size; only what its queries share changes,
        and no layer has a window. `memory` is what the weights leave free for the cache, in bytes.
        `numbers` counts what one layer stores per token, `parameters` the attention of all layers, with a
        width of heads * head size. `bytes` is the cache of the whole batch.
    Raises: TypeError, ValueError for an unknown model or dtype, or numbers that do not fit.
    Taught in: notebooks/03_attention_variants.ipynb
    """
    whole = accounting.find(model)
    shared = [{"kv_heads": count} for count in kv_heads]
    shared += [{"latent": rank, "rope": rope} for rank in latents]
    if not shared:
        raise bad_value("kv_heads", "at least one count of key heads or one latent", list(kv_heads))
    expect_whole("batch", batch, 1)
    wired = [rewired(whole, **part) for part in shared]
    return [
        _row(row, dtype, context, batch, memory) for row in wired for dtype in dtypes for context in contexts
    ]


def rewired(model: str | dict, **shared: int) -> dict:
    """Return the model's row with `kv_heads`, or `latent` and `rope`, in place of its own, and no window."""
    dropped = {"kv_heads", "latent", "rope", "window", "window_layers", "note"}
    row = {name: value for name, value in accounting.find(model).items() if name not in dropped} | shared
    accounting.check(row)
    return row


def attention_parameters(model: str | dict) -> int:
    """Return the weights of all attention layers, for a width m of heads * head size.

        heads of their own:  m (h d + 2 g d) + h d m              W_Q, W_K, W_V, W_O
        a latent r, rope p:  m (h (d + p) + r + p) + 2 r h d + h d m    W_Q, W_D, W_KR, U_K, U_V, W_O

    Convention: no biases and no norms; MLA with full queries, as in `LatentAttention`.
    Source: DeepSeek-AI 2024, section 2.1.2 (arXiv:2405.04434).
    Taught in: notebooks/03_attention_variants.ipynb
    """
    row = accounting.find(model)
    every_head = width = row["heads"] * row["head_size"]
    if "latent" in row:
        queries = width * (every_head + row["heads"] * row["rope"])
        kept = width * (row["latent"] + row["rope"]) + 2 * row["latent"] * every_head
    else:
        queries, kept = width * every_head, width * 2 * row["kv_heads"] * row["head_size"]
    return row["layers"] * (queries + kept + every_head * width)


def _row(row: dict, dtype: str, context: int, batch: int, memory: int) -> dict:
    held = accounting.cache_bytes(row, context, batch, dtype)
    return {
        "wiring": name(row),
        "kind": accounting.kind(row),
        "heads": row["heads"],
        "head_size": row["head_size"],
        **{part: row.get(part) for part in ("kv_heads", "latent", "rope")},
        "numbers": accounting.row_numbers(row),
        "parameters": attention_parameters(row),
        "dtype": dtype,
        "context": context,
        "batch": batch,
        "memory": memory,
        "bytes_per_token": accounting.bytes_per_token(row, dtype),
        "bytes": held,
        "largest_batch": accounting.largest_batch(row, context, memory, dtype),
        "fits": held <= memory,
    }


def name(model: str | dict) -> str:
    """Return what a model's queries share, in words: "GQA, 8 key heads"."""
    row, kind = accounting.find(model), accounting.kind(model)
    if kind == "MLA":
        return f"MLA, latent {row['latent']} + {row['rope']}"
    return f"{kind}, {row['kv_heads']} key head{'s' * (row['kv_heads'] > 1)}"
