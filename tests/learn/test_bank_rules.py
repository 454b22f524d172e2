"""The rules of the bank see what breaks them."""

import pytest
import yaml
from glassbox.learn import bank
from glassbox.learn.bank import cache, loading
from glassbox.learn.bank.languages import compared

CARD = next(iter(bank.cards("norms").values()))


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GLASSBOX_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("GLASSBOX_BATCH", raising=False)


def raw(**changes) -> dict:
    """Return a small valid card as a file holds it, with changes."""
    words = {"en": "One answer.", "zh": "一个回答。"}
    card = {
        "id": "small", "topic": "norms", "kind": "explain", "skill": "recall", "level": 1, "frequency": 1,
        "ask": words, "brief": words, "full": words, "must_say": [words, words], "red_flags": [words],
        "refs": ["01#hook"], "sources": ["a paper"], "verified": "2026-11-22",
    }  # fmt: skip
    return {key: value for key, value in (card | changes).items() if value is not None}


def written(folder, *rows, topic="norms"):
    path = folder / f"{topic}.yaml"
    path.write_text(yaml.safe_dump({"cards": list(rows)}, allow_unicode=True), encoding="utf-8")
    return folder


# ---- the form of the files


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"brief": {"en": "Only English."}}, "norms.yaml: small: brief.zh: Field required"),
        ({"brief": {"en": " ", "zh": "好"}}, "small: brief.en: String should have at least 1 character"),
        ({"kind": "essay"}, "small: kind: Input should be 'explain'"),
        ({"kind": "repair"}, "small: record: Value error, a card has a claim if, and only if"),
        ({"level": 4}, "small: level: Input should be 1, 2 or 3"),
        ({"must_say": []}, "small: must_say: Tuple should have at least 2 items"),
        ({"refs": ["hook"]}, "small: refs.0: String should match pattern"),
        (
            {"numbers": [{"name": "x", "says": "many", "by": "1"}]},
            "small: numbers.0.says: String should match",
        ),
        ({"colour": "red"}, "small: colour: Extra inputs are not permitted"),
        ({"id": None}, "norms.yaml: number 1: id: Field required"),
        ({"topic": "ffn"}, "norms.yaml: small: topic: expected norms; came ffn"),
    ],
)
def test_a_bad_card_is_named_by_file_id_and_field(changes, said, tmp_path):
    with pytest.raises(bank.BankError) as error:
        bank.cards("norms", written(tmp_path, raw(**changes)))
    assert said in str(error.value)


def test_all_errors_are_listed_at_once(tmp_path):
    with pytest.raises(bank.BankError) as error:
        bank.cards("norms", written(tmp_path, raw(level=9), raw(id="b", kind="x", ask=None)))
    assert len(str(error.value).splitlines()) == 3


def test_an_id_is_used_once(tmp_path):
    written(tmp_path, raw(topic="ffn"), topic="ffn")
    with pytest.raises(bank.BankError, match=r"norms\.yaml: small: id: already used by topic ffn"):
        bank.cards(folder=written(tmp_path, raw()))


@pytest.mark.parametrize(
    "text, said",
    [("cards: [", "not YAML"), ("- 1", "mapping at the top"), ("other: 1", "a list under `cards:`")],
)
def test_a_file_of_another_form_is_refused(text, said, tmp_path):
    (tmp_path / "norms.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(bank.BankError, match=said):
        bank.cards("norms", tmp_path)


def test_a_topic_without_a_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        bank.cards("norms", tmp_path)
    assert bank.cards(folder=tmp_path) == {}


# ---- the cache


def test_the_cache_says_the_same_and_follows_the_file(tmp_path, monkeypatch):
    first = bank.cards("norms", written(tmp_path, raw()))
    monkeypatch.setattr(loading.yaml, "load", lambda *_, **__: pytest.fail("parsed again"))
    assert bank.cards("norms", tmp_path) == first
    monkeypatch.undo()
    monkeypatch.setenv("GLASSBOX_DATA", str(tmp_path / "data"))
    assert bank.cards("norms", written(tmp_path, raw(level=3)))["small"].level == 3


def test_a_broken_cache_is_no_error(tmp_path, monkeypatch):
    bank.cards("norms", written(tmp_path, raw()))
    for path in cache.folder().iterdir():
        path.write_text("{", encoding="utf-8")
    assert "small" in bank.cards("norms", tmp_path)
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("GLASSBOX_DATA", str(tmp_path / "file"))
    assert "small" in bank.cards("norms", tmp_path)


def test_in_batch_there_is_no_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GLASSBOX_BATCH", "1")
    bank.cards("norms", written(tmp_path, raw()))
    assert not cache.folder().exists()


# ---- languages


@pytest.mark.parametrize(
    "en, zh, said",
    [
        ("It moves 64 MiB.", "它搬运 32 MiB。", ["number only in English: 64", "number only in Chinese: 32"]),
        ("It falls by 44%.", "它下降 44。", ["number only in English: 44%", "number only in Chinese: 44"]),
        ("As `1 / d`.", "按 `1 / N`。", ["formula only in English: 1 / d", "formula only in Chinese: 1 / N"]),
        ("LoRA is.", "DoRA 是。", ["name only in English: LoRA", "name only in Chinese: DoRA"]),
        ("As Xiong showed.", "如文献所示。", ["name only in English: Xiong"]),
        ("GPT-2 does.", "GPT-3 如此。", ["name only in English: GPT-2", "name only in Chinese: GPT-3"]),
        ("Use it.", "用 Adam。", ["name only in Chinese: Adam"]),
        ("Minus: -0.5.", "正：0.5。", ["number only in English: -0.5", "number only in Chinese: 0.5"]),
    ],
)  # fmt: skip
def test_a_difference_is_seen(en, zh, said):
    assert compared(bank.Words(en=en, zh=zh)) == said


def test_what_is_the_same_passes():
    english = (
        "Pre-norm needs no warm-up: 1,000 layers, `sqrt(N)`. In GPT-2, queries are tokens. The rest follows."
    )
    chinese = "Pre-Norm 不需要 warmup：1,000 层，`sqrt(N)`。GPT-2 的 query 也是 token。其余类推。"
    assert compared(bank.Words(en=english, zh=chinese)) == []


def test_follow_ups_are_compared_too():
    words = CARD.ask
    hidden = bank.FollowUp(when=words, ask=words, tells=words, answer=bank.Words(en="It is 7.", zh="是 8。"))
    nested = bank.FollowUp(when=words, ask=words, tells=words, answer=words, then=(hidden,))
    found = bank.differences(CARD.model_copy(update={"followups": (nested,)}))
    assert "followups[0].then[0].answer: number only in English: 7" in found


# ---- numbers


@pytest.mark.parametrize(
    "says, value, good",
    [
        ("64", 64.2, True), ("64", 64.6, False), ("0.06", 0.0643, True), ("0.06", 0.0651, False),
        ("44%", 0.4427, True), ("44%", 0.4461, False), ("-0.5", -0.54, True), ("-0.5", 0.54, False),
        ("1,000", 1000, True), ("9e-08", 9.2e-8, True), ("9e-08", 9.6e-8, False), ("5", True, False),
    ],
)  # fmt: skip
def test_agreement_is_to_the_digits_shown(says, value, good):
    assert bank.agrees(says, value) is good


def test_a_typed_number_is_seen():
    text = bank.Words(en="It takes 17 steps.", zh="需要 17 步。")
    card = CARD.model_copy(update={"brief": text})
    assert "17 is neither computed nor given" in bank.undeclared(card)
    assert "17 is neither computed nor given" not in bank.undeclared(
        card.model_copy(update={"given": ("17",)})
    )
    assert "99 is declared and not printed" in bank.undeclared(CARD.model_copy(update={"given": ("99",)}))


@pytest.mark.parametrize("text, found", [
    ("GPT-3 has 96 layers", {"96"}), ("`x^2 + 5`", set()), ("1e-5 or 44%, 0.5.", {"1e-5", "44%", "0.5"}),
    ("二是 7.6，三是 4096", {"7.6", "4096"}), ("QK2 and x_3", set()),
])  # fmt: skip
def test_numbers_in_a_text(text, found):
    from glassbox.learn.bank.numbers import numbers_in

    assert numbers_in(text) == found


def test_expressions_stay_with_arithmetic():
    assert bank.evaluate("math.sqrt(size) + max([1, 2])", {"size": 16}) == 6
    for expression in ("().__class__", "__import__('os')", "1 +", "_x"):
        with pytest.raises(ValueError, match="by: expected"):
            bank.evaluate(expression, {"_x": 1})
    with pytest.raises(NameError):
        bank.evaluate("open('x')", {})


def test_definitions_are_worked_out_once_and_only_when_needed():
    calls = []
    definitions = {"a": "count(2)", "b": "a * 3", "c": "count(9)"}
    names = bank.Workings({"count": lambda x: calls.append(x) or x}, definitions)
    assert [names.value("b + a"), names.value("b")] == [8, 6] and calls == [2]


# ---- cells


def test_a_reference_that_leads_nowhere_is_seen():
    place = bank.find_cell("01#hook-reveal")
    assert place.link == "01_norms.ipynb#cell-id=hook-reveal" and place.heading.startswith("A failure")
    with pytest.raises(ValueError, match=r"01#nowhere: 01_norms\.ipynb has no cell"):
        bank.find_cell("01#nowhere")
    with pytest.raises(ValueError, match=r"99#x: expected one notebook 99_\*\.ipynb"):
        bank.find_cell("99#x")
