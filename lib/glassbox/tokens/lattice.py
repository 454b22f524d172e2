"""All segmentations of all words as one graph of arrays: nodes are places in words, edges are pieces.

Sums and maxima over paths run place by place, for all words at once.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np


class Sweep(NamedTuple):
    """The order in which a pass visits the edges: grouped by the node they lead to, nearest places first."""

    edges: np.ndarray  # edge numbers in the order of the visit
    groups: np.ndarray  # where in `edges` each node's group begins
    nodes: np.ndarray  # the node of each group
    levels: np.ndarray  # where in `groups` each place begins, and the number of groups


class Lattice(NamedTuple):
    """Edge `e` is piece `piece[e]`, from node `source[e]` to node `target[e]`, in word `word[e]`."""

    source: np.ndarray
    target: np.ndarray
    piece: np.ndarray
    word: np.ndarray
    depth: np.ndarray  # place of each node in its word
    first: np.ndarray  # first and last node of each word
    last: np.ndarray
    forward: Sweep
    backward: Sweep

    def keep(self, mask: np.ndarray) -> "Lattice":
        """Return the lattice with only the edges where `mask` is true."""
        source, target = self.source[mask], self.target[mask]
        number = np.cumsum(mask) - 1
        forward, backward = (
            number[sweep.edges[mask[sweep.edges]]] for sweep in (self.forward, self.backward)
        )
        return self._replace(
            source=source,
            target=target,
            piece=self.piece[mask],
            word=self.word[mask],
            forward=_sweep(forward, self.depth, target),
            backward=_sweep(backward, self.depth, source),
        )


def lattice_of(words: Sequence[str], place: Mapping[str, int], longest: int) -> Lattice:
    """Return the lattice of all pieces of all words; `longest` bounds the characters of a piece."""
    source, target, piece, word = [], [], [], []
    lengths = np.array([len(text) + 1 for text in words], dtype=np.int64)
    first = np.cumsum(lengths) - lengths
    for number, text in enumerate(words):
        node, size = int(first[number]), len(text)
        for start in range(size):
            for end in range(start + 1, min(size, start + longest) + 1):
                if (found := place.get(text[start:end])) is not None:
                    source.append(node + start)
                    target.append(node + end)
                    piece.append(found)
                    word.append(number)
    columns = [np.array(column, dtype=np.int64) for column in (source, target, piece, word)]
    depth = np.arange(lengths.sum()) - np.repeat(first, lengths)
    source, target, piece, word = columns
    # by place, then by node; among the edges of one node the longest piece comes first
    forward = _sweep(np.lexsort((source, target, depth[target])), depth, target)
    backward = _sweep(np.lexsort((-target, source, -depth[source])), depth, source)
    return Lattice(source, target, piece, word, depth, first, first + lengths - 1, forward, backward)


def _sweep(edges: np.ndarray, depth: np.ndarray, node: np.ndarray) -> Sweep:
    """Find the groups and levels of edges that are in order already."""
    nodes = node[edges]
    groups = np.flatnonzero(np.diff(nodes, prepend=-1))
    nodes = nodes[groups]
    levels = np.flatnonzero(np.diff(depth[nodes], prepend=-1))
    return Sweep(edges, groups, nodes, np.append(levels, len(groups)))


def path_sums(lattice: Lattice, scores: np.ndarray, backwards: bool = False) -> np.ndarray:
    """Return for each node the log of the summed probability of all paths to it, or from it to the end.

    alpha(first) = 0,   alpha(node) = log sum over edges into node of exp(alpha(source) + score)
    """
    sweep = lattice.backward if backwards else lattice.forward
    other = lattice.target if backwards else lattice.source
    sums = np.full(len(lattice.depth), -np.inf)
    sums[lattice.last if backwards else lattice.first] = 0.0
    for edges, starts, nodes in _levels(sweep):
        values = sums[other[edges]] + scores[lattice.piece[edges]]
        most = np.maximum.reduceat(values, starts)
        most = np.where(np.isfinite(most), most, 0.0)
        sizes = np.diff(starts, append=len(edges))
        with np.errstate(divide="ignore"):
            sums[nodes] = most + np.log(np.add.reduceat(np.exp(values - np.repeat(most, sizes)), starts))
    return sums


def _levels(sweep: Sweep):
    """Yield for each place its edges, where the groups begin among them, and the groups' nodes."""
    ends = np.append(sweep.groups, len(sweep.edges))
    for low, high in zip(sweep.levels[:-1], sweep.levels[1:], strict=True):
        start = ends[low]
        yield sweep.edges[start : ends[high]], sweep.groups[low:high] - start, sweep.nodes[low:high]


class Expected(NamedTuple):
    """What the E step finds."""

    counts: np.ndarray  # expected number of uses of each piece
    log_likelihood: float  # of all words


def expected_counts(lattice: Lattice, scores: np.ndarray, weights: np.ndarray) -> Expected:
    """Return how often each piece is used, every segmentation weighted by its probability: the E step.

    count(piece) = sum over its edges of n(word) * exp(alpha(source) + score + beta(target) - log P(word))
    """
    alpha, beta = path_sums(lattice, scores), path_sums(lattice, scores, backwards=True)
    total = alpha[lattice.last]
    inside = alpha[lattice.source] + scores[lattice.piece] + beta[lattice.target] - total[lattice.word]
    uses = weights[lattice.word] * np.exp(inside)
    counts = np.bincount(lattice.piece, uses, minlength=len(scores))
    return Expected(counts, float(weights @ total))


class Paths(NamedTuple):
    """The best segmentation of each word."""

    scores: np.ndarray  # log-probability, one for each word; -inf where there is none
    edges: np.ndarray  # the edges of all best segmentations
    sizes: np.ndarray  # number of pieces of each word's best segmentation


def best_paths(lattice: Lattice, scores: np.ndarray) -> Paths:
    """Return the most probable segmentation of each word: Viterbi for all words at once.

    Convention: of equals, the one whose last piece is longest.
    """
    reached = np.full(len(lattice.depth), -np.inf)
    reached[lattice.first] = 0.0
    chosen = np.full(len(lattice.depth), -1, dtype=np.int64)
    for edges, starts, nodes in _levels(lattice.forward):
        values = reached[lattice.source[edges]] + scores[lattice.piece[edges]]
        reached[nodes] = np.maximum.reduceat(values, starts)
        is_best = values == np.repeat(reached[nodes], np.diff(starts, append=len(edges)))
        places = np.where(is_best, np.arange(len(edges)), len(edges))
        chosen[nodes] = edges[np.minimum.reduceat(places, starts)]
    return _traced(lattice, reached[lattice.last], chosen)


def _traced(lattice: Lattice, totals: np.ndarray, chosen: np.ndarray) -> Paths:
    """Walk back from the last node of every word that can be written at all."""
    words = np.flatnonzero(np.isfinite(totals))
    nodes, sizes, found = lattice.last[words], np.zeros(len(totals), dtype=np.int64), []
    while True:
        open_ = nodes != lattice.first[words]
        words, nodes = words[open_], nodes[open_]
        if not len(words):
            return Paths(totals, np.concatenate([*found, np.empty(0, dtype=np.int64)]), sizes)
        edges = chosen[nodes]
        found.append(edges)
        sizes[words] += 1
        nodes = lattice.source[edges]
