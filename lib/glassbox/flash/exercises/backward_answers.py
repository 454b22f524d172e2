"""The backward pass by recomputation: right answers, and wrong ones with what is said of them."""

from functools import partial

import torch


def solution(q, k, v, o, lse, do, block):
    scale, delta = q.shape[1] ** -0.5, (do * o).sum(1, keepdim=True)
    dq, dk, dv = torch.zeros_like(q), [], []
    for keys, values in zip(k.split(block), v.split(block), strict=True):
        p = (scale * q @ keys.T - lse[:, None]).exp()
        ds = p * (do @ values.T - delta)
        dq = dq + scale * ds @ keys
        dk.append(scale * ds.T @ q)
        dv.append(p.T @ do)
    return dq, torch.cat(dk), torch.cat(dv)


def by_slices(q, k, v, o, lse, do, block):
    scaled = q / q.shape[1] ** 0.5
    dq, dk, dv = torch.zeros_like(q), torch.zeros_like(k), torch.zeros_like(v)
    for first in range(0, len(k), block):
        here = slice(first, first + block)
        weights = torch.exp(torch.einsum("td,nd->tn", scaled, k[here]) - lse.unsqueeze(1))
        dv[here] = torch.einsum("tn,te->ne", weights, do)
        gain = torch.einsum("te,ne->tn", do, v[here]) - torch.einsum("te,te->t", do, o).unsqueeze(1)
        dk[here] = torch.einsum("tn,td->nd", weights * gain, scaled)
        dq += torch.einsum("tn,nd->td", weights * gain, k[here]) / q.shape[1] ** 0.5
    return dq, dk, dv


def by_autograd(q, k, v, o, lse, do, block):
    """Return what autograd gives for the definition; what other keys add to o and lse stays constant."""
    q, k, v = (part.detach().clone().requires_grad_() for part in (q, k, v))
    terms = (q @ k.T / q.shape[1] ** 0.5).exp()
    above, below = terms @ v, terms.sum(1, keepdim=True)
    total = lse.exp()[:, None]
    output = (above + (total * o - above).detach()) / (below + (total - below).detach())
    return torch.autograd.grad(output, (q, k, v), do)


def _parts(q, keys, values, lse, do):
    """Return the weights of a tile, and the gradient that reaches them."""
    return (q @ keys.T / q.shape[1] ** 0.5 - lse[:, None]).exp(), do @ values.T


def _delta(o, do):
    return (do * o).sum(1, keepdim=True)


def _walk(q, k, v, do, block, tile):
    """Sum the gradients over the tiles; `tile(keys, values)` returns p and ds."""
    scale, dq, dk, dv = q.shape[1] ** -0.5, torch.zeros_like(q), [], []
    for keys, values in zip(k.split(block), v.split(block), strict=True):
        p, ds = tile(keys, values)
        dq = dq + scale * ds @ keys
        dk.append(scale * ds.T @ q)
        dv.append(p.T @ do)
    return dq, torch.cat(dk), torch.cat(dv)


def _with(q, k, v, lse, do, block, score_gradient):
    """The solution, with another gradient of the scores: a function of p and dp."""
    return _walk(q, k, v, do, block, partial(_tile_with, q, lse, do, score_gradient))


def _tile_with(q, lse, do, score_gradient, keys, values):
    p, dp = _parts(q, keys, values, lse, do)
    return p, score_gradient(p, dp)


def _weighted(q, k, v, o, do, block, weights):
    """The solution, with other weights: a function of the scores of a tile."""
    return _walk(q, k, v, do, block, partial(_tile_weighted, q, o, do, weights))


def _tile_weighted(q, o, do, weights, keys, values):
    p = weights(q @ keys.T / q.shape[1] ** 0.5)
    return p, p * (do @ values.T - _delta(o, do))


def without_delta(q, k, v, o, lse, do, block):
    """
    saw: dv is right; dq and dk are what you get without D
    means: a weight cannot grow alone: the others of its row shrink, as the denominator grows
    look: ds is p times a difference
    """
    return _with(q, k, v, lse, do, block, lambda p, dp: p * dp)


def delta_of_the_tile(q, k, v, o, lse, do, block):
    """
    saw: dv is right; D is taken from the weights of one tile
    means: right with one tile: D is a sum over all keys of the row
    look: `o` holds that sum already: p summed with v is o
    """
    return _with(q, k, v, lse, do, block, lambda p, dp: p * (dp - (p * dp).sum(1, keepdim=True)))


def delta_not_weighted(q, k, v, o, lse, do, block):
    """
    saw: dv is right; D is taken from p times do v^T, not from do v^T
    means: the brackets: the whole difference is multiplied by the weight
    look: p * (dp - D), not p * dp - D
    """
    return _with(q, k, v, lse, do, block, lambda p, dp: p * dp - _delta(o, do))


def delta_added(q, k, v, o, lse, do, block):
    """
    saw: dv is right; D is added where it is to be taken away
    means: the sign: what all keys of a row have in common must drop out
    look: the difference in ds
    """
    return _with(q, k, v, lse, do, block, lambda p, dp: p * (dp + _delta(o, do)))


def delta_averaged(q, k, v, o, lse, do, block):
    """
    saw: dv is right; D is too small by the number of features of a value
    means: do * o is averaged over the features; do v^T, beside it, is a sum over them
    look: mean or sum
    """
    return _with(q, k, v, lse, do, block, lambda p, dp: p * (dp - _delta(o, do) / v.shape[1]))


def softmax_of_the_tile(q, k, v, o, lse, do, block):
    """
    saw: right with one tile of all keys; with several, the weights of each tile sum to 1
    means: the softmax is taken again, over a tile; its denominator is that of the whole row
    look: what `lse` is for
    """
    return _weighted(q, k, v, o, do, block, lambda s: s.softmax(1))


def without_the_log_sum_exp(q, k, v, o, lse, do, block):
    """
    saw: the weights are exp of the scores, and do not sum to 1
    means: they are not divided by the row's denominator, which is exp(lse)
    look: the argument of exp
    """
    return _weighted(q, k, v, o, do, block, lambda s: s.exp())


def divided_by_the_logarithm(q, k, v, o, lse, do, block):
    """
    saw: the weights are divided by lse
    means: lse is the logarithm of the denominator
    look: subtract it inside the exponential; then nothing overflows either
    """
    return _weighted(q, k, v, o, do, block, lambda s: s.exp() / lse[:, None])


def scores_without_the_scale(q, k, v, o, lse, do, block):
    """
    saw: the recomputed weights are not those of the forward pass: their scores have no scale
    means: lse belongs to scores that were divided by the root of d
    look: the product that is recomputed
    """
    return _weighted(q, k, v, o, do, block, lambda s: (s * q.shape[1] ** 0.5 - lse[:, None]).exp())


def dq_without_the_scale(q, k, v, o, lse, do, block):
    """
    saw: dk and dv are right, dq is too large by the root of d
    means: ds is the gradient by the scaled score; q reaches it through the scale
    look: the line of dq
    """
    dq, dk, dv = solution(q, k, v, o, lse, do, block)
    return dq * q.shape[1] ** 0.5, dk, dv


def dk_without_the_scale(q, k, v, o, lse, do, block):
    """
    saw: dq and dv are right, dk is too large by the root of d
    means: ds is the gradient by the scaled score; k reaches it through the scale too
    look: the line of dk
    """
    dq, dk, dv = solution(q, k, v, o, lse, do, block)
    return dq, dk * q.shape[1] ** 0.5, dv


def neither_has_the_scale(q, k, v, o, lse, do, block):
    """
    saw: dv is right, dq and dk are both too large by the root of d
    means: the score is scale * q . k, and its scale is forgotten on the way back
    look: the lines of dq and dk
    """
    dq, dk, dv = solution(q, k, v, o, lse, do, block)
    return dq * q.shape[1] ** 0.5, dk * q.shape[1] ** 0.5, dv


def dq_of_the_last_tile(q, k, v, o, lse, do, block):
    """
    saw: dk and dv are right, dq is that of the last tile alone
    means: each tile of keys adds to dq; yours replaces it
    look: = or + in the line of dq
    """
    first = (len(k) - 1) // block * block
    dq = solution(q, k[first:], v[first:], o, lse, do, block)[0]
    return dq, *solution(q, k, v, o, lse, do, block)[1:]


def dv_from_the_scores(q, k, v, o, lse, do, block):
    """
    saw: dq and dk are right, dv takes the gradient of the scores in place of the weights
    means: o is the sum of p v, so dv is p^T do
    look: the line of dv
    """
    dq, dk, _ = solution(q, k, v, o, lse, do, block)
    p, dp = _parts(q, k, v, lse, do)
    return dq, dk, (p * (dp - _delta(o, do))).T @ do


def dv_from_the_output(q, k, v, o, lse, do, block):
    """
    saw: dq and dk are right, dv takes the output in place of its gradient
    means: o is the sum of p v, so dv is p^T do: what comes back is do
    look: the line of dv
    """
    dq, dk, _ = solution(q, k, v, o, lse, do, block)
    return dq, dk, _parts(q, k, v, lse, do)[0].T @ o


def whole_matrix(q, k, v, o, lse, do, block):
    """
    saw: right, but the weights of all keys exist at once
    means: t x n numbers are made again, as if they had been kept
    look: the walk over blocks of keys: each tile is forgotten when its gradients are added
    """
    return solution(q, k, v, o, lse, do, len(k))
