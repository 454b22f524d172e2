"""What FlashAttention computes: the equations, in order, on any float type. `api` says the conventions."""
