"""Work out what a norm moves."""

from glassbox.learn.exercise import Compute

ARRAY = 4096 * 4096 * 2 / 2**20  # MiB


def bytes_of_twelve_passes():
    reads, writes = 7, 5  # the two means write one number per row: nothing beside an array
    return (reads + writes) * 4096 * 4096 * 2 / 2**20


def step_after_step():
    passes = {"mean": 1, "subtract": 2, "square": 2, "mean of squares": 1, "divide": 2, "gain": 2, "bias": 2}
    return sum(passes.values()) * ARRAY


def fused():
    """
    saw: one reading and one writing
    means: that is the fused kernel; here each step is a launch of its own
    look: count the launches: what does each read, and what does it write?
    """
    return 2 * ARRAY


def reads_alone():
    """
    saw: the seven readings
    means: five of the steps write a whole array too
    look: everything that a step returns is written
    """
    return 7 * ARRAY


def every_step_writes():
    """
    saw: seven readings and seven writings
    means: the two means return one number per row, 4096 times less than an array
    look: which steps return an array?
    """
    return 14 * ARRAY


def float32():
    """
    saw: exactly twice as much
    means: bf16 has 2 bytes, not 4
    look: the size of an element
    """
    return 24 * ARRAY


def in_place():
    """
    saw: one writing for each array-sized step, no reading beside the first
    means: the steps do not hand results to each other on the chip
    look: each launch reads from memory what the one before wrote there
    """
    return 6 * ARRAY


unfused_traffic = Compute(
    id="norms.unfused_traffic",
    title="What an unfused LayerNorm moves",
    statement=(
        "LayerNorm of 4096 tokens of width 4096 in bf16, one launch per step: mean, subtract, square, "
        "mean of "
        "squares, divide, multiply by the gain, add the bias. How much do they read and write together?"
    ),
    difficulty=2,
    importance=4,
    minutes=5,
    hints=(
        "How large is one such array?",
        "For each of the seven steps: does it read an array? Does it write one?",
        "`(____ reads + ____ writes) * 32 MiB`",
    ),
    solution=bytes_of_twelve_passes,
    unit="MiB",
    mistakes=(fused, reads_alone, every_step_writes, float32, in_place),
    alternatives=(step_after_step,),
    discussion="Twelve passes against two: fusing LayerNorm saves a factor of six, whatever the GPU.",
)
