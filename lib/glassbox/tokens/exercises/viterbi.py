"""Write Viterbi for Unigram: the most probable segmentation."""

from fractions import Fraction

from glassbox.learn.exercise import Implement, Inputs
from glassbox.tokens.exercises import viterbi_answers as answers

LONGEST = 4
UNKNOWN = 1e-12


def vocabulary(make, letters, pieces):
    """Draw probabilities that sum to 1 for the letters and for longer pieces over them."""
    names = list(letters)
    while len(names) < len(letters) + pieces:
        name = "".join(make.pick(letters) for _ in range(2 + int(make.integers(below=LONGEST - 1))))
        names += [name] * (name not in names)
    weights = make.normal(len(names)).mul(2.5).exp()
    return dict(zip(names, (weights / weights.sum()).tolist(), strict=True))


def written(make, letters, length):
    return "".join(make.pick(letters) for _ in range(length))


def best_is_alone(word, probability, unknown):
    """Tell whether one segmentation beats all others; exact, since rounding breaks a tie at random."""
    exact = dict.fromkeys(word, Fraction(unknown)) | {each: Fraction(p) for each, p in probability.items()}
    best = [(Fraction(1), 1)]
    for end in range(1, len(word) + 1):
        ways = [(best[start][0] * exact[word[start:end]], best[start][1])
                for start in range(end) if word[start:end] in exact]  # fmt: skip
        top = max(ways)[0]
        best.append((top, sum(count for share, count in ways if share == top)))
    return best[-1][1] == 1


def inputs(seed):
    make = Inputs(seed)
    while True:
        drawn = written(make, "aabbcc?", 17), vocabulary(make, "abc", 12), UNKNOWN
        if best_is_alone(*drawn):
            return drawn


def one_way_to_write_it(seed):
    """
    saw: a word that can be written in one way only is wrong
    means: it is not the choice, it is the way back
    look: a word of two pieces by hand: the start of the last piece, and where the loop ends
    """
    return "".join(Inputs(seed).pick(["no", "w"]) for _ in range(1 + seed)), {"no": 0.6, "w": 0.4}, UNKNOWN


def a_good_beginning_with_a_bad_end(seed):
    """
    saw: a word with one segmentation is right; among several, the wrong one is chosen
    means: it is not the product of all the pieces' probabilities that decides
    look: abcd with abc, d against ab, cd: abc has the prefix ab, and d is rare
    """
    rare = Inputs(seed).pick([0.001, 0.002, 0.004])
    pieces = {
        "abc": 0.4,
        "ab": 0.2,
        "cd": 0.2,
        "a": 0.1,
        "b": 0.05,
        "c": 0.05 - rare,
        "d": rare,
        "cdab": 1e-4,
    }
    return "abcd" * (1 + seed % 3), pieces, UNKNOWN


def equally_probable(seed):
    """
    saw: right where one segmentation is the best, wrong where two are equally probable
    means: of these the one with the longest last piece is asked for: a, bc and not ab, c
    look: > or >=, and the order in which the starts are tried
    """
    share = Inputs(seed).pick([0.1, 0.3, 0.4])
    return "abc", {"ab": share, "bc": share, "a": 0.2, "c": 0.2}, UNKNOWN


def an_unknown_character(seed):
    """
    saw: words of known letters are right, one with a letter that no piece covers is wrong
    means: at that letter every way ends
    look: which single characters may be used with the probability `unknown`
    """
    make = Inputs(seed)
    return written(make, "ab", seed) + "??"[: 1 + seed % 2] + "ab", {"a": 0.3, "b": 0.3, "ab": 0.4}, UNKNOWN


def a_long_word(seed):
    """
    saw: short words are right, one of 80 letters is wrong
    means: the product of the probabilities underflows to 0
    look: sums of logarithms in place of products
    """
    pieces = {"abc": 4e-9, "ab": 3e-9, "cd": 2e-9, "a": 1e-9, "d": 1e-10, "the": 0.9}
    return "abcd" * (20 + seed % 9), pieces, UNKNOWN


def nothing_is_lost(viterbi, word, probability, unknown):
    """
    saw: joined, the pieces do not spell the word
    means: the way back leaves out a piece, or gives them in another order
    look: where the loop ends, and the order of the list
    """
    return "".join(viterbi(word, probability, unknown)) == word


viterbi = Implement(
    id="tokens.viterbi",
    title="The most probable segmentation",
    statement=(
        "In a Unigram model the probability of a segmentation is the product of the probabilities of its "
        "pieces. Return the most probable segmentation of `word`, as a list of pieces. `probability` is a "
        "dict from piece to probability. A single character that is no piece may be used as one with the "
        "probability `unknown`, which is below all others. Of equally probable segmentations take the one "
        "whose last piece is longest. Words may have hundreds of characters."
    ),
    difficulty=3,
    importance=5,
    minutes=9,
    hints=(
        "If you knew the best segmentations of all shorter beginnings of the word, how would you find that "
        "of the whole?",
        "best(0) = 0; best(end) is the largest best(start) + log p(word[start:end]). Keep the start that "
        "won, and go back along the starts.",
        "`if best[start] + ____ > best[end]: best[end], start_of[end] = ____, start`",
    ),
    sizes={
        "word": "characters",
        "probability": "piece to probability, above 0",
        "unknown": "probability of a character that is no piece",
    },
    example=("abcd", {"abc": 0.4, "ab": 0.3, "cd": 0.2, "d": 0.1}, 1e-6),
    solution=answers.solution,
    alternatives=(answers.carrying_the_pieces,),
    reference=answers.in_fractions_from_the_right,
    inputs=inputs,
    invariants=(nothing_is_lost,),
    cases=(
        one_way_to_write_it,
        a_good_beginning_with_a_bad_end,
        equally_probable,
        an_unknown_character,
        a_long_word,
    ),
    mistakes=(
        answers.longest_match,
        answers.most_probable_piece_first,
        answers.fewest_pieces,
        answers.probabilities_added,
        answers.probabilities_multiplied,
        answers.no_fallback,
        answers.anything_may_be_unknown,
        answers.always_unknown,
        answers.shorter_last_piece,
        answers.one_too_short,
        answers.without_the_first_piece,
        answers.backwards,
    ),
    forbidden=(
        "glassbox.tokens.reference.unigram.best",
        "glassbox.tokens.unigram.Unigram.best_path",
        "glassbox.tokens.unigram.Unigram.encode_word",
    ),
    discussion=(
        "A word of n characters has up to 2^(n-1) segmentations; this looks at n squared pieces, and at n "
        "times the longest piece if the starts are limited to it. With a sum of exponentials in place of "
        "the maximum the same loop gives the probability of the word over all segmentations, which training "
        "needs. With byte fallback an unknown character then becomes its bytes."
    ),
    notes="9 minutes, on a whiteboard too. Longest match is right on most words: ask for an exception.",
)
