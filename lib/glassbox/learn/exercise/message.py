"""What a check says, in three parts, written as the docstring of the function that it is about."""

import inspect
import re
from collections.abc import Callable
from typing import NamedTuple

from glassbox.arguments import bad_value

PART = re.compile(r"^(saw|means|look):\s*(.*?)(?=^(?:saw|means|look):|\Z)", re.MULTILINE | re.DOTALL)


class Message(NamedTuple):
    """What was seen, what that means, where to look."""

    saw: str
    means: str = ""
    look: str = ""


def message(function: Callable) -> Message:
    """Return the message in a function's docstring.

        saw: the columns sum to 1, the rows do not
        means: you normalised over the first dimension
        look: the `dim` of the sum

    Raises: ValueError if a part is missing.
    """
    parts = {name: " ".join(text.split()) for name, text in PART.findall(inspect.getdoc(function) or "")}
    missing = [name for name in Message._fields if not parts.get(name)]
    if missing:
        raise bad_value(title(function), "a docstring with `saw:`, `means:` and `look:`", f"no {missing[0]}")
    return Message(**parts)


def title(function: Callable) -> str:
    """Return a function's name as words."""
    return function.__name__.strip("_").replace("_", " ")
