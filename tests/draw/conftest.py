"""One good figure with three states, to show and to break."""

import pytest
from glassbox.draw import lines, steps

DEPTHS = (6, 12, 48)


def state(depth: int):
    """Return the curves of one depth, from rows that are plain arithmetic."""
    rows = [
        {"place": place, "layer": layer, "seed": seed, "norm": (1 + seed / 10) * scale / depth**0.5}
        for place, scale in (("post", depth**0.5), ("pre", 1.0))
        for layer in range(1, depth + 1)
        for seed in range(3)
    ]
    return lines(
        rows, "layer", "norm", "place", title="Depth", x_title="layer (block)", y_title="norm (no unit)"
    )


@pytest.fixture
def states():
    return {str(depth): state(depth) for depth in DEPTHS}


@pytest.fixture
def figure(states):
    return steps(states, prefix="depth N = ", start="48", playable=True)
