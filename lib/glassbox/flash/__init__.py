"""FlashAttention: attention block by block, exact, without the matrix of scores (notebook 12)."""
