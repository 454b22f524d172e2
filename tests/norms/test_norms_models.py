"""The table of models: every row has a source, and the block built from it behaves as the row says."""

import pytest
import torch
from glassbox import norms
from glassbox.norms import models, probes

TABLE = models.table()
NAMES = [row["model"] for row in TABLE]


@pytest.fixture(scope="module", params=TABLE, ids=NAMES)
def row(request):
    return request.param


def test_a_probe_of_the_block_agrees_with_the_row(row):
    found = probes.probe(models.build(row))
    for column in ("norm", "placement", "bias", "qk_norm", "parallel"):
        assert found[column] == row[column], column
    assert found["alpha"] == pytest.approx(row.get("alpha", 1.0), rel=1e-5)
    if row["eps"] is not None:
        assert found["eps"] == pytest.approx(row["eps"], rel=0.02)


def test_every_row_says_where_it_is_written(row):
    assert "arXiv:" in row["source"] or ".py" in row["source"]
    assert len(row["source"]) > 30


def test_models_are_listed_once_and_the_asked_for_ones_are_there():
    assert len(set(NAMES)) == len(NAMES)
    asked = {"GPT-3", "LLaMA", "Baichuan-7B", "ChatGLM-6B", "ChatGLM2-6B", "BLOOM", "Falcon-7B"}
    assert asked <= set(NAMES)


def test_rows_are_copies():
    models.table()[0]["norm"] = "changed"
    assert models.table()[0]["norm"] == TABLE[0]["norm"]


def test_the_alpha_of_the_glm_family_is_a_square_root_where_deep_norm_has_a_fourth_root():
    for row in TABLE:
        if row["placement"] == "deep":
            assert models.published_alpha(row)["power"] == pytest.approx(0.5)
            published = norms.deep_norm_scales(decoder=row["layers"]).decoder.alpha
            assert row["alpha"] == pytest.approx(published**2)


def by_name(name):
    return next(row for row in TABLE if row["model"] == name)


@pytest.mark.parametrize("name", ["GPT-3", "ChatGLM2-6B", "LLaMA"])
def test_models_often_called_post_norm_leave_the_stream_alone(name):
    block, x = models.build(by_name(name)), torch.ones(1, 3, 32, dtype=torch.float64).cumsum(-1)
    with torch.no_grad():
        block.attention.output.weight.zero_()
        block.ffn.down.weight.zero_()
    assert torch.equal(block(x), x)


def test_gpt_3_has_a_weight_and_a_bias_where_llama_has_a_weight():
    def parameters(name):
        return sorted(probes.norm_parameters(models.build(by_name(name)).residuals[0]))

    assert parameters("GPT-3") == ["before.bias", "before.gain"]
    assert parameters("LLaMA") == ["before.gain"]


# A probe must see a row that is wrong.

WRONG = {
    "norm": ("LLaMA", {"norm": "layer"}),
    "placement": ("GPT-2", {"placement": "post"}),
    "sandwich for pre": ("GPT-2", {"placement": "sandwich"}),
    "res-post for sandwich": ("Gemma 2", {"placement": "res-post"}),
    "eps": ("GPT-2", {"eps": 1e-6}),
    "bias": ("GPT-2", {"bias": False}),
    "qk_norm": ("Qwen3-8B", {"qk_norm": "width"}),
    "no qk_norm": ("OLMo 2", {"qk_norm": "none"}),
    "parallel": ("PaLM", {"parallel": False}),
    "alpha": ("ChatGLM-6B", {"alpha": 2.7}),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_probe_sees_a_wrong_row(name):
    model, change = WRONG[name]
    right, wrong = (probes.probe(models.build(by_name(model) | extra)) for extra in ({}, change))
    assert {key for key in right if right[key] != wrong[key]} == set(change)


def test_a_probe_leaves_the_block_as_it_was():
    block = models.build(by_name("OLMo 2"))
    x = torch.linspace(-1, 1, 96, dtype=torch.float64).reshape(1, 3, 32)
    before, state = block(x), {name: value.clone() for name, value in block.state_dict().items()}
    probes.probe(block)
    assert torch.equal(block(x), before)
    assert all(torch.equal(value, state[name]) for name, value in block.state_dict().items())


BAD = {
    "a column missing": ({"eps"}, {}, r"GPT-1: expected all columns; came 'no eps'"),
    "a column unknown": (set(), {"epsilon": 1e-5}, r"GPT-1.epsilon: expected a known column"),
    "a word unknown": (set(), {"placement": "peri"}, r"GPT-1.placement: expected 'pre' or 'post' or"),
    "eps as text": (set(), {"eps": "1e-5"}, r"GPT-1.eps: expected"),
    "bias as text": (set(), {"bias": "yes"}, r"GPT-1.bias: expected"),
    "no source": (set(), {"source": ""}, r"GPT-1.source: expected"),
    "alpha without deep": (set(), {"alpha": 2.0}, r"GPT-1.alpha: expected alpha with placement 'deep'"),
    "deep without alpha": (
        set(),
        {"placement": "deep"},
        r"GPT-1.alpha: expected alpha with placement 'deep'",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_row_is_refused(name):
    dropped, added, message = BAD[name]
    row = {key: value for key, value in by_name("GPT-1").items() if key not in dropped} | added
    with pytest.raises(ValueError, match=message):
        models.check(row)


# Which axes share a statistic.

AXES = {
    "layer norm": (norms.layer_norm, ("feature",)),
    "rms norm": (norms.rms_norm, ("feature",)),
    "group norm": (lambda x: norms.group_norm(x, 2), ("feature",)),
    "batch norm": (norms.batch_norm, ("batch", "time")),
    "layer norm over the sequence": (lambda x: norms.layer_norm(x.mT).mT, ("time",)),
    "everything": (lambda x: norms.layer_norm(x.flatten()).reshape(x.shape), ("batch", "time", "feature")),
    "nothing": (lambda x: 2 * x, ()),
}


@pytest.mark.parametrize("name", AXES)
def test_axes_of_the_statistics(name):
    norm, axes = AXES[name]
    assert probes.statistics_axes(norm) == axes
