"""A task that needs two lookups at once: how many heads does it take, at the same width and parameters?"""

from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from glassbox.arguments import expect_choice, expect_whole
from glassbox.attention.modules import MultiHeadAttention
from glassbox.attention.reference.core import by_group, softmax
from glassbox.measured import Shape
from glassbox.norms.modules import initialise
from glassbox.tiny.seeds import normal

SYMBOLS, WIDTH, HIDDEN = 8, 32, 128
STEPS, START = 500, 20
READOUTS = ("linear", "two layers")
LOOKUPS = Shape("head", 1, ("first", "second"))


class Questions(NamedTuple):
    """Slots with a symbol each, and for each question the two slots that it asks for."""

    symbols: Int[Tensor, "b n"]
    asked: Int[Tensor, "b 2"]

    @property
    def answers(self) -> Int[Tensor, "b 2"]:
        """The symbol of the first slot asked for, and of the second."""
        return self.symbols.gather(1, self.asked)


def questions(batch: int, slots: int, seed: int) -> Iterator[Questions]:
    """Yield batches for ever: random symbols, and two different slots to look up, in order."""
    state = np.random.RandomState(seed)
    while True:
        symbols = state.randint(0, SYMBOLS, size=(batch, slots), dtype=np.int64)
        first = state.randint(0, slots, size=batch, dtype=np.int64)
        second = (first + state.randint(1, slots, size=batch, dtype=np.int64)) % slots
        yield Questions(torch.from_numpy(symbols), torch.from_numpy(np.stack([first, second], 1)))


class TwoLookups(nn.Module):
    """One question token attends to the slots once; a readout names the symbols of both slots asked for.

    Convention: the readout is "linear", or "two layers" with a ReLU between. Whatever the number of heads,
        the parameters are as many.
    """

    def __init__(self, heads: int, readout: str = "linear", slots: int = 32, seed: int = 0):
        super().__init__()
        expect_choice("readout", readout, READOUTS)
        self.slots, self.symbols = nn.Embedding(slots, WIDTH), nn.Embedding(SYMBOLS, WIDTH)
        self.asked = nn.ModuleList(nn.Embedding(slots, WIDTH) for _ in range(2))
        self.attention = MultiHeadAttention(WIDTH, heads)
        answers = 2 * SYMBOLS
        layers = [nn.Linear(WIDTH, answers)]
        if readout != "linear":
            layers = [nn.Linear(WIDTH, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, answers)]
        self.readout = nn.Sequential(*layers)
        initialise(self, seed)
        for index, table in enumerate((self.slots, self.symbols, *self.asked)):
            table.weight.data.copy_(normal(table.weight.shape, 1000 * seed + 900 + index))

    def embedded(self, batch: Questions) -> tuple[Float[Tensor, "b 1 m"], Float[Tensor, "b n m"]]:
        """Return the question's token and the tokens of the slots."""
        asked = sum(table(slot) for table, slot in zip(self.asked, batch.asked.unbind(1), strict=True))
        return asked[:, None], self.slots.weight + self.symbols(batch.symbols)

    def forward(self, batch: Questions) -> Float[Tensor, "b 2 v"]:
        return self.readout(self.attention(*self.embedded(batch))).view(-1, 2, SYMBOLS)

    @torch.no_grad()
    def maps(self, batch: Questions) -> Float[Tensor, "b h n"]:
        """Return how much each head attends to each slot."""
        asked, slots = self.embedded(batch)
        q, k = self.attention.queries(asked), self.attention.keys_and_values(slots)[0]
        scores = by_group(q, k.shape[1]) @ k.mT * q.shape[-1] ** -0.5
        return softmax(scores)[0].squeeze(2)


def learn(model: TwoLookups, seed: int, steps: int, batch: int = 128, peak: float = 1e-2) -> Iterator[float]:
    """Train the model on fresh questions, at a rate that falls to zero in a line; yield each step's loss."""
    optimiser = torch.optim.Adam(model.parameters(), fused=True)
    for step, asked in zip(range(steps), questions(batch, len(model.slots.weight), seed), strict=False):
        for group in optimiser.param_groups:
            group["lr"] = peak * (1 - step / steps)
        loss = functional.cross_entropy(model(asked).flatten(0, 1), asked.answers.flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        yield loss.item()


def lookups(
    heads: Sequence[int] = (1, 2, 4, 8, 16),
    readouts: Sequence[str] = READOUTS,
    slots: int = 32,
    seeds: Iterable[int] = range(3),
    steps: int = STEPS,
) -> list[dict]:
    """Train the model; return one row per head.

    A row has `slots`, `readout`, `heads`, `seed`, `start` (the mean loss of the first 20 steps: a run's
    mark), `accuracy` (the share of new questions with both symbols right; guessing gives 1/64), and for each
    `head`, counted from 1, how much of its attention goes to the `first` and to the `second` slot asked for,
    on average.
    """
    expect_whole("steps", steps, 1)
    rows = []
    for readout in readouts:
        for number in heads:
            for seed in seeds:
                model = TwoLookups(number, readout, slots, seed)
                losses = list(learn(model, seed, steps))
                run = {"slots": slots, "readout": readout, "heads": number, "seed": seed}
                run["start"] = round(fmean(losses[:START]), 4)
                rows += [run | row for row in tested(model)]
    return rows


@torch.no_grad()
def tested(model: TwoLookups, batch: int = 2000, seed: int = 10_000) -> list[dict]:
    """Return the accuracy on new questions, and what each head attends to."""
    new = next(questions(batch, len(model.slots.weight), seed))
    accuracy = model(new).argmax(-1).eq(new.answers).all(-1).double().mean().item()
    maps = model.maps(new)
    asked = maps.gather(2, new.asked[:, None].expand(-1, maps.shape[1], -1)).mean(0)
    return [
        {"accuracy": accuracy, "head": head, "first": first, "second": second}
        for head, (first, second) in enumerate(asked.tolist(), 1)
    ]


def accuracies(rows: Sequence[dict]) -> list[dict]:
    """Return, by slots, readout and heads, the accuracy's `mean`, `least` and `most` over the seeds."""
    groups: dict[tuple, dict] = {}
    for row in rows:
        name = tuple(row[key] for key in ("slots", "readout", "heads"))
        groups.setdefault(name, {})[row["seed"]] = row["accuracy"]
    return [
        dict(zip(("slots", "readout", "heads"), name, strict=True))
        | {"mean": fmean(found.values()), "least": min(found.values()), "most": max(found.values())}
        for name, found in groups.items()
    ]
