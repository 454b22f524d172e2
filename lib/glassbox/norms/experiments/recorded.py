"""The shipped sweeps of notebook 01, and how their rows are stored."""

from functools import partial

from glassbox import measured
from glassbox.measured import Shape

TRAINING = Shape("step", 20, ("loss",))
SIGNALS = Shape("layer", 1, ("stream_rms", "relative_update", "grad_norm", "token_cosine"))
UPDATES = Shape("depth", 1, ("depth", "update", "alpha", "beta"))

recorded = partial(measured.recorded, "norms")
