"""One model wired in many ways: the arithmetic behind the cache calculator."""

import pytest
from glassbox.attention import LatentAttention, MultiHeadAttention, accounting
from glassbox.attention.wiring import attention_parameters, name, rewired, wirings

SMALL = {
    "model": "small",
    "layers": 3,
    "heads": 4,
    "head_size": 8,
    "kv_heads": 4,
    "context": 64,
    "dtype": "float32",
    "source": "none",
}


@pytest.fixture(scope="module")
def rows():
    return wirings()


def find(rows, wiring, dtype="bfloat16", context=32768):
    wanted = (wiring, dtype, context)
    (row,) = [row for row in rows if (row["wiring"], row["dtype"], row["context"]) == wanted]
    return row


def test_there_is_a_row_for_every_wiring_dtype_and_context(rows):
    assert len(rows) == 8 * 3 * 8
    assert len({(row["wiring"], row["dtype"], row["context"]) for row in rows}) == len(rows)


def test_two_key_heads_fit_in_bf16_four_in_8_bits_eight_in_4(rows):
    for dtype, most in (("bfloat16", 2), ("int8", 4), ("int4", 8)):
        heads = [
            row["kv_heads"]
            for row in rows
            if row["kv_heads"] and row["dtype"] == dtype and row["context"] == 32768 and row["fits"]
        ]
        assert max(heads) == most, dtype


def test_the_numbers_by_hand(rows):
    grouped = find(rows, "GQA, 8 key heads")
    assert grouped["numbers"] == 2 * 8 * 128
    assert grouped["bytes_per_token"] == 32 * 2 * 8 * 128 * 2
    assert grouped["bytes"] == 16 * 32768 * grouped["bytes_per_token"]
    assert grouped["largest_batch"] == 24 * 10**9 // (32768 * grouped["bytes_per_token"]) == 5
    latent = find(rows, "MLA, latent 512 + 64")
    assert latent["bytes_per_token"] == 32 * 576 * 2 and latent["fits"]


def test_a_batch_fits_exactly_when_the_largest_batch_is_no_smaller(rows):
    assert all(row["fits"] == (row["largest_batch"] >= row["batch"]) for row in rows)
    assert {row["fits"] for row in rows} == {True, False}


@pytest.mark.parametrize("kv_heads", [4, 2, 1])
def test_the_parameters_are_those_of_the_module(kv_heads):
    module = MultiHeadAttention(32, 4, kv_heads)
    count = sum(weight.numel() for weight in module.parameters())
    assert attention_parameters(rewired(SMALL, kv_heads=kv_heads)) == 3 * count


@pytest.mark.parametrize("rank, rope", [(16, 4), (6, 2)])
def test_the_parameters_of_a_latent_are_those_of_the_module(rank, rope):
    module = LatentAttention(32, 4, rank, head_size=8, rotary_size=rope)
    count = sum(weight.numel() for weight in module.parameters())
    assert attention_parameters(rewired(SMALL, latent=rank, rope=rope)) == 3 * count


def test_rewiring_drops_what_was_shared_before_and_every_window():
    row = rewired("Mistral 7B", latent=512, rope=64)
    assert accounting.kind(row) == "MLA" and "kv_heads" not in row and "window" not in row
    assert accounting.cache_bytes(row, 8192) == 2 * accounting.cache_bytes(row, 4096)
    assert accounting.kind(rewired("DeepSeek-V2", kv_heads=1)) == "MQA"


def test_a_wiring_has_a_name():
    names = [name(rewired(SMALL, kv_heads=count)) for count in (4, 2, 1)]
    assert names == ["MHA, 4 key heads", "GQA, 2 key heads", "MQA, 1 key head"]


def test_what_cannot_be_wired_is_named():
    with pytest.raises(ValueError, match="a divisor of the 32 heads"):
        wirings(kv_heads=(5,))
    with pytest.raises(ValueError, match="at least one count"):
        wirings(kv_heads=(), latents=())
    with pytest.raises(ValueError, match="batch"):
        wirings(batch=0)
