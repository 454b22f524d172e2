"""Write MLA's absorbed form: read the latent as it is."""

import torch

from glassbox.attention.exercises import latent_answers as answers
from glassbox.learn.exercise import Budget, Implement, Inputs

RANKS = (6, 10, 12)


def drawn(make, h, d, p, n, r, e):
    q, q_rotary = make.normal(h, d), make.normal(h, p)
    latent, k_rotary = make.normal(n, r), make.normal(n, p)
    return q, q_rotary, latent, k_rotary, make.normal(h, d, r) / r**0.5, make.normal(h, e, r)


def inputs(seed):
    make = Inputs(seed)
    r = make.pick(RANKS)
    h, d, p, n, e = [size for size in make.sizes(9) if size != r][:5]
    return drawn(make, h, d, p, n, r, e)


def one_token(seed):
    """
    saw: with a single cached token, whose weight must be 1, the output is wrong
    means: the scores do not matter here: it is the way from the latent to the values
    look: up_value, and what it is applied to
    """
    q, q_rotary, latent, k_rotary, up_key, up_value = inputs(seed)
    return q, q_rotary, latent[:1], k_rotary[:1], up_key, up_value


def content_alone(seed):
    """
    saw: wrong where the rotary key is 0
    means: it is the content part, its scale, or the softmax
    look: q . (U c) = (U^T q) . c, divided by the root of d + p
    """
    q, q_rotary, latent, k_rotary, up_key, up_value = inputs(seed)
    return q, q_rotary, latent, torch.zeros_like(k_rotary), up_key, up_value


def position_alone(seed):
    """
    saw: wrong where the content query is 0
    means: it is the rotary part or its scale
    look: one rotary key serves all heads; its score is divided by the same root of d + p
    """
    q, q_rotary, latent, k_rotary, up_key, up_value = inputs(seed)
    return torch.zeros_like(q), q_rotary, latent, k_rotary, up_key, up_value


def weights_sum_to_one(absorb, q, q_rotary, latent, k_rotary, up_key, up_value):
    """
    saw: where all tokens have the same latent, the output is not that latent's value
    means: the weights of a head do not sum to 1, or something is done to the latent on its way
    look: the dimension of the softmax, and what is read with the weights
    """
    same = latent[:1].expand_as(latent).contiguous()
    return absorb(q, q_rotary, same, k_rotary, up_key, up_value) - up_value @ latent[0]


def a_long_cache():
    latent, k_rotary = torch.ones(2000, 12).double(), torch.ones(2000, 6).double()
    up_key, up_value = torch.ones(30, 18, 12).double(), torch.ones(30, 10, 12).double()
    return torch.ones(30, 18).double(), torch.ones(30, 6).double(), latent, k_rotary, up_key, up_value


absorb = Implement(
    id="attention.absorb",
    title="MLA without making a key",
    statement=(
        "One token decodes against n cached latents. Head h would make its keys $U_h c_j$ and values "
        "$V_h c_j$; its score is $(q_h \\cdot U_h c_j + q^R_h \\cdot k^R_j) / \\sqrt{d + p}$, the rotary "
        "parts turned already. Return every head's output (h, e), and never make a head's keys or "
        "values: merge `up_key` into the query and `up_value` into the output."
    ),
    difficulty=4,
    importance=4,
    minutes=12,
    core=False,
    hints=(
        "q . (U c) is one number. In which other order can it be worked out?",
        "Two products move: the one with up_key to before the scores, the one with up_value to after the "
        "sum.",
        '`in_latent = torch.einsum("hd,hdr->____", q, up_key)`; at the end `torch.einsum("hr,her->he", ____, '
        "up_value)`",
    ),
    sizes={
        "h": "heads",
        "d": "size of a content query, `q` (h, d)",
        "p": "size of the rotary parts, `q_rotary` (h, p) and `k_rotary` (n, p)",
        "n": "cached tokens",
        "r": "size of a latent, `latent` (n, r)",
        "e": "size of a value; `up_key` is (h, d, r), `up_value` (h, e, r)",
    },
    example=(
        torch.tensor([[0.0]]),
        torch.tensor([[0.0]]),
        torch.tensor([[1.0, 0.0], [3.0, 2.0]]),
        torch.tensor([[1.0], [2.0]]),
        torch.tensor([[[1.0, 1.0]]]),
        torch.tensor([[[1.0, 10.0]]]),
    ),
    solution=answers.solution,
    alternatives=(answers.as_multi_query_attention,),
    reference=answers.head_by_head,
    inputs=inputs,
    invariants=(weights_sum_to_one,),
    cases=(one_token, content_alone, position_alone),
    mistakes=(
        answers.up_key_transposed,
        answers.scale_of_the_content_alone,
        answers.scale_of_the_absorbed_key,
        answers.without_a_scale,
        answers.scale_on_the_content_alone,
        answers.without_the_rotary_part,
        answers.rotary_part_alone,
        answers.turned_latent,
        answers.softmax_over_the_heads,
        answers.still_in_the_latent,
        answers.makes_every_key,
    ),
    budget=Budget(
        "largest tensor",
        most=1_000_000,  # the scores have half as much, the keys of all heads nine times as much
        inputs=a_long_cache,
        means="something of a key's or a value's size is made for every head and every token",
        look="the order of the products: up_key meets the query, up_value the sum",
    ),
    forbidden=(
        "glassbox.attention.latent_attention",
        "glassbox.attention.reference.latent.absorbed",
        "glassbox.attention.reference.latent.naive",
    ),
    discussion=(
        "Absorbed, MLA is multi-query attention with a key of r + p: fewer bytes, more multiply-adds per "
        "key. In prefill the naive form is cheaper, so both are used."
    ),
    notes="12 minutes. The scale is the trap: a library's attention would take it from r + p.",
)
