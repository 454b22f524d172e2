"""A function's source as it is shown to a learner, and whether a learner changed it."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable

PAIR = re.compile(r"\bdef\s+\w+")


def listing(function: Callable, name: str = "") -> str:
    """Return the source of a function without its docstring, renamed to `name`."""
    lines = textwrap.dedent(inspect.getsource(inspect.unwrap(function))).rstrip().splitlines()
    definition = ast.parse("\n".join(lines)).body[0]
    first = definition.body[0]
    if ast.get_docstring(definition) is not None and len(definition.body) > 1:
        del lines[first.lineno - 1 : first.end_lineno]
    text = "\n".join(line for line in lines if line.strip() or line == "").strip("\n")
    return PAIR.sub(f"def {name or function.__name__}", text, count=1)


def same_code(one: str, other: str) -> bool:
    """Tell whether two sources define the same function, whatever their spacing, comments and docstring."""
    trees = [_tree(source) for source in (one, other)]
    return None not in trees and trees[0] == trees[1]


def _tree(source: str) -> str | None:
    try:
        found = [
            node for node in ast.parse(textwrap.dedent(source)).body if isinstance(node, ast.FunctionDef)
        ]
    except SyntaxError:
        return None
    if not found:
        return None
    definition = found[-1]
    if ast.get_docstring(definition) is not None:
        definition.body = definition.body[1:]
    return ast.dump(ast.Module([definition], []))


def is_stub(function: Callable) -> bool:
    """Tell whether all that a function does is raise NotImplementedError."""
    code = getattr(function, "__code__", None)
    if code is None or code.co_names != ("NotImplementedError",):
        return False
    return not any("RETURN" in step.opname for step in _steps(code))


def _steps(code):
    import dis

    return dis.get_instructions(code)
