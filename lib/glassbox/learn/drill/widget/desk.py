"""The front of a flow in a notebook: a line for keys, a button for each key, boxes to tick.

The line takes every answer, so that the hands never leave the keyboard; buttons and boxes do the same.
"""

from collections.abc import Callable
from functools import partial
from html import escape

import ipywidgets as widgets

from glassbox.learn.drill.widget.page import marked
from glassbox.learn.drill.widget.step import Flow, Sheet, Step
from glassbox.learn.drill.widget.words import KEYS, tell

SHORT = 24  # letters of a label; longer ones stand one below the other
WIDE = widgets.Layout(width="auto", max_width="60em")
AUTO = widgets.Layout(width="auto")
HIDDEN, SHOWN = "none", "flex"


class Desk:
    """A session with its flow of steps, shown. `session` has `flow`, `end`, `language`, may have `status`."""

    def __init__(self, session, head: tuple[widgets.Widget, ...] = ()):
        self.session, self.step = session, None
        self.status, self.page, self.ask, self.hint = (widgets.HTML("") for _ in range(4))
        self.note = widgets.Output(layout=widgets.Layout(display=HIDDEN))
        self.sheet = widgets.Textarea(
            continuous_update=False,
            rows=12,
            layout=widgets.Layout(width="auto", max_width="60em", display=HIDDEN),
        )
        self.line = widgets.Text(continuous_update=False, layout=widgets.Layout(width="16em"))
        self.boxes, self.foot = widgets.VBox(), widgets.HBox()
        self.buttons = widgets.Box(layout=widgets.Layout(align_items="flex-start"))
        self.line.observe(self._typed, "value")
        self.sheet.observe(self._written, "value")
        parts = (self.status, self.page, self.note, self.sheet, self.ask, self.line, self.hint)
        self.view = widgets.VBox([*head, *parts, self.boxes, self.buttons, self.foot])
        self.restart()

    def restart(self) -> None:
        """Begin the flow anew, where it stands."""
        self.flow: Flow = self.session.flow()
        self._advance(partial(next, self.flow))

    def press(self, key: str) -> None:
        """Take an answer as if it had been typed, or `l` for the other language, `q` to stop."""
        if self.step is None:
            return
        if key.strip().lower() == "q":
            self._end()
        elif key.strip().lower() == "l":
            self._translate()
        elif (answer := self.step.read(key)) is None:
            self.hint.value = escape(tell("type", keys=f"{self.step.choices()}, l, q")(self.session.language))
        else:
            self._answer(answer)

    def _translate(self) -> None:
        ticked = self._ticks()
        self.session.language = "zh" if self.session.language == "en" else "en"
        self.draw()
        for place in ticked:
            self.boxes.children[place].value = True

    def tick(self) -> None:
        """Show the time that is left."""
        if self.step is not None:
            self.status.value = self.session.status(self.session.language)

    def _answer(self, answer) -> None:
        if self.step.sheet is not None:
            self.hint.value = escape(tell("checking")(self.session.language))
        self._advance(partial(self.flow.send, answer))

    def _advance(self, go: Callable[[], Step]) -> None:
        try:
            self.step = go()
        except StopIteration:
            self._end()
        else:
            self.draw()

    def _end(self) -> None:
        self.step, last = None, self.session.end()
        self.flow.close()
        self.page.value = last(self.session.language)
        for part in (self.status, self.ask, self.hint):
            part.value = ""
        self._draw_note("")
        self._draw_sheet(None)
        for part in (self.boxes, self.buttons, self.foot):
            _exchange(part, ())
        self.line.layout.display = HIDDEN

    # ---- drawing

    def draw(self) -> None:
        """Show the present step in the learner's language."""
        step, language = self.step, self.session.language
        self.page.value, self.hint.value = step.page(language), ""
        self.ask.value = f"<b>{escape(step.ask(language))}</b>"
        self.line.placeholder, self.line.layout.display = tell("line")(language), SHOWN
        self._draw_note(step.note(language) if step.note else "")
        self._draw_sheet(step.sheet)
        _exchange(self.boxes, [_box(n, words.of(language)) for n, words in enumerate(step.marks, start=1)])
        self._draw_keys(step, language)
        if hasattr(self.session, "status"):
            self.tick()

    def _draw_keys(self, step: Step, language: str) -> None:
        labels = [(key, words.of(language)) for key, words in step.keys]
        long = any(len(label) > SHORT for _, label in labels)
        self.buttons.layout.flex_flow = "column" if long else "row wrap"
        go_on = [self._button("", KEYS["go_on"].of(language), self._ticked)] if step.marks else []
        _exchange(self.buttons, [*(self._button(key, label) for key, label in labels), *go_on])
        foot = (("l", KEYS["language"]), ("q", KEYS["stop"]))
        _exchange(self.foot, [self._button(key, words.of(language)) for key, words in foot])

    def _button(self, key: str, label: str, act: Callable | None = None) -> widgets.Button:
        words = f"{key}  {label}" if key and key != label else label
        button = widgets.Button(description=words, layout=AUTO)
        button.on_click(lambda _: self._clicked(act or partial(self.press, key)))
        return button

    def _draw_note(self, markdown: str) -> None:
        self.note.layout.display = SHOWN if markdown else HIDDEN
        data = {"text/markdown": markdown, "text/plain": markdown}
        self.note.outputs = ({"output_type": "display_data", "data": data, "metadata": {}},) * bool(markdown)

    def _draw_sheet(self, sheet: Sheet | None) -> None:
        self.sheet.layout.display = HIDDEN if sheet is None else SHOWN
        if sheet is not None:
            self.sheet.value = sheet.text

    # ---- what comes from the page

    def _typed(self, change) -> None:
        typed, self.line.value = change["new"], ""
        if typed.strip():
            self.press(typed)

    def _written(self, change) -> None:
        if self.step is not None and self.step.sheet is not None:
            self.step.sheet.text = change["new"]

    def _clicked(self, act: Callable[[], None]) -> None:
        """A button that was pressed is gone afterwards: hand the keyboard back to the line."""
        act()
        self.line.focus()

    def _ticked(self) -> None:
        self._answer(self._ticks())

    def _ticks(self) -> tuple[int, ...]:
        return tuple(place for place, box in enumerate(self.boxes.children) if box.value)


def _box(number: int, label: str) -> widgets.Checkbox:
    return widgets.Checkbox(
        description=f"{number}  {marked(label)}", description_allow_html=True, indent=False, layout=WIDE
    )


def _exchange(place: widgets.Box, children) -> None:
    """Put new widgets in a place; those that stood there are closed, so that a late click does nothing."""
    gone, place.children = place.children, tuple(children)
    for widget in gone:
        widget.close()
