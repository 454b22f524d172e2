"""Segment recurrence: the whole forward pass where memory is long enough, and what shorter ones lose."""

import pytest
import torch
from glassbox import tiny
from glassbox.attention.experiments import memory


@pytest.fixture(scope="module")
def model():
    return tiny.load().double()


TOKENS = tiny.as_tokens(memory.held_out(96)).view(2, 48)


@pytest.mark.parametrize("segment", [7, 16, 48])
def test_a_memory_as_long_as_the_text_is_the_models_forward_pass(model, segment):
    got = memory.read_in_segments(model, TOKENS, 48, segment)
    assert torch.allclose(got, model(TOKENS), rtol=1e-9, atol=1e-9)


def test_without_memory_each_segment_is_read_alone(model):
    got = memory.read_in_segments(model, TOKENS, 0, 16)
    alone = torch.cat([model(part) for part in TOKENS.split(16, 1)], 1)
    assert torch.allclose(got, alone, rtol=1e-9, atol=1e-9)
    assert not torch.allclose(got, model(TOKENS), atol=1e-2)


def test_the_states_in_memory_are_what_the_block_read(model):
    block, trace = model.blocks[1], {}
    model(TOKENS, trace)
    stream = trace["block0.residual"]
    got = memory.block_with_memory(block, stream[:, 40:], stream[:, :40])
    assert torch.allclose(got, trace["block1.residual"][:, 40:], rtol=1e-9, atol=1e-9)


def test_scores_are_of_the_byte_that_follows(model):
    text = memory.held_out(65)
    tokens = tiny.as_tokens(text)[None]
    mean = memory.bits(model(tokens), tokens).mean().item()
    assert mean == pytest.approx(tiny.bits_per_byte(model, text, 64), rel=1e-6)


def test_more_memory_is_less_loss_on_the_same_bytes():
    rows = memory.segment_memory((0, 16, 96), 6)
    assert {row["bytes"] for row in rows} == {6 * 96}
    losses = [row["loss"] for row in rows]
    assert losses[0] > losses[1] + 0.2 and losses[1] > losses[2]


def test_a_byte_is_felt_one_memory_further_with_every_layer():
    rows = memory.segment_reach((0, 16, 64))
    felt = {size: [row["felt"] for row in rows if row["memory"] == size] for size in (0, 16, 64)}
    assert felt == {0: [1, 0, 0, 0, 0], 16: [1, 1, 1, 0, 0], 64: [1, 1, 1, 1, 1]}


def test_a_fact_of_segment_one_is_found_in_segment_three_if_it_is_still_kept():
    rows = memory.segment_retrieval((0, 32, 48, 64), facts=16)
    assert [row["found"] for row in rows] == [0, 1, 1, 1]
    assert [row["found"] for row in memory.segment_retrieval()] == [0, 0, 0, 0.5, 1, 1]
