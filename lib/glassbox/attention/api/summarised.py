"""Attention to fewer keys or from fewer queries, and weights that no content decides."""

import torch
from jaxtyping import Float
from torch import Tensor

from glassbox.arguments import bad_value, expect_float_tensor, expect_positive, expect_whole
from glassbox.attention.api.approximate import expect_bool
from glassbox.attention.api.checks import as_matrix, expect_bias, expect_kind, expect_queries_keys_values
from glassbox.attention.masks import Mask
from glassbox.attention.reference import priors, summarised


def pooled_attention(
    q: Float[Tensor, "b h t d"],
    k: Float[Tensor, "b g n d"],
    v: Float[Tensor, "b g n e"],
    stride: int,
    causal: bool = True,
) -> Float[Tensor, "b h t e"]:
    """Attend to the means of runs of `stride` keys and values: t n / stride scores instead of t n.

        output = softmax(q mean(k)^T / sqrt(d) + log size) mean(v),   size = number of keys in the run

    Convention: runs are cut from position 0; the last may be shorter. The log makes a mean count as all of
        its keys do: the result is exact attention with each key and value replaced by its run's mean. Causal
        means: a run is seen once all of it lies in the past or at the query, aligned bottom-right; a query
        that sees no whole run gets 0. Stride 1 is exact attention.
    Precision: halves are computed in float32 and cast back once.
    Raises: TypeError, ValueError for shapes, types or devices that do not fit.
    Source: Liu et al. 2018, section 4.2 (arXiv:1801.10198), with a mean in place of the convolution.
    Taught in: notebooks/03_attention_variants.ipynb
    """
    expect_queries_keys_values(q, k, v)
    expect_whole("stride", stride, 1)
    expect_bool("causal", causal)
    return summarised.pooled_attention(q, k, v, stride, causal)


def clustered_attention(
    q: Float[Tensor, "b h t d"],
    k: Float[Tensor, "b g n d"],
    v: Float[Tensor, "b g n e"],
    clusters: int,
    steps: int = 10,
) -> Float[Tensor, "b h t e"]:
    """Attend once per cluster of queries: every member gets the answer to the cluster's mean query.

        output_i = softmax(mean(q of i's cluster) k^T / sqrt(d)) v

    Convention: k-means in each head of each sequence, from evenly spaced queries. A cluster mixes queries of
        all positions, so there is no mask. As many clusters as queries is exact attention.
    Precision: halves are computed in float32 and cast back once.
    Raises: TypeError, ValueError for shapes, types or devices that do not fit.
    Source: Vyas et al. 2020, section 3 (arXiv:2007.04825), with k-means on the queries themselves.
    Taught in: notebooks/03_attention_variants.ipynb
    """
    expect_queries_keys_values(q, k, v)
    expect_whole("clusters", clusters, 1)
    if clusters > q.shape[2]:
        raise bad_value("clusters", f"at most the {q.shape[2]} queries", clusters)
    expect_whole("steps", steps, 0)
    return summarised.clustered_attention(q, k, v, clusters, steps)


def two_level_attention(
    q: Float[Tensor, "b h t d"],
    k: Float[Tensor, "b g n d"],
    v: Float[Tensor, "b g n e"],
    chunk: int,
    opened: int = 0,
    causal: bool = True,
) -> Float[Tensor, "b h t e"]:
    """Attend to the keys of the own chunk, and to one summary of each other chunk.

        output = softmax([q k_own^T / sqrt(d), q mean(k_chunk)^T / sqrt(d) + log size]) [v_own; mean(v_chunk)]

    Convention: chunks are cut from position 0; the queries are the last t of n positions. Causal: earlier
        chunks only, and in the own chunk the past. The `opened` chunks whose summaries score best are read
        key by key. One chunk, or as many opened as there are, is exact attention.
    Precision: halves are computed in float32 and cast back once.
    Raises: TypeError, ValueError for shapes, types or devices that do not fit.
    Source: the two levels: Yang et al. 2016 (hierarchical attention networks), for self-attention;
        opened chunks: Lu et al. 2025, section 2.2 (arXiv:2502.13189).
    Taught in: notebooks/03_attention_variants.ipynb
    """
    expect_queries_keys_values(q, k, v)
    expect_whole("chunk", chunk, 1)
    expect_whole("opened", opened, 0)
    expect_bool("causal", causal)
    return summarised.two_level_attention(q, k, v, chunk, opened, causal)


def locality_prior(t: int, n: int, width: float, dtype: torch.dtype = torch.float32) -> Float[Tensor, "t n"]:
    """Return the log of a Gaussian around each query's own position, to be added to the scores.

        prior[i, j] = -(i - j)^2 / (2 width^2)

    Convention: the t queries are the last of n positions. Both ways; a mask makes it causal.
    Raises: TypeError, ValueError for sizes that are no whole numbers, or a width that is not positive.
    Source: Yang et al. 2018, section 3 (arXiv:1810.10182), centred on the query, of fixed width.
    Taught in: notebooks/03_attention_variants.ipynb
    """
    expect_whole("t", t, 0)
    expect_whole("n", n, 0)
    expect_positive("width", width)
    return priors.locality_prior(t, n, width, torch.empty(0, dtype=dtype))


def prior_attention(
    v: Float[Tensor, "b h n e"], prior: Float[Tensor, "..."], mask: Mask | Tensor | None = None
) -> Float[Tensor, "b h t e"]:
    """Weigh the values by the prior alone: no query is compared with any key.

        output = softmax(prior) v

    Shapes: `prior` and `mask` are (t, n) or (b or 1, h or 1, t, n).
    Convention: `scaled_dot_product_attention(q, k, v, bias=prior)` adds the prior to the scores; this is that
        with q = 0. A query that sees nothing gets 0.
    Precision: halves are computed in float32 and cast back once.
    Raises: TypeError, ValueError for shapes, types or devices that do not fit.
    Source: Lin et al. 2021, "Attention with prior" (arXiv:2106.04554); Tay et al. 2020 (arXiv:2005.00743).
    Taught in: notebooks/03_attention_variants.ipynb
    """
    expect_kind("v", v, 4)
    expect_float_tensor("prior", prior, 2)
    shape = (*v.shape[:2], prior.shape[-2], v.shape[2])
    expect_bias(prior, shape, v)
    return priors.prior_attention(prior, v, as_matrix(mask, shape, v))
