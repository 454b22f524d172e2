"""Bytes of the cache of named models: computed by hand here, from the published sizes."""

import pytest
from glassbox.attention import accounting
from glassbox.attention.accounting import bytes_per_token, cache_bytes, largest_batch, largest_context

KIB, MIB, GIB = 2**10, 2**20, 2**30
ROWS = accounting.models()
NAMES = [row["model"] for row in ROWS]

# 2 (key and value) * key heads * head size * layers * bytes, each written out
PER_TOKEN = {
    "GPT-2": 2 * 12 * 64 * 12 * 4,
    "GPT-3 175B": 4_718_592,  # 4.5 MiB
    "LLaMA 2 7B": 512 * KIB,
    "LLaMA 2 70B": 320 * KIB,
    "LLaMA 3 8B": 128 * KIB,
    "LLaMA 3 70B": 320 * KIB,
    "Mistral 7B": 128 * KIB,
    "Qwen2.5-7B": 56 * KIB,
    "Qwen3-8B": 144 * KIB,
    "Gemma 2 9B": 336 * KIB,
    "ChatGLM2-6B": 28 * KIB,
    "GLM-4-9B": 40 * KIB,
    "Falcon-7B": 8 * KIB,
    "DeepSeek-V2": 69_120,  # (512 + 64) * 60 layers * 2 bytes
    "DeepSeek-V3": 70_272,  # (512 + 64) * 61 layers * 2 bytes
}
KINDS = {"GPT-2": "MHA", "LLaMA 2 7B": "MHA", "Falcon-7B": "MQA", "DeepSeek-V2": "MLA", "DeepSeek-V3": "MLA"}


@pytest.mark.parametrize("name", NAMES)
def test_bytes_per_token_by_hand(name):
    assert bytes_per_token(name) == PER_TOKEN[name]


def test_the_asked_for_models_are_there_once():
    assert sorted(NAMES) == sorted(PER_TOKEN)


@pytest.mark.parametrize("name", NAMES)
def test_every_row_says_where_it_is_written(name):
    source = accounting.find(name)["source"]
    assert "arXiv:" in source or ".py" in source or "config.json" in source


def test_kinds():
    assert {row["model"]: accounting.kind(row) for row in ROWS} == {
        name: KINDS.get(name, "MHA" if name == "GPT-3 175B" else "GQA") for name in NAMES
    }


def test_whole_contexts_by_hand():
    assert cache_bytes("LLaMA 2 7B", 4096) == 2 * GIB
    assert cache_bytes("LLaMA 2 7B", 4096, batch=16) == 32 * GIB
    assert cache_bytes("LLaMA 3 8B", 8192) == GIB
    assert cache_bytes("Qwen2.5-7B", 131072) == 7 * GIB
    assert cache_bytes("LLaMA 2 7B", 0) == cache_bytes("LLaMA 2 7B", 5, batch=0) == 0


def test_a_window_stops_the_growth():
    assert cache_bytes("Mistral 7B", 4096) == cache_bytes("Mistral 7B", 100_000) == 512 * MIB
    assert cache_bytes("Mistral 7B", 8192, rolling=False) == GIB


def test_alternating_windows_by_hand():
    # 21 layers hold 8192 tokens and 21 hold 4096; 2 * 8 * 256 numbers of 2 bytes for each
    assert cache_bytes("Gemma 2 9B", 8192) == 21 * (8192 + 4096) * 4096 * 2
    assert cache_bytes("Gemma 2 9B", 4096) == cache_bytes("Gemma 2 9B", 4096, rolling=False)


def test_dtypes():
    by_dtype = [cache_bytes("GPT-2", 10, dtype=d) for d in ("float32", "bfloat16", "float8", "int8", "int4")]
    assert by_dtype == [737_280, 368_640, 184_320, 184_320, 92_160]


def test_a_batch_multiplies_and_a_row_of_ones_own_counts():
    mine = dict(accounting.find("LLaMA 2 7B"), model="mine", kv_heads=4)
    assert accounting.kind(mine) == "GQA"
    assert cache_bytes(mine, 100, batch=3) * 8 == cache_bytes("LLaMA 2 7B", 100, batch=3)


def test_int4_of_an_odd_count_is_rounded_up():
    odd = {"model": "odd", "layers": 1, "heads": 1, "head_size": 1, "latent": 1, "rope": 2}
    odd |= {"context": 1, "dtype": "int4", "source": "made up"}
    assert [cache_bytes(odd, tokens) for tokens in (1, 2, 3)] == [2, 3, 5]


def test_what_fits_a_budget_by_hand():
    assert largest_batch("LLaMA 2 7B", 4096, 24 * GIB) == 12
    assert largest_batch("LLaMA 2 7B", 4096, 2 * GIB - 1) == 0
    assert largest_context("LLaMA 3 8B", 16 * GIB) == 131072
    assert largest_context("LLaMA 3 8B", 16 * GIB, batch=16) == 8192
    assert largest_context("LLaMA 3 8B", 16 * GIB, dtype="float8") == 262144
    assert largest_context("Mistral 7B", 512 * MIB - 1) == 4095
    assert largest_context("Mistral 7B", 512 * MIB) is None


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_the_largest_context_fits_and_one_token_more_does_not(name, batch):
    for budget in (0, 10**6, 10**9, 3 * 10**9, 10**11):
        tokens = largest_context(name, budget, batch)
        if tokens is None:
            assert cache_bytes(name, 10**9, batch) <= budget
        else:
            assert cache_bytes(name, tokens, batch) <= budget < cache_bytes(name, tokens + 1, batch)


@pytest.mark.parametrize("name", NAMES)
def test_the_largest_batch_fits_and_one_more_does_not(name):
    batch = largest_batch(name, 1000, 10**10)
    assert cache_bytes(name, 1000, batch) <= 10**10 < cache_bytes(name, 1000, batch + 1)


def test_the_table_by_hand():
    table = {row["model"]: row for row in accounting.table(dtype="bfloat16")}
    assert list(table) == NAMES
    assert table["DeepSeek-V2"]["groups"] == 2.25  # its paper says so below table 1
    assert table["DeepSeek-V2"]["of_mha"] == pytest.approx(576 / 32768)
    assert table["LLaMA 2 7B"]["of_mha"] == 1
    assert table["Falcon-7B"]["of_mha"] == pytest.approx(1 / 71)
    assert table["Mistral 7B"]["of_mha"] == pytest.approx(1 / 8)  # a quarter of the heads, half the tokens
    assert table["Gemma 2 9B"]["of_mha"] == pytest.approx(1 / 2 * 3 / 4)
    assert table["GPT-2"]["bytes"] == 36 * MIB and table["GPT-2"]["tokens"] == 1024
    assert {row["tokens"] for row in accounting.table(4096)} == {4096}
    assert accounting.table(0)[0]["of_mha"] is None


def test_rows_are_copies():
    accounting.models()[0]["layers"] = 1
    accounting.find("GPT-2")["layers"] = 1
    assert bytes_per_token("GPT-2") == PER_TOKEN["GPT-2"]


# A wrong row or formula must be seen by the numbers above.

WRONG = {
    "heads for key heads": ("LLaMA 3 8B", lambda row: row | {"kv_heads": row["heads"]}),
    "the position forgotten": ("DeepSeek-V2", lambda row: row | {"rope": 1}),
    "a layer too few": ("Qwen2.5-7B", lambda row: row | {"layers": row["layers"] - 1}),
    "width / heads as head size": ("Gemma 2 9B", lambda row: row | {"head_size": 3584 // 16}),
    "a latent as key heads": (
        "DeepSeek-V2",
        lambda row: {k: v for k, v in row.items() if k not in ("latent", "rope")} | {"kv_heads": 128},
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_row_is_seen(name):
    model, change = WRONG[name]
    assert bytes_per_token(change(accounting.find(model))) != PER_TOKEN[model]


BAD_ROWS = {
    "missing": ({"heads"}, {}, "GPT-2: expected all columns; came 'no heads'"),
    "unknown": (set(), {"experts": 8}, "GPT-2.experts: expected a known column"),
    "negative": (set(), {"layers": -1}, "GPT-2.layers: expected .* positive"),
    "text": (set(), {"layers": "12"}, "GPT-2.layers"),
    "truth": (set(), {"layers": True}, "GPT-2.layers"),
    "no source": (set(), {"source": ""}, "GPT-2.source"),
    "dtype": (set(), {"dtype": "float12"}, "GPT-2.dtype: expected one of 'float32'"),
    "no divisor": (set(), {"kv_heads": 5}, "GPT-2.kv_heads: expected a divisor of the 12 heads"),
    "both kinds": (set(), {"latent": 512, "rope": 64}, "GPT-2: expected either kv_heads, or latent and rope"),
    "neither kind": ({"kv_heads"}, {}, "GPT-2: expected either kv_heads"),
    "no rope": ({"kv_heads"}, {"latent": 512}, "GPT-2: expected either kv_heads"),
    "half a window": (set(), {"window": 64}, "GPT-2: expected window and window_layers, or neither"),
    "too many windows": (set(), {"window": 64, "window_layers": 13}, "window_layers: expected at most 12"),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_bad_row_is_refused(name):
    dropped, added, message = BAD_ROWS[name]
    row = {key: value for key, value in accounting.find("GPT-2").items() if key not in dropped} | added
    with pytest.raises(ValueError, match=message):
        cache_bytes(row, 1)


REFUSED = {
    "model": lambda: cache_bytes("GPT-5", 1),
    "dtype": lambda: cache_bytes("GPT-2", 1, dtype="half"),
    "tokens": lambda: cache_bytes("GPT-2", -1),
    "batch": lambda: largest_context("GPT-2", 1, batch=0),
    "budget": lambda: largest_batch("GPT-2", 1, -1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_argument_is_refused(name):
    with pytest.raises(ValueError, match=f"{name}: expected"):
        REFUSED[name]()
