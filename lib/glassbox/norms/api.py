"""The norms with their conventions and argument checks; the equations themselves are in `reference.py`.

`backend` is "auto", "reference", "simulated" or "compiled": `machine/dispatch.py` says what each takes.
"""

from jaxtyping import Float
from torch import Tensor

from glassbox.arguments import (
    bad_value,
    expect_float_tensor,
    expect_like,
    expect_positive,
    expect_same_kind,
    expect_shape,
    expect_whole,
)
from glassbox.machine.dispatch import uses_kernel
from glassbox.norms import reference
from glassbox.norms.reference import AddedNorm, DeepNormScales, LayerNormGradients, RMSNormGradients


def _check(x: Tensor, eps: float, name: str = "x", **parameters: Tensor | None) -> None:
    """Refuse what is not rows of features, with per-feature parameters beside them."""
    expect_float_tensor(name, x)
    if x.shape[-1] == 0:
        raise bad_value(name, "at least one feature in the last dimension", x)
    expect_positive("eps", eps, zero_allowed=True)
    for label, parameter in parameters.items():
        if parameter is not None:
            expect_float_tensor(label, parameter)
            expect_shape(label, parameter, x.shape[-1:])
            expect_like(label, parameter, name, x)


def _check_same(name: str, value: Tensor, other_name: str, other: Tensor) -> None:
    """Refuse a tensor that differs from `other` in shape, dtype or device."""
    expect_float_tensor(name, value)
    expect_shape(name, value, other.shape)
    expect_same_kind(name, value, other_name, other)


def _kernel(x, added, gain, bias, alpha, eps, *, centre, keep_total=False) -> tuple[Tensor, Tensor]:
    """Return y and, if kept, the sum that was normalised, from the operator."""
    from glassbox.norms.kernels import norm

    return norm(x, added, gain, bias, float(alpha), float(eps), centre, keep_total)[:2]


def layer_norm(
    x: Float[Tensor, "*batch m"],
    gain: Float[Tensor, " m"] | None = None,
    bias: Float[Tensor, " m"] | None = None,
    eps: float = 1e-5,
    backend: str = "auto",
) -> Float[Tensor, "*batch m"]:
    """Shift each row to mean zero, scale it to variance one, then apply a learned gain and bias.

        y = (x - mean(x)) / sqrt(var(x) + eps) * gain + bias

    Convention: statistics over the features of one token, never over tokens or examples. The variance
        divides by m, not m - 1. eps is inside the root.
    Precision: halves are computed in float32, gain and bias included, and cast back once at the end.
    Raises: TypeError, ValueError for what is not such a row, or parameters that do not fit it.
    Source: Ba, Kiros, Hinton 2016, eq. 3 and 4 (arXiv:1607.06450).
    Taught in: notebooks/01_norms.ipynb
    """
    _check(x, eps, gain=gain, bias=bias)
    if uses_kernel(backend, "x", x):
        return _kernel(x, None, gain, bias, 1, eps, centre=True)[0]
    return reference.layer_norm(x, gain, bias, eps)


def rms_norm(
    x: Float[Tensor, "*batch m"],
    gain: Float[Tensor, " m"] | None = None,
    eps: float = 1e-6,
    backend: str = "auto",
) -> Float[Tensor, "*batch m"]:
    """Scale each row to unit root-mean-square, then multiply by a learned gain.

        y = x / sqrt(mean(x^2) + eps) * gain

    Convention: no mean is subtracted and there is no bias. eps is inside the root. The gain multiplies in
        float32, before the cast back (Gemma's order; LLaMA's published code casts first). The gain is
        stored as it multiplies (Gemma stores gain - 1).
    Precision: halves are computed in float32 and cast back once at the end.
    Raises: TypeError, ValueError for what is not such a row, or a gain that does not fit it.
    Source: Zhang, Sennrich 2019, eq. 4 (arXiv:1910.07467).
    Taught in: notebooks/01_norms.ipynb
    """
    _check(x, eps, gain=gain)
    if uses_kernel(backend, "x", x):
        return _kernel(x, None, gain, None, 1, eps, centre=False)[0]
    return reference.rms_norm(x, gain, eps)


def add_rms_norm(
    x: Float[Tensor, "*batch m"],
    residual: Float[Tensor, "*batch m"],
    gain: Float[Tensor, " m"] | None = None,
    eps: float = 1e-6,
    backend: str = "auto",
) -> AddedNorm:
    """Add a sub-layer's output to the residual stream and return both the stream's norm and the stream.

        total = x + residual,  y = rms_norm(total)

    Convention: the step between two sub-layers of a pre-norm block. The norm reads `total` as it is stored,
        rounded to the dtype of x. Both results carry gradients; x and residual get the same one.
    Precision: halves are added and normalised in float32; total and y are each cast once.
    Raises: TypeError, ValueError as in `rms_norm`, or if `residual` is not like `x`.
    Taught in: notebooks/01_norms.ipynb
    """
    _check(x, eps, gain=gain)
    _check_same("residual", residual, "x", x)
    if uses_kernel(backend, "x", x):
        return AddedNorm(*_kernel(x, residual, gain, None, 1, eps, centre=False, keep_total=True))
    return reference.add_rms_norm(x, residual, gain, eps)


def batch_norm(
    x: Float[Tensor, "*batch m"],
    gain: Float[Tensor, " m"] | None = None,
    bias: Float[Tensor, " m"] | None = None,
    eps: float = 1e-5,
    mean: Float[Tensor, " m"] | None = None,
    variance: Float[Tensor, " m"] | None = None,
) -> Float[Tensor, "*batch m"]:
    """Standardise each feature over all rows of the batch, then apply a learned gain and bias.

        y = (x - mean(x)) / sqrt(var(x) + eps) * gain + bias

    Shapes: features last; all other axes, time included, are the batch.
    Convention: without `mean` and `variance` the batch's own statistics are used (training), dividing by
        the number of rows; with both, the given running statistics (evaluation). A single row in training
        becomes the bias: nothing of it is left.
    Precision: halves are computed in float32 and cast back once at the end.
    Raises: TypeError, ValueError as in `layer_norm`, or if only one of `mean`, `variance` is given.
    Source: Ioffe, Szegedy 2015, algorithm 1 (arXiv:1502.03167).
    Taught in: notebooks/01_norms.ipynb
    """
    _check(x, eps, gain=gain, bias=bias, mean=mean, variance=variance)
    if (mean is None) != (variance is None):
        raise bad_value("mean, variance", "both or neither", "only one")
    return reference.batch_norm(x, gain, bias, eps, mean, variance)


def group_norm(
    x: Float[Tensor, "*batch m"],
    groups: int,
    gain: Float[Tensor, " m"] | None = None,
    bias: Float[Tensor, " m"] | None = None,
    eps: float = 1e-5,
) -> Float[Tensor, "*batch m"]:
    """Standardise each of `groups` equal runs of features by itself, then apply a learned gain and bias.

    Convention: features last, and statistics within one row: LayerNorm on each group. One group is
        LayerNorm. `torch.nn.functional.group_norm` has channels second and averages over all later axes
        as well; the two agree on (rows, channels) tensors only.
    Precision: halves are computed in float32 and cast back once at the end.
    Raises: TypeError, ValueError as in `layer_norm`, or if `groups` does not divide the features.
    Source: Wu, He 2018, section 3 (arXiv:1803.08494).
    Taught in: notebooks/01_norms.ipynb
    """
    _check(x, eps, gain=gain, bias=bias)
    expect_whole("groups", groups, 1)
    if x.shape[-1] % groups:
        raise bad_value("groups", f"a divisor of the {x.shape[-1]} features", groups)
    return reference.group_norm(x, groups, gain, bias, eps)


def qk_norm(
    q: Float[Tensor, "*query d"],
    k: Float[Tensor, "*key d"],
    gain_q: Float[Tensor, " d"] | None = None,
    gain_k: Float[Tensor, " d"] | None = None,
    eps: float = 1e-6,
) -> tuple[Float[Tensor, "*query d"], Float[Tensor, "*key d"]]:
    """Apply RMSNorm to queries and keys before their product, which bounds every score.

        score = q . k / sqrt(d),  |score| <= sqrt(d) max|gain_q| max|gain_k|

    Convention: over the head size d, after the split into heads (Qwen3, Gemma 3). OLMo 2 normalises the
        whole projection before the split: pass that instead. Values are never normalised.
    Precision: halves are computed in float32 and cast back once at the end.
    Raises: TypeError, ValueError as in `rms_norm`, or if q and k differ in head size, dtype or device.
    Source: Henry et al. 2020 (arXiv:2010.04245); Dehghani et al. 2023, section 2
        (arXiv:2302.05442).
    Taught in: notebooks/01_norms.ipynb
    """
    _check(q, eps, "q", gain_q=gain_q)
    _check(k, eps, "k", gain_k=gain_k)
    expect_shape("k", k, (*k.shape[:-1], q.shape[-1]))
    expect_same_kind("k", k, "q", q)
    return reference.qk_norm(q, k, gain_q, gain_k, eps)


def deep_norm(
    x: Float[Tensor, "*batch m"],
    fx: Float[Tensor, "*batch m"],
    alpha: float,
    gain: Float[Tensor, " m"] | None = None,
    bias: Float[Tensor, " m"] | None = None,
    eps: float = 1e-5,
    backend: str = "auto",
) -> Float[Tensor, "*batch m"]:
    """Add a sub-layer's output `fx` to the residual stream times alpha, then apply LayerNorm.

        y = LayerNorm(alpha x + f(x))

    Convention: alpha multiplies the stream, not the sub-layer; alpha = 1 is post-norm. The initial weights
        are scaled apart from this (`deep_norm_scales`, `initialise`).
    Precision: halves are added and normalised in float32 and cast back once at the end.
    Raises: TypeError, ValueError as in `layer_norm`, or if `fx` is not like `x`.
    Source: Wang et al. 2022, figure 2 (arXiv:2203.00555).
    Taught in: notebooks/01_norms.ipynb
    """
    _check(x, eps, gain=gain, bias=bias)
    _check_same("fx", fx, "x", x)
    expect_positive("alpha", alpha)
    if uses_kernel(backend, "x", x):
        return _kernel(x, fx, gain, bias, alpha, eps, centre=True)[0]
    return reference.deep_norm(x, fx, alpha, gain, bias, eps)


def deep_norm_scales(encoder: int | None = None, decoder: int | None = None) -> DeepNormScales:
    """Return DeepNorm's alpha and beta for each stack of a model with that many layers.

        one stack of N layers:  alpha = (2N)^(1/4)             beta = (8N)^(-1/4)
        N-layer encoder         alpha = 0.81 (N^4 M)^(1/16)    beta = 0.87 (N^4 M)^(-1/16)
        with M-layer decoder    alpha = (3M)^(1/4)             beta = (12M)^(-1/4)

    Convention: a layer is attention with its feed-forward, so N layers have 2N sub-layers (3M in a decoder
        with cross-attention). beta multiplies the gain of Xavier's initialisation for the value, output
        and feed-forward weights; queries and keys keep gain 1.
    Raises: TypeError, ValueError if no stack is given, or a number of layers is not positive.
    Source: Wang et al. 2022, figure 2 (arXiv:2203.00555).
    Taught in: notebooks/01_norms.ipynb
    """
    if encoder is None and decoder is None:
        raise bad_value("encoder, decoder", "a number of layers for at least one", None)
    for name, layers in {"encoder": encoder, "decoder": decoder}.items():
        if layers is not None:
            expect_whole(name, layers, 1)
    return reference.deep_norm_scales(encoder, decoder)


def layer_norm_backward(
    dy: Float[Tensor, "*batch m"], x: Float[Tensor, "*batch m"], gain: Float[Tensor, " m"], eps: float = 1e-5
) -> LayerNormGradients:
    """Return the gradients of `layer_norm` with respect to its input, gain and bias.

        u = (x - mean(x)) / std(x),  du = dy gain
        dx = (du - mean(du) - u mean(du u)) / std(x)
        dgain = sum of dy u over rows,  dbias = sum of dy over rows

    Convention: dx is orthogonal to the constant vector, and to u where eps = 0: those two directions of x
        do not change the output.
    Precision: halves are computed in float32; dx has the dtype of x, the others that of the gain.
    Raises: TypeError, ValueError as in `layer_norm`, or if `dy` is not like `x`.
    Taught in: notebooks/01_norms.ipynb
    """
    expect_float_tensor("gain", gain)
    _check(x, eps, gain=gain)
    _check_same("dy", dy, "x", x)
    return reference.layer_norm_backward(dy, x, gain, eps)


def rms_norm_backward(
    dy: Float[Tensor, "*batch m"], x: Float[Tensor, "*batch m"], gain: Float[Tensor, " m"], eps: float = 1e-6
) -> RMSNormGradients:
    """Return the gradients of `rms_norm` with respect to its input and gain.

        u = x / rms(x),  du = dy gain
        dx = (du - u mean(du u)) / rms(x)
        dgain = sum of dy u over rows

    Convention: LayerNorm's mean term is gone, so dx is orthogonal to u alone (where eps = 0).
    Precision: halves are computed in float32; dx has the dtype of x, dgain that of the gain.
    Raises: TypeError, ValueError as in `rms_norm`, or if `dy` is not like `x`.
    Taught in: notebooks/01_norms.ipynb
    """
    expect_float_tensor("gain", gain)
    _check(x, eps, gain=gain)
    _check_same("dy", dy, "x", x)
    return reference.rms_norm_backward(dy, x, gain, eps)
