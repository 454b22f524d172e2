"""Predictions: commit to an answer before the cell shows the truth."""

from glassbox.learn.predict.asking import answer, predict
from glassbox.learn.predict.revealing import reveal

__all__ = ["answer", "predict", "reveal"]
