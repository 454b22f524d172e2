"""The most probable segmentation: right answers, and wrong ones with what is said of them."""

import math
from fractions import Fraction


def solution(word, probability, unknown):
    best, start_of = [0.0], [0]
    for end in range(1, len(word) + 1):
        best.append(-math.inf)
        start_of.append(end - 1)
        for start in range(end):
            piece = word[start:end]
            p = probability.get(piece, unknown if end - start == 1 else 0.0)
            if p and best[start] + math.log(p) > best[end]:
                best[end], start_of[end] = best[start] + math.log(p), start
    pieces, end = [], len(word)
    while end:
        pieces.append(word[start_of[end] : end])
        end = start_of[end]
    return pieces[::-1]


def carrying_the_pieces(word, probability, unknown):
    cost = {piece: -math.log(p) for piece, p in probability.items()}
    cost = {letter: -math.log(unknown) for letter in word} | cost
    best = {0: (0.0, [])}
    for end in range(1, len(word) + 1):
        ways = []
        for start in range(end):
            if word[start:end] in cost:
                so_far, pieces = best[start]
                ways.append((so_far + cost[word[start:end]], [*pieces, word[start:end]]))
        best[end] = min(ways, key=lambda way: way[0])
    return best[len(word)][1]


def in_fractions_from_the_right(word, probability, unknown):
    """Multiply exact fractions from the right end, where nothing can underflow: coded apart."""
    exact = {letter: Fraction(unknown) for letter in word}
    exact |= {piece: Fraction(p) for piece, p in probability.items()}
    best = {len(word): (Fraction(1), (), ())}  # its probability; lengths from the last piece on; pieces
    for start in reversed(range(len(word))):
        best[start] = max(
            (exact[piece] * share, (*lengths, len(piece)), (piece, *pieces))
            for piece, (share, lengths, pieces) in (
                (word[start:end], best[end]) for end in range(start + 1, len(word) + 1)
            )
            if piece in exact
        )
    return list(best[0][2])


def _log(p):
    return math.log(p) if p > 0 else -math.inf


def _path(word, score, begin=0.0, join=lambda one, other: one + other, better=lambda a, b: a > b):
    """Return for each place where the best way to it comes from; 0 where nothing leads to it."""
    best, start_of = [begin] + [-math.inf] * len(word), [0] * (len(word) + 1)
    for end in range(1, len(word) + 1):
        for start in range(end):
            found = join(best[start], score(word[start:end]))
            if found > -math.inf and better(found, best[end]):
                best[end], start_of[end] = found, start
    return start_of


def _walk(word, start_of):
    pieces, end = [], len(word)
    while end:
        pieces.append(word[start_of[end] : end])
        end = start_of[end]
    return pieces[::-1]


def _scores(probability, unknown):
    return lambda piece: _log(probability.get(piece, unknown if len(piece) == 1 else 0.0))


def longest_match(word, probability, unknown):
    """
    saw: at each place the longest piece is taken
    means: that is how WordPiece encodes; it never looks at the probabilities
    look: every start of a last piece, for every place of the word
    """
    return _from_the_left(word, probability, len)


def most_probable_piece_first(word, probability, unknown):
    """
    saw: at each place the most probable piece is taken
    means: a good first piece may force a bad rest; the whole product counts
    look: keep the best way to every place, and decide at the end
    """
    return _from_the_left(word, probability, probability.get)


def _from_the_left(word, probability, worth):
    pieces, at = [], 0
    while at < len(word):
        fits = [word[at:end] for end in range(at + 1, len(word) + 1) if word[at:end] in probability]
        pieces.append(max(fits, key=worth, default=word[at]))
        at += len(pieces[-1])
    return pieces


def fewest_pieces(word, probability, unknown):
    """
    saw: the segmentation with the fewest pieces is taken
    means: few pieces are often probable, and not always
    look: what is added for each piece: its log-probability, not 1
    """
    scores = _scores(probability, unknown)
    return _walk(word, _path(word, lambda piece: -1.0 if scores(piece) > -math.inf else -math.inf))


def probabilities_added(word, probability, unknown):
    """
    saw: the probabilities of the pieces are added
    means: pieces are drawn independently: probabilities multiply, and their logarithms add
    look: what is added to the best score of `start`
    """
    scores = _scores(probability, unknown)
    return _walk(word, _path(word, lambda piece: math.exp(scores(piece)) or -math.inf))


def probabilities_multiplied(word, probability, unknown):
    """
    saw: short words are right; in a long one the product of probabilities is rounded to 0
    means: below 1e-323 float64 has only 0, and then no segmentation is better than another
    look: add logarithms
    """
    scores = _scores(probability, unknown)
    times = lambda one, other: one * math.exp(other) if one > -math.inf else one  # noqa: E731
    return _walk(word, _path(word, scores, 1.0, times))


def no_fallback(word, probability, unknown):
    """
    saw: behind a character that no piece covers every score is minus infinity, and the path is lost
    means: no segmentation of the whole word is left
    look: give a single character that is no piece the probability `unknown`
    """
    return _walk(word, _path(word, lambda piece: _log(probability.get(piece, 0.0))))


def anything_may_be_unknown(word, probability, unknown):
    """
    saw: a string of several characters that is no piece gets the probability `unknown`
    means: then the whole word is one unknown piece; only a single character may be one
    look: the default of the look-up
    """
    return _walk(word, _path(word, lambda piece: _log(probability.get(piece, unknown))))


def always_unknown(word, probability, unknown):
    """
    saw: single characters always get the probability `unknown`, though they are pieces too
    means: a piece of one character has a probability of its own
    look: look a piece up first, and fall back after that
    """
    return _walk(word, _path(word, lambda piece: _log(probability.get(piece, 0)
                                                      if len(piece) > 1 else unknown)))  # fmt: skip


def shorter_last_piece(word, probability, unknown):
    """
    saw: of two equally probable segmentations, the one with the shorter last piece is taken
    means: the tie is broken the other way, and two programs give the same text different ids
    look: > or >=, and the order in which the starts are tried
    """
    return _walk(word, _path(word, _scores(probability, unknown), better=lambda a, b: a >= b))


def one_too_short(word, probability, unknown):
    """
    saw: the longest piece is never used
    means: the window of starts is one too small
    look: range(end - longest, end), where the first start is included
    """
    scores, longest = _scores(probability, unknown), max(map(len, probability))
    return _walk(word, _path(word, lambda piece: scores(piece) if len(piece) < longest else -math.inf))


def without_the_first_piece(word, probability, unknown):
    """
    saw: the first piece is missing
    means: the way back stops one step too early: at the piece that begins at 0
    look: the condition of the loop: it ends when `end` is 0, after that piece is taken
    """
    return solution(word, probability, unknown)[1:]


def backwards(word, probability, unknown):
    """
    saw: the pieces are the right ones, in reversed order
    means: the way back finds the last piece first
    look: the `return` line
    """
    return solution(word, probability, unknown)[::-1]
