"""Tiled attention under autograd: o and the log-sum-exp are kept, the weights are recomputed."""

import torch
from torch.autograd.function import once_differentiable

from glassbox.flash.reference.tiled import backward, forward, sink_gradient


class Recomputing(torch.autograd.Function):
    """(q, k, v, sinks) -> (o, lse); what is saved grows with t + n, never with t n."""

    @staticmethod
    def forward(ctx, q, k, v, sinks, rules, query_block, key_block):
        output, lse = forward(q, k, v, rules, query_block, key_block, sinks)
        ctx.save_for_backward(q, k, v, output, lse, sinks)
        ctx.plan = rules, query_block, key_block
        return output, lse

    @staticmethod
    @once_differentiable
    def backward(ctx, do, dlse):
        *saved, sinks = ctx.saved_tensors
        dsinks = None
        if sinks is not None and ctx.needs_input_grad[3]:
            dsinks = sink_gradient(sinks, saved[4], saved[3], do, dlse)
        return *backward(*saved, do, *ctx.plan, dlse), dsinks, None, None, None
