"""What a larger vocabulary costs, and what a table of counts gains from it."""

from collections import Counter
from collections.abc import Sequence
from math import log2

from glassbox.arguments import expect_positive, expect_whole
from glassbox.tokens.experiments.language_models import story_ids, story_tokenizer


def vocabulary_cost(
    vocabularies: Sequence[int] = (32_000, 128_000),
    width: int = 4096,
    tied: bool = False,
    dtype_bytes: int = 2,
) -> list[dict]:
    """Return the parameters, bytes and FLOPs that come with the size of a vocabulary.

        parameters = v m (tied) or 2 v m;   FLOPs of the scores of one token = 2 v m

    A row has `vocabulary`, `width`, `tied`, `parameters` (input and output table), `added` (over the first
    row), `bytes`, `flops_per_token` (forward, the product with the output table; the lookup costs none), and
    `logit_bytes`: the scores of one token in that dtype.

    Taught in: notebooks/05_tokenizers.ipynb
    """
    expect_whole("width", width, 1)
    expect_whole("dtype_bytes", dtype_bytes, 1)
    tables, rows = 1 if tied else 2, []
    for vocabulary in vocabularies:
        expect_whole("vocabulary", vocabulary, 1)
        parameters = tables * vocabulary * width
        row = {"vocabulary": vocabulary, "width": width, "tied": tied, "parameters": parameters}
        row |= {"added": parameters - (rows[0]["parameters"] if rows else parameters)}
        row |= {"bytes": parameters * dtype_bytes, "flops_per_token": 2 * vocabulary * width}
        rows.append(row | {"logit_bytes": vocabulary * dtype_bytes})
    return rows


def flops_per_byte(
    rows: Sequence[dict], body: float = 6.5e9, width: int = 4096, text: str | None = None
) -> list[dict]:
    """Return what a larger vocabulary costs a byte of text, from rows of `fertility`.

        FLOPs per byte = (2 body + 2 v m) / bytes per token

    A row has `algorithm`, `text`, `vocabulary`, `bytes_per_token`, `body_per_byte`, `scores_per_byte`,
    `flops_per_byte`, and `relative`: to the first row of the same algorithm and text.

    Convention: forward FLOPs of a model with `body` parameters in its matrices; the scores of attention,
        which grow with the context, left out.
    Taught in: notebooks/05_tokenizers.ipynb
    """
    expect_positive("body", body)
    first: dict[tuple, float] = {}
    out = []
    for row in rows:
        if text not in (None, row["text"]):
            continue
        body_part = 2 * body / row["bytes_per_token"]
        scores = 2 * row["vocabulary"] * width / row["bytes_per_token"]
        total = first.setdefault((row["algorithm"], row["text"]), body_part + scores)
        kept = {name: row[name] for name in ("algorithm", "text", "vocabulary", "bytes_per_token")}
        kept |= {"body_per_byte": body_part, "scores_per_byte": scores, "flops_per_byte": body_part + scores}
        out.append(kept | {"relative": round((body_part + scores) / total, 4)})
    return out


def counted_bits(vocabularies: Sequence[int] = (256, 512, 2048)) -> list[dict]:
    """Score the held-out stories by how often each token occurs in the training stories, and by nothing else.

        p(token) = (count + 1 / v) / (total + 1)

    A row has `vocabulary`, `tokens`, `bytes_per_token`, `uniform_bits_per_token` (log2 v: what an untrained
    model pays), `bits_per_token`, `perplexity` (2 to that power) and `bits_per_byte`. Per token a larger
    vocabulary looks worse, per byte it is better: the same table of counts reaches further.

    Taught in: notebooks/05_tokenizers.ipynb
    """
    rows = []
    for vocabulary in vocabularies:
        counts, ids = Counter(story_ids(vocabulary)), story_ids(vocabulary, held_out=True)
        total = sum(counts.values()) + 1
        bits = -sum(log2((counts[token] + 1 / vocabulary) / total) for token in ids)
        size = len(story_tokenizer(vocabulary).decode_bytes(ids))
        row = {"vocabulary": vocabulary, "tokens": len(ids), "bytes_per_token": round(size / len(ids), 4)}
        row |= {"uniform_bits_per_token": round(log2(vocabulary), 4)}
        row |= {"bits_per_token": round(bits / len(ids), 4), "perplexity": round(2 ** (bits / len(ids)), 2)}
        rows.append(row | {"bits_per_byte": round(bits / size, 4)})
    return rows
