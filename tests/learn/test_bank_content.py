"""What the bank says is so: numbers computed, languages alike, cells there. A new topic joins by its file."""

import json
import re
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec

import pytest
from glassbox.learn import bank
from glassbox.learn.exercise import exercise
from glassbox.paths import root

TOPICS = sorted(path.stem for path in (root() / "data" / "questions").glob("*.yaml"))
RECORDS = [
    pytest.param(record, id=f"{record.topic}-{record.id}")
    for found in (bank.cards(), bank.errata())
    for record in found.values()
]
# The questions that a topic must answer.
ASKED = {
    "norms": """feature-normalization-why layer-norm-formula rms-norm-formula layernorm-vs-rmsnorm
        recentering-matters-little deepnorm-idea deepnorm-benefit deepnorm-code pre-vs-post-norm
        norm-placement-survey norm-methods-survey norm-by-model gpt3-vs-llama-norm layernorm-not-batchnorm
        batchnorm-on-text layernorm-axis""",
    "attention": """attention-origin self-attention-implement fused-qkv-projection attention-scale-sqrt-dk
        why-multi-head causal-mask cross-attention attention-classic-problems attention-complexity
        efficient-attention-families sparse-local-attention linear-attention low-rank-attention
        memory-compressed-attention attention-with-prior modified-multi-head lsh-attention
        random-feature-attention hierarchical-attention mha-mqa-gqa mqa-implement gqa-implement
        why-share-kv-not-q mqa-quality-cost gqa-uptraining mla-kv-compression causal-attention-rank
        recurrent-memory deberta-disentangled""",
    "tokens": """token-what bpe-build wordpiece-vs-bpe sentencepiece-idea tokenization-by-model-examples
        tokenizer-differences vocab-size-tradeoff tokenizers-bert-gpt-t5""",
    "flash": """flash-attention-purpose gpu-memory-hierarchy attention-io-cost safe-softmax online-softmax
        flash-tiling-algorithm flash-block-size flash-flops-vs-io""",
}
WRONG = {
    "norms": """gpt3-is-post-ln post-ln-stabilises-training chatglm2-norm layernorm-over-length
        post-norm-converges-better batchnorm-fails-because-word-vectors""",
    "attention": """full-rank-means-expressive self-attention-reduces-complexity mqa-is-about-parameters
        mqa-quality-disagreement why-not-share-q gqa-code-two-projections attention-code-listing
        softmax-costs-n2d relative-pe-as-sparse-attention hashing-as-low-dim-projection
        mqa-leaves-training-unaffected""",
    "tokens": """gpt3-vocabulary sentencepiece-as-algorithm tokenizer-table-units""",
    "flash": """flash-lowers-complexity flash-1-output-written-once flash-as-shared-tensor-cores""",
}
PREDICTION = re.compile(r"""\bpredict\(\s*["'](\d\d\.\w+)["']""")
LONGEST_BRIEF, LONGEST_FULL = 75, 260  # words that can be said in 30 seconds and in two minutes


@lru_cache(maxsize=4)
def workings(topic: str) -> bank.Workings:
    """Return what a topic's expressions may use: the topic, its rooms, and the file's own definitions."""
    found = {topic: import_module(f"glassbox.{topic}")}
    for room in ("experiments", "models"):
        if find_spec(f"glassbox.{topic}.{room}"):
            found[room] = import_module(f"glassbox.{topic}.{room}")
    return bank.Workings(found, bank.definitions(topic))


@pytest.mark.parametrize("record", RECORDS)
def test_every_number_is_computed(record):
    assert bank.undeclared(record) == []
    for number in record.numbers:
        value = workings(record.topic).value(number.by)
        assert bank.agrees(number.says, value), f"{number.name}: {number.says} is printed, {value} computed"


@pytest.mark.parametrize("record", RECORDS)
def test_both_languages_say_the_same(record):
    assert bank.differences(record) == []


@pytest.mark.parametrize("record", RECORDS)
def test_every_cell_is_there(record):
    for ref in [record.refuted_by] if isinstance(record, bank.Erratum) else record.refs:
        bank.find_cell(ref)


@pytest.mark.parametrize("card", bank.cards().values(), ids=bank.cards())
def test_exercises_and_mistakes_that_are_named_exist(card):
    for name in {*card.raised_by, card.whiteboard} - {None}:
        if name[0].isalpha():  # a prediction's name begins with its notebook's number
            known, _, mistake = name.partition(":")
            found = exercise(known)
            assert not mistake or mistake in [each.__name__ for each in found.known_mistakes]


@lru_cache(maxsize=1)
def predictions() -> frozenset[str]:
    """Return the ids that the notebooks' cells hand to `predict`."""
    found = set()
    for path in sorted((root() / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        found.update(*(PREDICTION.findall("".join(c["source"])) for c in cells if c["cell_type"] == "code"))
    return frozenset(found)


@pytest.mark.parametrize("card", bank.cards().values(), ids=bank.cards())
def test_predictions_that_are_named_are_asked_in_a_notebook(card):
    named = {name for name in card.raised_by if name[0].isdecimal()}
    assert named <= predictions()
    assert {name[:2] for name in named} <= {ref[:2] for ref in card.refs}


def test_a_prediction_that_was_sure_and_wrong_asks_a_card():
    asked = {name for card in bank.cards().values() for name in card.raised_by} & predictions()
    assert {"01.vanishing", "01.wrong_axis", "01.fused_bytes", "01.update_size"} <= asked


@pytest.mark.parametrize("card", bank.cards().values(), ids=bank.cards())
def test_answers_fit_their_time(card):
    assert len(card.brief.en.split()) <= LONGEST_BRIEF
    assert len(card.brief.en.split()) < len(card.full.en.split()) <= LONGEST_FULL


@pytest.mark.parametrize("topic", TOPICS)
def test_every_question_of_the_syllabus_has_a_card(topic):
    assert set(ASKED[topic].split()) <= set(bank.cards(topic))
    assert set(WRONG[topic].split()) == set(bank.errata(topic))


@pytest.mark.parametrize("topic", TOPICS)
def test_every_erratum_has_a_card_that_repairs_it(topic):
    cards = bank.cards(topic)
    for erratum in bank.errata(topic).values():
        assert cards[erratum.card].kind == "repair" and cards[erratum.card].claim == erratum.claim


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_has_what_an_interview_needs(topic):
    kinds = {card.kind for card in bank.cards(topic).values()}
    assert {"explain", "derive", "code", "compute", "debug", "design", "repair"} <= kinds
    assert sum(bool(card.followups) for card in bank.cards(topic).values()) >= 3
