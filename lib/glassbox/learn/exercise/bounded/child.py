"""The process that runs the function: it knows the inputs, and nothing of what is expected."""

import importlib
import importlib.abc
import importlib.machinery
import inspect
import os
import random
import sys
import threading
from types import ModuleType

import cloudpickle
import numpy as np
import torch

from glassbox.learn.exercise.bounded import wire
from glassbox.learn.exercise.bounded.code import SECRET
from glassbox.learn.exercise.bounded.observing import described, first_uses, observe

SPARE_SECONDS = 5


def serve(reader, writer) -> None:
    """Say that this process is ready; load the code of the first message; answer each further one.

    An answer is what one call of the code did.
    """
    wire.send(writer, wire.packed("ready"))
    order = wire.unpacked(wire.receive(reader))
    confine(order["seconds"], order["megabytes"])
    sys.meta_path.insert(0, _Hidden())
    for name in order["forbidden"]:
        forbid(name)
    found, reply = load(order["code"])
    wire.send(writer, wire.packed(reply))
    while (message := wire.receive(reader)) is not None:
        args, cotangents, unit = wire.unpacked(message)
        seed_everything()
        seen = observe(found, args, cotangents, unit, survive=BaseException)
        wire.send(writer, _written(seen))


def seed_everything() -> None:
    """Make a call that draws random numbers repeatable."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


def _written(seen) -> bytes:
    try:
        return wire.packed(tuple(seen))
    except Exception as error:  # a result whose own methods fail
        return wire.packed(tuple(seen._replace(value=None, after=(), gradients=(), raised=described(error))))


# ---- code


def load(code: dict) -> tuple[object, dict]:
    """Return the first named thing that the code defines, and what may be told of it."""
    try:
        found = _unpickled(code) if "pickled" in code else _executed(code)
    except BaseException as error:  # SystemExit is a learner's mistake too
        return None, {"raised": tuple(described(error))}
    first = found[0] if found else None
    values = [None if callable(value) else value for value in found]
    return first, {"callable": callable(first), "parameters": parameters(first), "values": values}


def _unpickled(code: dict) -> list:
    sys.path[:] = code["path"]
    return [cloudpickle.loads(code["pickled"])]


def _executed(code: dict) -> list:
    """Run the imports of a notebook, leaving out those that fail, then its answer cell."""
    space = {"__name__": "__main__"}
    for line in code["imports"]:
        try:
            exec(compile(line, "<imports>", "exec"), space)
        except Exception:  # a package that is missing here matters only where the answer uses it
            continue
    exec(compile(code["source"], code["file"], "exec"), space)
    return [space.get(name) for name in code["names"]]


def parameters(function) -> list | None:
    """Return (name, has a default) for each positional parameter; None where that cannot be known."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(each.kind is each.VAR_POSITIONAL for each in found):
        return None
    return [(each.name, each.default is not each.empty) for each in found if each.kind < each.VAR_POSITIONAL]


# ---- bounds


def confine(seconds: float, megabytes: int) -> None:
    """Let the operating system stop what our own supervision would miss."""
    torch.set_num_threads(1)
    if sys.platform != "linux":
        return
    import resource

    with open("/proc/self/statm", encoding="ascii") as file:
        mapped = int(file.read().split()[0]) * resource.getpagesize()
    _limit(resource, resource.RLIMIT_AS, mapped + megabytes * 2**20)
    _limit(resource, resource.RLIMIT_CPU, int(seconds) + SPARE_SECONDS)
    _limit(resource, resource.RLIMIT_CORE, 0)


def _limit(resource, which: int, most: int) -> None:
    hard = resource.getrlimit(which)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (most, most))


class _Hidden(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Stands in for the modules that hold the solutions: they import, and have nothing to give."""

    def find_spec(self, fullname, path=None, target=None):
        parts = fullname.split(".")
        if parts[0] == "glassbox" and parts[-1] == SECRET:
            return importlib.machinery.ModuleSpec(fullname, self)
        return None

    def create_module(self, spec) -> ModuleType:
        return ModuleType(spec.name, "Not available while an answer is checked.")

    def exec_module(self, module) -> None:
        module.__getattr__ = _nothing_here


def _nothing_here(name: str):
    raise AttributeError(f"{name}: the exercises are not available while an answer is checked")


def forbid(name: str) -> None:
    """Replace a library's function, named with dots, by one that asks the learner to write it.

    A function of the course is replaced in each of its modules: a learner may import it from any.
    """
    holder, attribute = _found(name)
    if holder is not None:
        original = getattr(holder, attribute)

        def refused(*args, **kwargs):
            raise RuntimeError(f"this exercise asks you to write it yourself, without {name}")

        setattr(holder, attribute, refused)
        for module in _modules_of_the_course() if name.startswith("glassbox.") else ():
            for label in [label for label, value in vars(module).items() if value is original]:
                setattr(module, label, refused)


def _modules_of_the_course() -> list[ModuleType]:
    loaded = list(sys.modules.items())
    return [module for name, module in loaded if name.partition(".")[0] == "glassbox" and module is not None]


def _found(name: str) -> tuple[object, str]:
    *path, attribute = name.split(".")
    for cut in range(len(path), 0, -1):
        try:
            holder = importlib.import_module(".".join(path[:cut]))
        except ImportError:
            continue
        for part in path[cut:]:
            holder = getattr(holder, part, None)
        return (holder, attribute) if hasattr(holder, attribute) else (None, "")
    return None, ""


# ---- the process itself


def silent(*kept: int) -> None:
    """Point standard input, output and errors nowhere, so that prints cannot mix with answers."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        if stream not in kept:
            os.dup2(nowhere, stream)


def main() -> None:
    """Be a fresh process for one function, on standard input and output; end with the parent."""
    reader, writer = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    silent()
    for use in first_uses():
        use()
    serve(_Ahead(reader), writer)


class _Ahead:
    """Reads ahead in a thread, so that the end of the parent ends this process in the midst of a call."""

    def __init__(self, stream):
        self.stream, self.buffer, self.more = stream, b"", threading.Condition()
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self) -> None:
        while piece := self.stream.read1(2**20):
            with self.more:
                self.buffer += piece
                self.more.notify()
        os._exit(0)

    def read(self, size: int) -> bytes:
        with self.more:
            self.more.wait_for(lambda: len(self.buffer) >= size)
            piece, self.buffer = self.buffer[:size], self.buffer[size:]
        return piece


if __name__ == "__main__":
    main()
