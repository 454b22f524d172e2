"""The same little model over bytes and over two BPE vocabularies: bits per token, and bits per byte."""

from collections.abc import Iterable, Sequence
from statistics import fmean

from glassbox.arguments import expect_choice, expect_whole
from glassbox.measured import Shape
from glassbox.tiny.model import TinyLM
from glassbox.tiny.text import stories
from glassbox.tokens.experiments.language_models import (
    BATCH,
    descend,
    story_ids,
    story_tokenizer,
    total_bits,
    windows,
)

VOCABULARIES, BUDGETS = (256, 512, 2048), ("steps", "bytes", "compute")
STEPS, LENGTH, PEAK, PARTS, MARK = 400, 128, 8e-3, 4, 10
LOSS = Shape("part", 1, ("step", "bytes_read", "bits_per_token", "bits_per_byte"))


def matrix_parameters(model: TinyLM) -> int:
    """Return the parameters that multiply at every token: all matrices but the table of embeddings."""
    matrices = sum(weight.numel() for weight in model.parameters() if weight.ndim == 2)
    return matrices - model.embed.weight.numel()


def plan(vocabulary: int, budget: str, steps: int = STEPS) -> dict:
    """Return the `steps` of a run and its `window` in tokens, from what must equal the run over bytes.

    Convention: "steps": as many steps over as many tokens; "bytes": as many steps, each reading as many bytes
        of text, so fewer tokens; "compute": windows as in "steps", and fewer steps where the matrices are
        larger (6 FLOPs a parameter and token; scores of attention left out).
    """
    expect_choice("budget", budget, BUDGETS)
    expect_whole("steps", steps, 1)
    if budget == "bytes":
        return {"steps": steps, "window": round(LENGTH * len(story_ids(vocabulary)) / len(stories()))}
    if budget == "compute":
        ours, bytes_alone = (matrix_parameters(TinyLM(vocabulary=v)) for v in (vocabulary, 256))
        steps = round(steps * bytes_alone / ours)
    return {"steps": steps, "window": LENGTH}


def loss_per_byte(
    vocabularies: Sequence[int] = VOCABULARIES,
    budgets: Sequence[str] = BUDGETS,
    seeds: Iterable[int] = range(3),
    steps: int = STEPS,
) -> list[dict]:
    """Train the tiny model on the stories, cut into the tokens of each vocabulary; return held-out losses.

        bits per byte = bits per token * tokens / bytes

    A row has `vocabulary`, `budget` (what equals the run over bytes, see `plan`), `seed`, `steps`, `window`
    (tokens), `parameters`, `flops` (6 for each matrix parameter and token of the run), `start` (held-out bits
    per token before training, near log2 of the vocabulary), `mark` (mean loss of the first 10 steps, in bits
    per token: a run's mark), `part` (1 to 4), and after that part of the run `step`, `bytes_read`,
    `bits_per_token`, `bits_per_byte`.

    Convention: the sum over the one segmentation that the tokenizer makes: an upper bound on the bits of the
        text, which has others. Batches of 4 windows; held-out windows are as long as those of training.
        One learning rate for all, not tuned for any. In float32, so last digits differ between machines.
    Taught in: notebooks/05_tokenizers.ipynb
    """
    return [
        row
        for vocabulary in vocabularies
        for budget in (budgets if vocabulary != 256 else budgets[:1])
        for seed in seeds
        for row in _run(vocabulary, budget, seed, steps)
    ]


def _run(vocabulary: int, budget: str, seed: int, steps: int) -> list[dict]:
    planned = plan(vocabulary, budget, steps)
    steps, window = planned["steps"], planned["window"]
    model, ids = TinyLM(vocabulary=vocabulary, seed=seed), story_ids(vocabulary)
    tokens = steps * BATCH * window
    run = {"vocabulary": vocabulary, "budget": budget, "seed": seed} | planned
    run |= {"parameters": sum(p.numel() for p in model.parameters())}
    run |= {"flops": 6 * matrix_parameters(model) * tokens}
    run |= {"start": round(held_out(model, vocabulary, window)["bits_per_token"], 4)}
    losses, rows = [], []
    for step, loss in enumerate(descend(model, windows(ids, window, seed), steps, PEAK), 1):
        losses.append(loss)
        part = len(rows) + 1
        if step == round(part * steps / PARTS):
            read = round(step * BATCH * window * len(stories()) / len(ids))
            rows.append(
                {"part": part, "step": step, "bytes_read": read} | held_out(model, vocabulary, window)
            )
    return [run | {"mark": round(fmean(losses[:MARK]), 4)} | row for row in rows]


def held_out(model: TinyLM, vocabulary: int, window: int) -> dict[str, float]:
    """Return the `bits_per_token` and `bits_per_byte` of a model on the held-out stories."""
    ids = story_ids(vocabulary, held_out=True)
    scored = len(story_tokenizer(vocabulary).decode_bytes(ids[1:]))
    bits = total_bits(model, ids, window)
    return {"bits_per_token": round(bits / (len(ids) - 1), 4), "bits_per_byte": round(bits / scored, 4)}


def finals(rows: Sequence[dict]) -> list[dict]:
    """Return the last row of each run; the run over bytes once under every budget: it is the same run.

    Convention: what the rows hold of other budgets decides under which the run over bytes appears.
    """
    last = [row for row in rows if row["part"] == PARTS]
    budgets = dict.fromkeys(row["budget"] for row in last)
    return [
        row | {"budget": budget}
        for budget in budgets
        for row in last
        if row["budget"] == budget or row["vocabulary"] == 256
    ]
