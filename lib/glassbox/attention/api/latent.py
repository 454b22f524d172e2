"""Multi-head latent attention (MLA)."""

from jaxtyping import Float
from torch import Tensor

from glassbox.arguments import bad_type, expect_shape
from glassbox.attention.api.checks import as_matrix, expect_kind, expect_size
from glassbox.attention.masks import Mask
from glassbox.attention.reference import latent as reference


def latent_attention(
    q: Float[Tensor, "b h t d"],
    q_rotary: Float[Tensor, "b h t p"],
    latent: Float[Tensor, "b n r"],
    k_rotary: Float[Tensor, "b n p"],
    up_key: Float[Tensor, "h d r"],
    up_value: Float[Tensor, "h e r"],
    mask: Mask | Tensor | None = None,
    absorbed: bool = False,
) -> Float[Tensor, "b h t e"]:
    """Attend to keys and values that every head makes from one small latent per token.

        score_ij = (q_i . U_K c_j + q^R_i . k^R_j) / sqrt(d + p),   output_i = sum_j a_ij U_V c_j
        absorbed:  q_i . U_K c_j = (U_K^T q_i) . c_j,               output_i = U_V sum_j a_ij c_j

    Shapes: per token the cache holds `latent` and `k_rotary`, r + p numbers, whatever the number of heads.
    Convention: the parts called rotary come already turned by their positions, by `reference.latent`'s
        `rotate_from`: pairs (i, i + p/2). One rotary key serves all heads. RoPE on the content keys would
        stand between U_K and c_j and forbid absorbing: hence the part of its own. The naive form is
        multi-head attention, the absorbed form multi-query attention with keys of size r + p.
    Precision: halves are computed in float32 and cast back once.
    Raises: TypeError, ValueError for shapes, types or devices that do not fit.
    Source: DeepSeek-AI 2024, sections 2.1.2 and 2.1.3, eq. 9 to 19 (arXiv:2405.04434).
    Taught in: notebooks/03_attention_variants.ipynb
    """
    _check(q, q_rotary, latent, k_rotary, up_key, up_value)
    if not isinstance(absorbed, bool):
        raise bad_type("absorbed", "True or False", absorbed)
    mask = as_matrix(mask, (*q.shape[:3], latent.shape[1]), q)
    form = reference.absorbed if absorbed else reference.naive
    return form(q, q_rotary, latent, k_rotary, up_key, up_value, mask)


def _check(q, q_rotary, latent, k_rotary, up_key, up_value) -> None:
    expect_kind("q", q, 4)
    others = {"q_rotary": (q_rotary, 4), "latent": (latent, 3), "k_rotary": (k_rotary, 3)}
    others |= {"up_key": (up_key, 3), "up_value": (up_value, 3)}
    for name, (value, ndim) in others.items():
        expect_kind(name, value, ndim, "q", q)
    expect_size("q", q, 3, "feature per head")
    expect_size("latent", latent, 1, "key")
    b, h, t, d = q.shape
    n, r = latent.shape[1:]
    expect_shape("q_rotary", q_rotary, (b, h, t, q_rotary.shape[3]))
    expect_shape("latent", latent, (b, n, r))
    expect_shape("k_rotary", k_rotary, (b, n, q_rotary.shape[3]))
    expect_shape("up_key", up_key, (h, d, r))
    expect_shape("up_value", up_value, (h, up_value.shape[1], r))
