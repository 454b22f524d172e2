"""The tile stepper with every knob, in a running notebook; a sentence where none runs."""

from glassbox.arguments import expect_choice
from glassbox.flash.figures.choices import KEY_BLOCKS, QUERY_BLOCKS
from glassbox.flash.figures.folds import BUGS
from glassbox.flash.figures.steps import RULES
from glassbox.learn.forms import show_form

STEP = (
    "The tile stepper with all its knobs appears when the cell is run: choose the blocks, the mask, the "
    "memory on chip and a mistake, and step through what the kernel does."
)


def step_tiles(query_block: int = 64, key_block: int = 64, mask: str = "causal", bug: str = "none") -> None:
    """Show the tile stepper with its blocks, mask, memory and mistake to choose; each choice runs the kernel.

    Convention: needs a running notebook. Where a machine runs it (GLASSBOX_BATCH=1), or without ipywidgets, a
        sentence stands in its place.
    Raises: ValueError for blocks that are not offered, an unknown mask or mistake.
    Taught in: notebooks/12_flash_attention.ipynb
    """
    expect_choice("query_block", query_block, QUERY_BLOCKS)
    expect_choice("key_block", key_block, KEY_BLOCKS)
    expect_choice("mask", mask, RULES)
    expect_choice("bug", bug, BUGS)
    show_form(lambda: _form(query_block, key_block, mask, bug), STEP)


def _form(query_block, key_block, mask, bug):
    from glassbox.flash.figures.stepper_form import StepperForm

    return StepperForm(query_block, key_block, mask, bug).view
