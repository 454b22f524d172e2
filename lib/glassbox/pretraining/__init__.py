"""Pretraining: the loss, the data and the optimiser (notebook 07)."""
