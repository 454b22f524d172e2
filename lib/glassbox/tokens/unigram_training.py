"""Training Unigram: expectation-maximisation over all segmentations, and pruning of what costs least."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch

from glassbox.arguments import expect_whole
from glassbox.tokens.counting import count_words, shown
from glassbox.tokens.fallback import BYTE_TOKENS, UNKNOWN
from glassbox.tokens.lattice import Lattice, best_paths, expected_counts, lattice_of
from glassbox.tokens.marked import Marked, marked
from glassbox.tokens.seeding import seeds
from glassbox.tokens.tokenizer import Tokenizer
from glassbox.tokens.training import special_ids
from glassbox.tokens.unigram import Unigram

LONGEST_PIECE, LONGEST_WORD = 16, 256
SHRINKING = 0.75  # what a pruning keeps
ROOM = 1.1  # pruning stops at so many times the pieces wanted
RARE = 0.5  # expected uses below which a piece is dropped


class EM(NamedTuple):
    """A Unigram training between two steps."""

    pieces: tuple[str, ...]
    scores: np.ndarray  # log-probability of each piece; -inf where it was dropped
    lattice: Lattice  # all segmentations of all words
    weights: np.ndarray  # how often each word occurs
    log_likelihood: float = -np.inf  # of all words, before the last step
    instead: Lattice | None = None  # for each piece, its segmentations into others; made by the first pruning


def em_start(words: Mapping[str, int], seed_size: int = 50_000, longest: int = LONGEST_PIECE) -> EM:
    """Return the training before its first step.

    Convention: words of more than 256 characters are trained on in stretches of so many.
    """
    cut: Counter = Counter()
    for word, n in words.items():
        for at in range(0, len(word), LONGEST_WORD):
            cut[word[at : at + LONGEST_WORD]] += n
    weight = seeds(cut, longest, seed_size)
    place = {piece: number for number, piece in enumerate(weight)}
    values = np.array(list(weight.values()), dtype=np.float64)
    weights = np.array(list(cut.values()), dtype=np.float64)
    scores = np.log(values / values.sum())
    return EM(tuple(weight), scores, lattice_of(list(cut), place, longest), weights)


def em_step(state: EM, sparse: bool = True) -> EM:
    """Make one step of EM: count every segmentation by its probability, and make the counts probabilities.

        p(piece) = count / sum of counts;   sparse: log p = digamma(count) - digamma(sum)

    Convention: `sparse`, as SentencePiece has it, puts a prior on the probabilities that makes rare pieces
        rarer, and drops those used less than half a time, single characters excepted. Without it no step
        lowers the likelihood.
    Source: Kudo 2018, section 3.2 (arXiv:1804.10959); Liang & Klein 2007, ACL tutorial, for digamma.
    """
    found = expected_counts(state.lattice, state.scores, state.weights)
    single = np.array([len(piece) == 1 for piece in state.pieces])
    with np.errstate(divide="ignore"):
        if not sparse:
            scores = np.log(found.counts / found.counts.sum())
        else:
            counts = np.where(single, np.maximum(found.counts, RARE), found.counts)
            counts = torch.from_numpy(np.where(counts >= RARE, counts, 0.0))
            scores = (torch.digamma(counts) - torch.digamma(counts.sum())).numpy()
            scores = np.where(counts.numpy() > 0, scores, -np.inf)
    return kept(state, np.isfinite(scores), scores)._replace(log_likelihood=found.log_likelihood)


def kept(state: EM, mask: np.ndarray, scores: np.ndarray | None = None) -> EM:
    """Return the training with only the pieces where `mask` is true."""
    scores = state.scores if scores is None else scores
    number = np.cumsum(mask) - 1
    lattice = state.lattice.keep(mask[state.lattice.piece])
    lattice = lattice._replace(piece=number[lattice.piece])
    instead = state.instead
    if instead is not None:
        instead = instead.keep(mask[instead.piece] & mask[instead.word])
        instead = instead._replace(
            piece=number[instead.piece],
            word=number[instead.word],
            first=instead.first[mask],
            last=instead.last[mask],
        )
    pieces = tuple(piece for piece, stays in zip(state.pieces, mask, strict=True) if stays)
    return state._replace(pieces=pieces, scores=scores[mask], lattice=lattice, instead=instead)


def with_replacements(state: EM) -> EM:
    """Return the training with the lattice of all segmentations of each piece into other pieces."""
    if state.instead is not None:
        return state
    place = {piece: number for number, piece in enumerate(state.pieces)}
    lattice = lattice_of(state.pieces, place, max(map(len, state.pieces)))
    return state._replace(instead=lattice.keep(lattice.piece != lattice.word))


def losses(state: EM) -> np.ndarray:
    """Return how much log-likelihood each piece is worth: what is lost if its best replacement takes over.

        loss(x) = uses(x) * (log p(x) - sum over y in replacement(x) of log p'(y))

    where uses are counted along the best segmentations, p is uses over their sum, and p' is p after x has
    given its uses to the replacement. A piece without a replacement is worth infinity.
    """
    alone = with_replacements(state).instead
    paths = best_paths(state.lattice, state.scores)
    uses = np.bincount(
        state.lattice.piece[paths.edges],
        state.weights[state.lattice.word[paths.edges]],
        minlength=len(state.pieces),
    )
    instead = best_paths(alone, state.scores)
    total = uses.sum() + uses * (instead.sizes - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        lost = instead.sizes * -np.log(total)
        pieces, owners = alone.piece[instead.edges], alone.word[instead.edges]
        lost += np.bincount(owners, np.log(uses[pieces] + uses[owners]), minlength=len(uses))
        worth = uses * (np.log(uses) - np.log(uses.sum()) - lost)
    return np.where(instead.sizes == 0, np.inf, np.where(uses > 0, worth, 0.0))


def prune(state: EM, size: int) -> EM:
    """Keep the `size` pieces that are worth most, and all that have no replacement.

    Convention: of equals, the one that came first.
    """
    state = with_replacements(state)
    worth = losses(state)
    order = np.argsort(-worth, kind="stable")
    mask = np.isinf(worth)
    mask[order[:size]] = True
    return kept(state, mask)


def train_unigram(
    texts: Iterable[str],
    vocabulary_size: int,
    prepare: Marked | None = None,
    byte_fallback: bool = False,
    special: Sequence[str] = (),
    seed_size: int = 50_000,
    progress: bool = False,
) -> Tokenizer:
    """Train Unigram: many substrings first, probabilities by EM, and the least useful pruned, round by round.

        P(x) = product of p(piece),   L = sum over words of log sum over segmentations of P

    Convention: `prepare` is SentencePiece's (`marked()`) unless given. Ids are `<unk>`, the 256 byte tokens
        if `byte_fallback`, then pieces by falling probability. Two EM steps, then a pruning to 3/4, until a
        tenth too many are left; then the most probable stay. Every character of the texts stays a piece.
    Raises: TypeError, ValueError for bad texts, or a vocabulary too small for the characters.
    Source: Kudo 2018, section 3.2 (arXiv:1804.10959).
    Taught in: notebooks/05_tokenizers.ipynb
    """
    special = special if isinstance(special, str) else list(special)
    names = special_ids(special, 0)
    expect_whole("seed_size", seed_size, 1)
    prepare = marked() if prepare is None else prepare
    words = count_words(texts, prepare, progress)
    own = [UNKNOWN, *(BYTE_TOKENS if byte_fallback else ())]
    characters = {character for word in words for character in word}
    expect_whole("vocabulary_size", vocabulary_size, len(own) + len(characters) + len(names))
    pieces, scores = fitted(words, vocabulary_size - len(own) - len(names), seed_size, progress)
    model = Unigram([*own, *pieces], [min(scores, default=0.0)] * len(own) + list(scores))
    return Tokenizer(prepare, model, special_ids(special, len(model.tokens)))


def fitted(
    words: Mapping[str, int], size: int, seed_size: int = 50_000, progress: bool = False
) -> tuple[list[str], list[float]]:
    """Return the pieces of a trained model, by falling log-probability, and these."""
    if not words:
        return [], []
    state, rounds = em_start(words, seed_size), 0
    most = max(int(ROOM * size), size)
    while rounds < 1 or len(state.pieces) > most:
        for _ in shown(range(2), f"EM, {len(state.pieces)} pieces", progress):
            state = em_step(state)
        if len(state.pieces) > most:
            state = prune(state, max(most, int(SHRINKING * len(state.pieces))))
        rounds += 1
    return _final(state, size)


def _final(state: EM, size: int) -> tuple[list[str], list[float]]:
    """Take all characters and the most probable pieces; make the probabilities add up to one."""
    scored = sorted(zip(state.pieces, state.scores.tolist(), strict=True), key=lambda one: (-one[1], one[0]))
    single = {piece for piece in state.pieces if len(piece) == 1}
    longer = [piece for piece, _ in scored if piece not in single][: size - len(single)]
    stays = single.union(longer)
    pieces, scores = zip(*(one for one in scored if one[0] in stays), strict=True)
    return list(pieces), (scores - np.log(np.exp(scores).sum())).tolist()
