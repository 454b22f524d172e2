"""The bytes of a cache, for named models: a table with a source per row, and the arithmetic on it."""

from glassbox.arguments import bad_value, expect_choice, expect_whole
from glassbox.measured.by_model import by_model, check_columns

BITS = {"float32": 32, "bfloat16": 16, "float16": 16, "float8": 8, "int8": 8, "int4": 4}
COLUMNS = {
    "model": str,
    "layers": int,
    "heads": int,
    "head_size": int,
    "context": int,
    "dtype": str,
    "source": str,
}
OPTIONAL = {"kv_heads": int, "latent": int, "rope": int, "window": int, "window_layers": int, "note": str}


def models() -> list[dict]:
    """Return one row per model, as in `data/attention_by_model.yaml`, where the columns are explained.

    Raises: ValueError for a row with a column missing, unknown, or holding what it may not.
    Taught in: notebooks/03_attention_variants.ipynb
    """
    return by_model("attention", check)


def find(model: str | dict) -> dict:
    """Return the row of a model of the table, or check and return a row of your own."""
    if isinstance(model, dict):
        check(model)
        return model
    rows = {row["model"]: row for row in models()}
    expect_choice("model", model, rows)
    return rows[model]


def check(row: dict) -> None:
    """Refuse a row that does not have the columns of the table, or whose numbers contradict each other."""
    check_columns(row, COLUMNS, OPTIONAL)
    expect_choice(f"{row['model']}.dtype", row["dtype"], BITS)
    _check_together(row["model"], row)


def _check_together(name: str, row: dict) -> None:
    if ("kv_heads" in row) == ("latent" in row) or ("rope" in row) != ("latent" in row):
        raise bad_value(name, "either kv_heads, or latent and rope", sorted(row))
    if "kv_heads" in row and row["heads"] % row["kv_heads"]:
        raise bad_value(f"{name}.kv_heads", f"a divisor of the {row['heads']} heads", row["kv_heads"])
    if ("window" in row) != ("window_layers" in row):
        raise bad_value(name, "window and window_layers, or neither", sorted(row))
    if row.get("window_layers", 0) > row["layers"]:
        raise bad_value(f"{name}.window_layers", f"at most {row['layers']} layers", row["window_layers"])


def kind(model: str | dict) -> str:
    """Return "MLA", "MHA", "MQA" or "GQA": what the queries share."""
    row = find(model)
    if "latent" in row:
        return "MLA"
    return {row["heads"]: "MHA", 1: "MQA"}.get(row["kv_heads"], "GQA")


def row_numbers(model: str | dict) -> int:
    """Return how many numbers one layer stores for one token.

    heads of their own:  2 kv_heads head_size    (a key and a value for each key head)
    a latent:            latent + rope           (one row is key and value of all heads)

    Source: DeepSeek-AI 2024, table 1 (arXiv:2405.04434).
    Taught in: notebooks/03_attention_variants.ipynb
    """
    row = find(model)
    return row["latent"] + row["rope"] if "latent" in row else 2 * row["kv_heads"] * row["head_size"]


def cache_bytes(
    model: str | dict, tokens: int, batch: int = 1, dtype: str | None = None, rolling: bool = True
) -> int:
    """Return the bytes of the cache of `batch` sequences of `tokens` tokens each.

        bytes = batch * bytes(dtype) * row_numbers
                * (full layers * tokens + window layers * min(tokens, window))

    Convention: `dtype` is that of the row unless given. `rolling=False` is an implementation that keeps the
        keys its windows no longer see. Nothing but keys and values is counted: no page that is half
        empty, no scale of an 8-bit or 4-bit number.
    Raises: TypeError, ValueError for an unknown model or dtype, or a count that is not whole.
    Taught in: notebooks/03_attention_variants.ipynb
    """
    row = find(model)
    expect_whole("tokens", tokens, 0)
    expect_whole("batch", batch, 0)
    windowed, held = row.get("window_layers", 0), min(tokens, row.get("window", tokens))
    kept = (row["layers"] - windowed) * tokens + windowed * (held if rolling else tokens)
    return -(-batch * _bits(row, dtype) * row_numbers(row) * kept // 8)


def _bits(row: dict, dtype: str | None) -> int:
    dtype = row["dtype"] if dtype is None else dtype
    expect_choice("dtype", dtype, BITS)
    return BITS[dtype]


def bytes_per_token(model: str | dict, dtype: str | None = None) -> int:
    """Return the bytes by which one more token widens the cache, as long as every window has room."""
    return cache_bytes(model, 1, dtype=dtype)


def largest_batch(model: str | dict, tokens: int, budget: int, dtype: str | None = None) -> int:
    """Return how many sequences of `tokens` tokens fit in `budget` bytes (what the weights leave free)."""
    expect_whole("tokens", tokens, 1)
    expect_whole("budget", budget, 0)
    return budget // cache_bytes(model, tokens, dtype=dtype)


def largest_context(model: str | dict, budget: int, batch: int = 1, dtype: str | None = None) -> int | None:
    """Return how many tokens each of `batch` sequences may have in `budget` bytes; None if there is no limit.

        budget = fixed + slope * tokens     once every window is full; before that, all layers grow

    Convention: the cache alone sets the limit, not the context that the model was made for. Without a
        layer that sees everything (Mistral) the cache stops growing at the window.
    Raises: TypeError, ValueError as in `cache_bytes`.
    Taught in: notebooks/03_attention_variants.ipynb
    """
    row = find(model)
    expect_whole("budget", budget, 0)
    expect_whole("batch", batch, 1)
    window = row.get("window", 0)
    full = cache_bytes(row, window, batch, dtype)
    if budget < full or not window:
        return budget // cache_bytes(row, 1, batch, dtype)
    slope = cache_bytes(row, window + 1, batch, dtype) - full
    return window + (budget - full) // slope if slope else None


def table(tokens: int | None = None, dtype: str | None = None) -> list[dict]:
    """Return for each model what its cache costs: kind, bytes per token, bytes for a context, share of MHA.

    Convention: without `tokens` each model has its own context, without `dtype` its own. `of_mha` divides by
        a cache with a key and a value of `head_size` for every query head, without windows. `groups` is the
        number of key heads that cost as much per token: what a latent is worth.
    Taught in: notebooks/03_attention_variants.ipynb
    """
    return [_summary(row, row["context"] if tokens is None else tokens, dtype) for row in models()]


def _summary(row: dict, tokens: int, dtype: str | None) -> dict:
    every_head = 2 * row["heads"] * row["head_size"]
    held = cache_bytes(row, tokens, dtype=dtype)
    return {
        "model": row["model"],
        "kind": kind(row),
        "dtype": row["dtype"] if dtype is None else dtype,
        "groups": row_numbers(row) / (2 * row["head_size"]),
        "bytes_per_token": bytes_per_token(row, dtype),
        "tokens": tokens,
        "bytes": held,
        "of_mha": held * 8 / (_bits(row, dtype) * every_head * row["layers"] * tokens) if tokens else None,
        "source": row["source"],
    }
