"""Where attention came from: read a string, write it backwards, through one vector or with a look back."""

from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean, median
from time import process_time

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from glassbox.arguments import expect_choice, expect_whole
from glassbox.measured import Shape
from glassbox.tiny.seeds import normal

SYMBOLS, HIDDEN = 10, 32
STEPS, START = 1000, 20
SCORES = ("none", "additive", "dot product")
TRAINED, TESTED = range(2, 13), (2, 4, 6, 8, 10, 12, 14, 16, 20)
REVERSAL = Shape("length", 1, ("length", "accuracy"))
ALIGNMENT = Shape("read", 1, ("weight",))


class Reverser(nn.Module):
    """A GRU reads the string, a GRU writes it backwards; between them the last state, and perhaps attention.

        additive:     score_ij = w . tanh(W s_i + U h_j)
        dot product:  score_ij = s_i . h_j / sqrt(d)

    Convention: as in Luong et al. the decoder's new state asks and the context joins it before the output;
        Bahdanau et al. ask with the old state and feed the context to the GRU. "none" sees a context of 0.
    Source: Bahdanau et al. 2015, appendix A.1.2 (arXiv:1409.0473); Luong et al. 2015, section 3.1
        (arXiv:1508.04025); Vaswani et al. 2017, eq. 1 (arXiv:1706.03762).
    """

    def __init__(self, score: str = "none", hidden: int = HIDDEN, seed: int = 0):
        super().__init__()
        expect_choice("score", score, SCORES)
        self.score = score
        self.embed = nn.Embedding(SYMBOLS + 1, hidden)  # the last one starts the output
        self.encoder = nn.GRU(hidden, hidden // 2, batch_first=True, bidirectional=True)
        self.decoder = nn.GRU(hidden, hidden, batch_first=True)
        self.ask, self.offer = (nn.Linear(hidden, hidden, bias=False) for _ in range(2))
        self.fit = nn.Linear(hidden, 1, bias=False)
        self.output = nn.Linear(2 * hidden, SYMBOLS)
        for index, weight in enumerate(self.parameters()):
            scale = 1.0 if weight is self.embed.weight else hidden**-0.5
            weight.data.copy_(normal(weight.shape, 1000 * seed + index) * scale)

    def encode(self, text: Int[Tensor, "b n"]) -> tuple[Float[Tensor, "b n d"], Float[Tensor, "1 b d"]]:
        """Return the states of both directions at each symbol, and the last ones, where the writer starts."""
        read, last = self.encoder(self.embed(text))
        return read, last.transpose(0, 1).flatten(1)[None]

    def weights(self, asking: Float[Tensor, "b t d"], read: Float[Tensor, "b n d"]) -> Float[Tensor, "b t n"]:
        """Return how much each state that asks attends to each state that was read."""
        asking, read = self.ask(asking), self.offer(read)
        if self.score == "additive":
            return self.fit(torch.tanh(asking[:, :, None] + read[:, None])).squeeze(-1).softmax(-1)
        return (asking @ read.mT * asking.shape[-1] ** -0.5).softmax(-1)

    def answer(self, asking: Float[Tensor, "b t d"], read: Float[Tensor, "b n d"]) -> Float[Tensor, "b t v"]:
        """Return the scores of the symbols to write."""
        context = torch.zeros_like(asking) if self.score == "none" else self.weights(asking, read) @ read
        return self.output(torch.cat((asking, context), -1))

    def forward(self, text: Int[Tensor, "b n"], written: Int[Tensor, "b t"]) -> Float[Tensor, "b t v"]:
        """Return the scores of each symbol to write, given those written before it."""
        read, last = self.encode(text)
        return self.answer(self.decoder(self.embed(start(written)[:, :-1]), last)[0], read)

    @torch.no_grad()
    def write(self, text: Int[Tensor, "b n"]) -> tuple[Int[Tensor, "b n"], Float[Tensor, "b n n"]]:
        """Return what the model writes, symbol by symbol, and what it attended to for each."""
        read, state = self.encode(text)
        symbols, maps = [torch.full_like(text[:, :1], SYMBOLS)], []
        for _ in range(text.shape[1]):
            asking, state = self.decoder(self.embed(symbols[-1]), state)
            maps.append(self.weights(asking, read))
            symbols.append(self.answer(asking, read).argmax(-1))
        return torch.cat(symbols[1:], 1), torch.cat(maps, 1)


def start(written: Int[Tensor, "b t"]) -> Int[Tensor, "b s"]:
    """Return the symbols with the one that starts the output before them."""
    return functional.pad(written, (1, 0), value=SYMBOLS)


def strings(batch: int, lengths: Sequence[int], seed: int) -> Iterator[Int[Tensor, "b n"]]:
    """Yield batches of random strings for ever; the strings of a batch are equally long."""
    state = np.random.RandomState(seed)
    while True:
        length = lengths[state.randint(len(lengths))]
        yield torch.from_numpy(state.randint(0, SYMBOLS, size=(batch, length), dtype=np.int64))


def learn(
    model: Reverser, seed: int, steps: int, batch: int = 32, peak: float = 1e-2
) -> Iterator[tuple[float, float]]:
    """Train at a rate that falls to zero in a line; yield the loss and the processor seconds of each step."""
    optimiser = torch.optim.Adam(model.parameters(), fused=True)
    for step, text in zip(range(steps), strings(batch, TRAINED, seed), strict=False):
        before = process_time()
        for group in optimiser.param_groups:
            group["lr"] = peak * (1 - step / steps)
        target = text.flip(1)
        loss = functional.cross_entropy(model(text, target).flatten(0, 1), target.flatten())
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        yield loss.item(), process_time() - before


def reversal(
    scores: Sequence[str] = SCORES, seeds: Iterable[int] = range(3), steps: int = STEPS
) -> list[dict]:
    """Train each model on strings of 2 to 12 symbols; return how much of new strings it reverses.

    A row has `score` ("none", "additive", "dot product"), `seed`, `start` (the mean loss of the first 20
    steps: a run's mark), `seconds` (the median processor time of a training step), `length` and `accuracy`:
    the share of symbols right, of 200 strings of that length, when the model reads its own output. Guessing
    gives 0.1.
    """
    expect_whole("steps", steps, 1)
    rows = []
    for score in scores:
        for seed in seeds:
            model = Reverser(score, seed=seed)
            losses, seconds = zip(*learn(model, seed, steps), strict=True)
            run = {"score": score, "seed": seed, "start": round(fmean(losses[:START]), 4)}
            run["seconds"] = round(median(seconds), 5)
            rows += [run | {"length": length, "accuracy": accuracy(model, length)} for length in TESTED]
    return rows


def accuracy(model: Reverser, length: int) -> float:
    """Return the share of symbols right, of 200 new strings of that length."""
    text = next(strings(200, [length], 10_000 + length))
    return model.write(text)[0].eq(text.flip(1)).double().mean().item()


def alignment(
    scores: Sequence[str] = SCORES[1:], length: int = 10, seed: int = 0, steps: int = STEPS
) -> list[dict]:
    """Train a model of each kind; return where it looks while it writes one new string.

    A row has `score`, `seed`, `written` (which output symbol, from 1), `read` (which input symbol, from 1),
    and `weight`.
    """
    rows = []
    for score in scores:
        model = Reverser(score, seed=seed)
        for _ in learn(model, seed, steps):
            pass
        weights = model.write(next(strings(1, [length], 10_000)))[1][0].tolist()
        for written, row in enumerate(weights, 1):
            run = {"score": score, "seed": seed, "written": written}
            rows += [run | {"read": read, "weight": weight} for read, weight in enumerate(row, 1)]
    return rows


def looks_mirrored(rows: Iterable[dict]) -> dict[str, float]:
    """Return, by score, the share of output symbols whose largest weight lies on the mirrored input."""
    maps: dict[str, dict[int, list[float]]] = {}
    for row in rows:
        maps.setdefault(row["score"], {}).setdefault(row["written"], []).append(row["weight"])
    return {
        score: sum(
            len(weights) - written == weights.index(max(weights)) for written, weights in found.items()
        )
        / len(found)
        for score, found in maps.items()
    }
