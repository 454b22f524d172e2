"""Exercises on text: words, bytes and dicts as arguments and results."""

from glassbox.learn.exercise import Implement, Inputs, State
from glassbox.learn.exercise.compare import parts
from learn.answers import in_batch as in_batch


def drawn(seed):
    word = "".join(Inputs(seed).pick("abé你") for _ in range(9))
    return word, {("a", "b"): 1 + seed, ("b",): 2}, [word.encode(), b"\xff" * 200]


def counted(word, weights, spelled):
    total = sum(weights.get((letter,), 0) for letter in word)
    return {letter: word.count(letter) for letter in word}, [b"".join(spelled), str(total)]


def every_letter_is_counted(tally, word, weights, spelled):
    """
    saw: a letter is missing
    means: it is not counted
    look: the loop over the word
    """
    return all(tally(word, weights, spelled)[0][letter] > 0 for letter in word)


def once(word, weights, spelled):
    """
    saw: every letter is counted once
    means: the dict is made from a set
    look: the value
    """
    return dict.fromkeys(word, 1), counted(word, weights, spelled)[1]


tally = Implement(
    id="words.tally",
    title="Count",
    statement="Count the letters.",
    difficulty=1,
    importance=1,
    minutes=1,
    hints=("?", "there", "____"),
    returns=("the counts", "the rest"),
    solution=counted,
    inputs=drawn,
    invariants=(every_letter_is_counted,),
    mistakes=(once,),
)


def said(answer):
    """Return all that the check says of an answer, in one line."""
    verdict = tally.check(answer)
    assert verdict.state is State.FAILED
    return " ".join(str(verdict).split())


def without_the_rest(word, weights, spelled):
    return counted(word, weights, spelled)[0], ["", ""]


def without_the_first_letter(word, weights, spelled):
    return counted(word[1:].replace(word[0], ""), weights, spelled)


def no_bytes(word, weights, spelled):
    counts, (joined, total) = counted(word, weights, spelled)
    return counts, [joined.decode("latin-1"), total]


def changes_the_dict(word, weights, spelled):
    weights["c",] = 3
    return counted(word, weights, spelled)


def a_set(word, weights, spelled):
    return set(word), counted(word, weights, spelled)[1]


def test_text_bytes_and_dicts_arrive_and_come_back():
    assert tally.check(counted).passed
    assert tally.check(once).mistake == "once"


def test_a_wrong_part_is_named_and_the_right_one_too():
    found = said(without_the_rest)
    assert "saw the rest is not as expected" in found and "right: the counts; wrong: the rest" in found


def test_short_arguments_are_shown_and_long_ones_are_not():
    word, weights, _ = drawn(0)
    found = said(without_the_rest)
    assert f"with word = {word!r}" in found and f"with weights = {weights!r}" in found
    assert "with spelled" not in found


def test_a_missing_key_breaks_an_invariant_and_not_the_check():
    assert "a letter is missing" in said(without_the_first_letter)


def test_text_is_not_bytes():
    assert "wrong: the rest" in said(no_bytes)


def test_a_changed_dict_is_seen():
    assert "your function changed its argument weights" in said(changes_the_dict)


def test_a_set_is_no_dict():
    assert "the counts is an object of type set" in said(a_set)


def test_a_tuple_is_one_value_unless_its_items_have_names():
    assert parts(("a", 1)) == {"the result": ("a", 1)}
    assert parts(("a", 1), ("one", "two")) == {"one": "a", "two": 1}
    assert parts(("a", 1, 2), ("one", "two")) == {"the result": ("a", 1, 2)}
    assert parts(["a", 1], ("one", "two")) == {"the result": ["a", 1]}
