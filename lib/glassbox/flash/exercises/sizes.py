"""Lengths on which mistakes with blocks show."""

from glassbox.learn.exercise import Inputs

BLOCKS = (3, 5)


def block_and(make: Inputs, count: int) -> list[int]:
    """Return a block and `count` lengths above it, at most five: all different, none a multiple of it."""
    block = make.pick(BLOCKS)
    return [block, *[size for size in make.sizes(9) if size > block and size % block][:count]]
