"""What the exercises of notebook 05 say to answers that learners really write."""

import codecs
import math
from itertools import pairwise

import pytest
from glassbox import tokens
from glassbox.tokens.exercises import (
    bpe_encode,
    bpe_train_step,
    explain_unigram,
    leading_space,
    streaming,
    viterbi,
    vocabulary_cost,
    wordpiece_score,
)
from glassbox.tokens.reference import bpe, unigram, wordpiece
from glassbox.tokens.streaming import Stream, stream_step
from learn.answers import assert_fits_a_whiteboard, mended, refused, said, saw
from learn.answers import in_batch as in_batch

RED_FLAG = (
    "SentencePiece is an algorithm. WordPiece is the same thing, the only difference is the ##. "
    "Byte-level BPE has one token per byte. BPE gives the fewest tokens."
)
GOOD = (
    "BPE counts pairs and merges the most common pair; at inference the merges are replayed. WordPiece: "
    "normalised by the counts of the two parts, then maximum matching from the left. Unigram is top-down: a "
    "seed vocabulary is pruned, and dynamic programming finds the segmentation. SentencePiece is a toolkit "
    "that works on raw text and trains either."
)


# ---- the same as the library's


@pytest.mark.parametrize("seed", range(4))
def test_encoding_is_that_of_the_library(seed):
    word, merges = bpe_encode.inputs(seed)
    names = sorted({*word, *"abc"}) + [left + right for left, right in merges]
    ids = [bpe.Merge(names.index(a), names.index(b), names.index(a + b)) for a, b in merges]
    want = [names[token] for token in bpe.encode(map(names.index, word), ids)]
    assert bpe_encode.solution(word, merges) == want


@pytest.mark.parametrize("seed", range(4))
def test_scores_are_those_of_the_library(seed):
    (words,) = wordpiece_score.inputs(seed)
    state = wordpiece.start({word[0] + "".join(s[2:] for s in word[1:]): n for word, n in words.items()})
    found = wordpiece_score.solution(words)
    want = {(state.tokens[a], state.tokens[b]): s for (a, b), s in wordpiece.scores(state.words).items()}
    assert found == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_the_best_segmentation_is_that_of_the_library(seed):
    word, probability, unknown = viterbi.inputs(seed)
    found = dict.fromkeys(word, unknown) | probability
    assert viterbi.solution(word, probability, unknown) == list(
        unigram.best(word, {piece: math.log(p) for piece, p in found.items()})
    )


def test_ties_are_broken_as_in_the_library():
    word, probability, unknown = viterbi.cases[2](0)
    model = tokens.Unigram(["<unk>", *probability], [-9.0, *map(math.log, probability.values())])
    assert viterbi.solution(word, probability, unknown) == ["a", "bc"]
    assert [model.tokens[edge.token] for edge in model.best_path(word)] == ["a", "bc"]


@pytest.mark.parametrize("seed", range(4))
def test_a_step_of_training_is_that_of_the_library(seed):
    words, new = bpe_train_step.inputs(seed)
    state = bpe.step(bpe.State(words, tuple("abcd")))
    assert bpe_train_step.solution(words, new) == (state.merges[0][:2], state.words)


def test_a_stream_is_that_of_the_library():
    ids, spelled = streaming.inputs(0)
    stream, want = Stream(), []
    for number in ids:
        stream = stream_step(stream, spelled[number])
        want.append(stream.text)
    assert streaming.solution(ids, spelled) == [*want, stream_step(stream, b"", last=True).text]


def test_a_chat_is_cut_as_its_lines():
    (turns,) = leading_space.example
    assert leading_space.solution(turns) == [
        *("User", ":", " Hello", " you", "\n"),
        *("Bot", ":", " Hello", "!", "\n"),
    ]
    assert leading_space.broken(turns)[2:4] == [" ", "Hello"]


# ---- what the discussions say


def test_one_round_for_all_places_is_the_same():
    for seed in range(20):
        word, merges = bpe_encode.inputs(seed)
        found = list(word)
        while ranked := [merges.index(pair) for pair in pairwise(found) if pair in merges]:
            left, right = merges[min(ranked)]
            made = []
            for token in found:
                made.append(token)
                if made[-2:] == [left, right]:
                    made[-2:] = [left + right]
            found = made
        assert found == bpe_encode.solution(word, merges)


def test_symbols_that_only_occur_together_score_most():
    words = {("q", "##u"): 1, ("t", "##h"): 50, ("t", "##o"): 30}
    found = wordpiece_score.solution(words)
    assert found["q", "##u"] == 1 == max(found.values())


def test_the_number_of_the_vocabulary():
    assert vocabulary_cost.solution() == 786.432
    untied = 1e6 * vocabulary_cost.solution()
    assert [round(share, 2) for share in (untied / 7e9, untied / 2 / 7e9)] == [0.11, 0.06]
    flops = 2 * 96_000 * 4096  # of the new logits, for one token
    assert round(flops / 1e9, 2) == 0.79


# ---- mistakes, written another way


def greedy(word, merges):
    known, out = {a + b for a, b in merges} | set(word), []
    while word:
        size = next(size for size in range(len(word), 0, -1) if word[:size] in known)
        out.append(word[:size])
        word = word[size:]
    return out


def whatever_comes_first(word, merges):
    out = list(word)
    while hits := [i for i in range(len(out) - 1) if (out[i], out[i + 1]) in merges]:
        out[hits[0] : hits[0] + 2] = ["".join(out[hits[0] : hits[0] + 2])]
    return out


def bare_counts(words):
    counts = {}
    for word, n in words.items():
        for i in range(len(word) - 1):
            counts[word[i], word[i + 1]] = counts.get((word[i], word[i + 1]), 0.0) + n
    return counts


def product(word, probability, unknown):
    best = [(1.0, [])]
    for end in range(1, len(word) + 1):
        ways = [(best[start][0] * probability.get(word[start:end], 0), start) for start in range(end)]
        ways[-1] = (best[end - 1][0] * probability.get(word[end - 1], unknown), end - 1)
        share, start = max(ways, key=lambda way: (way[0], -way[1]))
        best.append((share, [*best[start][1], word[start:end]]))
    return best[-1][1]


def recursive(word, probability, unknown):
    if not word:
        return []
    ends = range(1, len(word) + 1)
    return min(([word[:end], *recursive(word[end:], probability, unknown)] for end in ends),
               key=lambda pieces: -sum(math.log(probability.get(p, unknown)) for p in pieces))  # fmt: skip


def most_common(words, new):
    counts, merged = {}, {}
    for word, n in words.items():
        for pair in pairwise(word):
            counts[pair] = counts.get(pair, 0) + n
    if not counts:
        return None, words
    best = max(counts, key=counts.get)
    for word, n in words.items():
        text = "".join(map(chr, word)).replace("".join(map(chr, best)), chr(new))
        merged[tuple(map(ord, text))] = n
    return best, merged


def pair_as_a_list(words, new):
    pair, merged = most_common(words, new)
    return list(pair), merged


def as_a_tuple(word, merges):
    return tuple(word)


def strict(ids, spelled):
    texts, held = [], b""
    for number in ids:
        held = held + spelled[number]
        try:
            texts.append(held.decode())
            held = b""
        except UnicodeDecodeError:
            texts.append("")
    return [*texts, held.decode(errors="replace")]


@pytest.mark.parametrize("task, answer, words", [
    (bpe_encode, greedy, "that is how WordPiece encodes"),
    (bpe_encode, whatever_comes_first, "the place only decides between equal ranks"),
    (bpe_encode, as_a_tuple, "a list is wanted"),
    (wordpiece_score, bare_counts, "that is BPE"),
    (viterbi, product, "rounded to 0"),
    (bpe_train_step, most_common, "the vocabulary depends on the order of the corpus"),
    (bpe_train_step, pair_as_a_list, "the pair is a list means a tuple of 2 is wanted"),
    (streaming, strict, "strict decoding fails again at every later token"),
])  # fmt: skip
def test_a_mistake_is_recognised_in_other_words(task, answer, words):
    assert words in said(task, answer)


def test_an_exponential_answer_is_stopped_and_told_so():
    quick = type(viterbi)(**{**vars(viterbi), "limits": type(viterbi.limits)(seconds=2)})
    assert "did not finish within" in said(quick, recursive)


@pytest.mark.parametrize("answer, words", [
    (393.2, "the answer if the matrices are tied"),
    (1048.6, "how many are added"),
    (805.3, "here k is 1024"),
    (1572.9, "bytes in bfloat16"),
    (786_432_000, "a factor of a million"),
    (500, "none of the mistakes known here"),
])  # fmt: skip
def test_a_wrong_number_is_told_apart(answer, words):
    assert words in said(vocabulary_cost, answer)


# ---- mending

IMPORTS = ("import codecs", "import re")
HEADER, ALONE = '(f"{role}: ", text, "\\n")', 'spelled[number].decode("utf-8", "replace")'


@pytest.mark.parametrize("task, changes", [
    (leading_space, [(HEADER, '(f"{role}:", " " + text, "\\n")')]),
    (leading_space, [(HEADER, '(f"{role}: {text}\\n",)')]),
    (streaming, [("texts = []", 'texts, decoder = [], codecs.getincrementaldecoder("utf-8")("replace")'),
                 (ALONE, "decoder.decode(spelled[number])"),
                 ('texts.append("")', 'texts.append(decoder.decode(b"", True))')]),
])  # fmt: skip
def test_three_lines_mend_it(task, changes):
    assert mended(task, *changes, imports=IMPORTS).passed and len(changes) <= 3


@pytest.mark.parametrize("task, changes, words", [
    (leading_space, [(HEADER, '(f"{role}: ", text.lstrip(), "\\n")')], "the planted error is still there"),
    (leading_space, [(HEADER, '(f"{role}: ", " " + text, "\\n")')], "two spaces between the colon"),
    (streaming, [('"replace"', '"ignore"')], 'errors="ignore" hides the symptom'),
    (streaming, [('"replace"', '"strict"')], "UnicodeDecodeError"),
])  # fmt: skip
def test_another_line_does_not(task, changes, words):
    assert words in refused(mended(task, *changes, imports=IMPORTS))


def test_the_decoder_of_the_hint_is_that_of_the_library():
    assert codecs.getincrementaldecoder("utf-8")("replace").decode(b"\xe4\xbd") == ""


# ---- words and whiteboards


def test_a_red_flag_finds_few_points_and_a_good_answer_all():
    assert saw(explain_unigram, RED_FLAG).startswith(
        "0 of 7 points found by their words, 4 less for: SentencePiece"
    )
    assert saw(explain_unigram, GOOD).startswith("7 of 7 points found by their words;")


@pytest.mark.parametrize("answer, wrong", [
    ("SentencePiece is a subword algorithm.", True),
    ("SentencePiece is just Unigram.", True),
    ("WordPiece is BPE with ##.", True),
    ("The merges make BPE optimal.", True),
    ("With byte-level BPE every byte is a token.", True),
    ("SentencePiece is not an algorithm.", False),
    ("SentencePiece is a library that trains Unigram or BPE.", False),
    ("SentencePiece implements two algorithms.", False),
    ("They do not differ only in ##.", False),
    ("In WordPiece ## marks what continues a word.", False),
    ("Byte-level BPE starts from 256 tokens.", False),
    ("BPE is greedy, so it is not optimal.", False),
])  # fmt: skip
def test_a_claim_counts_unless_it_is_denied(answer, wrong):
    assert bool(explain_unigram.check(answer).mistake) == wrong


@pytest.mark.parametrize("task, lines", [(bpe_train_step, 20), (viterbi, 20), (bpe_encode, 10)])
def test_the_whiteboards_fit_on_one(task, lines):
    assert_fits_a_whiteboard(task, lines, ("import math", "from itertools import pairwise"))
