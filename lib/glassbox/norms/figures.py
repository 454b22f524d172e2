"""The figures of notebook 01: rows in, figure out. The depth lab, the signature figure, has its own file."""

from collections.abc import Sequence

from torch import Tensor

from glassbox import draw
from glassbox.norms.depth_lab import depth_lab

__all__ = ["depth_lab", "descent", "jacobian", "outcomes"]


def jacobian(terms: dict[str, Tensor], says: str, task: str = "") -> draw.Shown:
    """Return the Jacobian of one row as a heat map, with one state for each choice of terms."""
    bound = max(matrix.abs().max().item() for matrix in terms.values())
    figures = {
        name: draw.matrix(
            matrix.mul(100).round().div(100),
            diverging=True,
            limits=(-bound, bound),
            x_title="input feature j (number)",
            y_title="output feature i (number)",
            value_title="∂x̂ᵢ / ∂xⱼ",
        )
        for name, matrix in terms.items()
    }
    return draw.Shown(draw.steps(figures), says=says, task=task, static=tuple(terms)[:4])


def outcomes(rows: Sequence[dict], says: str, uniform: float, task: str = "") -> draw.Shown:
    """Return one point per training run: its final loss, by setting, one colour and sign per placement.

    `rows` have the columns "setting", "placement", "seed" and "loss"; `uniform` is the loss of a model that
    has learnt nothing.
    """
    figure = draw.dots(
        rows,
        "setting",
        "loss",
        "placement",
        x_title="depth and learning-rate schedule (setting)",
        y_title="final loss (nats per byte)",
    )
    figure.add_hline(
        y=round(uniform, 2),
        line_dash="dot",
        annotation_text="letter frequencies alone",
        annotation_position="top left",
    )
    return draw.Shown(figure, says=says, task=task)


def descent(rows: Sequence[dict], surfaces: dict[str, tuple], says: str, task: str = "") -> draw.Shown:
    """Return the path of gradient descent, one state for each problem named in `rows`.

    `rows` have the columns "problem", "x", "y"; `surfaces` gives each problem's loss on a grid.
    """
    figures = {}
    for problem, surface in surfaces.items():
        part = [{**row, "path": "gradient descent"} for row in rows if row["problem"] == problem]
        figures[problem] = draw.trajectory(
            part,
            "x",
            "y",
            "path",
            surface=surface,
            x_title="first weight (units)",
            y_title="second weight (units)",
        )
    return draw.Shown(draw.steps(figures), says=says, task=task, static=tuple(surfaces))
