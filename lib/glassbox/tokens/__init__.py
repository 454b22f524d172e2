"""Tokenizers: byte-level BPE, WordPiece and Unigram, from text to ids and back (notebook 05)."""

from glassbox.tokens.bert import BertWords
from glassbox.tokens.bpe import BPE
from glassbox.tokens.exchange import from_tokenizer_json, to_tokenizer_json
from glassbox.tokens.files import load, save
from glassbox.tokens.marked import Marked, marked
from glassbox.tokens.patterns import ByPattern, by_pattern
from glassbox.tokens.reference.bpe import Merge
from glassbox.tokens.steps import lattice_rows, merge_rows, sample_rows, viterbi_rows
from glassbox.tokens.streaming import Stream, stream_step
from glassbox.tokens.tokenizer import Piece, Tokenizer
from glassbox.tokens.training import train_bpe, train_marked_bpe
from glassbox.tokens.unigram import Unigram, sample
from glassbox.tokens.unigram_training import em_start, em_step, prune, train_unigram
from glassbox.tokens.wordpiece import WordPiece, train_wordpiece

__all__ = [
    "BPE",
    "BertWords",
    "ByPattern",
    "Marked",
    "Merge",
    "Piece",
    "Stream",
    "Tokenizer",
    "Unigram",
    "WordPiece",
    "by_pattern",
    "em_start",
    "em_step",
    "from_tokenizer_json",
    "lattice_rows",
    "load",
    "marked",
    "merge_rows",
    "prune",
    "sample",
    "sample_rows",
    "save",
    "stream_step",
    "to_tokenizer_json",
    "train_bpe",
    "train_marked_bpe",
    "train_unigram",
    "train_wordpiece",
    "viterbi_rows",
]
