"""Mark a folder of submitted notebooks."""

from glassbox.learn.grading.grade import grade
from glassbox.learn.grading.submission import Submission, read

__all__ = ["Submission", "grade", "read"]
