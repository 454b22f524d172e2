"""A mask to paint: a button for each cell, beside each row what it sees, below the code."""

from functools import partial
from html import escape

import ipywidgets as widgets

from glassbox.attention.figures.mask_reading import Reading, read, whole_kinds
from glassbox.draw.theme import PAPER, ROLES

CELL = {"width": "34px", "height": "30px", "margin": "1px", "padding": "0"}
SEEN, HIDDEN = "1", "0"
LABEL = {"description_width": "initial"}
NAN = f'<b style="background:{ROLES["gradient"]};color:{PAPER};padding:0 6px">NaN</b>'


class MaskForm:
    """A mask of `size` queries and keys that starts as a kind of `mask_kinds`; `view` is the form.

    A cell reads 1 where the query may see the key. Every part can be reached and used by keyboard.
    """

    def __init__(self, start: str, size: int):
        self.kinds = {row["name"]: row["seen"] for row in whole_kinds(size)}
        self.list = widgets.Dropdown(
            options=list(self.kinds), value=start, description="start from", style=LABEL
        )
        layout = widgets.Layout(**CELL)
        self.cells = [[_button(query, key, layout) for key in range(size)] for query in range(size)]
        self.notes = [widgets.HTML(layout=widgets.Layout(margin="0 0 0 12px")) for _ in range(size)]
        self.code = widgets.HTML()
        rows = [widgets.HBox([_label(query), *cells, note]) for query, cells, note in self._rows()]
        self.view = widgets.VBox([self.list, *rows, self.code])
        self._filling = False
        self.list.observe(lambda change: self._fill(change["new"]), "value")
        for row in self.cells:
            for button in row:
                button.observe(partial(self._toggled, button), "value")
        self._fill(start)

    @property
    def seen(self) -> list[list[bool]]:
        """What is painted: True where the query may see the key."""
        return [[button.value for button in row] for row in self.cells]

    def _rows(self):
        return zip(range(len(self.cells)), self.cells, self.notes, strict=True)

    def _fill(self, name: str) -> None:
        self._filling = True
        for row, values in zip(self.cells, self.kinds[name], strict=True):
            for button, value in zip(row, values, strict=True):
                button.value = value
                _paint(button)
        self._filling = False
        self._tell(read(self.seen))

    def _toggled(self, button: widgets.ToggleButton, _) -> None:
        if not self._filling:
            _paint(button)
            self._tell(read(self.seen))

    def _tell(self, reading: Reading) -> None:
        """Write to the HTML parts alone: what a callback prints is lost in some front ends."""
        self.code.value = f'<pre style="margin:4px 0">{escape(reading.code)}</pre>'
        for note, keys, total in zip(self.notes, reading.keys, reading.sums, strict=True):
            weights = NAN if total != total else f"{total:.0f}"
            note.value = f"{keys} key{'s' * (keys != 1)}, weights sum to {weights}"


def _button(query: int, key: int, layout: widgets.Layout) -> widgets.ToggleButton:
    return widgets.ToggleButton(
        description=HIDDEN, tooltip=f"query {query}, key {key}", layout=layout, value=False
    )


def _paint(button: widgets.ToggleButton) -> None:
    button.description = SEEN if button.value else HIDDEN
    button.button_style = "primary" if button.value else ""


def _label(query: int) -> widgets.HTML:
    return widgets.HTML(f"query {query}", layout=widgets.Layout(width="64px"))
