"""Loss in bits per byte and the bytes that a model writes."""

from math import log2

import pytest
import torch
from glassbox import tiny
from glassbox.tiny import loss


class Fixed(torch.nn.Module):
    """The same distribution after every byte."""

    def __init__(self, probabilities: dict[int, float]):
        super().__init__()
        self.logits = torch.full((256,), float("-inf"))
        for byte, p in probabilities.items():
            self.logits[byte] = log2(p) * torch.tensor(2.0).log()

    def forward(self, tokens):
        return self.logits.expand(*tokens.shape, 256)


class Successor(torch.nn.Module):
    """Certain that byte b is followed by b + 1, and that the window begins with its first byte."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, tokens):
        self.seen.append(tokens.shape[1])
        return 50.0 * torch.nn.functional.one_hot((tokens + 1) % 256, 256)


def test_bits_per_byte_is_the_mean_surprise():
    half, quarter = ord("a"), ord("b")
    model = Fixed({half: 0.5, quarter: 0.25, ord("c"): 0.25})
    assert tiny.bits_per_byte(model, b"xabab", 4) == pytest.approx((1 + 2 + 1 + 2) / 4, rel=1e-6)


def test_bits_per_byte_scores_whole_windows_and_not_the_first_byte():
    model = Fixed({ord("a"): 0.5, ord("b"): 0.5})
    assert tiny.bits_per_byte(model, b"z" + b"ab" * 4 + b"z", 4) == pytest.approx(1.0, rel=1e-6)


def test_counted_models_on_a_text_that_alternates():
    text = b"ab" * 500
    assert tiny.counted_bits_per_byte(text, text, 1) == pytest.approx(1.0, abs=0.02)
    assert tiny.counted_bits_per_byte(text, text, 2) == pytest.approx(0.0, abs=0.02)
    assert tiny.counted_bits_per_byte(text, b"aa" * 50, 2) > 8


def test_as_tokens_is_the_bytes():
    assert loss.as_tokens(b"\x00A\xff").tolist() == [0, 65, 255]
    assert loss.as_tokens(b"").shape == (0,)


def test_greedy_follows_the_largest_logit_and_leaves_the_prompt_out():
    assert tiny.generate(Successor(), b"a", 5) == b"bcdef"
    assert tiny.generate(Successor(), b"xyz", 0) == b""


def test_the_model_reads_at_most_the_context():
    model = Successor()
    tiny.generate(model, b"abcdef", 4, context=5)
    assert model.seen == [5, 5, 5, 5]
    model = Successor()
    tiny.generate(model, b"ab", 4, context=5)
    assert model.seen == [2, 3, 4, 5]


def test_greedy_is_deterministic_and_ignores_the_seed():
    model = tiny.load()
    first = tiny.generate(model, b"The ", 60)
    assert first == tiny.generate(model, b"The ", 60, seed=9)
    assert len(first) == 60


def test_the_trained_model_writes_words_of_its_corpus():
    model = tiny.load()
    known = set(tiny.read_text("en", ["prose", "stories", "code"]).split())
    written = tiny.generate(model, b"One morning ", 400, temperature=0.7, seed=1).decode("utf-8").split()[:-1]
    assert sum(word in known for word in written) > 0.7 * len(written)


def test_sampling_follows_the_probabilities_and_the_seed():
    model = Fixed({ord("a"): 0.5, ord("b"): 0.3, ord("c"): 0.2})
    drawn = tiny.generate(model, b"x", 3000, temperature=1.0, seed=0)
    assert drawn == tiny.generate(model, b"x", 3000, temperature=1.0, seed=0)
    assert drawn != tiny.generate(model, b"x", 3000, temperature=1.0, seed=1)
    for byte, p in (("a", 0.5), ("b", 0.3), ("c", 0.2)):
        assert drawn.count(byte.encode()) / 3000 == pytest.approx(p, abs=0.04)
    cold = tiny.generate(model, b"x", 3000, temperature=0.5, seed=0)
    assert cold.count(b"a") / 3000 == pytest.approx(0.25 / 0.38, abs=0.04)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda m: tiny.generate(m, "text", 3), TypeError, "prompt: expected bytes"),
        (lambda m: tiny.generate(m, b"", 3), ValueError, "prompt: expected at least one byte"),
        (lambda m: tiny.generate(m, b"a", -1), ValueError, "n: expected a whole number >= 0"),
        (lambda m: tiny.generate(m, b"a", 2.0), TypeError, "n: expected a whole number"),
        (lambda m: tiny.generate(m, b"a", 2, temperature=-1), ValueError, "temperature: expected"),
        (lambda m: tiny.generate(m, b"a", 2, context=0), ValueError, "context: expected a whole number >= 1"),
        (lambda m: tiny.bits_per_byte(m, b"abc", 3), ValueError, "text: expected more than context"),
        (lambda m: tiny.bits_per_byte(m, "abc", 3), TypeError, "text: expected bytes"),
        (lambda m: tiny.counted_bits_per_byte(b"ab", b"ab", 3), ValueError, "order: expected one of 1, 2"),
    ],
)
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call(Successor())
