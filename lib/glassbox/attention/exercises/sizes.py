"""Sizes on which mistakes with heads show."""

from glassbox.learn.exercise import Inputs

GROUPS = ((3, 2), (5, 2), (3, 5), (5, 3))  # key heads, query heads that read each


def heads_and(make: Inputs, count: int) -> list[int]:
    """Return h query heads, g key heads and `count` further sizes: all different, none a power of two."""
    g, readers = make.pick(GROUPS)
    h = g * readers
    return [h, g, *[size for size in make.sizes(9) if size not in (h, g)][:count]]
