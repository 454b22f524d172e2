"""The form: choices or a number, how sure, one button. Every part can be reached and used by keyboard."""

from html import escape

import ipywidgets as widgets

from glassbox.learn.forms import bundled
from glassbox.learn.predict.locked import lock, locked
from glassbox.learn.predict.question import SURENESS, Question, checked

WIDE = widgets.Layout(width="max-content")
LABEL = {"description_width": "initial"}


def form(asking: Question) -> dict:
    """Return the form as a display bundle: the widget, and words where no kernel draws it."""
    return bundled(build(asking), "The form appears when the cell is run.")


def build(asking: Question) -> widgets.VBox:
    """Return the form as a widget; its last part says what happened."""
    entry = _entry(asking)
    sure = widgets.RadioButtons(
        options=SURENESS, value=None, description="How sure? 1 a guess, 5 certain",
        orientation="horizontal", style=LABEL, layout=WIDE,
    )  # fmt: skip
    button = widgets.Button(description="Lock my answer", button_style="primary")
    message = widgets.HTML("")
    button.on_click(lambda _: _press(asking, entry, sure, button, message))
    return widgets.VBox([entry, sure, button, message])


def _entry(asking: Question) -> widgets.Widget:
    if asking.kind == "choice":
        return widgets.RadioButtons(
            options=asking.choices, value=None, description="Your answer", layout=WIDE
        )
    label = f"Your number{' in ' * bool(asking.unit)}{asking.unit}"
    return widgets.Text(description=label, placeholder="for example 12.5", style=LABEL)


def _press(asking, entry, sure, button, message) -> None:
    """Write to the message alone: what a callback prints is lost in some front ends."""
    if not entry.value or sure.value is None:
        message.value = "Both are needed: an answer, and how sure you are."
        return
    try:
        given = locked(asking) or checked(asking, entry.value, sure.value)
    except (TypeError, ValueError):
        message.value = "That is no number. Write digits, as in 12.5 or 1e-3."
        return
    if locked(asking) is None:
        lock(asking, given)
    for part in (entry, sure, button):
        part.disabled = True
    shown = escape(asking.shown(given.value))
    message.value = f"Locked: {shown}, confidence {given.confidence} of 5. Now run the cell that reveals it."
