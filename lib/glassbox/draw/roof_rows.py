"""The numbers of a roofline figure: each GPU's walls, and each row of work under them."""

from collections.abc import Sequence
from typing import NamedTuple

from glassbox.arguments import bad_value, expect_positive
from glassbox.machine.gpus import Gpu, find, plain, quantity
from glassbox.machine.roofline import Prediction, Work, floor, predict

TERA = 1e12
AMOUNTS = Work._fields[1:]
DECIDES = {
    "memory": "memory decides",
    "matrix": "the matrix units decide",
    "elementwise": "the vector units decide",
    "special": "the special-function units decide",
}


class Dot(NamedTuple):
    """One piece of work under one roof: FLOP per byte, TFLOP/s at most, TFLOP/s that were measured."""

    name: str
    intensity: float
    rate: float
    binds: str
    measured: float | None


class Roof(NamedTuple):
    """One GPU: bandwidth in TB/s, matrix and vector rates in TFLOP/s, and the work under them."""

    gpu: str
    dtype: str
    bandwidth: float
    matrix: float
    vector: float
    dots: list[Dot]

    @property
    def ridge(self) -> float:
        """FLOP per byte where the slope meets the roof."""
        return self.matrix / self.bandwidth


def under(points: Sequence[dict], card: Gpu, dtype: str, bytes: str, ceilings: str) -> Roof:
    """Return one GPU's roof with the rows `points` under it; without bf16, with fp16."""
    own = "fp16" if dtype == "bf16" and "bf16" not in card.peaks else dtype
    rates = floor(bytes=1, matrix=1, gpu=card, dtype=own, ceilings=ceilings).rates
    dots = [_dot(row, card, own, bytes, ceilings) for row in points]
    memory, matrix, vector, _ = (rate / TERA for rate in rates)
    return Roof(card.name, own, memory, matrix, vector, dots)


def _dot(row: dict, card: Gpu, dtype: str, bytes: str, ceilings: str) -> Dot:
    found = _prediction(row, card, dtype, bytes, ceilings)
    if not found.work.flops or not found.work.bytes:
        raise bad_value("points", "work that moves bytes and computes: both axes are logarithms", row["name"])
    return Dot(
        str(row["name"]),
        found.intensity,
        found.flop_per_second / TERA,
        found.binds,
        _measured(row, card, found),
    )


def _prediction(row: dict, card: Gpu, dtype: str, bytes: str, ceilings: str) -> Prediction:
    if "report" in row:
        return predict(row["report"], card, dtype, bytes=bytes, ceilings=ceilings)
    if "intensity" in row:
        amounts = {"bytes": 1, "matrix": row["intensity"]}
    else:
        amounts = {name: row[name] for name in AMOUNTS if name in row}
    if not amounts:
        wanted = f"rows with 'report', 'intensity' or some of {', '.join(map(repr, AMOUNTS))}"
        raise bad_value("points", wanted, list(row))
    return floor(**amounts, gpu=card, dtype=dtype, ceilings=ceilings, name=str(row["name"]))


def _measured(row: dict, card: Gpu, found: Prediction) -> float | None:
    """Return the TFLOP/s of a recorded time, on the GPU where it was recorded."""
    if "seconds" not in row:
        return None
    if "gpu" not in row or "intensity" in row:
        raise bad_value("points", "with 'seconds' also 'gpu', and work in place of 'intensity'", list(row))
    expect_positive("seconds", row["seconds"])
    return found.work.flops / row["seconds"] / TERA if find(row["gpu"]).name == card.name else None


def finding(roof: Roof) -> str:
    """Return what the figure shows, in a sentence per wall."""
    parts = [
        f"On the {roof.gpu} memory ({quantity(roof.bandwidth * TERA, 'B/s')}) and the matrix units "
        f"({quantity(roof.matrix * TERA, 'FLOP/s')}, {roof.dtype}) meet at {plain(roof.ridge)} FLOP per byte."
    ]
    for wall, words in DECIDES.items():
        held = [dot for dot in roof.dots if dot.binds == wall]
        if held:
            listed = ", ".join(map(described, held))
            parts.append(f"{words[0].upper()}{words[1:]}: {listed}.")
    return " ".join(parts)


def described(dot: Dot) -> str:
    """Return a point in words."""
    most = f"{plain(dot.intensity)} FLOP per byte, at most {quantity(dot.rate * TERA, 'FLOP/s')}"
    share = f", measured {dot.measured / dot.rate:.0%} of it" if dot.measured else ""
    return f"{dot.name} ({most}{share})"
