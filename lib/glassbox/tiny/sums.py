"""Sums, one a line: a task that the tiny model has not seen and can learn."""

from glassbox.tiny.splitmix import SplitMix64

_LARGEST = (9, 99, 99, 99, 99, 99, 999, 999, 999, 9999)


def sums(draw: SplitMix64) -> str:
    """Return ten lines such as `23 + 58 = 81`; addends have one to four digits, mostly two or three."""
    pairs = [(draw.between(0, draw.pick(_LARGEST)), draw.between(0, draw.pick(_LARGEST))) for _ in range(10)]
    return "\n".join(f"{a} + {b} = {a + b}" for a, b in pairs)
