"""The signed difference between a result and what was expected: a small table, readable without colour."""

import torch
from torch import Tensor

from glassbox.learn.exercise.compare import agrees

MOST = 16  # rows and columns
BLUE, ORANGE = "#16407f", "#8a3c00"
SIGNS = {1: "+", -1: "-", 0: "."}
LEGEND = "yours minus expected: + too large, - too small, . equal, ? not a number"


def table(got: Tensor, want: Tensor) -> list[list[float]] | None:
    """Return the signed difference of one matrix of the result; 0 where it agrees, None for fewer dimensions.

    Of more dimensions, the first matrix that differs is shown, and its first 16 rows and columns.
    """
    if want.ndim < 2 or got.shape != want.shape or want.numel() < 4:
        return None
    wrong = ~agrees(got, want)
    gap = (got.double() - want.double()).where(wrong, 0.0).reshape(-1, *want.shape[-2:])
    first = int(wrong.reshape(len(gap), -1).any(1).int().argmax())
    return gap[first, :MOST, :MOST].tolist()


def text(rows: list[list[float]]) -> str:
    """Return the table as one sign per value."""
    return "\n".join(" ".join(map(_sign, row)) for row in rows)


def html(rows: list[list[float]]) -> str:
    """Return the table in colour, with the signs as letters and a caption that says what they mean."""
    largest = max((abs(gap) for row in rows for gap in row if gap == gap), default=0.0) or 1.0
    body = "".join(f"<tr>{''.join(_cell(gap, largest) for gap in row)}</tr>" for row in rows)
    caption = f'<caption style="text-align:left;caption-side:top">{LEGEND}</caption>'
    return f'<table style="border-collapse:collapse;font-family:monospace">{caption}{body}</table>'


def _cell(gap: float, largest: float) -> str:
    share = 1.0 if gap != gap else min(abs(gap) / largest, 1.0)
    alpha = 0.0 if gap == 0 else 0.25 + 0.75 * share
    colour = BLUE if gap > 0 else ORANGE
    letter = "#ffffff" if alpha > 0.6 else "#222222"
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    style = (
        f"background:rgba({red},{green},{blue},{alpha:.2f});color:{letter};text-align:center;padding:1px 5px"
    )
    return f'<td style="{style}" title="{gap:.3g}">{_sign(gap)}</td>'


def _sign(gap: float) -> str:
    return "?" if gap != gap or gap in (torch.inf, -torch.inf) else SIGNS[(gap > 0) - (gap < 0)]
