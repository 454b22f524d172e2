"""A form of widgets in a running notebook, and words where nothing draws it."""

from collections.abc import Callable
from importlib.util import find_spec

from IPython.display import display

from glassbox.learn.predict.block import paragraph
from glassbox.learn.progress import in_batch

VIEW = "application/vnd.jupyter.widget-view+json"


def bundled(widget, words: str) -> dict:
    """Return a widget as a display bundle, with words for a page that no kernel draws."""
    view = widget._repr_mimebundle_()[VIEW]
    return {VIEW: view, "text/plain": words, "text/html": f"<p>{words}</p>"}


def show_form(make: Callable[[], object], words: str) -> None:
    """Show the widget that `make` returns.

    Convention: where a machine runs the notebook (GLASSBOX_BATCH=1), or without ipywidgets, the words stand
        in its place and nothing is made.
    """
    if in_batch() or find_spec("ipywidgets") is None:
        display(paragraph(words))
    else:
        display(bundled(make(), words), raw=True)
