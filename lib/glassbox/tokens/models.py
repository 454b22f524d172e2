"""Which model has which tokenizer: a table with a source per row, and the idle rows of each embedding."""

from glassbox.arguments import bad_value, expect_whole
from glassbox.measured.by_model import by_model, check_columns

# None where no source was opened
COLUMNS = {
    "model": str,
    "algorithm": ("bpe", "wordpiece", "unigram", None),
    "symbols": ("bytes", "characters", "characters and bytes", None),
    "digits": (1, 3, "any", None),
    "tokens": (int, None),
    "special": (int, None),
    "rows": (int, None),
    "source": str,
    "note": str,
}


def table() -> list[dict]:
    """Return one row per model: its algorithm, the sizes of its tokenizer and its embedding, and the source.

    The columns are explained at the head of `data/tokenizers_by_model.yaml`.

    Raises: ValueError for a row with a column missing, unknown, or holding what it may not.
    Taught in: notebooks/05_tokenizers.ipynb
    """
    return by_model("tokenizers", check)


def check(row: dict) -> None:
    """Refuse a row that does not have the columns of the table, or whose numbers contradict each other."""
    check_columns(row, COLUMNS, {})
    sizes = [row[column] for column in ("special", "tokens", "rows") if row[column] is not None]
    if sizes != sorted(sizes):
        raise bad_value(row["model"], "special <= tokens <= rows", sizes)


def padded_rows() -> list[dict]:
    """Return the models whose tokens and rows are both known.

        idle = rows - tokens

    A row has `model`, `tokens`, `rows`, `idle` and `multiple`: the largest power
    of two that divides the rows, which says why there are idle ones.

    Taught in: notebooks/05_tokenizers.ipynb
    """
    return [
        {"model": row["model"], "tokens": row["tokens"], "rows": row["rows"]}
        | {"idle": row["rows"] - row["tokens"], "multiple": row["rows"] & -row["rows"]}
        for row in table()
        if row["tokens"] is not None and row["rows"] is not None
    ]


def padded(tokens: int, multiple: int = 128) -> int:
    """Return the rows of an embedding for so many tokens, if they have to be a multiple.

    Raises: TypeError, ValueError for anything but whole numbers above 0.
    """
    expect_whole("tokens", tokens, 1)
    expect_whole("multiple", multiple, 1)
    return -(-tokens // multiple) * multiple
