"""Write the score by which WordPiece chooses its merges."""

import math
from collections import Counter
from itertools import pairwise

from glassbox.learn.exercise import Implement, Inputs


def drawn(make, letters, lengths):
    """Return words over few letters, so that pairs and symbols repeat; each with a count of its own."""
    words = {}
    for length in lengths:
        spelled = [make.pick(letters) for _ in range(length)]
        word = (spelled[0], *("##" + letter for letter in spelled[1:]))
        words.setdefault(word, int(make.integers(below=30)) + 2)
    return words


def inputs(seed):
    make = Inputs(seed)
    return (drawn(make, "abcd", make.sizes(6)),)


def one_word_once(seed):
    """
    saw: a word that occurs once, in which every symbol differs, is wrong
    means: there each count is 1, and so is each score
    look: which pairs you list, and what you divide
    """
    return ({tuple(("n", "##o", "##w", "##e")[: 2 + seed % 3]): 1},)


def one_word_often(seed):
    """
    saw: a word that occurs once is right, the same word n times is wrong
    means: there each count is n, and each score n / (n n) = 1 / n
    look: what is multiplied by the number of times that the word occurs
    """
    return ({("n", "##o", "##w"): 2 + seed},)


def a_symbol_twice(seed):
    """
    saw: words of different symbols are right, a word that holds a symbol twice is wrong
    means: each place of a word counts, for symbols and for pairs
    look: b ##a ##n ##a ##n ##a: the pair (##a, ##n) occurs twice, ##a three times
    """
    return ({("b", "##a", "##n", "##a", "##n", "##a"): 3 + seed},)


def twice_the_corpus(wordpiece_score, words):
    """
    saw: if every word occurs twice as often, the scores are not half as large
    means: a count is divided by a product of two counts, so doubling all of them halves the score
    look: how many counts are above the line, and how many below
    """
    once, twice = wordpiece_score(words), wordpiece_score({word: 2 * n for word, n in words.items()})
    return all(math.isclose(score, 2 * twice[pair], rel_tol=1e-9) for pair, score in once.items())


def solution(words):
    single, pairs = Counter(), Counter()
    for word, n in words.items():
        for symbol in word:
            single[symbol] += n
        for pair in pairwise(word):
            pairs[pair] += n
    return {(left, right): n / (single[left] * single[right]) for (left, right), n in pairs.items()}


def without_a_counter(words):
    found = {pair for word in words for pair in pairwise(word)}
    count = {symbol: 0 for pair in found for symbol in pair} | dict.fromkeys(found, 0)
    for word, n in words.items():
        for unit in (*(symbol for symbol in word if symbol in count), *pairwise(word)):
            count[unit] += n
    return {pair: count[pair] / math.prod(map(count.get, pair)) for pair in found}


def place_by_place(words):
    """Return the scores from the corpus written out, every word as often as it occurs: coded apart."""
    corpus = [word for word, n in words.items() for _ in range(n)]
    scores = {}
    for left, right in {pair for word in corpus for pair in pairwise(word)}:
        both = sum(word[at : at + 2] == (left, right) for word in corpus for at in range(len(word)))
        scores[left, right] = both / sum(w.count(left) for w in corpus) / sum(w.count(right) for w in corpus)
    return scores


def _counted(words, times=lambda n: n, each=lambda units: units):
    """Return the counts of symbols and pairs; a word counts `times(n)`, of its units those `each` keeps."""
    single, pairs = Counter(), Counter()
    for word, n in words.items():
        for symbol in each(word):
            single[symbol] += times(n)
        for pair in each(list(pairwise(word))):
            pairs[pair] += times(n)
    return single, pairs


def _ratio(single, pairs):
    return {pair: n / (single[pair[0]] * single[pair[1]]) for pair, n in pairs.items()}


def frequency(words):
    """
    saw: the score is how often the pair occurs
    means: that is BPE; WordPiece asks how much more often than its parts' counts explain
    look: the product that you divide by
    """
    return {pair: float(n) for pair, n in _counted(words)[1].items()}


def given_the_left(words):
    """
    saw: the count of the pair is divided by that of its left symbol alone
    means: that is how likely the right one follows; a right symbol that is everywhere is not held against it
    look: both counts belong below the line
    """
    single, pairs = _counted(words)
    return {pair: n / single[pair[0]] for pair, n in pairs.items()}


def sum_below(words):
    """
    saw: the count of the pair is divided by the sum of the two counts
    means: independent symbols would meet in proportion to the product of their counts
    look: the operator between the two counts
    """
    single, pairs = _counted(words)
    return {pair: n / (single[pair[0]] + single[pair[1]]) for pair, n in pairs.items()}


def logarithm_of_the_pair(words):
    """
    saw: only the count of the pair is replaced by its logarithm
    means: the logarithm of the whole ratio would keep the order of the pairs; this changes it
    look: the score is a ratio of counts, without a logarithm
    """
    single, pairs = _counted(words)
    return {pair: math.log(n) / (single[pair[0]] * single[pair[1]]) for pair, n in pairs.items()}


def logarithm_of_the_ratio(words):
    """
    saw: the score is the logarithm of what is asked for
    means: the order of the pairs is right, the score is not: it is the ratio itself
    look: the last step
    """
    return {pair: math.log(score) for pair, score in _ratio(*_counted(words)).items()}


def words_once(words):
    """
    saw: every word is counted once, whatever its number
    means: a word that occurs 20 times has 20 times the weight
    look: the numbers in `words`
    """
    return _ratio(*_counted(words, times=lambda n: 1))


def once_for_each_word(words):
    """
    saw: a symbol, or a pair, that a word holds twice is counted once
    means: a set, or `in`, forgets how often
    look: b ##a ##n ##a: count every place
    """
    return _ratio(*_counted(words, each=set))


def symbols_of_the_pairs(words):
    """
    saw: a symbol inside a word is counted twice, one at its ends once
    means: the symbols are counted from the pairs, and each place between two pairs is in both
    look: count the symbols of the word itself
    """
    pairs, single = _counted(words)[1], Counter()
    for (left, right), n in pairs.items():
        single[left] += n
        single[right] += n
    return _ratio(single, pairs)


def shares(words):
    """
    saw: counts are replaced by shares of all symbols and of all pairs
    means: all scores are multiplied by the same number: the choice is right, the score is not the one asked
    look: the definition has counts alone
    """
    single, pairs = _counted(words)
    by = single.total() ** 2 / pairs.total()
    return {pair: score * by for pair, score in _ratio(single, pairs).items()}


wordpiece_score = Implement(
    id="tokens.wordpiece_score",
    title="The score of WordPiece",
    statement=(
        "WordPiece merges the pair that its parts explain least. Return the score of every pair of "
        "neighbours, as a dict: count(a b) / (count(a) count(b)). `words` says how often each word occurs; "
        "a word is a tuple of symbols, and those that continue it begin with `##`, so `a` and `##a` are two "
        "symbols. A count is over all places of the corpus."
    ),
    difficulty=2,
    importance=4,
    minutes=6,
    hints=(
        "q is nearly always followed by u, and u follows many letters. Which pair would BPE merge, and "
        "which one surprises more?",
        "Two counts: of symbols and of pairs. A word that occurs n times adds n at each place.",
        "`for pair in pairwise(____): pairs[pair] += ____`",
    ),
    sizes={"words": "dict from a tuple of symbols to how often the word occurs"},
    example=({("q", "##u", "##a"): 2, ("r", "##u", "##a"): 6},),
    solution=solution,
    alternatives=(without_a_counter,),
    reference=place_by_place,
    inputs=inputs,
    invariants=(twice_the_corpus,),
    cases=(one_word_once, one_word_often, a_symbol_twice),
    mistakes=(
        frequency,
        given_the_left,
        sum_below,
        logarithm_of_the_pair,
        logarithm_of_the_ratio,
        words_once,
        once_for_each_word,
        symbols_of_the_pairs,
        shares,
    ),
    forbidden=("glassbox.tokens.reference.wordpiece.scores", "glassbox.tokens.reference.bpe.pair_counts"),
    discussion=(
        "The ratio is, up to a constant, how much likelier the pair is than its parts side by side by "
        "chance; its logarithm is the pointwise mutual information. Rare pairs get high scores: two symbols "
        "that occur once, together, score 1, the most there is. That is why trainers ask for a least count."
    ),
    notes="6 minutes. Most write BPE's count; ask which pair wins in a corpus with q and u.",
)
