"""One step of BPE training: right answers, and wrong ones with what is said of them."""

from collections import Counter
from itertools import pairwise


def solution(words, new):
    counts = {}
    for word, n in words.items():
        for pair in pairwise(word):
            counts[pair] = counts.get(pair, 0) + n
    if not counts:
        return None, words
    best = min(counts, key=lambda pair: (-counts[pair], pair))
    merged = {}
    for word, n in words.items():
        out, at = [], 0
        while at < len(word):
            here = word[at : at + 2] == best
            out.append(new if here else word[at])
            at += 2 if here else 1
        merged[tuple(out)] = n
    return best, merged


def by_sorting(words, new):
    pairs = [(pair, n) for word, n in words.items() for pair in pairwise(word)]
    counts = [
        (-sum(n for other, n in pairs if other == pair), pair) for pair in sorted({p for p, _ in pairs})
    ]
    if not counts:
        return None, words
    pair, result = sorted(counts)[0][1], {}
    for word, n in words.items():
        out = []
        for token in word:
            out.append(token)
            if tuple(out[-2:]) == pair:  # `new` itself is in no pair yet
                out[-2:] = [new]
        result[tuple(out)] = n
    return pair, result


def written_out(words, new):
    """Return the definition on the corpus itself, each word as one string of characters: coded apart."""
    corpus = ["".join(map(chr, word)) for word, n in words.items() for _ in range(n)]
    pairs = Counter(text[at : at + 2] for text in corpus for at in range(len(text) - 1))
    if not pairs:
        return None, words
    most = max(pairs.values())
    pair = min(pair for pair, count in pairs.items() if count == most)
    texts = Counter(text.replace(pair, chr(new)) for text in corpus)
    return tuple(map(ord, pair)), {tuple(map(ord, text)): n for text, n in texts.items()}


def _counts(words, times=lambda n: n, each=lambda pairs: pairs):
    counts = Counter()
    for word, n in words.items():
        for pair in each(list(pairwise(word))):
            counts[pair] += times(n)
    return counts


def _replaced(word, pair, new, most=None):
    out, at, made = [], 0, 0
    while at < len(word):
        here = word[at : at + 2] == pair and (most is None or made < most)
        out.append(new if here else word[at])
        at, made = at + 1 + here, made + here
    return tuple(out)


def _step(words, new, counts, order=lambda pair: pair, replaced=_replaced):
    """Take the pair with the highest count, the first of equals in `order`, and merge it."""
    if not counts:
        return None, words
    pair = min(counts, key=lambda pair: (-counts[pair], order(pair)))
    return pair, {replaced(word, pair, new): n for word, n in words.items()}


def words_once(words, new):
    """
    saw: every word is counted once, whatever its number
    means: the corpus holds a word as often as `words` says
    look: what is added to the count of a pair
    """
    return _step(words, new, _counts(words, times=lambda n: 1))


def once_for_each_word(words, new):
    """
    saw: a pair that a word holds twice is counted once
    means: a set, or `in`, forgets how often
    look: abab: the pair (a, b) occurs twice
    """
    return _step(words, new, _counts(words, each=set))


def without_overlaps(words, new):
    """
    saw: pairs that overlap are counted once: aaa as one pair
    means: str.count does so; training counts every two neighbours, so aaa holds two
    look: how the pairs of one word are listed
    """
    return _step(words, new, _counts(words, each=_apart))


def _apart(pairs):
    """Leave out each pair that overlaps the equal one before it."""
    kept, last = [], -2
    for at, pair in enumerate(pairs):
        if last != at - 1 or pair != pairs[last]:
            kept, last = [*kept, pair], at
    return kept


def larger_of_equals(words, new):
    """
    saw: of equally frequent pairs, the one with the larger ids is merged
    means: the tie is broken the other way: max of (count, pair) does that
    look: the largest count, and then the smallest pair
    """
    return _step(words, new, _counts(words), order=lambda pair: (-pair[0], -pair[1]))


def first_seen(words, new):
    """
    saw: of equally frequent pairs, the one that was counted first is merged
    means: then the vocabulary depends on the order of the corpus: max over a dict does that
    look: the tie: of equals, the smallest pair
    """
    return _step(words, new, _counts(words), order=lambda pair: 0)


def across_words(words, new):
    """
    saw: the last token of a word and the first of the next are counted as a pair
    means: words are cut apart first, so that no merge crosses them
    look: count inside each word
    """
    corpus = [token for word, n in words.items() for token in word * n]
    return _step(words, new, Counter(pairwise(corpus)))


def first_place_only(words, new):
    """
    saw: the pair is merged once in each word
    means: every place is merged
    look: the loop that replaces: it ends too early
    """
    return _step(words, new, _counts(words),
                 replaced=lambda word, pair, new: _replaced(word, pair, new, most=1))  # fmt: skip


def most_frequent_word_only(words, new):
    """
    saw: the pair is merged in one word
    means: every word that holds it is spelled with the new token from now on
    look: the loop over the words
    """
    pair, merged = _step(words, new, _counts(words))
    if pair is None:
        return pair, merged
    most = max((word for word in words if pair in pairwise(word)), key=words.get)
    return pair, {_replaced(word, pair, new) if word == most else word: n for word, n in words.items()}


def from_the_right(words, new):
    """
    saw: in aaa the last two tokens are merged, not the first two
    means: encoding goes from the left; the words would be spelled as no encoder spells them
    look: the direction of the loop that replaces
    """
    return _step(words, new, _counts(words), replaced=lambda word, pair, new:
                 _replaced(word[::-1], pair[::-1], new)[::-1])  # fmt: skip


def either_order(words, new):
    """
    saw: b, a is merged as well where a, b is the pair
    means: a pair has an order: they spell different tokens
    look: sets, and sorted pairs
    """
    return _step(words, new, _counts(words), replaced=lambda word, pair, new:
                 _replaced(_replaced(word, pair, new), pair[::-1], new))  # fmt: skip
