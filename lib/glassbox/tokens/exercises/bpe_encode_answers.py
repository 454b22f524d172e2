"""Encoding by ranked merges: right answers, and wrong ones with what is said of them."""

from itertools import pairwise


def solution(word, merges):
    rank = {pair: number for number, pair in enumerate(merges)}
    tokens = list(word)
    while True:
        found = [(rank[pair], at) for at, pair in enumerate(pairwise(tokens)) if pair in rank]
        if not found:
            return tokens
        at = min(found)[1]
        tokens[at : at + 2] = [tokens[at] + tokens[at + 1]]


def one_merge_after_the_other(word, merges):
    tokens = list(word)
    for left, right in merges:  # a later merge never makes an earlier one possible again
        at = 0
        while at + 1 < len(tokens):
            if (tokens[at], tokens[at + 1]) == (left, right):
                tokens[at : at + 2] = [left + right]
            at += 1
    return tokens


def by_replacing(word, merges):
    """Write each token as one character, and let str.replace merge: coded apart from the solution."""
    letters = sorted({*word, *(letter for pair in merges for side in pair for letter in side)})
    sign = {letter: chr(0xE000 + place) for place, letter in enumerate(letters)}
    text = "".join(map(sign.__getitem__, word))
    for left, right in merges:
        sign[left + right] = chr(0xE000 + len(sign))
        text = text.replace(sign[left] + sign[right], sign[left + right])
    spelled = {character: token for token, character in sign.items()}
    return [spelled[character] for character in text]


def _merging(word, may_merge, key=lambda pair, at, pairs: at):
    """Merge the pair with the least `key` among those that `may_merge`, until there is none."""
    tokens = list(word)
    while True:
        pairs = list(pairwise(tokens))
        found = [(key(pair, at, pairs), at) for at, pair in enumerate(pairs) if may_merge(pair)]
        if not found:
            return tokens
        at = min(found)[1]
        tokens[at : at + 2] = ["".join(pairs[at])]


def longest_match(word, merges):
    """
    saw: at each place the longest token of the vocabulary is taken
    means: that is how WordPiece encodes; in BPE a long token comes about only if its merges get their turn
    look: start from single characters, and merge
    """
    known = {left + right for left, right in merges}
    tokens, at = [], 0
    while at < len(word):
        fits = [end for end in range(at + 1, len(word) + 1) if end == at + 1 or word[at:end] in known]
        tokens.append(word[at : fits[-1]])
        at = fits[-1]
    return tokens


def counted_anew(word, merges):
    """
    saw: the pair that occurs most often in this word is merged first
    means: the counts of the training corpus decided, once; when encoding, only the rank counts
    look: nothing is counted in the word
    """
    key = lambda pair, at, pairs: (-pairs.count(pair), merges.index(pair))  # noqa: E731
    return _merging(word, merges.__contains__, key)


def from_the_left(word, merges):
    """
    saw: the first pair from the left that is in the list is merged, whatever its rank
    means: the rank decides; the place only decides between equal ranks
    look: the smallest rank among all pairs of the word
    """
    return _merging(word, merges.__contains__)


def last_rank_first(word, merges):
    """
    saw: of the merges that apply, the one learned last is made first
    means: the order is turned round: a small rank was learned early, and goes first
    look: min and max, or the order of the list
    """
    return _merging(word, merges.__contains__, lambda pair, at, pairs: -merges.index(pair))


def stops_after_the_first_rank(word, merges):
    """
    saw: after the merge of the smallest rank nothing more is merged
    means: what a merge makes takes part in later merges
    look: the condition that ends the loop
    """
    first = [pair for pair in merges if pair in pairwise(word)][:1]
    return _merging(word, first.__contains__)


def one_place_for_each_merge(word, merges):
    """
    saw: each merge of the list is made at one place of the word only
    means: the same pair may stand at several places, and every one of them is merged
    look: a word that repeats itself: abab
    """
    tokens = list(word)
    for pair in merges:
        if pair in pairwise(tokens):
            at = list(pairwise(tokens)).index(pair)
            tokens[at : at + 2] = ["".join(pair)]
    return tokens


def from_the_right(word, merges):
    """
    saw: of equal pairs that overlap, the right one is merged: a, aa for aaa
    means: from the left, aaa becomes aa, a; another order gives other ids for the same text
    look: which of two places with the same rank you take
    """
    return _merging(word, merges.__contains__, lambda pair, at, pairs: (merges.index(pair), -at))


def any_pair_that_spells_a_token(word, merges):
    """
    saw: two tokens are merged because together they spell a token, though their pair is not in the list
    means: that is tiktoken's rule, which has no list of pairs; here (a, bc) is not (ab, c)
    look: look up the pair, not the joined string
    """
    rank = {left + right: number for number, (left, right) in enumerate(merges)}
    return _merging(word, lambda pair: "".join(pair) in rank, lambda pair, at, pairs: rank["".join(pair)])
