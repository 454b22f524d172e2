"""DeBERTa's disentangled attention."""

from jaxtyping import Float
from torch import Tensor

from glassbox.arguments import bad_value, expect_shape
from glassbox.attention.api.checks import as_matrix, expect_kind, expect_queries_keys_values
from glassbox.attention.masks import Mask
from glassbox.attention.reference import disentangled as reference
from glassbox.attention.reference.disentangled import DisentangledTerms


def disentangled_terms(
    q: Float[Tensor, "b h t d"],
    k: Float[Tensor, "b h n d"],
    position_query: Float[Tensor, "h r d"],
    position_key: Float[Tensor, "h r d"],
) -> DisentangledTerms:
    """Return the three scores of each pair: content to content, content to position, position to content.

        q_i . k_j,   q_i . pk[delta(i, j)],   k_j . pq[delta(j, i)]
        delta(i, j) = i - j + r/2,  cut to 0 ... r - 1

    Convention: the third term looks up delta(j, i), the key's view of the query. The queries are the last t
        of n positions. Not scaled. The fourth term, position to position, is left out as in the paper.
    Precision: halves are computed in float32, and stay so.
    Raises: TypeError, ValueError for shapes, types or devices that do not fit.
    Source: He et al. 2020, equations 3 and 4 (arXiv:2006.03654).
    Taught in: notebooks/03_attention_variants.ipynb
    """
    _check(q, k, k, position_query, position_key)
    return reference.disentangled_terms(q, k, position_query, position_key)


def disentangled_attention(
    q: Float[Tensor, "b h t d"],
    k: Float[Tensor, "b h n d"],
    v: Float[Tensor, "b h n e"],
    position_query: Float[Tensor, "h r d"],
    position_key: Float[Tensor, "h r d"],
    mask: Mask | Tensor | None = None,
) -> Float[Tensor, "b h t e"]:
    """Attend with the sum of the three terms.

        output = softmax((content-content + content-position + position-content) / sqrt(3 d)) v

    Shapes: `position_query` and `position_key` are the projected tables of r = 2 * reach relative distances.
    Convention: as `disentangled_terms`. Three terms of equal variance add up, hence the 3. Tables of zeros
        leave attention with scale 1/sqrt(3 d). As many key heads as query heads.
    Precision: halves are computed in float32 and cast back once.
    Raises: TypeError, ValueError for shapes, types or devices that do not fit.
    Source: He et al. 2020, equation 4 (arXiv:2006.03654).
    Taught in: notebooks/03_attention_variants.ipynb
    """
    _check(q, k, v, position_query, position_key)
    mask = as_matrix(mask, (*q.shape[:3], k.shape[2]), q)
    return reference.disentangled_attention(q, k, v, position_query, position_key, mask)


def _check(q, k, v, position_query, position_key) -> None:
    expect_queries_keys_values(q, k, v)
    if k.shape[1] != q.shape[1]:
        raise bad_value("k", f"as many heads as q, {q.shape[1]}", k)
    for name, table in {"position_query": position_query, "position_key": position_key}.items():
        expect_kind(name, table, 3, "q", q)
        if table.shape[1] == 0 or table.shape[1] % 2:
            raise bad_value(name, "an even number of relative distances", table)
        expect_shape(name, table, (q.shape[1], position_key.shape[1], q.shape[3]))
