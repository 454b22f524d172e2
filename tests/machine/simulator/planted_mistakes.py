"""How a planted mistake is caught: the error, at the line where it was planted."""

import inspect

import pytest
from glassbox.machine import launch


def line_of(kernel, text: str) -> int:
    """Return the line of its file where `text` stands in a kernel's source."""
    function = kernel.fn
    lines, start = inspect.getsourcelines(function)
    return start + next(k for k, line in enumerate(lines) if text in line)


def caught(error, kernel, grid, *args, at: str, **constants):
    """Launch, expect `error` at the line that contains `at`, and return it."""
    with pytest.raises(error) as info:
        launch(kernel, grid, *args, **constants)
    found = info.value
    assert type(found) is error
    assert found.line == line_of(kernel, at), str(found)
    assert found.file == kernel.fn.__code__.co_filename and at in found.source
    assert kernel.__name__ in str(found) and str(found.program) in str(found)
    return found
