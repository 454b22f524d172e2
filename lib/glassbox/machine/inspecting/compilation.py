"""From the answers of the compiling processes to inspections, or to errors that a reader can act on."""

import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

from glassbox.machine.inspecting import workers
from glassbox.machine.inspecting.inspection import Inspection
from glassbox.machine.inspecting.listing import Lines, base, ptx_listing, sass_listing

MOST_WORKERS = 4
_ERROR = re.compile(r'^(?:loc\()?"?(?P<file>[^\s"(]+?)"?:(?P<line>\d+):\d+\)?: error: (?P<words>.+)$')
_ASSERTION = re.compile(r"Assertion `(.+?)' failed")

_known: dict[str, Inspection] = {}


class CompilationError(RuntimeError):
    """A kernel that the compiler refused, that crashed it, or that took too long."""


def expect_triton() -> None:
    """Refuse to go on where Triton is not installed.

    Raises: RuntimeError with advice.
    """
    if find_spec("triton") is None:
        raise RuntimeError(
            "inspect needs Triton's compiler, which is for Linux (no GPU needed): pip install triton. "
            "Without it, glassbox.machine.inspecting.recorded(name) reads an inspection stored in data/"
        )


def compile_all(requests: list[dict], seconds: float) -> list[Inspection | CompilationError]:
    """Compile every request, several at a time; what was compiled in this session is not compiled again."""
    threads = max(1, min(len(requests), os.cpu_count() or 1, MOST_WORKERS))
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda request: _result(request, seconds), requests))


def _result(request: dict, seconds: float) -> Inspection | CompilationError:
    text = json.dumps(request)
    if text not in _known:
        answer = workers.ask(text, seconds)
        if "error" in answer:
            return CompilationError(message(request, answer))
        _known[text] = _inspection(request, answer)
    return _known[text]


def _inspection(request: dict, answer: dict) -> Inspection:
    usage = answer["usage"].split(f"Function {answer['name']}:")[1]
    registers, stack = (int(re.search(rf"{key}:(\d+)", usage)[1]) for key in ("REG", "STACK"))
    return Inspection(
        kernel=_name(request),
        arch=f"sm_{request['arch']}",
        num_warps=answer["num_warps"],
        registers=registers,
        stack_bytes=stack,
        shared_bytes=answer["shared_bytes"],
        dots=tensor_core_dots(answer["ttir"]),
        compiler=answer["compiler"],
        ptx=ptx_listing(answer["ptx"]),
        sass=answer["disassembly"] and sass_listing(answer["disassembly"], answer["ptx"], _lines(request)),
    )


def tensor_core_dots(ttir: str) -> int:
    """Count the dots in Triton's first form of a kernel, less those of float32 at full precision."""
    dots = [line for line in ttir.splitlines() if re.search(r"\btt\.dot(_scaled)?\b", line)]
    return sum("xf32> *" not in line or "inputPrecision" in line for line in dots)


def message(request: dict, answer: dict) -> str:
    """Return the last useful words of the compiler, and the kernel's line that they are about."""
    words, place, log = answer["error"], answer["place"], answer["log"]
    found = next(filter(None, map(_ERROR.match, log.splitlines())), None)
    if found is not None:
        words, place = found["words"], [found["file"], int(found["line"])]
    elif "crashed" in words and (assertion := _ASSERTION.search(log)):
        words += f": assertion {assertion[1]}"
    return f"{_name(request)} does not compile for sm_{request['arch']}: {_last(words)}{_at(request, place)}"


def _last(words: str) -> str:
    """Return the line of a message that says most: the last error that it lists, or the last line."""
    if errors := re.findall(r"\berror\s*:\s*(.+)", words):
        return errors[-1].strip()
    lines = [line.strip() for line in words.splitlines() if line.strip()] or ["no message"]
    return re.sub(r"""^\w+\((['"])(.*)\1\)$""", r"\2", lines[-1])  # ValueError('...')


def _at(request: dict, place: list | None) -> str:
    text = _lines(request).get(place[0], {}).get(place[1]) if place else None
    return f"\n  {base(place[0])}, line {place[1]}: {text}" if text else ""


def _name(request: dict) -> str:
    return request["functions"][request["kernel"]]["name"]


def _lines(request: dict) -> Lines:
    found: Lines = {}
    for entry in request["functions"]:
        for number, text in enumerate(entry["source"].splitlines(), entry["line"]):
            found.setdefault(entry["file"], {})[number] = text.strip()
    return found
