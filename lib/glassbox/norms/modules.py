"""The norms with their parameters, and the one residual wrapper that can place them anywhere."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from glassbox.arguments import bad_type, bad_value, expect_choice, expect_positive
from glassbox.norms import api
from glassbox.tiny.seeds import xavier

# Which of the three places around a sub-layer f carry a norm: y = outer(alpha x + after(f(before(x)))).
PLACEMENTS = {
    "pre": ("before",),
    "post": ("outer",),
    "sandwich": ("before", "after"),
    "deep": ("outer",),
    "res-post": ("after",),
}


class LayerNorm(nn.Module):
    """`api.layer_norm` with a learned gain and, unless `bias=False`, a learned bias."""

    def __init__(self, width: int, eps: float = 1e-5, bias: bool = True):
        super().__init__()
        self.eps = eps
        self.gain = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width)) if bias else None

    def forward(self, x: Float[Tensor, "*batch m"]) -> Float[Tensor, "*batch m"]:
        return api.layer_norm(x, self.gain, self.bias, self.eps)


class RMSNorm(nn.Module):
    """`api.rms_norm` with a learned gain."""

    def __init__(self, width: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.gain = nn.Parameter(torch.ones(width))

    def forward(self, x: Float[Tensor, "*batch m"]) -> Float[Tensor, "*batch m"]:
        return api.rms_norm(x, self.gain, self.eps)


NORMS = {"layer": LayerNorm, "rms": RMSNorm}


def make_norm(norm: str | Callable[[int], nn.Module], width: int) -> nn.Module:
    """Return a new norm of that width: "layer", "rms", or what the given function builds."""
    if callable(norm):
        return norm(width)
    expect_choice("norm", norm, NORMS)
    return NORMS[norm](width)


class Residual(nn.Module):
    """A sub-layer f with its residual connection and its norms.

        y = outer(alpha x + after(f(before(x))))

        placement   before   after   outer   alpha
        pre         norm     -       -       1       GPT-2, LLaMA: the stream is never touched
        post        -        -       norm    1       the 2017 Transformer, BERT
        sandwich    norm     norm    -       1       CogView, Gemma 2
        deep        -        -       norm    > 1     DeepNet; see `deep_norm_scales`
        res-post    -        norm    -       1       Swin V2, OLMo 2

    Convention: "post" here is a norm on the stream itself. A norm on the sub-layer's output, inside the
        branch, is "res-post"; some reports call both "post-norm".
    Raises: ValueError for an unknown placement or norm, or an alpha other than 1 without "deep".
    Source: Xiong et al. 2020, figure 1 (arXiv:2002.04745); Ding et al. 2021
        (arXiv:2105.13290); Wang et al. 2022, figure 2 (arXiv:2203.00555); Liu et al. 2022, section 3.2
        (arXiv:2111.09883).
    Taught in: notebooks/01_norms.ipynb
    """

    def __init__(
        self,
        sublayer: Callable[[Tensor], Tensor],
        width: int,
        placement: str = "pre",
        norm: str | Callable[[int], nn.Module] = "layer",
        alpha: float = 1.0,
    ):
        super().__init__()
        expect_choice("placement", placement, PLACEMENTS)
        expect_positive("alpha", alpha)
        if alpha != 1 and placement != "deep":
            raise bad_value("alpha", f"1 with placement {placement!r} (only 'deep' scales the stream)", alpha)
        self.sublayer, self.placement, self.alpha = sublayer, placement, alpha
        for place in ("before", "after", "outer"):
            used = place in PLACEMENTS[placement]
            setattr(self, place, make_norm(norm, width) if used else nn.Identity())

    def forward(self, x: Float[Tensor, "*batch m"]) -> Float[Tensor, "*batch m"]:
        return self.outer(self.alpha * x + self.after(self.sublayer(self.before(x))))


# DeepNorm's beta scales these; queries and keys keep gain 1, for scores do not feed the stream.
SCALED_BY_BETA = ("value", "output", "up", "down")


@torch.no_grad()
def initialise(model: nn.Module, seed: int = 0, beta: float = 1.0, gain: float = 1.0) -> nn.Module:
    """Draw every `nn.Linear` weight anew, by Xavier's rule; biases become zero. Returns the model.

        std = g sqrt(2 / (inputs + outputs)),  g = gain, times beta for value, output, up, down

    Convention: a layer is known by the last part of its name; the n-th one draws from `1000 seed + n`.
    Raises: TypeError, ValueError for a model that is no module, or a beta or gain that is not positive.
    Source: Glorot, Bengio 2010, section 4.2, in its normal form; Wang et al. 2022, figure 2
        (arXiv:2203.00555).
    Taught in: notebooks/01_norms.ipynb
    """
    if not isinstance(model, nn.Module):
        raise bad_type("model", "a torch module", model)
    expect_positive("beta", beta)
    expect_positive("gain", gain)
    layers = [(name, layer) for name, layer in model.named_modules() if isinstance(layer, nn.Linear)]
    for index, (name, layer) in enumerate(layers):
        scale = beta if name.rpartition(".")[2] in SCALED_BY_BETA else 1.0
        layer.weight.copy_(xavier(layer.weight.shape, 1000 * seed + index, gain * scale))
        if layer.bias is not None:
            layer.bias.zero_()
    return model
