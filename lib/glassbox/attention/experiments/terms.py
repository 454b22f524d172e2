"""DeBERTa's three terms on a toy batch: each map by itself, and what is lost without it."""

from itertools import combinations

import torch

from glassbox.attention.api.disentangled import disentangled_terms
from glassbox.attention.experiments.scaling import relative_entropy
from glassbox.attention.experiments.traced import relative_error
from glassbox.attention.reference.core import softmax
from glassbox.attention.reference.disentangled import DisentangledTerms
from glassbox.tiny.seeds import normal

NAMES = DisentangledTerms._fields


def toy(length: int = 16, size: int = 16, reach: int = 4, seed: int = 0):
    """Return the terms of normal queries, keys and position tables (one sequence, one head), and values."""
    q, k, v = (normal((1, 1, length, size), seed + part) for part in range(3))
    tables = (normal((1, 2 * reach, size), seed + part) for part in (3, 4))
    return disentangled_terms(q, k, *tables), v


def term_maps(length: int = 16, size: int = 16, reach: int = 4, seed: int = 0) -> dict:
    """Return the scores of each term and of their sum, over sqrt(3 d): {name: rows of numbers}.

    The first depends on the pair of contents; the second is, in each row, one of 2 * reach numbers, chosen by
    the distance; the third is so in each column.
    """
    terms, _ = toy(length, size, reach, seed)
    scale = (3 * size) ** -0.5
    scores = dict(zip(NAMES, terms, strict=True)) | {"sum": sum(terms)}
    return {name: (scale * score[0, 0]).tolist() for name, score in scores.items()}


def dropped_terms(length: int = 64, size: int = 16, reach: int = 8, seed: int = 0) -> list[dict]:
    """Leave out one term at a time, or all but one.

    A row has `kept` (the names, joined by " + "), `change` of the output against all three (relative, root
    mean square), `entropy` of the map (1 is uniform) and `distinct` (mean number of different scores in a row
    of the map).

    Convention: the scale stays 1/sqrt(3 d).
    """
    terms, v = toy(length, size, reach, seed)
    by_name = dict(zip(NAMES, terms, strict=True))
    whole = _attend(by_name, NAMES, size)
    rows = []
    for count in (3, 2, 1):
        for kept in combinations(NAMES, count):
            weights = _attend(by_name, kept, size)
            distinct = [len(row.unique()) for row in sum(by_name[name] for name in kept)[0, 0]]
            change = relative_error(weights @ v, whole @ v)
            row = {"kept": " + ".join(kept), "change": change, "entropy": relative_entropy(weights)}
            rows.append(row | {"distinct": sum(distinct) / len(distinct)})
    return rows


def _attend(terms: dict[str, torch.Tensor], kept: tuple[str, ...], size: int) -> torch.Tensor:
    return softmax(sum(terms[name] for name in kept) * (3 * size) ** -0.5)[0]
