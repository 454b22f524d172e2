"""Loss per byte under three vocabularies: the rows, what they claim, and a piece made again."""

from importlib import import_module
from math import log2

import pytest
import torch
from glassbox.measured import mean_of
from glassbox.tiny.model import TinyLM
from glassbox.tiny.text import stories
from glassbox.tokens import experiments

# The package exports a function of the same name as this module.
loss_per_byte, language_models, vocabulary = (
    import_module(f"glassbox.tokens.experiments.{name}")
    for name in ("loss_per_byte", "language_models", "vocabulary")
)


class Uniform(torch.nn.Module):
    """A model that gives every token the same probability."""

    def __init__(self, size):
        super().__init__()
        self.size = size

    def forward(self, tokens):
        return torch.zeros(*tokens.shape, self.size)


@pytest.mark.parametrize("length", [1, 7, 64, 1000])
def test_every_id_but_the_first_is_scored_once_whatever_the_window(length):
    ids = list(range(50)) * 2
    assert language_models.total_bits(Uniform(64), ids, length) == pytest.approx(99 * 6)


def test_windows_are_stretches_of_the_ids_and_depend_on_the_seed():
    ids = list(range(1000))
    first = next(language_models.windows(ids, 5, seed=1))
    assert first.shape == (language_models.BATCH, 6)
    assert (first.diff(dim=1) == 1).all()
    assert torch.equal(first, next(language_models.windows(ids, 5, seed=1)))
    assert not torch.equal(first, next(language_models.windows(ids, 5, seed=2)))
    with pytest.raises(ValueError, match="ids: expected more than length = 5"):
        next(language_models.windows(ids[:5], 5, seed=1))


@pytest.mark.parametrize("size", loss_per_byte.VOCABULARIES)
def test_the_ids_of_every_vocabulary_spell_the_same_stories(size):
    tokenizer = language_models.story_tokenizer(size)
    assert len(tokenizer) == size
    assert tokenizer.decode_bytes(language_models.story_ids(size)) == stories()


def test_a_plan_equals_the_run_over_bytes_in_what_it_says():
    per_token = {v: len(stories()) / len(language_models.story_ids(v)) for v in (256, 512, 2048)}
    flops = {v: loss_per_byte.matrix_parameters(TinyLM(vocabulary=v)) for v in (256, 512, 2048)}
    for size in (512, 2048):
        steps, read, compute = (loss_per_byte.plan(size, budget) for budget in loss_per_byte.BUDGETS)
        assert steps == loss_per_byte.plan(256, "steps") == {"steps": 400, "window": 128}
        assert read["steps"] == 400 and read["window"] * per_token[size] == pytest.approx(128, rel=0.02)
        spent = compute["steps"] * compute["window"] * flops[size]
        assert spent == pytest.approx(400 * 128 * flops[256], rel=0.01)
    with pytest.raises(ValueError, match="budget"):
        loss_per_byte.plan(512, "time")


def test_the_lookup_of_an_embedding_is_no_multiplication():
    small, large = (TinyLM(vocabulary=size) for size in (256, 2048))
    grown = loss_per_byte.matrix_parameters(large) - loss_per_byte.matrix_parameters(small)
    assert grown == (2048 - 256) * 64
    assert loss_per_byte.matrix_parameters(small) == 115_008 - 5 * 64 - 256 * 64


# The shipped rows.

ROWS = experiments.recorded("loss_per_byte")


def test_the_shipped_rows_cover_three_seeds_of_every_vocabulary_and_budget():
    runs = {(row["vocabulary"], row["budget"], row["seed"]) for row in ROWS}
    wanted = {(size, budget) for size in (512, 2048) for budget in loss_per_byte.BUDGETS} | {(256, "steps")}
    assert runs == {(*setting, seed) for setting in wanted for seed in range(3)}
    assert len(ROWS) == loss_per_byte.PARTS * len(runs)
    for row in ROWS:
        planned = loss_per_byte.plan(row["vocabulary"], row["budget"])
        assert (row["steps"], row["window"]) == (planned["steps"], planned["window"]), row


def test_a_shipped_run_can_be_begun_again():
    stored = next(row for row in ROWS if (row["vocabulary"], row["budget"], row["seed"]) == (512, "bytes", 1))
    ids, model = language_models.story_ids(512), TinyLM(vocabulary=512, seed=1)
    assert sum(p.numel() for p in model.parameters()) == stored["parameters"]
    begun = language_models.descend(
        model, language_models.windows(ids, stored["window"], 1), stored["steps"], loss_per_byte.PEAK
    )
    mark = sum(next(begun) for _ in range(loss_per_byte.MARK)) / loss_per_byte.MARK
    assert mark == pytest.approx(stored["mark"], abs=3e-3)
    others = {row["mark"] for row in ROWS if row["vocabulary"] == 512} - {stored["mark"]}
    assert all(abs(mark - other) > 6e-3 for other in others), "the tolerance must tell runs apart"


def test_a_run_makes_rows_of_the_shipped_columns(monkeypatch):
    monkeypatch.setattr(loss_per_byte, "story_ids", lambda size, held_out=False: IDS[size][: 700 - held_out])
    rows = experiments.loss_per_byte((512,), ("steps",), (0,), steps=8)
    assert [row["step"] for row in rows] == [2, 4, 6, 8]
    assert rows[0].keys() == ROWS[0].keys()


IDS = {size: language_models.story_ids(size) for size in (256, 512)}


def test_bits_per_byte_are_bits_per_token_by_the_bytes_of_a_token():
    for row in ROWS:
        size = row["vocabulary"]
        ids = language_models.story_ids(size, held_out=True)
        scored = len(language_models.story_tokenizer(size).decode_bytes(ids[1:]))
        expected = row["bits_per_token"] * (len(ids) - 1) / scored
        assert row["bits_per_byte"] == pytest.approx(expected, abs=2e-4)


def test_an_untrained_model_pays_the_log_of_the_vocabulary():
    for row in ROWS:
        assert row["start"] == pytest.approx(log2(row["vocabulary"]), abs=0.06)


def means(rows, column):
    return mean_of(experiments.finals(rows), column, "vocabulary", "budget")


def test_per_token_the_larger_vocabulary_looks_worse_and_per_byte_it_is_better():
    """At every budget, by far more than the seeds differ."""
    per_token, per_byte = means(ROWS, "bits_per_token"), means(ROWS, "bits_per_byte")
    for budget in loss_per_byte.BUDGETS:
        assert per_token[256, budget] + 0.5 < min(per_token[512, budget], per_token[2048, budget])
        assert per_byte[256, budget] > per_byte[512, budget] + 0.5
        assert per_byte[512, budget] > per_byte[2048, budget] + 0.3
    finals = experiments.finals(ROWS)
    for size in loss_per_byte.VOCABULARIES:
        for budget in loss_per_byte.BUDGETS:
            found = [r["bits_per_byte"] for r in finals if (r["vocabulary"], r["budget"]) == (size, budget)]
            assert len(found) == 3 and max(found) - min(found) < 0.1


LONGER = experiments.recorded("loss_longer")


def test_after_three_times_as_many_steps_the_order_per_token_has_turned_and_per_byte_it_has_not():
    """So neither order of two losses per token says which model is the better one."""
    assert {(row["vocabulary"], row["seed"]) for row in LONGER} == {
        (v, s) for v in (256, 2048) for s in range(3)
    }
    assert {(row["steps"], row["budget"]) for row in LONGER} == {(1200, "steps")}
    per_token, per_byte = means(LONGER, "bits_per_token"), means(LONGER, "bits_per_byte")
    assert per_token[2048, "steps"] + 0.04 < per_token[256, "steps"]
    early = means(ROWS, "bits_per_token")
    assert early[2048, "steps"] > early[256, "steps"] + 0.4
    assert per_byte[256, "steps"] > 3 * per_byte[2048, "steps"]


def test_bytes_do_not_catch_up_by_reading_as_much_text():
    """After 614,400 bytes the run over bytes is behind what 2,048 tokens had after 570,030."""
    (over_bytes,) = {r["bytes_read"] for r in LONGER if r["vocabulary"] == 256 and r["step"] == 1200}
    early = [r for r in LONGER if r["vocabulary"] == 2048 and r["step"] == 300]
    assert early[0]["bytes_read"] < over_bytes
    last = [r["bits_per_byte"] for r in LONGER if r["vocabulary"] == 256 and r["step"] == 1200]
    assert max(r["bits_per_byte"] for r in early) + 0.8 < min(last)


def test_equal_bytes_leave_less_of_the_gain_than_equal_steps():
    """At equal steps a token of many bytes also reads more text; the gap is not the vocabulary's alone."""
    per_byte = means(ROWS, "bits_per_byte")
    for size in (512, 2048):
        assert per_byte[size, "bytes"] > per_byte[size, "steps"] + 0.1
    flops = means(ROWS, "flops")
    assert flops[2048, "steps"] > 2 * flops[256, "steps"]
    assert flops[2048, "bytes"] < 0.6 * flops[256, "steps"]
    assert flops[2048, "compute"] == pytest.approx(flops[256, "steps"], rel=0.01)


def test_the_order_of_the_budgets_would_be_seen_wrong():
    """Rows whose bits per byte were divided twice, or not at all, break the claims above."""
    spoiled = [row | {"bits_per_byte": row["bits_per_token"]} for row in ROWS]
    per_byte = means(spoiled, "bits_per_byte")
    assert not per_byte[256, "bytes"] > per_byte[512, "bytes"] + 0.5


# Counting alone.


def test_a_table_of_counts_shows_the_same_two_orders():
    rows = experiments.counted_bits()
    per_token, per_byte = ([row[name] for row in rows] for name in ("bits_per_token", "bits_per_byte"))
    assert per_token == sorted(per_token) and per_byte == sorted(per_byte, reverse=True)
    assert per_token[-1] > per_token[0] + 3 and per_byte[-1] < per_byte[0] - 2
    for row in rows:
        assert row["perplexity"] == pytest.approx(2 ** row["bits_per_token"], rel=1e-3)
        assert row["uniform_bits_per_token"] == round(log2(row["vocabulary"]), 4)


def test_the_counted_bits_of_bytes_are_those_of_the_tiny_course_material():
    from glassbox.attention.experiments.training import held_out_stories
    from glassbox.tiny.loss import counted_bits_per_byte

    (row,) = experiments.counted_bits((256,))
    assert row["bits_per_byte"] == pytest.approx(
        counted_bits_per_byte(stories(), held_out_stories(), 1), abs=2e-3
    )
