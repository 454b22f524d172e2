"""Mend a layer that answers a padded text differently."""

import torch

from glassbox.learn.exercise import Debug, Inputs


def drawn(seed, padded):
    make = Inputs(seed)
    b, t, m = make.sizes(3)
    padding = make.integers(b, below=t).sort().values if padded else torch.zeros(b, dtype=torch.int64)
    return make.normal(b, t, m), make.normal(t, m), padding


def inputs(seed):
    return drawn(seed, padded=True)


def nothing_padded(seed):
    """
    saw: wrong even where nothing is padded
    means: a line is changed that was right
    look: what you changed, for a row with padding 0
    """
    return drawn(seed, padded=False)


def alone_as_in_the_batch(left_padding, x, table, padding):
    """
    saw: a text alone gives something else than the same text behind pads
    means: the pads still take part: as keys that are seen, or as positions that are counted
    look: what row b gives with padding[b] pads, and what it gives without them
    """
    pads = int(padding[-1])
    alone = left_padding(x[-1:, pads:], table, torch.tensor([0]))
    return alone - left_padding(x, table, padding)[-1:, pads:]


def positions_count_the_pads(x, table, padding):
    """
    saw: the planted error is still there: the first token of a padded text is not at position 0
    means: a text's tokens get the rows of the table that a longer text would use there
    look: the rows of `table` that a text with 2 pads gets
    """
    b, t, m = x.shape
    place = torch.arange(t).expand(b, t)
    is_token = place >= padding[:, None]
    x = x + table[place]
    scores = x @ x.mT / m**0.5
    seen = torch.ones(t, t, dtype=torch.bool).tril() & is_token[:, None, :]
    weights = scores.masked_fill(~seen, -torch.inf).softmax(-1)
    return (weights @ x).masked_fill(~is_token[:, :, None], 0)


def solution(x, table, padding):
    b, t, m = x.shape
    place = torch.arange(t).expand(b, t)
    is_token = place >= padding[:, None]
    x = x + table[(place - padding[:, None]).clamp_min(0)]
    scores = x @ x.mT / m**0.5
    seen = torch.ones(t, t, dtype=torch.bool).tril() & is_token[:, None, :]
    weights = scores.masked_fill(~seen, -torch.inf).softmax(-1)
    return (weights @ x).masked_fill(~is_token[:, :, None], 0)


def by_counting_tokens(x, table, padding):
    t, m = x.shape[1:]
    is_token = torch.arange(t) >= padding[:, None]
    x = x + table[is_token.long().cumsum(-1).sub(1).clamp_min(0)]
    hidden = ~is_token[:, None, :] | torch.ones(t, t, dtype=torch.bool).triu(1)
    weights = torch.einsum("btm,bnm->btn", x, x).div(m**0.5).masked_fill(hidden, -torch.inf).softmax(-1)
    return torch.where(is_token[:, :, None], weights @ x, 0)


def one_text_at_a_time(x, table, padding):
    """Return what each text gives alone, without its pads: coded apart from the solution."""
    output = torch.zeros_like(x)
    for row, (pads, text) in enumerate(zip(padding.tolist(), x, strict=True)):
        text = text[pads:] + table[: len(text) - pads]
        for token in range(len(text)):
            share = (text[: token + 1] @ text[token] / text.shape[1] ** 0.5).softmax(0)
            output[row, pads + token] = share @ text[: token + 1]
    return output


def _attend(x, table, rows, visible, padding):
    t, m = x.shape[1:]
    is_token = torch.arange(t) >= padding[:, None]
    x = x + table[rows]
    seen = torch.ones(t, t, dtype=torch.bool).tril() & visible
    weights = (x @ x.mT / m**0.5).masked_fill(~seen, -torch.inf).softmax(-1)
    return (weights @ x).masked_fill(~is_token[:, :, None], 0)


def _tokens_alone(x, padding):
    return (torch.arange(x.shape[1]) >= padding[:, None])[:, None, :]


def _shifted(x, padding):
    return (torch.arange(x.shape[1]) - padding[:, None]).clamp_min(0)


def pads_are_seen(x, table, padding):
    """
    saw: the positions are right, and now every token sees the pads before it
    means: the mask that hid the pads is gone
    look: is_token in the mask
    """
    return _attend(x, table, _shifted(x, padding), torch.tensor(True), padding)


def counted_from_one(x, table, padding):
    """
    saw: the first token of each text is at position 1, and so is that of a text without pads
    means: the tokens are counted, and the first of them is number 1
    look: a cumulative sum of ones begins at 1
    """
    rows = (_shifted(x, padding) + 1).clamp_max(len(table) - 1)
    return _attend(x, table, rows, _tokens_alone(x, padding), padding)


def shifted_the_other_way(x, table, padding):
    """
    saw: the positions move on by the number of pads, in place of back
    means: the pads are added, and so they are counted twice
    look: the sign of the shift
    """
    rows = (torch.arange(x.shape[1]) + padding[:, None]).clamp_max(len(table) - 1)
    return _attend(x, table, rows, _tokens_alone(x, padding), padding)


def shifted_all_alike(x, table, padding):
    """
    saw: right for the text with the most pads, wrong for the others
    means: every text is shifted by the same number
    look: each row of the batch has its own number of pads
    """
    return _attend(x, table, _shifted(x, padding.max().expand(len(x))), _tokens_alone(x, padding), padding)


def counted_from_the_end(x, table, padding):
    """
    saw: the last token of every text is at position 0
    means: the positions run backwards, so they do not depend on the padding, nor are they those of training
    look: the first token of a text is at position 0, the last at its length less one
    """
    return _attend(x, table, torch.arange(x.shape[1]).flip(0), _tokens_alone(x, padding), padding)


left_padding = Debug(
    id="attention.left_padding",
    title="Another answer in a batch than alone",
    statement=(
        "A service pads short texts on the left, to the length of the longest in the batch. Alone, a "
        "text gets a good answer; beside a longer one the same text gets another. The layer adds learned "
        "positions and attends causally, with one head; `padding` (b,) counts the pads of each row, and "
        "a pad returns 0. Mend it: one line is wrong."
    ),
    difficulty=3,
    importance=4,
    minutes=7,
    hints=(
        "A text of 3 tokens stands behind 2 pads. At which positions are its tokens, and where would they be "
        "alone?",
        "Look at the line that reads the table. The mask is as it should be.",
        "`table[(place - ____).clamp_min(____)]`",
    ),
    sizes={
        "b": "texts",
        "t": "tokens of the longest text",
        "m": "features",
        "padding": "pads before each text",
    },
    solution=solution,
    alternatives=(by_counting_tokens,),
    reference=one_text_at_a_time,
    inputs=inputs,
    invariants=(alone_as_in_the_batch,),
    cases=(nothing_padded,),
    mistakes=(
        pads_are_seen,
        counted_from_one,
        shifted_the_other_way,
        shifted_all_alike,
        counted_from_the_end,
    ),
    broken=positions_count_the_pads,
    causes={
        "tokens attend to the pads before them": "the mask hides every pad, and you did not change it",
        "the row of a pad is NaN, and spreads": "such a row is replaced by 0 and read by nobody",
        "a text's positions begin at its pads, not at its first token": "",
        "the mask is aligned top-left": "there are as many queries as keys, so both alignments are the same",
    },
    discussion=(
        "With rotary positions the same slip changes nothing: all tokens of a text are shifted alike, "
        "and only their distances count. There, what one forgets is the mask."
    ),
    notes="7 minutes. Ask what RoPE changes: nothing is wrong then, if decoding counts from the same 0.",
)
