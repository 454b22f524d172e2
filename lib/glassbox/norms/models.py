"""Which model uses which norm where: a table with a source per row, and a small block built from each row."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from glassbox.arguments import bad_value
from glassbox.measured.by_model import by_model, check_columns
from glassbox.norms.modules import PLACEMENTS, LayerNorm, Residual, RMSNorm, initialise
from glassbox.norms.toy import Attention, FeedForward

COLUMNS = {
    "model": str,
    "norm": ("layer", "rms"),
    "placement": tuple(PLACEMENTS),
    "parallel": (True, False),
    "bias": (True, False),
    "eps": (float, None),
    "qk_norm": ("none", "head", "width"),
    "embedding_norm": (True, False),
    "final_norm": (True, False, None),
    "source": str,
}
OPTIONAL = {"alpha": float, "layers": int, "note": str}


def table() -> list[dict]:
    """Return one row per model: norm, placement, bias, eps, QK-norm, final norm, and the source of all that.

    The columns are explained at the head of `data/norms_by_model.yaml`.

    Raises: ValueError for a row with a column missing, unknown, or holding what it may not.
    Taught in: notebooks/01_norms.ipynb
    """
    return by_model("norms", check)


def check(row: dict) -> None:
    """Refuse a row that does not have the columns of the table."""
    check_columns(row, COLUMNS, OPTIONAL)
    if ("alpha" in row) != (row["placement"] == "deep"):
        name = f"{row['model']}.alpha"
        raise bad_value(name, "alpha with placement 'deep', and only there", row["placement"])


class Parallel(nn.Module):
    """Attention and feed-forward side by side: both read the same input, their outputs are added."""

    def __init__(self, attention: nn.Module, ffn: nn.Module):
        super().__init__()
        self.attention, self.ffn = attention, ffn

    def forward(self, x: Float[Tensor, "b t m"]) -> Float[Tensor, "b t m"]:
        return self.attention(x) + self.ffn(x)


class Block(nn.Module):
    """One Transformer block: its `attention`, its `ffn`, and the `residuals` that hold them."""

    def __init__(self, attention: nn.Module, ffn: nn.Module, residuals: list[Residual]):
        super().__init__()
        self.attention, self.ffn, self.residuals = attention, ffn, nn.Sequential(*residuals)

    def forward(self, x: Float[Tensor, "b t m"]) -> Float[Tensor, "b t m"]:
        return self.residuals(x)


def build(row: dict, width: int = 32, heads: int = 4, seed: int = 0) -> Block:
    """Return a small float64 block with the norms of that row of the table, Xavier-initialised.

    Convention: an unknown eps is the default of the norm. Feed-forward and attention are the toy's own: a row
        says where the norms are, not what lies between them.
    """
    check(row)
    eps = {} if row["eps"] is None else {"eps": row["eps"]}

    def norm(size: int) -> nn.Module:
        return LayerNorm(size, bias=row["bias"], **eps) if row["norm"] == "layer" else RMSNorm(size, **eps)

    attention, ffn = Attention(width, heads, row["qk_norm"]), FeedForward(width)
    sublayers = [Parallel(attention, ffn)] if row["parallel"] else [attention, ffn]
    alpha = row.get("alpha", 1.0)
    residuals = [Residual(sublayer, width, row["placement"], norm, alpha) for sublayer in sublayers]
    return initialise(Block(attention, ffn, residuals), seed).to(torch.float64)


def published_alpha(row: dict) -> dict[str, float]:
    """Return, for a "deep" row, its `alpha` beside the power of 2 * layers that it is."""
    alpha = row["alpha"]
    return {"alpha": alpha, "power": math.log(alpha) / math.log(2 * row["layers"])}
