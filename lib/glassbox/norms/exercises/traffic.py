"""Work out what a norm moves."""

from glassbox.learn.exercise import Compute

ARRAY = 4096 * 4096 * 4 / 2**20  # MiB


def bytes_of_ten_passes():
    reads, writes = 2 + 1 + 1 + 1 + 1, 1 + 1 + 0 + 1 + 1  # a mean writes next to nothing
    return (reads + writes) * 4096 * 4096 * 4 / 2**20


def step_after_step():
    passes = {"add": 3, "square": 2, "mean of squares": 1, "divide": 2, "gain": 2}
    return sum(passes.values()) * ARRAY


def fused():
    """
    saw: four passes: what one fused kernel moves, or what five launches write
    means: fused, two arrays are read and two written; here each step is a launch of its own, and reads again
    look: count the launches: what does each read, and what does it write?
    """
    return 4 * ARRAY


def reads_alone():
    """
    saw: six passes of 4 bytes, or twelve of 2
    means: six are the readings alone: four of the steps write a whole array too
    look: everything that a step returns is written, and float32 has 4 bytes
    """
    return 6 * ARRAY


def norm_alone():
    """
    saw: seven passes: what the four steps of the norm move
    means: the addition before it is a launch too, with three passes of its own
    look: what the addition reads, and what it writes
    """
    return 7 * ARRAY


def addition_of_two_passes():
    """
    saw: nine passes: one of the addition's is missing
    means: it reads two arrays, and the new stream that it returns is written
    look: the first launch
    """
    return 9 * ARRAY


def every_step_writes():
    """
    saw: eleven passes: every step writes an array
    means: the mean of squares returns one number per row, 4096 times less than an array
    look: which steps return an array?
    """
    return 11 * ARRAY


def as_many_as_layer_norm():
    """
    saw: twelve passes: LayerNorm's count
    means: RMSNorm has no mean to subtract and no bias to add; the addition here stands before the norm
    look: the five steps, one after the other
    """
    return 12 * ARRAY


def bfloat16():
    """
    saw: exactly half as much
    means: float32 has 4 bytes, not 2
    look: the size of an element
    """
    return 5 * ARRAY


def megabytes():
    """
    saw: that is the number of MB, of 10^6 bytes
    means: one MiB is 2^20 bytes, 4.9 % more
    look: the last division
    """
    return 10 * 4096 * 4096 * 4 / 1e6


unfused_traffic = Compute(
    id="norms.unfused_traffic",
    title="What an unfused addition and RMSNorm move",
    statement=(
        "Between two sub-layers: the residual is added, and RMSNorm takes the sum. 4096 tokens of width 4096 "
        "in float32, one launch per step: add, square, mean of squares, divide by the root, multiply by the "
        "gain. How much do they read and write together?"
    ),
    difficulty=2,
    importance=4,
    minutes=5,
    hints=(
        "How large is one such array?",
        "For each of the five steps: how many arrays does it read? Does it write one?",
        "`(____ reads + ____ writes) * 64 MiB`",
    ),
    solution=bytes_of_ten_passes,
    unit="MiB",
    mistakes=(
        fused,
        reads_alone,
        norm_alone,
        addition_of_two_passes,
        every_step_writes,
        as_many_as_layer_norm,
        bfloat16,
        megabytes,
    ),
    alternatives=(step_after_step,),
    discussion=(
        "Ten passes against four: one kernel reads the sub-layer's output and the residual, and writes the "
        "new stream and its norm. Fusing saves a factor of 2.5."
    ),
)
