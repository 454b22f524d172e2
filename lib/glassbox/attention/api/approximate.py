"""Attention that estimates softmax attention: compares some pairs only, or multiplies random features."""

from jaxtyping import Bool, Float
from torch import Tensor

from glassbox.arguments import bad_type, bad_value, expect_shape
from glassbox.attention.api.checks import as_matrix, expect_kind, expect_queries_keys_values
from glassbox.attention.masks import Mask
from glassbox.attention.reference import approximate as reference


def hash_attention(
    q: Float[Tensor, "b h t d"],
    k: Float[Tensor, "b g n d"],
    v: Float[Tensor, "b g n e"],
    rotations: Float[Tensor, "rounds d c"],
    mask: Mask | Tensor | None = None,
) -> Float[Tensor, "b h t e"]:
    """Compare a query only with the keys that fall into its bucket in at least one of several rounds.

        bucket(x) = argmax over the 2c entries of [x R; -x R],  one random R (d, c) per round
        output    = softmax(q k^T / sqrt(d)) v  over the keys of the query's buckets

    Convention: heads share the rotations, draw them as independent normal numbers. Vectors keep all d
        features; what falls away is pairs. The paper's queries are its keys, here they need not be: a query
        whose buckets hold no key gets 0. This is the definition: all pairs are formed, then hidden. One
        bucket for all (rotations of zeros) is exact attention.
    Precision: halves are computed in float32 and cast back once.
    Raises: TypeError, ValueError for shapes, types or devices that do not fit.
    Source: Kitaev et al. 2020, section 2 (arXiv:2001.04451); Andoni et al. 2015 (arXiv:1509.02897).
    Taught in: notebooks/03_attention_variants.ipynb
    """
    expect_queries_keys_values(q, k, v)
    _check_rotations(rotations, q)
    mask = as_matrix(mask, (*q.shape[:3], k.shape[2]), q)
    return reference.hash_attention(q, k, v, rotations, mask)


def same_bucket(
    q: Float[Tensor, "b h t d"], k: Float[Tensor, "b g n d"], rotations: Float[Tensor, "rounds d c"]
) -> Bool[Tensor, "b h t n"]:
    """Return which pairs `hash_attention` compares.

    Raises: TypeError, ValueError for shapes, types or devices that do not fit.
    Taught in: notebooks/03_attention_variants.ipynb
    """
    expect_queries_keys_values(q, k, k)
    _check_rotations(rotations, q)
    return reference.same_bucket(q, k, rotations)


def positive_features(
    x: Float[Tensor, "*batch d"], directions: Float[Tensor, "m d"]
) -> Float[Tensor, "*batch m"]:
    """Return random features whose products estimate exp(x . y) without bias and never below zero.

        f(x)_i = exp(w_i . x - |x|^2 / 2) / sqrt(m),   mean over w ~ Normal(0, 1) of f(x) . f(y) = exp(x . y)

    Precision: halves are computed in float32, and stay so.
    Raises: TypeError, ValueError for shapes, types or devices that do not fit.
    Source: Choromanski et al. 2020, lemma 1 (arXiv:2009.14794).
    Taught in: notebooks/03_attention_variants.ipynb
    """
    expect_kind("directions", directions, 2)
    expect_kind("x", x, getattr(x, "ndim", 1), "directions", directions)
    _check_directions(directions, x)
    return reference.positive_features(x, directions)


def random_feature_attention(
    q: Float[Tensor, "b h t d"],
    k: Float[Tensor, "b h n d"],
    v: Float[Tensor, "b h n e"],
    directions: Float[Tensor, "m d"],
    causal: bool = True,
) -> Float[Tensor, "b h t e"]:
    """Estimate softmax attention by linear attention over m positive random features.

        output_i = sum_j f(q_i) . f(k_j) v_j / sum_j f(q_i) . f(k_j),   f of q / d^(1/4) and k / d^(1/4)

    Convention: `directions` are independent normal numbers, shared by the heads. Causal means j <= i, aligned
        bottom-right; a query that sees nothing gets 0. The error falls as one over the root of m, and grows
        with the norms of q and k. As many key heads as query heads.
    Precision: halves are computed in float32 and cast back once. The largest exponent is taken out first.
    Raises: TypeError, ValueError for shapes, types or devices that do not fit.
    Source: Choromanski et al. 2020, equations 4 to 6 (arXiv:2009.14794).
    Taught in: notebooks/03_attention_variants.ipynb
    """
    expect_queries_keys_values(q, k, v)
    if k.shape[1] != q.shape[1]:
        raise bad_value("k", f"as many heads as q, {q.shape[1]}", k)
    expect_kind("directions", directions, 2, "q", q)
    _check_directions(directions, q)
    expect_bool("causal", causal)
    return reference.random_feature_attention(q, k, v, directions, causal)


def expect_bool(name: str, value) -> None:
    """Refuse anything but True or False."""
    if not isinstance(value, bool):
        raise bad_type(name, "True or False", value)


def _check_rotations(rotations, q: Tensor) -> None:
    expect_kind("rotations", rotations, 3, "q", q)
    if rotations.shape[0] == 0 or rotations.shape[2] == 0:
        raise bad_value("rotations", "at least one round and one column", rotations)
    expect_shape("rotations", rotations, (rotations.shape[0], q.shape[3], rotations.shape[2]))


def _check_directions(directions: Tensor, x: Tensor) -> None:
    if directions.shape[0] == 0:
        raise bad_value("directions", "at least one row", directions)
    expect_shape("directions", directions, (directions.shape[0], x.shape[-1]))
