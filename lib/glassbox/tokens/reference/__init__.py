"""The definitions: short and slow, as the papers say it."""
