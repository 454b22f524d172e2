"""Attention: queries, keys, values and the mechanisms around them (notebook 03)."""
