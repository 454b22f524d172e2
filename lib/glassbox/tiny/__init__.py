"""The course's shared material: a frozen corpus, a tiny trained language model, portable randomness."""

from glassbox.tiny import seeds
from glassbox.tiny.checkpoint import card, load
from glassbox.tiny.generation import generate
from glassbox.tiny.loss import as_tokens, bits_per_byte, counted_bits_per_byte
from glassbox.tiny.model import TinyLM
from glassbox.tiny.recipe import make_text
from glassbox.tiny.text import documents, read_text, split

__all__ = [
    "TinyLM",
    "as_tokens",
    "bits_per_byte",
    "card",
    "counted_bits_per_byte",
    "documents",
    "generate",
    "load",
    "make_text",
    "read_text",
    "seeds",
    "split",
]
