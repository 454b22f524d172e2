"""Glassbox: a course on how large language models work, as a library that notebooks import."""

__version__ = "0.1.0"
