"""Whiteboard: one step of BPE training."""

from glassbox.learn.exercise import Implement, Inputs
from glassbox.tokens.exercises import bpe_train_step_answers as answers


def drawn(make, tokens, lengths):
    words = {}
    for length in lengths:
        word = tuple(int(token) for token in make.integers(length, below=tokens))
        words.setdefault(word, 1 + int(make.integers(below=40)) ** 2)
    return words


def inputs(seed):
    make = Inputs(seed)
    return drawn(make, 4, make.sizes(6)), 4


def nothing_to_merge(seed):
    """
    saw: words of one token are wrong
    means: without a pair there is nothing to merge: None, and the words as they came
    look: the largest of no counts
    """
    return {(0,): 3 + seed, (2,): 1}, 4


def one_pair_leads(seed):
    """
    saw: a corpus in which one pair is far ahead is wrong
    means: it is neither ties nor overlaps: it is the counts, or how the pair is replaced
    look: two words by hand
    """
    return {(0, 1, 2, 1, 0, 1): 5 + seed, (2, 0, 1): 2, (2, 3): 9}, 4


def a_frequent_word(seed):
    """
    saw: right where words are about equally frequent, wrong where one word is far ahead
    means: what a word adds to the counts is not how often it occurs
    look: a pair that stands once in a word of 7 counts 7
    """
    return {(0, 1, 0, 1, 3): 1, (1, 0, 1): 2, (2, 3): 7 + seed}, 4


def equally_frequent(seed):
    """
    saw: right where one pair is ahead, wrong where two are equally frequent
    means: of equals, the pair with the smaller ids is merged: first by its left id, then by its right
    look: the key by which you choose
    """
    n = 2 + seed
    return {(1, 3): n, (3, 2): n, (1, 2): n, (2, 3): n}, 4


def equal_neighbours(seed):
    """
    saw: right for different tokens, wrong for equal ones in a row
    means: every two neighbours count, so aaa holds the pair twice; merging goes from the left, and does not
        overlap
    look: (0, 0, 0) becomes (new, 0)
    """
    return {(0,) * (3 + 2 * seed): 3, (0, 1): 6 + 4 * seed, (1, 0, 0, 0): 1}, 4


def it_gets_shorter(bpe_train_step, words, new):
    """
    saw: put back, the new token does not give the words that came
    means: a token is lost or doubled where the pair is replaced
    look: by how many places the loop goes on after a merge
    """
    pair, merged = bpe_train_step(words, new)
    spelled = {tuple(t for token in word for t in (pair if token == new else (token,))): n
               for word, n in merged.items()}  # fmt: skip
    return spelled == words


bpe_train_step = Implement(
    id="tokens.bpe_train_step",
    title="One step of BPE training, in 20 lines",
    statement=(
        "`words` says how often each word of the corpus occurs; a word is a tuple of token ids. Count all "
        "pairs of neighbours, pick the most frequent, of equals the one with the smaller ids, and merge it "
        "in every word, from the left: the two become the id `new`. Every two neighbours count, so (0, 0, "
        "0) holds the pair (0, 0) twice. Return the pair and the new dict; `words` stays as it is. Without "
        "a pair, return None and the words."
    ),
    difficulty=3,
    importance=5,
    minutes=9,
    core=False,
    hints=(
        "A word occurs 5 times and holds a pair twice. How much does it add to the pair's count?",
        "Three parts: count, choose with a key that has the tie in it, replace in every word.",
        "`min(counts, key=lambda pair: (____, pair))`, and a loop with `at += ____ if here else 1`",
    ),
    sizes={"words": "dict from a tuple of ids to a count", "new": "the id of the new token"},
    example=({(0, 1, 2): 2, (1, 2, 1, 2): 3}, 3),
    returns=("the pair", "the words"),
    solution=answers.solution,
    alternatives=(answers.by_sorting,),
    reference=answers.written_out,
    inputs=inputs,
    invariants=(it_gets_shorter,),
    cases=(nothing_to_merge, one_pair_leads, a_frequent_word, equally_frequent, equal_neighbours),
    mistakes=(
        answers.words_once,
        answers.once_for_each_word,
        answers.without_overlaps,
        answers.larger_of_equals,
        answers.first_seen,
        answers.across_words,
        answers.first_place_only,
        answers.most_frequent_word_only,
        answers.from_the_right,
        answers.either_order,
    ),
    forbidden=(
        "glassbox.tokens.reference.bpe.step",
        "glassbox.tokens.reference.bpe.choose",
        "glassbox.tokens.reference.bpe.pair_counts",
        "glassbox.tokens.reference.bpe.merged",
        "glassbox.tokens.reference.bpe.replaced",
    ),
    discussion=(
        "Each step counts the corpus anew: merges times words. A trainer keeps the counts, changes those "
        "next to a merge, and finds the largest in a heap: the same merges, thousands of times faster. The "
        "tie must not depend on the order of the corpus, or two runs give two vocabularies."
    ),
    notes="9 minutes on a whiteboard. Ask what changes for WordPiece: the key alone.",
)
