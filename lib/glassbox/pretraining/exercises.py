"""Whiteboard: the gradient of the loss that every language model is trained with."""

import torch

from glassbox.learn.exercise import Implement, Inputs

IGNORE = -100


def inputs(seed):
    make = Inputs(seed)
    t, v = make.sizes(2)
    targets = make.integers(t, below=v)
    targets[1] = IGNORE
    return make.normal(t, v) * 2, targets


def one_token(seed):
    """
    saw: a single token alone is wrong
    means: the gradient of one row is wrong before any averaging
    look: the probabilities, and what is subtracted at the target
    """
    make = Inputs(seed)
    (v,) = make.sizes(1)
    return make.normal(1, v), make.integers(1, below=v)


def nothing_to_learn(seed):
    """
    saw: where every target is ignored, the gradient is not 0
    means: 0 tokens were averaged, which is 0 divided by 0
    look: the number that you divide by
    """
    make = Inputs(seed)
    t, v = make.sizes(2)
    return make.normal(t, v), torch.full((t,), IGNORE)


def rows_sum_to_zero(cross_entropy_backward, logits, targets):
    """
    saw: the gradient of a row does not sum to 0
    means: probabilities sum to 1 and so does the one at the target: their difference must sum to 0
    look: what is subtracted, and over which dimension the softmax runs
    """
    return cross_entropy_backward(logits, targets).sum(-1)


def solution(logits, targets):
    kept = targets != -100
    grad = logits.softmax(-1)
    grad[kept, targets[kept]] -= 1
    return grad * kept[:, None] / kept.sum().clamp_min(1)


def with_one_hot(logits, targets):
    kept = (targets != -100).to(logits.dtype).unsqueeze(-1)
    hot = torch.nn.functional.one_hot(targets.clamp_min(0), logits.shape[-1])
    return (torch.softmax(logits, -1) - hot) * kept / kept.sum().clamp_min(1.0)


def by_autograd(logits, targets):
    """Return what autograd gives; 0 where PyTorch averages no tokens and gives NaN."""
    leaf = logits.detach().clone().requires_grad_()
    loss = torch.nn.functional.cross_entropy(leaf, targets, reduction="sum", ignore_index=IGNORE)
    return torch.autograd.grad(loss, leaf)[0] / (targets != IGNORE).sum().clamp_min(1)


def probabilities_alone(logits, targets):
    """
    saw: the softmax, and nothing subtracted at the target
    means: that is the gradient of the denominator; the target's own score is missing
    look: minus one, at one place in each row
    """
    kept = targets != IGNORE
    return logits.softmax(-1) * kept[:, None] / kept.sum().clamp_min(1)


def not_averaged(logits, targets):
    """
    saw: the gradient is too large by the number of tokens that count
    means: the loss is a mean, so each token's share is divided by their number
    look: the last line
    """
    return solution(logits, targets) * (targets != IGNORE).sum()


def averaged_over_all(logits, targets):
    """
    saw: the gradient is a little too small where targets are ignored
    means: it was divided by all tokens, ignored ones included
    look: the number that you divide by
    """
    kept = (targets != IGNORE).sum()
    return solution(logits, targets) * kept / len(targets)


def ignored_tokens_learn(logits, targets):
    """
    saw: a token with target -100 gets a gradient
    means: -100 was taken for a position counted from the end, or for class 0
    look: which rows must be 0
    """
    kept = targets != IGNORE
    hot = torch.nn.functional.one_hot(targets.clamp_min(0), logits.shape[-1])
    return (logits.softmax(-1) - hot) / kept.sum().clamp_min(1)


def wrong_sign(logits, targets):
    """
    saw: exactly the opposite of the gradient
    means: target minus probability: a step along it raises the loss
    look: which of the two is subtracted
    """
    return -solution(logits, targets)


def over_the_tokens(logits, targets):
    """
    saw: the columns of the probabilities sum to 1, not the rows
    means: the softmax runs over the tokens
    look: the dimension of the softmax
    """
    kept = targets != IGNORE
    hot = torch.nn.functional.one_hot(targets.clamp_min(0), logits.shape[-1])
    return (logits.softmax(0) - hot) * kept[:, None] / kept.sum().clamp_min(1)


cross_entropy_backward = Implement(
    id="pretraining.cross_entropy_backward",
    title="Cross-entropy, backward",
    statement=(
        "Return the gradient of the mean cross-entropy with respect to the logits. A target of -100 is "
        "ignored: "
        "its token counts neither in the sum nor in the mean. If all are ignored, the gradient is 0."
    ),
    difficulty=3,
    importance=5,
    minutes=8,
    hints=(
        "If the model is certain and right, what must the gradient be?",
        "Two things to look at: what is subtracted at the target, and what the whole is divided by.",
        "`grad = logits.softmax(-1); grad[kept, targets[kept]] -= ____; return grad * ____ / ____`",
    ),
    sizes={"t": "tokens (rows)", "v": "vocabulary"},
    example=(torch.tensor([[0.0, 0.0]]), torch.tensor([1])),
    solution=solution,
    alternatives=(with_one_hot,),
    reference=by_autograd,
    inputs=inputs,
    invariants=(rows_sum_to_zero,),
    cases=(one_token, nothing_to_learn),
    mistakes=(
        probabilities_alone,
        not_averaged,
        averaged_over_all,
        ignored_tokens_learn,
        wrong_sign,
        over_the_tokens,
    ),
    forbidden=("torch.autograd.grad", "torch.Tensor.backward"),
    discussion=(
        "Probability minus one-hot: the reviewer asks next why the loss is computed from logits at all."
    ),
    notes="8 minutes. Ignored targets and the number to divide by separate the answers.",
)
