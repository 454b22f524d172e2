"""The frozen corpus: the same bytes for ever, made again bit for bit, and worth reading."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections import Counter

import pytest
from glassbox import paths, tiny
from glassbox.tiny import corpus, recipe, text
from glassbox.tiny.splitmix import SplitMix64

ALL = [(language, part) for language, parts in text.PARTS.items() for part in parts]
# bytes: prose is at least so long; a generated part is its recipe's size and at most one document more
SMALLEST = {("en", "prose"): 60_000, ("zh", "prose"): 18_000}


def read(language, part):
    return tiny.read_text(language, [part])


def words(stories):
    return re.findall(r"[a-z]+", stories.lower())


def test_splitmix_draws_the_published_numbers():
    draw = SplitMix64(0)
    assert [draw.next() for _ in range(3)] == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


def test_splitmix_draws_stay_in_range_and_reach_both_ends():
    draw = SplitMix64(7)
    assert {draw.between(3, 6) for _ in range(200)} == {3, 4, 5, 6}
    assert sorted(draw.sample("abcde", 5)) == list("abcde")


def test_every_file_is_the_one_that_was_frozen():
    home = paths.data("text")
    frozen = text.checksums(home)
    assert corpus.changed(home, list(frozen)) == []
    on_disk = {p.relative_to(home).as_posix() for p in home.glob("*/*") if p.is_file()}
    assert on_disk == set(frozen), "SHA256SUMS lists every file below data/text, and no other"


def test_the_generated_files_are_made_again_bit_for_bit_in_another_process(tmp_path):
    environment = os.environ | {"PYTHONHASHSEED": "12345"}
    command = [sys.executable, "-m", "glassbox.tiny.corpus", "--make", "--out", str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    for language, part in recipe.GENERATED:
        made = (tmp_path / language / f"{part}.txt").read_bytes()
        assert made == (paths.data("text") / language / f"{part}.txt").read_bytes()


def test_making_the_corpus_reports_a_file_that_differs(tmp_path, monkeypatch, capsys):
    seed = {("zh", "stories"): (recipe.GENERATED["zh", "stories"][0], 999, 1_000)}
    monkeypatch.setattr(corpus, "GENERATED", seed)
    monkeypatch.setattr(recipe, "GENERATED", seed)
    assert corpus.main(["--make", "--out", str(tmp_path)]) == 1
    assert "zh/stories.txt: differs" in capsys.readouterr().err


@pytest.mark.parametrize("language, part", recipe.GENERATED)
def test_a_larger_text_begins_with_the_frozen_one(language, part):
    frozen = read(language, part)
    longer = tiny.make_text(language, part, 3 * len(frozen.encode("utf-8")))
    assert longer.startswith(frozen)
    assert len(longer) >= 3 * len(frozen)


def test_a_changed_text_is_refused_by_name(tmp_path, monkeypatch):
    shutil.copytree(paths.data("text"), tmp_path / "data" / "text")
    target = tmp_path / "data" / "text" / "en" / "sums.txt"
    target.write_bytes(target.read_bytes().replace(b"1", b"2", 1))
    monkeypatch.setenv("GLASSBOX_ROOT", str(tmp_path))
    with pytest.raises(ValueError, match=r"data/text/en/sums\.txt: changed since it was frozen"):
        tiny.read_text("en")
    assert tiny.read_text("en", ["code"])


def test_a_missing_text_is_named(tmp_path, monkeypatch):
    shutil.copytree(paths.data("text"), tmp_path / "data" / "text")
    (tmp_path / "data" / "text" / "zh" / "prose.txt").unlink()
    monkeypatch.setenv("GLASSBOX_ROOT", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"data/text/zh/prose\.txt is missing"):
        tiny.read_text("zh")
    assert corpus.changed(tmp_path / "data" / "text", ["zh/prose.txt", "en/code.txt"]) == ["zh/prose.txt"]


@pytest.mark.parametrize("language, part", ALL)
def test_a_part_has_its_size_and_only_printable_characters(language, part):
    content = read(language, part)
    size = len(content.encode("utf-8"))
    expected = recipe.GENERATED.get((language, part), (None, None, SMALLEST.get((language, part))))[2]
    assert expected <= size <= (2.5 * expected if part == "prose" else expected + 2_000)
    assert {c for c in content if not c.isprintable()} == {"\n"}
    assert content.endswith("\n\n") and "\n\n\n" not in content
    if language == "en":
        assert content.isascii()


def test_the_whole_corpus_has_the_promised_size():
    english, chinese = (len(tiny.read_text(language).encode("utf-8")) for language in ("en", "zh"))
    assert 450_000 <= english <= 550_000
    assert 60_000 <= chinese <= 130_000


@pytest.mark.parametrize("language, part", ALL)
def test_documents_differ_and_few_lines_come_twice(language, part):
    content = read(language, part)
    documents = tiny.documents(content)
    assert len(set(documents)) == len(documents)
    lines = [line for line in content.split("\n") if len(line) > 40]
    share = sum(n - 1 for n in Counter(lines).values()) / max(1, len(lines))
    assert share < (0.35 if part == "code" else 0.05)


def test_stories_have_a_large_vocabulary_that_grows_with_their_size():
    frozen = set(words(read("en", "stories")))
    larger = set(words(tiny.make_text("en", "stories", 1_000_000)))
    assert len(frozen) > 1_500
    assert len(larger) > len(frozen) + 200


def test_english_stories_have_no_broken_grammar_marks():
    stories = read("en", "stories") + tiny.make_text("en", "stories", 1_000_000)
    assert not set("{}[]|") & set(stories)
    assert not re.findall(r"\b[Aa] [aeiou]", stories)
    assert not re.findall(r"\b[Aa]n (?!hour)[^aeiouAEIOU]", stories)
    assert not re.findall(r" [,.;?!]|,,|\.\.|  ", stories)
    assert all(line[0].isupper() or line[0] == '"' for line in stories.split("\n") if line)
    assert all(line.count('"') % 2 == 0 for line in stories.split("\n"))


def test_chinese_stories_have_no_broken_grammar_marks():
    stories = read("zh", "stories") + tiny.make_text("zh", "stories", 600_000)
    assert not set("{}[]|") & set(stories)
    assert not re.findall(r"[，。？！：；]{2}|[a-zA-Z ]", stories)
    assert all(line.count("“") == line.count("”") for line in stories.split("\n"))


def test_a_fact_of_a_story_is_called_back():
    hidden = [s for s in tiny.documents(read("en", "stories")) if "could not find" in s]
    assert len(hidden) > 5
    for story in hidden:
        place = re.search(r"(?:he|she) found it (.+?)\.", story)[1]
        assert story.count(place) >= 2 or "where" in story


def test_every_function_of_the_code_runs_and_its_assertion_holds():
    code = read("en", "code")
    functions = tiny.documents(code)
    assert len(functions) > 250
    for function in functions:
        ast.parse(function)
        assert "\nassert " in function
        exec(function, {})


def test_an_assertion_of_the_code_would_notice_a_wrong_function():
    source = next(f for f in tiny.documents(read("en", "code")) if f.startswith("def power("))
    with pytest.raises(AssertionError):
        exec(source.replace("result *= base", "result += base"), {})


def test_every_sum_is_right_and_none_is_in_the_other_parts():
    lines = read("en", "sums").split()
    sums = re.findall(r"^(\d+) \+ (\d+) = (\d+)$", read("en", "sums"), re.M)
    assert len(sums) * 5 == len(lines)
    assert all(int(a) + int(b) == int(c) for a, b, c in sums)
    assert not re.search(r"\d \+ \d+ = \d", tiny.read_text("en", ["prose", "stories", "code"]))


def test_read_text_joins_parts_in_their_order_whatever_order_is_asked():
    assert tiny.read_text("en", ["code", "prose"]) == read("en", "prose") + read("en", "code")
    assert tiny.read_text("zh") == read("zh", "prose") + read("zh", "stories")


def test_split_loses_nothing_and_shares_nothing():
    whole = tiny.read_text("en")
    train, validation = tiny.split(whole)
    assert Counter(tiny.documents(train)) + Counter(tiny.documents(validation)) == Counter(
        tiny.documents(whole)
    )
    assert not set(tiny.documents(train)) & set(tiny.documents(validation))
    assert 0.07 < len(validation) / len(whole) < 0.13
    assert (train, validation) == tiny.split(whole)


def test_every_part_is_held_out_somewhere():
    _, validation = tiny.split(tiny.read_text("en"))
    for part in text.PARTS["en"]:
        assert set(tiny.documents(read("en", part))) & set(tiny.documents(validation)), part


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: tiny.read_text("fr"), ValueError, "language: expected one of 'en', 'zh'"),
        (lambda: tiny.read_text("zh", ["code"]), ValueError, "parts: expected one of 'prose', 'stories'"),
        (lambda: tiny.read_text("en", "prose"), TypeError, "parts: expected a sequence of names"),
        (lambda: tiny.read_text("en", []), ValueError, "parts: expected at least one"),
        (lambda: tiny.split(b"bytes"), TypeError, "text: expected a string"),
        (lambda: tiny.split("short"), ValueError, "text: expected at least 10 blocks"),
        (lambda: tiny.make_text("en", "prose"), ValueError, "language, part"),
        (lambda: tiny.make_text("en", "sums", 0), ValueError, "size: expected a whole number >= 1"),
        (lambda: tiny.make_text("en", "sums", 1e6), TypeError, "size: expected a whole number"),
    ],
)
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
