"""Attention that does not compare every query with every key: linear and low-rank."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from glassbox.arguments import bad_type, bad_value, expect_shape
from glassbox.attention.api.checks import expect_kind, expect_queries_keys_values
from glassbox.attention.reference import cheaper as reference
from glassbox.attention.reference.cheaper import LinearState, elu_plus_one

Feature = Callable[[Tensor], Tensor]


def linear_attention(
    q: Float[Tensor, "b h t d"],
    k: Float[Tensor, "b h n d"],
    v: Float[Tensor, "b h n e"],
    causal: bool = True,
    feature: Feature = elu_plus_one,
) -> Float[Tensor, "b h t e"]:
    """Weigh values by a product of feature maps in place of exp(q . k): the parallel form.

        output_i = sum_j f(q_i) . f(k_j) v_j / sum_j f(q_i) . f(k_j)

    Convention: f is elu(x) + 1 unless given; it must be >= 0, or weights may cancel. There is no 1/sqrt(d).
        Causal means j <= i, aligned bottom-right, in O(t n); without it f(k)^T v is summed first, in
        O(t + n). A query that sees nothing gets 0. As many key heads as query heads.
    Precision: halves are computed in float32 and cast back once.
    Raises: TypeError, ValueError for shapes, types or devices that do not fit.
    Source: Katharopoulos et al. 2020, eq. 4 to 9 (arXiv:2006.16236).
    Taught in: notebooks/03_attention_variants.ipynb
    """
    _check_linear(q, k, v, feature)
    if not isinstance(causal, bool):
        raise bad_type("causal", "True or False", causal)
    return reference.linear_attention(q, k, v, causal, feature)


def linear_attention_recurrent(
    q: Float[Tensor, "b h t d"],
    k: Float[Tensor, "b h t d"],
    v: Float[Tensor, "b h t e"],
    feature: Feature = elu_plus_one,
    state: LinearState | None = None,
) -> tuple[Float[Tensor, "b h t e"], LinearState]:
    """Causal linear attention one token after the other, and the state to go on from.

        S_i = S_{i-1} + f(k_i) v_i^T,  z_i = z_{i-1} + f(k_i),  output_i = f(q_i)^T S_i / f(q_i) . z_i

    Convention: a token is written before it is read, so it sees itself. Equal to `linear_attention`.
    Precision: the state is float32 for halves.
    Raises: TypeError, ValueError for shapes, types or devices that do not fit.
    Source: Katharopoulos et al. 2020, eq. 16 to 20 (arXiv:2006.16236).
    Taught in: notebooks/03_attention_variants.ipynb
    """
    _check_linear(q, k, v, feature)
    if k.shape[2] != q.shape[2]:
        raise bad_value("k", f"as many keys as queries, {q.shape[2]}", k)
    if state is not None:
        _check_state(state, k, v, feature)
    return reference.linear_attention_recurrent(q, k, v, feature, state)


def linear_step(
    state: LinearState,
    q: Float[Tensor, "b h d"],
    k: Float[Tensor, "b h d"],
    v: Float[Tensor, "b h e"],
    feature: Feature = elu_plus_one,
) -> tuple[Float[Tensor, "b h e"], LinearState]:
    """One step of `linear_attention_recurrent`: write the token, read with its query, return both.

    Raises: TypeError, ValueError for shapes, types or devices that do not fit.
    Taught in: notebooks/03_attention_variants.ipynb
    """
    for name, value in {"q": q, "k": k, "v": v}.items():
        expect_kind(name, value, 3, "q", q)
    _check_linear(q[:, :, None], k[:, :, None], v[:, :, None], feature)
    _check_state(state, k, v, feature)
    return reference.linear_step(state, q, k, v, feature)


def low_rank_attention(
    q: Float[Tensor, "b h t d"],
    k: Float[Tensor, "b g n d"],
    v: Float[Tensor, "b g n e"],
    project_key: Float[Tensor, "r n"],
    project_value: Float[Tensor, "r n"],
) -> Float[Tensor, "b h t e"]:
    """Mix the n keys and values into r before attending: t r scores instead of t n.

        output = softmax(q (E k)^T / sqrt(d)) F v

    Convention: the projection runs along the length, not along the features. It mixes future and past, so
        there is no mask, and fixes n. E = F = identity is exact attention. Heads share E and F.
    Precision: halves are computed in float32 and cast back once.
    Raises: TypeError, ValueError for shapes, types or devices that do not fit.
    Source: Wang et al. 2020, eq. 7 (arXiv:2006.04768).
    Taught in: notebooks/03_attention_variants.ipynb
    """
    expect_queries_keys_values(q, k, v)
    expect_kind("project_key", project_key, 2, "q", q)
    expect_kind("project_value", project_value, 2, "q", q)
    if project_key.shape[0] == 0:
        raise bad_value("project_key", "at least one row", project_key)
    expect_shape("project_key", project_key, (project_key.shape[0], k.shape[2]))
    expect_shape("project_value", project_value, tuple(project_key.shape))
    return reference.low_rank_attention(q, k, v, project_key, project_value)


def _check_linear(q, k, v, feature) -> None:
    expect_queries_keys_values(q, k, v)
    if k.shape[1] != q.shape[1]:
        raise bad_value("k", f"as many heads as q, {q.shape[1]}", k)
    if not callable(feature):
        raise bad_type("feature", "a function of a tensor", feature)


def _check_state(state, k, v, feature) -> None:
    if not isinstance(state, LinearState):
        raise bad_type("state", "a LinearState", type(state).__name__)
    fresh = reference.linear_start(k, v, feature)
    for name in LinearState._fields:
        expect_kind(
            f"state.{name}", getattr(state, name), getattr(fresh, name).ndim, "k", getattr(fresh, name)
        )
        expect_shape(f"state.{name}", getattr(state, name), getattr(fresh, name).shape)
