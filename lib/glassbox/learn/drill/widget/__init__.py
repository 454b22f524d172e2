"""The drill and the mock interview as forms in a notebook, with the engine of the terminal."""

from glassbox.learn.drill.widget.opening import drill, interview

__all__ = ["drill", "interview"]
