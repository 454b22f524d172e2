"""Work out what tiling saves of the traffic."""

from math import ceil

from glassbox.flash import counting
from glassbox.learn.exercise import Compute

LENGTH, SIZE, BLOCK, MIB = 8192, 128, 192, 2**20


def naive_less_tiled():
    naive = 4 * 8192 * 128 + 4 * 8192**2  # q, k, v, o; scores and weights, each written and read
    tiled = 2 * 8192 * 128 + 43 * 2 * 8192 * 128  # q, o; keys and values for each of 43 blocks
    return (naive - tiled) * 2 / 2**20


def by_the_formulas():
    naive = counting.naive_bytes(8192, 8192, 128, 128, item=2)
    return (naive - counting.queries_outside_bytes(8192, 8192, 128, 128, 192, item=2)) / 2**20


def _saved(passes=4, reads=2, blocks=None, size=2):
    """MiB less; `passes` over scores and weights, `reads` of keys and values for each block."""
    rows = LENGTH * SIZE
    blocks = ceil(LENGTH / BLOCK) if blocks is None else blocks
    return size * (4 * rows + passes * LENGTH**2 - (2 + reads * blocks) * rows) / MIB


def elements():
    """
    saw: half of it: that is the number of values, in units of 2^20
    means: a number in bfloat16 has 2 bytes
    look: the size of a number
    """
    return _saved(size=1)


def float32():
    """
    saw: twice as much
    means: bfloat16 has 2 bytes, not 4
    look: the size of a number
    """
    return _saved(size=4)


def keys_alone():
    """
    saw: the tiled form reads the keys for each block, and no values
    means: every tile needs its values too
    look: a factor of 2 in what a block of queries reads
    """
    return _saved(reads=1)


def keys_read_once():
    """
    saw: the tiled form reads keys and values once in all
    means: only one block of queries is on the chip; the next one reads all keys and values again
    look: how many blocks of queries there are
    """
    return _saved(blocks=1)


def scores_once():
    """
    saw: the naive form is counted with one pass over an n x n matrix: that would be less than tiling
    means: the scores are written and read, and so are the weights: four passes
    look: what each of the three steps reads and writes
    """
    return _saved(passes=1)


def scores_alone():
    """
    saw: the naive form is counted with two passes over an n x n matrix
    means: the softmax reads the scores and writes the weights; the next step reads those
    look: what each of the three steps reads and writes
    """
    return _saved(passes=2)


def weights_not_read():
    """
    saw: the naive form is counted with three passes over an n x n matrix
    means: scores written, scores read, weights written, weights read: one is missing
    look: what each of the three steps reads and writes
    """
    return _saved(passes=3)


def naive_alone():
    """
    saw: that is what the naive form moves
    means: the question is how much less tiling moves
    look: the last step
    """
    return _saved(reads=0) + 2 * 2 * LENGTH * SIZE / MIB


def tiled_alone():
    """
    saw: that is what the tiled form moves
    means: the question is how much less than the naive form it is
    look: the last step
    """
    return naive_alone() - _saved()


def megabytes():
    """
    saw: that is the number of MB, of a million bytes
    means: one MiB is 2^20 bytes
    look: the last division
    """
    return _saved() * MIB / 1e6


moved_bytes = Compute(
    id="flash.moved_bytes",
    title="What tiling saves, and what it costs",
    statement=(
        "One head, 8192 queries and keys, d = 128, bfloat16, no mask. The naive form runs three steps: "
        "scores from q and k, weights from scores, output from weights and v; each reads its inputs from the "
        "GPU's memory and writes its result there. The tiled form keeps 192 queries on the chip at a time, "
        "streams all keys and values past them, and writes each output once; nothing else stays on the chip, "
        "and one log-sum-exp per query may be neglected. How many MiB fewer does the tiled form move?"
    ),
    difficulty=3,
    importance=5,
    minutes=5,
    hints=(
        "How large is one matrix of 8192 x 8192 in bfloat16, and how often does it cross the bus?",
        "The naive form moves four small matrices and four passes over a large one. The tiled form moves "
        "q and o once; count the blocks of queries, each of which reads all of k and v.",
        "`naive = 4 * 8192 * 128 + ____ * 8192**2`; `tiled = 2 * 8192 * 128 + ____ * 2 * 8192 * 128`; the "
        "difference, times 2 bytes",
    ),
    solution=naive_less_tiled,
    unit="MiB",
    mistakes=(
        elements,
        float32,
        keys_alone,
        keys_read_once,
        scores_once,
        scores_alone,
        weights_not_read,
        naive_alone,
        tiled_alone,
        megabytes,
    ),
    alternatives=(by_the_formulas,),
    discussion=(
        "520 MiB against 176: a factor of 3, not of 64 = n/d. What is left is keys and values read 43 times. "
        "Twice the queries on the chip halve it: that is why kernels want a large block of queries, and why "
        "the chip's memory decides the traffic. In practice part of it is served by the second-level cache."
    ),
    notes="5 minutes. Most count keys and values once, as if all queries fitted on the chip.",
)
