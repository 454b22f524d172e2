"""The figures of notebook 05: rows in, figure out, with the finding in words beside it."""

from glassbox.tokens.figures.fertility import fertility
from glassbox.tokens.figures.lattice import lattice
from glassbox.tokens.figures.loss import loss
from glassbox.tokens.figures.merge_player import merge_player
from glassbox.tokens.figures.playing import play_merges
from glassbox.tokens.figures.recipes import recipe_rows

__all__ = ["fertility", "lattice", "loss", "merge_player", "play_merges", "recipe_rows"]
