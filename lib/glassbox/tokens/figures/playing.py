"""A merge player for one's own text in a running notebook; a sentence where none runs."""

from glassbox.arguments import expect_choice
from glassbox.learn.forms import show_form
from glassbox.tokens.figures.recipes import RECIPES
from glassbox.tokens.tokenizer import expect_text

PLAY = (
    "The merge player for your own text appears when the cell is run: type a text to train on, choose a "
    "recipe, step, and encode another text with what was learned."
)
TEXT = "under the river there, her other driver restored another theater"


def play_merges(text: str = TEXT, recipe: str = "BPE", encode: str = "the other reader") -> None:
    """Show a text to type, trained on by one of four recipes, and another text that is encoded with it.

    Convention: needs a running kernel. Where a machine runs the notebook (GLASSBOX_BATCH=1), or without
        ipywidgets, a sentence stands in its place. Of a text, the first 200 characters count.
    Raises: TypeError, ValueError for what is no text, or an unknown recipe.
    Taught in: notebooks/05_tokenizers.ipynb
    """
    expect_text("text", text)
    expect_text("encode", encode)
    expect_choice("recipe", recipe, RECIPES)
    show_form(lambda: _form(text, recipe, encode), PLAY)


def _form(text, recipe, encode):
    from glassbox.tokens.figures.merge_form import MergeForm

    return MergeForm(text, recipe, encode).view
