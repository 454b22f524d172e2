"""The tiny model: its size, its causality, its rotation, its trace, its checkpoint."""

import json
import shutil
import time
from pathlib import Path

import pytest
import torch
from glassbox import paths, tiny
from glassbox.tiny import loss, seeds
from glassbox.tiny.model import TinyLM
from glassbox.tiny.rotation import rotate
from torch.nn import functional as F

SMALL = {"width": 16, "layers": 2, "heads": 2, "hidden": 24, "vocabulary": 11}


def small(seed=0):
    return TinyLM(**SMALL, seed=seed).double()


def tokens(b=2, t=9, vocabulary=11):
    return (seeds.uniform((b, t), 5) * vocabulary).long()


@pytest.fixture(scope="module")
def trained():
    return tiny.load()


@pytest.fixture(scope="module")
def halves():
    train, validation = tiny.split(tiny.read_text("en", ["prose", "stories", "code"]))
    return train.encode("utf-8"), validation.encode("utf-8")


def test_the_parameter_count_is_the_stated_one():
    matrices = 4 * 64 * 64 + 3 * 64 * 128
    assert sum(p.numel() for p in TinyLM().parameters()) == 2 * 256 * 64 + 2 * matrices + 5 * 64 == 115_008
    assert "115,008" in TinyLM.__doc__


def test_the_starting_weights_depend_on_the_seed_alone():
    torch.manual_seed(3)
    first = TinyLM(**SMALL).state_dict()
    torch.manual_seed(4)
    again, other = TinyLM(**SMALL).state_dict(), TinyLM(**SMALL, seed=1).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["head.weight"], other["head.weight"])


def test_an_untrained_model_is_as_ignorant_as_possible():
    text = bytes(range(256)) * 5
    assert loss.bits_per_byte(TinyLM(), text) == pytest.approx(8.0, abs=0.05)


def moved_by(changed):
    """Which positions' logits move when the byte at `changed` does."""
    model, x = small(), tokens()
    y = x.clone()
    y[:, changed] = (y[:, changed] + 1) % 11
    return ((model(x) - model(y)).abs().amax((0, 2)) > 0).tolist()


@pytest.mark.parametrize("changed", [1, 4, 8])
def test_a_later_byte_never_changes_earlier_logits(changed):
    assert moved_by(changed) == [False] * changed + [True] * (9 - changed)


def test_the_causality_test_sees_a_missing_mask(monkeypatch):
    real = F.scaled_dot_product_attention
    monkeypatch.setattr(F, "scaled_dot_product_attention", lambda q, k, v, is_causal: real(q, k, v))
    assert any(moved_by(4)[:4])


def test_each_row_of_a_batch_is_alone():
    model, x = small(), tokens()
    torch.testing.assert_close(model(x)[1:], model(x[1:]), rtol=1e-12, atol=1e-12)


def interleaved(x, base=10_000.0):
    """The other pairing: 2i with 2i + 1."""
    half = x.shape[-1] // 2
    y = rotate(torch.cat((x[..., 0::2], x[..., 1::2]), -1), base)
    return torch.stack((y[..., :half], y[..., half:]), -1).flatten(-2)


def score(turn, q, k, at_q, at_k):
    """The dot product of q at one position with k at another."""
    n = max(at_q, at_k) + 1
    return turn(q.expand(n, -1))[at_q] @ turn(k.expand(n, -1))[at_k]


@pytest.mark.parametrize("turn", [rotate, interleaved])
def test_only_the_distance_matters_under_both_pairings(turn):
    q, k = seeds.normal((2, 8), 0)
    assert score(turn, q, k, 9, 4) == pytest.approx(score(turn, q, k, 25, 20).item(), rel=1e-12)
    assert abs(score(turn, q, k, 9, 4) - score(turn, q, k, 9, 5)) > 1e-3


def pairs_first_with_third(turn):
    """The convention, by hand: head size 4, position 1: (0, 2) turn by 1 radian, (1, 3) by 0.01."""
    one, hundredth = torch.tensor([1.0, 0.01], dtype=torch.float64)
    turned = turn(torch.eye(4, dtype=torch.float64)[:, None].expand(4, 2, 4))[:, 1]
    expected = torch.zeros(4, 4, dtype=torch.float64)
    for i, j, angle in ((0, 2, one), (1, 3, hundredth)):
        expected[i, i], expected[i, j] = angle.cos(), angle.sin()
        expected[j, i], expected[j, j] = -angle.sin(), angle.cos()
    return torch.allclose(turned, expected, rtol=0, atol=1e-12)


def test_the_pairing_is_half_split_and_counter_clockwise():
    assert pairs_first_with_third(rotate)


@pytest.mark.parametrize(
    "wrong",
    [
        interleaved,
        lambda x: rotate(x.roll(2, -1)).roll(2, -1),
        lambda x: rotate(x, 1_000.0),
        lambda x: rotate(x[..., [0, 2, 1, 3]])[..., [0, 2, 1, 3]],
    ],
    ids=["interleaved", "clockwise", "base", "neighbours"],
)
def test_the_pairing_test_sees_a_wrong_convention(wrong):
    assert not pairs_first_with_third(wrong)


def test_rotation_keeps_lengths_and_the_first_position():
    x = seeds.normal((2, 7, 6), 0)
    torch.testing.assert_close(rotate(x).norm(dim=-1), x.norm(dim=-1), rtol=1e-12, atol=0)
    assert torch.equal(rotate(x)[:, 0], x[:, 0])


def by_hand(model, x):
    """The model once more, from the equations: one row, loops over heads and positions."""
    config, weights = model.config, model.state_dict()
    d = config["width"] // config["heads"]

    def norm(y, name):
        return y / (y.square().mean(-1, keepdim=True) + 1e-6).sqrt() * weights[name]

    stream = weights["embed.weight"][x]
    for layer in range(config["layers"]):
        at = f"blocks.{layer}."
        y = norm(stream, at + "attention_norm.weight")
        q, k, v = (y @ weights[f"{at}attention.{name}.weight"].T for name in ("query", "key", "value"))
        mixed = torch.zeros_like(stream)
        for head in range(config["heads"]):
            own = slice(head * d, (head + 1) * d)
            qh, kh = rotate(q[:, own]), rotate(k[:, own])
            for t in range(len(x)):
                scores = kh[: t + 1] @ qh[t] / d**0.5
                mixed[t, own] = scores.softmax(-1) @ v[: t + 1, own]
        stream = stream + mixed @ weights[at + "attention.output.weight"].T
        y = norm(stream, at + "ffn_norm.weight")
        gate, up = (y @ weights[f"{at}ffn.{name}.weight"].T for name in ("gate", "up"))
        stream = stream + (gate * gate.sigmoid() * up) @ weights[at + "ffn.down.weight"].T
    return norm(stream, "final_norm.weight") @ weights["head.weight"].T


@torch.no_grad()
def distance_from_the_equations(spoil=lambda model: None):
    model, x = small(), tokens(1)
    for index, gain in enumerate(p for p in model.parameters() if p.ndim == 1):
        gain.copy_(seeds.uniform(gain.shape, 9 + index, 0.5, 1.5))
    expected = by_hand(model, x[0])
    spoil(model)
    return ((model(x)[0] - expected).norm() / expected.norm()).item()


def test_the_model_is_the_written_equations():
    assert distance_from_the_equations() < 1e-12


def exchange(one, other):
    one.weight, other.weight = other.weight, one.weight


@pytest.mark.parametrize(
    "spoil",
    [
        lambda model: setattr(model, "final_norm", torch.nn.Identity()),
        lambda model: setattr(model.blocks[1].attention_norm, "eps", 1e-5),
        lambda model: setattr(model.blocks[0].attention, "base", 9_999.0),
        lambda model: exchange(model.blocks[0].ffn.gate, model.blocks[0].ffn.up),
        lambda model: exchange(model.blocks[1].attention_norm, model.blocks[1].ffn_norm),
        lambda model: exchange(model.blocks[1].attention.query, model.blocks[1].attention.key),
    ],
    ids=["no final norm", "eps", "base", "gate and up", "norms exchanged", "query and key"],
)
def test_the_equations_see_a_planted_mistake(spoil):
    assert distance_from_the_equations(spoil) > 1e-9


def test_the_trace_has_every_named_activation_and_changes_nothing():
    model, x, trace = small(), tokens(), {}
    assert torch.equal(model(x, trace), model(x))
    inside = ["norm_in_attention", "norm_out_attention", "query", "key", "value", "attention"]
    inside += ["norm_in_ffn", "norm_out_ffn", "ffn", "residual"]
    expected = {f"block{i}.{name}" for i in range(2) for name in inside}
    assert set(trace) == expected | {"embed", "norm_in_final", "norm_out_final", "logits"}


def test_the_traced_stream_adds_up():
    model, trace = small(), {}
    logits = model(tokens(), trace)
    stream = trace["embed"]
    for i in range(2):
        assert torch.equal(trace[f"block{i}.norm_in_attention"], stream)
        stream = stream + trace[f"block{i}.attention"]
        assert torch.equal(trace[f"block{i}.norm_in_ffn"], stream)
        stream = stream + trace[f"block{i}.ffn"]
        assert torch.equal(trace[f"block{i}.residual"], stream)
    assert torch.equal(trace["norm_in_final"], stream)
    normed = F.rms_norm(stream, (16,), model.final_norm.weight, 1e-6)
    torch.testing.assert_close(trace["norm_out_final"], normed)
    assert trace["logits"] is logits and trace["block0.query"].shape == (2, 2, 9, 8)


def test_a_module_can_be_replaced():
    model, x = small(), tokens()
    model.blocks[0].ffn = torch.nn.Identity()
    trace = {}
    model(x, trace)
    assert torch.equal(trace["block0.ffn"], trace["block0.norm_out_ffn"])


def test_gradients_reach_every_parameter():
    model, x = small(), tokens()
    model(x).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: TinyLM(width=66), ValueError, r"width: expected a multiple of 2 \* heads = 8"),
        (lambda: TinyLM(heads=0), ValueError, "heads: expected a whole number >= 1"),
        (lambda: TinyLM(layers=2.0), TypeError, "layers: expected a whole number"),
        (lambda: small()(tokens().int()), TypeError, "tokens: expected an int64 tensor"),
        (lambda: small()(b"abc"), TypeError, "tokens: expected an int64 tensor"),
        (lambda: small()(tokens()[0]), ValueError, r"tokens: expected shape \(batch, time\)"),
        (lambda: small()(tokens(2, 0)), ValueError, "at least one position"),
        (lambda: tiny.load("huge"), ValueError, "name: expected one of 'tiny'"),
        (lambda: tiny.load("../tiny"), ValueError, "name: expected one of"),
    ],
)
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_the_checkpoint_is_small_and_loads_fast():
    assert paths.data("weights", "tiny.safetensors").stat().st_size < 500_000
    start = time.process_time()
    model = tiny.load()
    assert time.process_time() - start < 1.0
    assert not model.training and next(model.parameters()).dtype == torch.float32


def test_the_checkpoint_beats_every_model_that_only_counts(trained, halves):
    train, validation = halves
    unigram, bigram = (tiny.counted_bits_per_byte(train, validation, order) for order in (1, 2))
    found = tiny.bits_per_byte(trained, validation)
    assert found < 0.6 * bigram < 0.6 * unigram
    assert found < 2.0 and tiny.bits_per_byte(TinyLM(), validation) > 7.9
    assert tiny.card()["bits_per_byte"]["validation"] == pytest.approx(found, abs=2e-3)
    assert tiny.card()["bits_per_byte"]["bigram_validation"] == pytest.approx(bigram, abs=1e-3)


def test_the_card_says_how_the_checkpoint_was_made(trained):
    card = tiny.card()
    assert {"command", "seed", "steps", "versions", "date", "data", "bits_per_byte", "sha256"} <= card.keys()
    assert card["parameters"] == 115_008 and "sums" not in card["data"]["parts"]
    assert card["command"].startswith("python -m glassbox.tiny.train")


def test_the_card_names_the_text_that_is_frozen_now():
    from hashlib import sha256

    text = tiny.read_text("en", tiny.card()["data"]["parts"])
    assert tiny.card()["data"]["sha256"] == sha256(text.encode("utf-8")).hexdigest()


def test_sums_are_a_new_task_for_it(trained, halves):
    sums = tiny.read_text("en", ["sums"])[:20_000].encode("utf-8")
    assert tiny.bits_per_byte(trained, sums) > 2 * tiny.bits_per_byte(trained, halves[1])


def copied_weights(folder: Path, monkeypatch) -> Path:
    shutil.copytree(paths.data("weights"), folder / "data" / "weights")
    monkeypatch.setenv("GLASSBOX_ROOT", str(folder))
    return folder / "data" / "weights"


def test_a_tampered_checkpoint_is_refused_by_name(tmp_path, monkeypatch):
    file = copied_weights(tmp_path, monkeypatch) / "tiny.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(
        ValueError, match=r"data/weights/tiny\.safetensors: not the file that its card describes"
    ):
        tiny.load()


def test_a_missing_checkpoint_is_named(tmp_path, monkeypatch):
    (copied_weights(tmp_path, monkeypatch) / "tiny.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"data/weights/tiny\.safetensors is missing"):
        tiny.load()


def test_the_training_command_writes_a_checkpoint_and_its_card(tmp_path, monkeypatch, capsys):
    from glassbox.tiny import train

    monkeypatch.setattr(train, "read_text", lambda *_: tiny.read_text("en", ["sums"])[:50_000])
    monkeypatch.setattr(train, "BATCH", 2)
    monkeypatch.setattr(train, "CONTEXT", 32)
    out = tmp_path / "new.safetensors"
    train.main(["--out", str(out), "--seed", "3", "--steps", "2"])
    card = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["seed"] == 3 and card["steps"] == 2 and "--seed 3 --steps 2" in card["command"]
    assert card["bits_per_byte"]["validation"] < 8.1
    monkeypatch.setattr(paths, "data", lambda *parts: tmp_path / parts[-1] if len(parts) > 1 else tmp_path)
    assert tiny.load("new").config == TinyLM().config
    capsys.readouterr()


def test_training_lowers_the_loss_and_repeats_with_its_seed():
    from glassbox.tiny.train import train

    text, losses = tiny.read_text("en", ["sums"])[:5_000].encode("utf-8"), []
    first = train(text, 3, 0, lambda step, value: losses.append(value))
    again = train(text, 3, 0)
    assert losses[-1] < losses[0]
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
