"""The exercises of notebook 05, in its order, and a task for the whiteboard alone."""

# ruff: noqa: I001  (the order is that of the notebook)
from glassbox.tokens.exercises.bpe_encode import bpe_encode
from glassbox.tokens.exercises.wordpiece_score import wordpiece_score
from glassbox.tokens.exercises.viterbi import viterbi
from glassbox.tokens.exercises.streaming import streaming
from glassbox.tokens.exercises.leading_space import leading_space
from glassbox.tokens.exercises.vocabulary_cost import vocabulary_cost
from glassbox.tokens.exercises.explain import explain_unigram
from glassbox.tokens.exercises.bpe_train_step import bpe_train_step

__all__ = [
    "bpe_encode",
    "bpe_train_step",
    "explain_unigram",
    "leading_space",
    "streaming",
    "viterbi",
    "vocabulary_cost",
    "wordpiece_score",
]
