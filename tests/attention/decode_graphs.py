"""Compile each decode attention into one graph with its operator inside, run it, print its name."""

import torch
from decode_cases import CALLS, SAMPLES, SCALE

for kind, call in CALLS.items():

    def whole(*given, call=call):
        return call(*given, scale=SCALE, backend="simulated")

    compiled = torch.compile(whole, fullgraph=True, backend="aot_eager")
    assert torch.equal(compiled(*SAMPLES[kind]), whole(*SAMPLES[kind]))
    print(kind)
