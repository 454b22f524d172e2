"""The live merge player: a text to type, a recipe, a step, and another text to encode."""

from html import escape

import ipywidgets as widgets

from glassbox.tokens.figures import player_html as html
from glassbox.tokens.figures.fewest import fewest
from glassbox.tokens.figures.player_parts import at
from glassbox.tokens.figures.recipes import RECIPES, recipe_rows
from glassbox.tokens.wordpiece import UNKNOWN

LONGEST, STEPS, START = 200, 40, 10
LABEL = {"description_width": "80px"}
WIDE = {"width": "95%"}


class MergeForm:
    """A text that is trained on and shown token by token; `view` is the form.

    `text` and `recipe` decide what is learned, `learned` how many tokens of it, `other` is encoded with them.
    """

    def __init__(self, text: str, recipe: str, other: str):
        self.text = _field(text, "train on")
        self.recipe = widgets.Dropdown(options=list(RECIPES), value=recipe, description="recipe", style=LABEL)
        self.learned = widgets.IntSlider(START, 0, STEPS, description="learned", style=LABEL)
        self.play = widgets.Play(value=START, min=0, max=STEPS, interval=700)
        self.link = widgets.jslink((self.play, "value"), (self.learned, "value"))
        self.other = _field(other, "encode")
        self.shown, self.table, self.curve, self.answer = (widgets.HTML() for _ in range(4))
        self.view = widgets.VBox(
            [
                self.text,
                widgets.HBox([self.recipe, self.play, self.learned]),
                self.shown,
                widgets.HBox([self.table, self.curve]),
                self.other,
                self.answer,
            ]
        )
        self.rows: list[dict] = []
        self.text.observe(lambda _: self._train(), "value")
        self.recipe.observe(lambda _: self._train(), "value")
        self.learned.observe(lambda _: self._tell(), "value")
        self.other.observe(lambda _: self._encode(), "value")
        self._train()

    @property
    def row(self) -> dict:
        """What is shown: the row of the learned tokens chosen."""
        return at(self.rows, self.learned.value)

    def _train(self) -> None:
        """Write to the HTML parts alone: what a callback prints is lost in some front ends."""
        try:
            self.rows = recipe_rows(self.text.value[:LONGEST], STEPS, [self.recipe.value])
        except ValueError as error:
            self.rows = []
            self.shown.value = f"<p>{escape(str(error))}</p>"
            self.table.value = self.curve.value = self.answer.value = ""
            return
        most = max(len(row["learned"]) for row in self.rows)
        self.play.max = self.learned.max = max(most, 1)
        self._tell()

    def _tell(self) -> None:
        if self.rows:
            self.shown.value = html.text(self.row)
            self.table.value = html.table(self.row)
            self.curve.value = html.curve(self.rows, self.row)
            self._encode()

    def _encode(self) -> None:
        recipe = RECIPES[self.recipe.value]
        words = recipe.words(self.other.value[:LONGEST]) if self.rows else []
        if not words:
            self.answer.value = ""
            return
        made = [recipe.encode(word, self.row) for word in words]
        allowed = [self._shortest(one, word) for one, word in zip(made, words, strict=True)]
        self.answer.value = html.encoded(made, allowed, self.row["learned"])

    def _shortest(self, made: list[str], word: list[str]) -> list[str]:
        """Return a shorter way to write a word, or the way it came where there is none."""
        found = made if made == [UNKNOWN] else fewest(word, set(self.row["learned"]))
        return found if len(found) < len(made) else made


def _field(text: str, name: str) -> widgets.Text:
    return widgets.Text(
        text, description=name, continuous_update=False, style=LABEL, layout=widgets.Layout(**WIDE)
    )
