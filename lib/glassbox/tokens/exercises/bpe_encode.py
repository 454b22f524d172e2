"""Write the encoder of BPE: merges by rank."""

from glassbox.learn.exercise import Implement, Inputs
from glassbox.tokens.exercises import bpe_encode_answers as answers

LONGEST = 4


def learned(make, letters, count):
    """Return merges as a training lists them: of tokens that are there, each spelling a new one."""
    tokens, merges = list(letters), []
    while len(merges) < count:
        left, right = make.pick(tokens), make.pick(tokens)
        if len(left + right) <= LONGEST and left + right not in tokens:
            tokens.append(left + right)
            merges.append((left, right))
    return merges


def spelled(make, letters, length):
    return "".join(make.pick(letters) for _ in range(length))


def inputs(seed):
    make = Inputs(seed)
    return spelled(make, "abbcc?", 22), learned(make, "abc", 9)


def nothing_to_merge(seed):
    """
    saw: a word in which no pair is in the list is wrong
    means: it stays as it came: one token for each character
    look: where the loop begins, and what it does if it finds nothing
    """
    return spelled(Inputs(seed), "xyz", 1 + seed), [("a", "b"), ("ab", "c")]


def one_merge_at_many_places(seed):
    """
    saw: a word that stays as it is is right; one merge that applies at several places is wrong
    means: the pair is not merged everywhere, or other pairs are
    look: abcabcab with the merge (a, b)
    """
    return "".join(["ab" + Inputs(seed).pick(["c", "cc", "dc"]), *["abc"] * (2 + seed), "ab"]), [("a", "b")]


def equal_neighbours(seed):
    """
    saw: different letters are right, a row of equal ones is wrong
    means: the pairs overlap: of three a's the first two are merged, and the third is left
    look: aaaaa with the merges (a, a) and (aa, aa)
    """
    return "a" * (3 + seed) + "b", [("a", "a"), ("aa", "aa")]


def ranks_compete(seed):
    """
    saw: one merge at a time is right; where two pairs share a letter, the wrong one is merged
    means: the smallest rank does not decide
    look: abcd with (b, c) before (a, b) and (ab, c): abc is a token, and b goes with c
    """
    end = Inputs(seed).pick(["", "d", "dab", "abd"])
    return "abcd" * (1 + seed) + end, [("b", "c"), ("a", "b"), ("ab", "c"), ("c", "d")]


def nothing_is_lost(bpe_encode, word, merges):
    """
    saw: joined, the tokens do not spell the word
    means: a letter is lost, doubled or moved
    look: which tokens a merge removes, and at which place the new one is put
    """
    return "".join(bpe_encode(word, merges)) == word


bpe_encode = Implement(
    id="tokens.bpe_encode",
    title="Encode by rank",
    statement=(
        "Split `word` into the tokens of a trained BPE. `merges` is the list of pairs in the order in which "
        "training made them: the place in the list is the rank. Start from single characters. Among all "
        "pairs of neighbours that are in the list, merge the one with the smallest rank, the leftmost if it "
        "stands at several places; again and again, until no pair is in the list. Return the list of tokens."
    ),
    difficulty=3,
    importance=5,
    minutes=8,
    hints=(
        "In abcd, both ab and bc are tokens. Which one is made, and what decides it?",
        "Three steps, repeated: look up the rank of each pair, take the smallest, replace two tokens by one.",
        "`found = [(rank[pair], at) for at, pair in enumerate(pairwise(____)) if pair in rank]`, then "
        "`at = min(____)[1]`",
    ),
    sizes={
        "word": "one word, characters; `?` and others may be in no merge",
        "merges": "pairs of strings, the first learned first",
    },
    example=("abcab", [("b", "c"), ("a", "b"), ("ab", "c"), ("a", "bc")]),
    solution=answers.solution,
    alternatives=(answers.one_merge_after_the_other,),
    reference=answers.by_replacing,
    inputs=inputs,
    invariants=(nothing_is_lost,),
    cases=(nothing_to_merge, one_merge_at_many_places, equal_neighbours, ranks_compete),
    mistakes=(
        answers.longest_match,
        answers.counted_anew,
        answers.from_the_left,
        answers.last_rank_first,
        answers.stops_after_the_first_rank,
        answers.one_place_for_each_merge,
        answers.from_the_right,
        answers.any_pair_that_spells_a_token,
    ),
    forbidden=("glassbox.tokens.reference.bpe.encode", "glassbox.tokens.bpe.BPE.encode_word"),
    discussion=(
        "To merge all places of the smallest rank in one round gives the same, and so does one pass over "
        "the list: what a merge makes was learned later, so its own merges have larger ranks. Each round "
        "looks at the whole word, so a word of n characters costs n squared; a heap of ranks makes it n log "
        "n. Words are short, if the text is cut into words first."
    ),
    notes="8 minutes. Ask for a word whose encoding is longer than the vocabulary allows: abcd above.",
)
