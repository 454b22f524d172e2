"""The live tile stepper: blocks, mask, memory and mistake to choose, tile by tile."""

import ipywidgets as widgets

from glassbox.flash.figures import stepper_html as html
from glassbox.flash.figures import stepper_tiles as tiles
from glassbox.flash.figures.choices import CHIPS, KEY_BLOCKS, QUERY_BLOCKS, D, N
from glassbox.flash.figures.folds import BUGS
from glassbox.flash.figures.steps import CHIP, RULES, stepper_rows

LABEL = {"description_width": "90px"}
PACE = 700


class StepperForm:
    """The tile stepper with all its knobs; `view` is the form, `rows` what the kernel did, tile by tile.

    A change of blocks, mask or mistake runs the kernel once; going through the steps runs nothing.
    """

    def __init__(self, query_block: int, key_block: int, mask: str, bug: str):
        self.query_block = _list(QUERY_BLOCKS, query_block, "query block")
        self.key_block = _list(KEY_BLOCKS, key_block, "key block")
        self.mask = _list(RULES, mask, "mask")
        self.bug = _list(BUGS, bug, "mistake")
        self.chip = _list([(f"{size} KiB", size * 1024) for size in CHIPS], CHIP, "on chip")
        self.step = widgets.IntSlider(2, 1, 2, description="tiles", style=LABEL)
        self.play = widgets.Play(value=2, min=1, max=2, interval=PACE)
        self.link = widgets.jslink((self.play, "value"), (self.step, "value"))
        self.grid, self.numbers, self.errors, self.verdict = (widgets.HTML() for _ in range(4))
        right = widgets.VBox([self.numbers, self.errors])
        self.view = widgets.VBox(
            [
                widgets.HBox([self.query_block, self.key_block, self.chip]),
                widgets.HBox([self.mask, self.bug]),
                widgets.HBox([self.play, self.step]),
                self.verdict,
                widgets.HBox([self.grid, right]),
            ]
        )
        self.known: dict[tuple, list[dict]] = {}
        self.rows: list[dict] = []
        for control in (self.query_block, self.key_block, self.mask, self.bug, self.chip):
            control.observe(lambda _: self._run(), "value")
        self.step.observe(lambda _: self._tell(), "value")
        self._run()

    def _run(self) -> None:
        """Take what the kernel did from memory, or run it."""
        blocks = self.query_block.value, self.key_block.value
        rules = {"mask": self.mask.value, "bug": self.bug.value}
        key = (*blocks, *rules.values())
        if key not in self.known:
            self.known[key] = stepper_rows(*blocks, **rules, n=N, d=D)
        self.rows = [row | {"chip": self.chip.value} for row in self.known[key]]
        self.play.max = self.step.max = max(len(self.rows), 2)
        self._tell()

    def _tell(self) -> None:
        """Write to the HTML parts alone: what a callback prints is lost in some front ends."""
        step = self.step.value
        self.grid.value = html.grid(self.rows, step)
        self.numbers.value = html.numbers(tiles.at(self.rows, step))
        self.errors.value = html.errors(self.rows, step)
        self.verdict.value = html.verdict(self.rows)


def _list(options, value, name: str) -> widgets.Dropdown:
    layout = widgets.Layout(width="250px")
    return widgets.Dropdown(options=list(options), value=value, description=name, style=LABEL, layout=layout)
