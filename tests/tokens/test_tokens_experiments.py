"""The quick experiments of notebook 05: each claim on its rows, and what would make it wrong."""

from importlib import import_module
from itertools import pairwise, product

import pytest
from glassbox.tokens import experiments, train_bpe, train_wordpiece
from glassbox.tokens.reference import bpe as reference

# The package exports functions of the same names as some of these modules.
checklist, encoding_cost, language_models, merges, optimality = (
    import_module(f"glassbox.tokens.experiments.{name}")
    for name in ("checklist", "encoding_cost", "language_models", "merges", "optimality")
)
SMALL = "low lower lowest newer newest wider widest " * 20


# Merges.


def test_the_curve_is_the_length_of_the_text_under_every_vocabulary():
    rows = experiments.merge_curve(16, 8, SMALL)
    assert [row["merges"] for row in rows] == [0, 8, 16]
    for row in rows:
        tokenizer = train_bpe([SMALL], row["vocabulary"])
        assert len(tokenizer.encode(SMALL)) == row["tokens"]
    assert rows[0]["tokens"] == len(SMALL) and rows[0]["made"] is None


def test_every_merge_shortens_the_stories_and_pays_less_than_an_earlier_one():
    rows = experiments.merge_curve(600, 100)
    assert all(b["tokens"] < a["tokens"] for a, b in pairwise(rows))
    gains = [a["tokens"] - b["tokens"] for a, b in pairwise(rows)]
    assert gains == sorted(gains, reverse=True) and gains[0] > 5 * gains[1]
    assert rows[-1]["bytes_per_token"] == pytest.approx(2.7353, abs=0.01)


def test_training_ends_when_no_pair_is_left():
    rows = experiments.merge_curve(1000, 1, SMALL)
    assert len(rows) < 60 and rows[-1]["made"] >= 2


def test_the_first_merge_by_count_is_made_most_and_by_ratio_almost_never():
    rows = experiments.first_merges(10)
    assert rows[0]["by_count"] == "##h + ##e" and rows[0]["count"] > 5000
    assert all(row["ratio_count"] < 20 < row["count"] for row in rows)
    assert not {row["by_count"] for row in rows} & {row["by_ratio"] for row in rows}


def test_the_first_merges_are_those_of_the_definitions():
    from glassbox.tokens import BertWords
    from glassbox.tokens.counting import count_words
    from glassbox.tokens.reference import wordpiece

    state = wordpiece.start(count_words([SMALL], BertWords()))
    pairs = []
    for choose in (reference.choose, wordpiece.choose):
        pair = choose(state)
        pairs.append(" + ".join(state.tokens[symbol] for symbol in pair))
    row = experiments.first_merges(1, SMALL)[0]
    assert [row["by_count"], row["by_ratio"]] == pairs and pairs[0] != pairs[1]


def test_common_words_are_whole_by_count_and_in_pieces_by_ratio():
    rows = {row["word"]: row for row in experiments.segmented_differently(512, 10)}
    assert rows["the"]["by_count"] == "the" and rows["the"]["by_ratio"] == "th ##e"
    assert all(row["count_tokens"] < row["ratio_tokens"] for row in rows.values())
    assert [row["occurs"] for row in rows.values()] == sorted(
        (r["occurs"] for r in rows.values()), reverse=True
    )
    (asked,) = experiments.segmented_differently(512, words=["orchard"])
    assert asked["by_count"].replace(" ##", "") == asked["by_ratio"].replace(" ##", "") == "orchard"


# Fewest tokens, longest match, merges.


@pytest.fixture(scope="module")
def tokenizer():
    return language_models.story_tokenizer(512)


@pytest.mark.parametrize("word", [" orchard", " Monday", "aaaa", " the", "é", " tannery"])
def test_the_fewest_tokens_are_the_fewest_and_all_ways_spell_the_word(tokenizer, word):
    place, spelled = tokenizer.model.place, word.encode("utf-8")
    cuts = (
        sum(cut) + 1
        for cut in product((0, 1), repeat=len(spelled) - 1)
        if all(spelled[a:b] in place for a, b in pairwise([0, *edges(cut), len(spelled)]))
    )
    ways = optimality.cut(tokenizer, word)
    assert len(ways["fewest"]) == min(cuts) <= min(len(ways["merges"]), len(ways["longest_match"]))
    assert {tokenizer.decode_bytes(ids) for ids in ways.values()} == {spelled}


def edges(cut):
    return [place for place, here in enumerate(cut, 1) if here]


def test_the_longest_match_is_taken_at_every_place(tokenizer):
    ids = experiments.longest_match(tokenizer, " another")
    assert [tokenizer.shown(token) for token in ids] == ["Ġan", "ot", "her"]
    assert [*map(tokenizer.shown, tokenizer.encode(" another"))] == ["Ġa", "no", "t", "her"]


def test_only_byte_level_bpe_is_compared():
    with pytest.raises(TypeError, match="byte-level BPE"):
        experiments.fewest(train_wordpiece([SMALL], 60), "low")


def test_merges_are_not_optimal_and_the_rows_say_where():
    rows = experiments.not_optimal(512)
    assert rows[0]["word"] == " orchard" and rows[0]["saved"] == 2
    for row in rows:
        assert len(row["merges"].split()) - len(row["fewest"].split()) == row["saved"] > 0
        assert row["merges"].replace(" ", "") == row["fewest"].replace(" ", "")


def test_few_words_are_longer_than_they_need_be():
    """Merging is no search, and loses less than one token in a hundred by it; longest match as little."""
    for row in experiments.three_ways((512,)):
        assert row["fewest"] < min(row["merges"], row["longest_match"])
        assert max(row["merges"], row["longest_match"]) < 1.01 * row["fewest"]
        assert 0 < row["merges_longer"] < 0.03 * row["words"] < row["differ"] < 0.2 * row["words"]


def test_one_more_character_can_take_two_tokens_away(tokenizer):
    rows = experiments.counts_not_monotone(512)
    assert rows[0]["word"] == " asked" and (rows[0]["before"], rows[0]["tokens"]) == (3, 1)
    for row in rows:
        before, now = (len(tokenizer.encode(word)) for word in (row["word"][:-1], row["word"]))
        assert (before, now, before - now) == (row["before"], row["tokens"], row["fall"]) and row["fall"] > 0
    counts = [row["tokens"] for row in experiments.counts_by_prefix(" remember")]
    assert counts == [1, 1, 1, 2, 2, 3, 3, 4, 3]


# The work of encoding.


@pytest.mark.parametrize("length", [1, 16, 70])
def test_the_looks_of_the_definition_are_counted_right(tokenizer, length, monkeypatch):
    word, looks = encoding_cost.one_word(length), 0

    def counted(symbols):
        nonlocal looks
        pairs = list(pairwise(symbols))
        looks += len(pairs)
        return pairs

    monkeypatch.setattr(reference, "pairwise", counted)
    ids = reference.encode(tokenizer.model.symbols(word), tokenizer.model.merges)
    assert ids == tokenizer.model.encode_word(word)
    assert looks == encoding_cost.naive_looks(length, len(ids))


def test_the_definition_is_quadratic_and_the_shipped_encoder_linear():
    rows = experiments.quadratic((256, 1024, 4096))
    assert experiments.loglog_slope(rows, "naive", "length") == pytest.approx(2, abs=0.05)
    assert experiments.loglog_slope(rows, "shipped", "length") == pytest.approx(1, abs=0.05)
    assert rows[-1]["naive"] > 500 * rows[-1]["shipped"]


def test_counting_changes_nothing_of_the_encoding(tokenizer):
    (row,) = experiments.quadratic((300,))
    assert row["tokens"] == len(tokenizer.model.encode_word(encoding_cost.one_word(300)))
    table = encoding_cost.Looked({(1, 2): 3})
    assert ((1, 2) in table, table[1, 2], table.get((2, 2)), table.looks) == (True, 3, None, 3)


# The checklist.


@pytest.fixture(scope="module")
def grid():
    rows = experiments.probe_grid()
    return {(row["question"], name): row[name] for row in rows for name in checklist.RECIPES}


def test_the_checklist_tells_the_recipes_apart(grid):
    bytes_, marked, _, wordpiece = checklist.RECIPES
    answers = {name: [a for (_, n), a in grid.items() if n == name] for name in checklist.RECIPES}
    assert len({str(column) for column in answers.values()}) == 4
    assert grid["case kept", bytes_] and not grid["case kept", wordpiece]
    assert grid["a word differs with a space before it", bytes_]
    assert not grid["a word differs with a space before it", marked]
    assert [grid["unknown token possible", name] for name in checklist.RECIPES] == [False, False, True, True]
    parts = [grid["a token can be part of a character", name] for name in checklist.RECIPES]
    assert parts == [True, True, False, False]
    exact = [grid["of ten hard texts, come back exactly", name] for name in checklist.RECIPES]
    assert exact[0] == 10 > exact[1] > exact[2] >= exact[3] == 0
    assert all(grid["special token in a text is text", name] for name in checklist.RECIPES)


def test_the_checklist_sees_a_tokenizer_that_cuts_digits_one_by_one():
    tokenizer = checklist.sums_tokenizer("one digit")
    assert checklist._longest_digits(tokenizer) == 1
    assert checklist._longest_digits(checklist.sums_tokenizer("up to three")) == 3


def test_four_recipes_cut_one_text_differently_and_losses_are_marked():
    rows = experiments.splits("Hello  世界 🙂 x = 1024")
    assert [row["exact"] for row in rows] == [True, False, False, False]
    assert len({tuple(row["pieces"]) for row in rows}) == 4
    pieces = {row["model"]: row["pieces"] for row in rows}
    assert "<0xF0>" in pieces["LLaMA"] and "<unk>" in pieces["T5"] and "[UNK]" in pieces["BERT"]
    assert all(len(row["pieces"]) == row["tokens"] for row in rows)


def test_only_the_rule_of_single_digits_cuts_all_numbers_alike():
    rows = experiments.digit_cuts(4)
    cuts = {rule: [row["cut"] for row in rows if row["rule"] == rule] for rule in checklist.PIECES}
    assert cuts["one digit"] == ["1+1+1+1"]
    assert len(cuts["up to three"]) == 3 and len(cuts["any number"]) >= 4
    numbers = [str(number) for number in range(1000, 10_000, 500)]
    for rule, tokenizer in ((rule, checklist.sums_tokenizer(rule)) for rule in checklist.PIECES):
        alone = ["+".join(str(len(tokenizer.spelled[t])) for t in tokenizer.encode(n)) for n in numbers]
        assert checklist._cuts(tokenizer, 4)[::500] == alone
        assert sum(row["numbers"] for row in rows if row["rule"] == rule) == 9000
    assert all(row["pieces"].replace(" ", "") == row["number"] for row in experiments.digits())


# What a vocabulary costs.


def test_the_parameters_of_a_larger_vocabulary():
    rows = experiments.vocabulary_cost((32_000, 128_000), 4096)
    assert [row["added"] for row in rows] == [0, 2 * 96_000 * 4096]
    tied = experiments.vocabulary_cost((32_000, 128_000), 4096, tied=True)
    assert tied[1]["added"] == 96_000 * 4096 == rows[1]["added"] // 2
    assert rows[1]["flops_per_token"] == tied[1]["flops_per_token"] == 2 * 128_000 * 4096
    assert rows[1]["bytes"] == 2 * rows[1]["parameters"]
    with pytest.raises(ValueError, match="vocabulary"):
        experiments.vocabulary_cost((0,))


def test_for_a_large_body_fewer_tokens_pay_and_for_a_small_one_the_scores_do_not():
    rows = [row for row in experiments.recorded("fertility") if row["algorithm"] == "bpe"]
    rows = [row for row in rows if row["trained_on"] == "english"]
    large = experiments.flops_per_byte(rows, 6.5e9, 4096, "english")
    small = experiments.flops_per_byte(rows, 82_000, 64, "english")
    assert [row["relative"] for row in large] == sorted((r["relative"] for r in large), reverse=True)
    assert large[-1]["relative"] < 0.6
    assert small[-1]["relative"] > min(row["relative"] for row in small)
    for row in large:
        expected = (2 * 6.5e9 + 2 * row["vocabulary"] * 4096) / row["bytes_per_token"]
        assert row["flops_per_byte"] == pytest.approx(expected)
