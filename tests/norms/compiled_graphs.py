"""Compile each norm into one graph with its operator inside, run it forward and backward, print its name."""

import torch
from kernel_cases import NORMS, inputs

for name, case in NORMS.items():
    given = inputs(name, (4, 20))
    leaves = [None if t is None else t.requires_grad_() for t in given]
    out = torch.compile(case.call, fullgraph=True, backend="aot_eager")(*leaves, backend="simulated")
    assert torch.equal(out, case.call(*given, backend="simulated"))
    out.sum().backward()
    assert all(leaf.grad is not None for leaf in leaves if leaf is not None)
    print(name)
