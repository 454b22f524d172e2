"""Execute, normalise and check the notebooks: what `glassbox build` does."""

from glassbox.publish.build import build
from glassbox.publish.lint import lint
from glassbox.publish.page import Page, read
from glassbox.publish.problem import Problem, Refused

__all__ = ["Page", "Problem", "Refused", "build", "lint", "read"]
