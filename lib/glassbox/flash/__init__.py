"""FlashAttention: attention block by block, exact, without the matrix of scores (notebook 12)."""

from glassbox.flash import counting, experiments, orders
from glassbox.flash.api import (
    flash_attention,
    merge,
    online_softmax,
    own_score,
    safe_softmax,
    tiled_attention,
    tiled_attention_backward,
)
from glassbox.flash.reference.scoring import Score, alibi, soft_cap, then
from glassbox.flash.reference.softmax import Partial, Running
from glassbox.flash.reference.tiled import Gradients
from glassbox.flash.ring import ring_attention
from glassbox.flash.ring_processes import RingRun, ring_attention_processes

__all__ = [
    "Gradients",
    "Partial",
    "RingRun",
    "Running",
    "Score",
    "alibi",
    "counting",
    "experiments",
    "flash_attention",
    "merge",
    "online_softmax",
    "orders",
    "own_score",
    "ring_attention",
    "ring_attention_processes",
    "safe_softmax",
    "soft_cap",
    "then",
    "tiled_attention",
    "tiled_attention_backward",
]
