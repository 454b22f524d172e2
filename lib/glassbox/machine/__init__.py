"""The machine that the course runs on: what it is, and what can run on it."""
