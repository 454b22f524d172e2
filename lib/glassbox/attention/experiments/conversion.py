"""A trained multi-head model becomes a grouped one: how much it loses at once, and how fast it recovers."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from torch import Tensor

from glassbox.arguments import expect_choice
from glassbox.attention.conversion import mha_to_gqa
from glassbox.attention.experiments.training import HEADS, PEAK, STEPS, WIDTH, descend, held_out_loss
from glassbox.attention.toy import ToyAttention, ToyLM
from glassbox.measured import Shape
from glassbox.tiny.seeds import xavier

RECOVERY_PEAK = 4e-3
MARKS = (0, 25, 50, 100, 200)
CONVERSION = Shape("step", 1, ("step", "held_out"))


def toy(kv_heads: int = HEADS, seed: int = 0) -> ToyLM:
    """Return the untrained toy with 8 query heads and so many key heads."""
    return ToyLM(partial(ToyAttention, WIDTH, HEADS, kv_heads), WIDTH, seed=seed)


def trained(seed: int, steps: int = STEPS) -> ToyLM:
    """Return the multi-head toy after its first training."""
    model = toy(seed=seed)
    for _ in descend(model, seed, steps, PEAK):
        pass
    return model


def _keys_and_values(state: dict[str, Tensor], change: Callable[[Tensor, int], Tensor]) -> dict[str, Tensor]:
    """Return the checkpoint with its key and value matrices changed; `change` is told which one it is."""
    names = [name for name in state if name.split(".")[-2] in ("key", "value")]
    return state | {name: change(state[name], index) for index, name in enumerate(names)}


def mean_heads(state: dict[str, Tensor], kv_heads: int, seed: int = 0) -> dict[str, Tensor]:
    """Return the checkpoint whose key and value heads are the means of their groups."""
    return mha_to_gqa(state, HEADS, kv_heads, ("key", "value"))


def first_heads(state: dict[str, Tensor], kv_heads: int, seed: int = 0) -> dict[str, Tensor]:
    """Return the checkpoint that keeps the first key and value head of each group."""
    return _keys_and_values(
        state, lambda matrix, _: matrix.unflatten(0, (kv_heads, HEADS // kv_heads, -1))[:, 0].flatten(0, 1)
    )


def random_heads(state: dict[str, Tensor], kv_heads: int, seed: int = 0) -> dict[str, Tensor]:
    """Return the checkpoint with new random key and value heads."""

    def drawn(matrix: Tensor, index: int) -> Tensor:
        rows = matrix.shape[0] * kv_heads // HEADS
        return xavier((rows, matrix.shape[1]), 1000 * seed + 500 + index).to(matrix)

    return _keys_and_values(state, drawn)


METHODS = {"mean": mean_heads, "first head": first_heads, "random": random_heads}


def converted(model: ToyLM, method: str, kv_heads: int, seed: int = 0) -> ToyLM:
    """Return a grouped toy made of the trained multi-head one; the model itself stays as it is.

    Raises: ValueError for a method other than "mean", "first head", "random".
    """
    expect_choice("method", method, METHODS)
    grouped = toy(kv_heads)
    grouped.load_state_dict(METHODS[method](model.state_dict(), kv_heads, seed))
    return grouped


def conversion(
    methods: Sequence[str] = tuple(METHODS),
    kv_heads: Sequence[int] = (4, 2, 1),
    recovering: int = 2,
    seeds: Iterable[int] = range(3),
) -> list[dict]:
    """Train the multi-head toy, convert it, train on; return the loss on the held-out stories on the way.

    A row has `method` ("not converted" is the multi-head model that trains on), `kv_heads`, `seed`, `step`
    (0 is right after the conversion), and `held_out`, in nats per byte. Only the models with `recovering` key
    heads train on, and the one that is not converted.
    """
    rows = []
    for seed in seeds:
        model = trained(seed)
        for method in methods:
            for number in kv_heads:
                marks = MARKS if number == recovering else MARKS[:1]
                rows += _recovery(converted(model, method, number, seed), method, seed, marks)
        rows += _recovery(model, "not converted", seed, MARKS)
    return rows


def _recovery(model: ToyLM, method: str, seed: int, marks: Sequence[int]) -> list[dict]:
    run = {"method": method, "kv_heads": model.attentions[0].kv_heads, "seed": seed}
    rows = [run | {"step": 0, "held_out": held_out_loss(model)}]
    further = descend(model, seed + 100, marks[-1], RECOVERY_PEAK)  # other batches than the first training's
    for step, _ in enumerate(further, 1):
        if step in marks:
            rows.append(run | {"step": step, "held_out": held_out_loss(model)})
    return rows
