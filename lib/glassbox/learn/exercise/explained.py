"""An exception in a learner's code: its last line there, and one sentence on what it means."""

import linecache
import re

from glassbox.learn.exercise.bounded import Limits, Raised, Stopped
from glassbox.learn.exercise.message import Message
from glassbox.learn.exercise.verdict import Finding

# type, what the message matches, what it means (with the groups of the match)
MEANINGS = tuple(
    (re.compile(kind), re.compile(said, re.DOTALL), means)
    for kind, said, means in (
        ("RuntimeError", r"size of tensor a \((\d+)\).*tensor b \((\d+)\).*dimension (\d+)",
         "two shapes do not fit: {0} against {1} in dimension {2}; a reduction may need keepdim=True"),
        ("RuntimeError", r"shapes cannot be multiplied \((\d+)x(\d+) and (\d+)x(\d+)\)",
         "a matrix product needs equal inner sizes, not {1} and {2}; a transpose may be missing"),
        ("RuntimeError", r"batch2 tensor|batch1", "a product of batches needs equal batches and inner sizes"),
        ("IndexError", r"Dimension out of range.*\[(-?\d+), (-?\d+)\].*got (-?\d+)",
         "this tensor has no dimension {2}: it has dimensions {0} to {1}"),
        ("RuntimeError", r"shape '\[(.*?)\]' is invalid for input of size (\d+)",
         "{1} values cannot be arranged as {0}"),
        ("RuntimeError", r"same dtype|expected (scalar type|m1 and m2)",
         "two tensors of different types meet: convert one with .to(other.dtype)"),
        ("RuntimeError", r"mean\(\)|Long did not match|Can only calculate the mean",
         "whole numbers have no mean: convert to a floating type first"),
        ("RuntimeError", r"leaf Variable that requires grad.*in-place",
         "an in-place operation changes an argument: compute a new tensor instead"),
        ("RuntimeError", r"does not require grad|does not have a grad_fn",
         "the result is cut off from the arguments: .detach(), .item(), .data or a new tensor lies between"),
        ("RuntimeError", r"numpy\(\) on Tensor that requires grad",
         "NumPy cannot follow gradients: stay in torch"),
        ("RuntimeError", r"Boolean value of Tensor", "a tensor of many values is used as one truth value"),
        ("RuntimeError", r"asks you to write it yourself", "the exercise is to write it, not to call it"),
        ("NameError|UnboundLocalError", r"name '(\w+)' is not defined",
         "`{0}` is not defined in your function, nor in a cell that has been run"),
        ("UnboundLocalError", r"variable '(\w+)'", "`{0}` is read before your function gives it a value"),
        ("TypeError", r"positional argument", "a function is called with too many or too few arguments"),
        ("TypeError", r"NoneType", "something is None that should be a value: a `return` may be missing"),
        ("AttributeError", r"'(\w+)' object has no attribute '(\w+)'", "a {0} has no `{1}`"),
        ("IndexError", r"", "an index is beyond the end"),
        ("KeyError", r"", "this key is not in the dict"),
        ("ZeroDivisionError", r"", "something is divided by zero"),
        ("RecursionError", r"", "your function calls itself without an end"),
        ("SyntaxError|IndentationError", r"", "Python cannot read this line"),
        ("SystemExit", r"", "the code asks Python to exit"),
        ("AssertionError", r"", "an assertion in your own code does not hold"),
    )
)  # fmt: skip
OTHER = "your code stopped with this error"


def explained(raised: Raised, stage: str, seed: int | None) -> Finding:
    """Return the finding for an exception."""
    first = raised.says.strip().split("\n")[0][:200]
    return Finding(
        stage, Message(f"{raised.type}{': ' * bool(first)}{first}", _means(raised), _look(raised)), seed
    )


def _means(raised: Raised) -> str:
    for kind, said, means in MEANINGS:
        if re.fullmatch(kind, raised.type) and (match := said.search(raised.says)):
            return means.format(*match.groups())
    return OTHER


def _look(raised: Raised) -> str:
    if not raised.line:
        return "the arguments of your function"
    text = linecache.getline(raised.file, raised.line).strip()
    return f"line {raised.line}{f' of {raised.function}' * bool(raised.function)}{f': {text}' * bool(text)}"


def stopped(why: Stopped, limits: Limits) -> Finding:
    """Return the finding for code that was stopped or that ended its process."""
    messages = {
        "time": Message(
            f"your code did not finish within {limits.seconds:g} s and was stopped",
            "a loop does not end, or repeats far too often",
            "the condition that ends each loop",
        ),
        "memory": Message(
            f"your code asked for more than {limits.megabytes:,} MB of memory and was stopped",
            "a tensor or a list grows far beyond the size of the inputs",
            "what you allocate, and what you keep in each round of a loop",
        ),
        "ended": Message(
            "your code ended the whole Python process" + (f" (exit code {why.code})" if why.code else ""),
            "it exits, kills its process, or crashes inside a library",
            "calls of exit, and memory that is used by its address",
        ),
        "garbled": Message(
            "your code wrote into the channel that carries the results",
            "what arrived cannot be read as a result",
            "file descriptors, and results of more than 256 MB",
        ),
    }
    return Finding("limits", messages[why.reason])
