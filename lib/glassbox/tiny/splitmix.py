"""A small integer generator, written out so that no version of Python or NumPy can change what it draws."""

from collections.abc import Sequence

_MASK = (1 << 64) - 1


class SplitMix64:
    """Draw 64-bit integers from a seed.

        s <- s + 0x9e3779b97f4a7c15                     (mod 2^64)
        z <- (s xor s >> 30) * 0xbf58476d1ce4e5b9
        z <- (z xor z >> 27) * 0x94d049bb133111eb
        return z xor z >> 31

    Convention: `random.Random` promises only `random()` across versions, not `choice` or `shuffle`;
    the frozen corpus needs all of them frozen.
    Source: Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators", figure 17.
    """

    def __init__(self, seed: int):
        self.state = seed & _MASK

    def next(self) -> int:
        """Return the next integer below 2^64."""
        self.state = (self.state + 0x9E3779B97F4A7C15) & _MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)

    def below(self, n: int) -> int:
        """Return an integer in [0, n); the bias of the remainder is below n / 2^64."""
        return self.next() % n

    def between(self, low: int, high: int) -> int:
        """Return an integer in [low, high], both ends included."""
        return low + self.below(high - low + 1)

    def pick(self, items: Sequence):
        """Return one of `items`."""
        return items[self.below(len(items))]

    def sample(self, items: Sequence, n: int) -> list:
        """Return `n` different members of `items`, in drawn order."""
        left = list(items)
        return [left.pop(self.below(len(left))) for _ in range(n)]
