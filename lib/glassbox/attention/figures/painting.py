"""A mask to paint in a running notebook; a sentence where none runs."""

from glassbox.arguments import expect_choice
from glassbox.attention.figures.mask_reading import whole_kinds
from glassbox.learn.forms import show_form

PAINT = "The mask to paint appears when the cell is run: click a cell, and read its code and its row sums."


def paint_mask(start: str = "causal", size: int = 8) -> None:
    """Show a mask to paint: click a cell, and read its code, what each query sees and the sum of its weights.

    Convention: needs a running kernel. Where a machine runs the notebook (GLASSBOX_BATCH=1), or without
        ipywidgets, a sentence stands in its place.
    Raises: TypeError, ValueError for a size below 8, or a `start` that is no mask of `mask_kinds`.
    """
    expect_choice("start", start, [row["name"] for row in whole_kinds(size)])
    show_form(lambda: _form(start, size), PAINT)


def _form(start, size):
    from glassbox.attention.figures.mask_form import MaskForm

    return MaskForm(start, size).view
