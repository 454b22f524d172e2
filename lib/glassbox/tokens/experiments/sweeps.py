"""Make the shipped sweeps again: `python -m glassbox.tokens.experiments --out data/experiments`.

About ten minutes on one idle core.
"""

from glassbox.measured.remaking import Sweep, remake
from glassbox.tokens.experiments.fertility import FERTILITY, SIZES, TEXTS, TRAINED_ON, TRAINERS, fertility
from glassbox.tokens.experiments.glitches import (
    GLITCHES,
    NEIGHBOURS,
    SETUPS,
    glitch_neighbours,
    glitches,
)
from glassbox.tokens.experiments.loss_per_byte import LOSS, VOCABULARIES, loss_per_byte
from glassbox.tokens.experiments.speed import SPEED, speed

# name -> what makes its rows, with which arguments in turn, and how the rows are stored
SWEEPS = {
    "fertility": Sweep(
        fertility, [(SIZES, tuple(TRAINERS), tuple(TEXTS), on) for on in TRAINED_ON], FERTILITY
    ),
    "loss_per_byte": Sweep(loss_per_byte, [((vocabulary,),) for vocabulary in VOCABULARIES], LOSS),
    "loss_longer": Sweep(
        loss_per_byte,
        [((vocabulary,), ("steps",), range(3), 1200) for vocabulary in (256, 2048)],
        LOSS,
    ),
    "glitches": Sweep(glitches, [((setup,),) for setup in SETUPS], GLITCHES),
    "glitch_neighbours": Sweep(glitch_neighbours, [((setup,),) for setup in SETUPS], NEIGHBOURS),
    "speed": Sweep(speed, [()], SPEED),
}


def main(arguments: list[str] | None = None) -> None:
    """Make the sweeps again, all or one."""
    remake("tokens", SWEEPS, arguments)
