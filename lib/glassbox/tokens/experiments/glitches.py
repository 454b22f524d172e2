"""Tokens that the tokenizer has and the model never met: where their vectors are, and what they do."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from glassbox.arguments import expect_choice
from glassbox.attention.experiments.training import held_out_stories
from glassbox.measured import Shape
from glassbox.tiny.model import TinyLM
from glassbox.tiny.text import read_text, split, stories
from glassbox.tokens.experiments.language_models import descend, windows
from glassbox.tokens.tokenizer import Tokenizer
from glassbox.tokens.training import train_bpe

VOCABULARY, STEPS, LENGTH, PEAK, NEAREST = 1024, 200, 128, 8e-3, 5
FREQUENT = 20  # uses in the model's text from which on a token counts as learned
# name -> (weight decay, whether input and output table are one)
SETUPS = {"untied": (0.0, False), "decayed": (0.1, False), "tied": (0.0, True)}
GROUPS = ("unseen", "seen")
VECTORS = ("moved", "norm", "input_neighbours", "output_neighbours", "output_alike")
GLITCHES = Shape("step", STEPS, (*VECTORS, "most_probable", "bits_kept", "bits_after", "entropy_after"))
NEIGHBOURS = Shape("rank", 1, ("neighbour", "cosine"))


class Trained(NamedTuple):
    """A model, what its input table held before training, and what it says of the held-out stories."""

    model: TinyLM
    start: Float[Tensor, "v m"]
    most_probable: Float[Tensor, " v"]  # the highest probability that each token gets anywhere


def wide_text() -> str:
    """Return what the tokenizer reads: the stories, and code, sums and Chinese that the model never sees."""
    others = (("en", ["code"]), ("en", ["sums"]), ("zh", None))
    return stories().decode("utf-8") + "".join(split(read_text(*part))[0] for part in others)


@lru_cache(maxsize=1)
def wide_tokenizer() -> Tokenizer:
    """Return the byte-level BPE of 1,024 tokens of that text."""
    return train_bpe([wide_text()], VOCABULARY)


@lru_cache(maxsize=2)
def _ids(held_out: bool = False) -> tuple[int, ...]:
    text = held_out_stories() if held_out else stories()
    return tuple(wide_tokenizer().encode(text.decode("utf-8")))


@lru_cache(maxsize=1)
def token_groups() -> dict[str, list[int]]:
    """Return the ids that occur in the model's text `unseen`: never, and `seen`: 20 times or more."""
    counts = Counter(_ids())
    return {
        "unseen": [token for token in range(VOCABULARY) if not counts[token]],
        "seen": [token for token in range(VOCABULARY) if counts[token] >= FREQUENT],
    }


def origins() -> dict[str, int]:
    """Return why the tokens that the model never met are in the vocabulary: {reason: tokens}.

    Reasons: "a byte": one of the 256, as every byte-level vocabulary has them all; "only in longer tokens":
    made on the way to another token, it stands alone nowhere in the tokenizer's own text; "other text": it
    stands in text that the tokenizer read and the model did not.

    Taught in: notebooks/05_tokenizers.ipynb
    """
    return dict(Counter(origin(token) for token in token_groups()["unseen"]))


@lru_cache(maxsize=1)
def _alone() -> Counter:
    return Counter(wide_tokenizer().encode(wide_text()))


def origin(token: int) -> str:
    """Return why a token that the model never met is in the vocabulary."""
    if token < 256:
        return "a byte"
    return "other text" if _alone()[token] else "only in longer tokens"


@lru_cache(maxsize=9)
def trained(setup: str, seed: int = 0, steps: int = STEPS) -> Trained:
    """Return a tiny model trained on the stories, under a vocabulary that was made for more than stories.

    Convention: "untied" has two tables; "decayed" the same with a weight decay of 0.1; "tied" one table,
        which starts at 0.02 times the normal numbers of the others.
    """
    expect_choice("setup", setup, SETUPS)
    decay, tied = SETUPS[setup]
    model = TinyLM(vocabulary=VOCABULARY, seed=seed)
    if tied:
        model.embed.weight.data.mul_(0.02)
        model.head.weight = model.embed.weight
    start = model.embed.weight.detach().clone()
    for _ in descend(model, windows(_ids(), LENGTH, seed), steps, PEAK, decay):
        pass
    return Trained(model.eval(), start, _most_probable(model))


def glitches(
    setups: Sequence[str] = tuple(SETUPS), seeds: Iterable[int] = range(3), steps: int = STEPS
) -> list[dict]:
    """Train the models; return a row for the tokens they never met, and one for those they met often.

    A row has `setup` (see `trained`), `seed`, `group` ("unseen", "seen": 20 times or more), `tokens` (in the
    group), `step`, and means over the group: `moved` (distance of the input vector from its start, by its
    length there), `norm` (length of the input vector), `input_neighbours` and `output_neighbours` (share of
    unseen tokens among the five nearest by cosine in each table), `output_alike` (mean cosine between two
    output vectors), `most_probable` (the highest probability that the token gets anywhere in the held-out
    stories). And with the last token of a held-out window replaced by one of the group: `bits_after` (-log2 p
    of the true next token; `bits_kept` with the last token as it was) and `entropy_after` (of the
    prediction, in bits).

    Taught in: notebooks/05_tokenizers.ipynb
    """
    return [
        {"setup": setup, "seed": seed, "group": group, "tokens": len(token_groups()[group]), "step": steps}
        | {
            name: float(f"{value:.4g}")
            for name, value in _measured(trained(setup, seed, steps), group).items()
        }
        for setup in setups
        for seed in seeds
        for group in GROUPS
    ]


@torch.no_grad()
def _measured(run: Trained, group: str) -> dict[str, float]:
    model, start, most = run
    tokens, unseen = token_groups()[group], torch.zeros(VOCABULARY)
    unseen[token_groups()["unseen"]] = 1.0
    table, head = model.embed.weight, model.head.weight
    moved = (table - start)[tokens].norm(dim=-1) / start[tokens].norm(dim=-1)
    alike = cosines(head, tokens)[:, tokens]
    pairs = len(tokens) * (len(tokens) - 1)
    return {
        "moved": moved.mean().item(),
        "norm": table[tokens].norm(dim=-1).mean().item(),
        "input_neighbours": unseen[nearest(table, tokens)].mean().item(),
        "output_neighbours": unseen[nearest(head, tokens)].mean().item(),
        "output_alike": (alike.sum() - len(tokens)).item() / pairs,
        "most_probable": most[tokens].mean().item(),
    } | _after(model, tokens)


def cosines(table: Float[Tensor, "v m"], tokens: Sequence[int]) -> Float[Tensor, "k v"]:
    """Return the cosine of each of the tokens' vectors with every vector of the table."""
    unit = table.detach() / table.detach().norm(dim=-1, keepdim=True)
    return unit[list(tokens)] @ unit.mT


def nearest(table: Float[Tensor, "v m"], tokens: Sequence[int], n: int = NEAREST) -> Int[Tensor, "k n"]:
    """Return the `n` tokens whose vectors have the largest cosine with each token's, itself excluded."""
    found = cosines(table, tokens)
    found[torch.arange(len(tokens)), list(tokens)] = -torch.inf
    return found.topk(n).indices


def _held_out_windows(length: int = LENGTH) -> Iterator[Int[Tensor, "b n"]]:
    ids = torch.tensor(_ids(True))
    full = (len(ids) - 1) // length * length
    yield from ids[:full].view(-1, length).split(16)


@torch.no_grad()
def _most_probable(model: TinyLM) -> Float[Tensor, " v"]:
    """Return the highest probability that each token gets after any held-out token."""
    return torch.stack([model(x).softmax(-1).amax((0, 1)) for x in _held_out_windows()]).amax(0)


def _after(model: TinyLM, tokens: Sequence[int], length: int = 32) -> dict[str, float]:
    """Return what follows a token of the group that was put where the last one of a window was."""
    state, found = np.random.RandomState(0), []
    for window in _held_out_windows(length + 1):
        changed = window[:, :-1].clone()
        changed[:, -1] = torch.tensor([tokens[at] for at in state.randint(0, len(tokens), len(window))])
        kept, after = (model(x)[:, -1].log_softmax(-1) / np.log(2) for x in (window[:, :-1], changed))
        bits = [-scores.gather(1, window[:, -1:]).flatten() for scores in (kept, after)]
        found.append(torch.stack([*bits, -(after.exp2() * after).sum(-1)]))
    means = torch.cat(found, 1).mean(1).tolist()
    return dict(zip(("bits_kept", "bits_after", "entropy_after"), means, strict=True))


def glitch_neighbours(
    setups: Sequence[str] = tuple(SETUPS), seed: int = 0, tokens: int = 8, steps: int = STEPS
) -> list[dict]:
    """Return the five nearest neighbours of the longest tokens that the model never met, and of as many met.

    A row has `setup`, `seed`, `table` ("input", "output"), `group`, `token` (printed), `origin` (see
    `origins`; "the stories" for one that was met), `rank`, `neighbour` (an id, which
    `wide_tokenizer().shown` prints), `cosine`. Only "output" where the tables are one.

    Taught in: notebooks/05_tokenizers.ipynb
    """
    return [row for setup in setups for row in _neighbours(setup, seed, tokens, steps)]


def _neighbours(setup: str, seed: int, tokens: int, steps: int) -> Iterator[dict]:
    model, tokenizer = trained(setup, seed, steps).model, wide_tokenizer()
    tables = {"input": model.embed.weight, "output": model.head.weight}
    for table in ("output",) if SETUPS[setup][1] else tables:
        for group in GROUPS:
            chosen = sorted(token_groups()[group], key=lambda token: (-len(tokenizer.spelled[token]), token))
            chosen = chosen[:tokens]
            found, angles = nearest(tables[table], chosen), cosines(tables[table], chosen)
            for place, token in enumerate(chosen):
                run = {"setup": setup, "seed": seed, "table": table, "group": group}
                run |= {"token": tokenizer.shown(token)}
                run |= {"origin": origin(token) if group == "unseen" else "the stories"}
                for rank, other in enumerate(found[place].tolist(), 1):
                    cosine = round(angles[place, other].item(), 4)
                    yield run | {"rank": rank, "neighbour": other, "cosine": cosine}
