"""Tokenizers: byte-level BPE, WordPiece and Unigram, from text to ids and back (notebook 05)."""

from glassbox.tokens.bpe import BPE
from glassbox.tokens.exchange import from_tokenizer_json, to_tokenizer_json
from glassbox.tokens.files import load, save
from glassbox.tokens.patterns import by_pattern
from glassbox.tokens.reference.bpe import Merge
from glassbox.tokens.streaming import Stream, stream_step
from glassbox.tokens.tokenizer import Piece, Tokenizer
from glassbox.tokens.training import train_bpe

__all__ = [
    "BPE",
    "Merge",
    "Piece",
    "Stream",
    "Tokenizer",
    "by_pattern",
    "from_tokenizer_json",
    "load",
    "save",
    "stream_step",
    "to_tokenizer_json",
    "train_bpe",
]
