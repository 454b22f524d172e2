"""The other sweeps of attention: priors on where to look, two lookups at once, and strings reversed."""

from importlib import import_module
from itertools import islice

import pytest
import torch
from glassbox.attention import scaled_dot_product_attention
from glassbox.norms.modules import initialise
from glassbox.tiny.seeds import normal

# The package exports a function of the same name as each of these modules.
lookups, prior, reversal = (
    import_module(f"glassbox.attention.experiments.{name}") for name in ("lookups", "prior", "reversal")
)


# Priors.


@pytest.mark.parametrize("name", prior.KINDS)
def test_a_prior_is_added_to_the_scores_or_stands_in_their_place(name):
    kind = prior.KINDS[name]
    layer = initialise(prior.PriorAttention(16, 4, kind), seed=1)
    x = normal((1, 6, 16), seed=1, dtype=torch.float32)
    q, k = layer.queries_and_keys(x)
    weights = layer.bias(6).softmax(-1)
    seen = scaled_dot_product_attention(q, k, torch.eye(6).expand(1, 4, 6, 6), bias=layer.bias(6)[None])
    assert torch.allclose(seen[0], weights, atol=1e-6) == (not kind.content)
    assert seen.triu(1).abs().max() == 0
    wanted = (torch.arange(6)[:, None] - torch.arange(6)).expand(4, 6, 6).mul(seen[0]).sum(-1).mean(-1)
    torch.testing.assert_close(layer.distances(x), wanted, atol=1e-5, rtol=1e-5)


def test_the_priors_are_a_gaussian_and_an_exponential():
    layer = prior.PriorAttention(16, 4, prior.KINDS["Gaussian prior"])
    row = layer.bias(9)[0, 8].exp()  # head 1: a deviation of 2
    assert row[6] / row[8] == pytest.approx(torch.tensor(-0.5).exp().item())
    row = prior.PriorAttention(16, 4, prior.KINDS["distance prior"]).bias(9)[1, 8].exp()  # a length of 4
    assert row[4] / row[8] == pytest.approx(torch.tensor(-1.0).exp().item())


# Two lookups.


def test_the_maps_are_what_the_attention_uses():
    model = lookups.TwoLookups(4, seed=1)
    asked = next(lookups.questions(3, 32, seed=0))
    question, slots = model.embedded(asked)
    v = model.attention.keys_and_values(slots)[1]
    mixed = (model.maps(asked)[:, :, None] @ v).transpose(1, 2).flatten(-2)
    torch.testing.assert_close(model.attention.output(mixed), model.attention(question, slots))


def test_the_two_slots_differ_and_the_answers_are_their_symbols():
    asked = next(lookups.questions(500, 32, seed=0))
    assert (asked.asked[:, 0] != asked.asked[:, 1]).all()
    assert len(asked.asked.unique(dim=0)) > 350
    row = asked.symbols[7]
    assert asked.answers[7].tolist() == [row[asked.asked[7, 0]], row[asked.asked[7, 1]]]


def test_more_heads_are_not_more_parameters():
    sizes = {sum(p.numel() for p in lookups.TwoLookups(heads).parameters()) for heads in (1, 2, 16)}
    assert len(sizes) == 1


def test_the_accuracy_wants_both_symbols(monkeypatch):
    model = lookups.TwoLookups(2)

    def forward(self, asked):
        """Name the first symbol always, the second where it is below 4."""
        answers = asked.answers.clone()
        answers[:, 1] = answers[:, 1].clamp_max(3)
        return torch.nn.functional.one_hot(answers, lookups.SYMBOLS).float()

    monkeypatch.setattr(lookups.TwoLookups, "forward", forward)
    assert lookups.tested(model)[0]["accuracy"] == pytest.approx(0.5, abs=0.05)


def test_accuracies_are_summed_up_by_run_not_by_head():
    rows = [
        {"slots": 8, "readout": "linear", "heads": 2, "seed": seed, "accuracy": share, "head": head}
        for seed, share in ((0, 0.5), (1, 1.0))
        for head in (1, 2)
    ]
    assert lookups.accuracies(rows) == [
        {"slots": 8, "readout": "linear", "heads": 2, "mean": 0.75, "least": 0.5, "most": 1.0}
    ]


# Reversal.


@pytest.mark.parametrize("score", reversal.SCORES)
def test_writing_symbol_by_symbol_is_the_forward_pass_on_what_was_written(score):
    model = reversal.Reverser(score, seed=1)
    text = next(reversal.strings(3, [6], seed=0))
    written, maps = model.write(text)
    torch.testing.assert_close(model(text, written).argmax(-1), written, atol=0, rtol=0)
    torch.testing.assert_close(maps.sum(-1), torch.ones(3, 6))


def test_without_attention_only_the_last_state_reaches_the_output():
    model = reversal.Reverser("none", seed=1)
    asking = normal((1, 2, reversal.HIDDEN), seed=0, dtype=torch.float32)
    read = normal((1, 5, reversal.HIDDEN), seed=1, dtype=torch.float32)
    assert model.answer(asking, read).equal(model.answer(asking, read + 1))
    looking = reversal.Reverser("additive", seed=1)
    assert not looking.answer(asking, read).equal(looking.answer(asking, read + 1))


def test_a_map_on_the_other_diagonal_looks_mirrored():
    def rows(weights):
        return [
            {"score": "x", "written": i, "read": j, "weight": weight}
            for i, row in enumerate(weights, 1)
            for j, weight in enumerate(row, 1)
        ]

    mirrored = torch.eye(4).flip(1)
    assert reversal.looks_mirrored(rows(mirrored.tolist())) == {"x": 1.0}
    assert reversal.looks_mirrored(rows(mirrored.roll(1, 1).tolist())) == {"x": 0.0}


def test_a_training_of_each_toy_lowers_the_loss():
    looked_up = list(lookups.learn(lookups.TwoLookups(2), 0, 40))
    assert sum(looked_up[-5:]) < sum(looked_up[:5])
    reversed_ = [loss for loss, _ in islice(reversal.learn(reversal.Reverser("additive"), 0, 40), 40)]
    assert sum(reversed_[-5:]) < sum(reversed_[:5])
