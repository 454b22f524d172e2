"""How a function reaches the process that runs it: pickled by value, or as the text of notebook cells."""

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType

import cloudpickle

JAXTYPING = "jaxtyping"
SECRET = "exercises"  # the module of each topic that holds the solutions


class Unsendable(Exception):
    """The function refers to something that cannot be copied into another process."""


@dataclass(frozen=True)
class Code:
    """A function, pickled with what it refers to."""

    pickled: bytes
    path: tuple[str, ...]

    def plain(self) -> dict:
        """Return the code as data."""
        return {"pickled": self.pickled, "path": list(self.path)}


@dataclass(frozen=True)
class Cells:
    """The text of an answer cell, the imports that stand in other cells, and the names it defines."""

    source: str
    names: tuple[str, ...]
    imports: tuple[str, ...] = ()
    file: str = "<answer>"

    def plain(self) -> dict:
        """Return the code as data."""
        return {
            "source": self.source,
            "names": list(self.names),
            "imports": list(self.imports),
            "file": self.file,
        }


def shipped(function: Callable) -> Code:
    """Pickle a function by value, wherever it was defined.

    Raises: Unsendable, with the reason, for a function that refers to an open file and the like.
    """
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    by_value = _ours_to_copy(module)
    try:
        if by_value:
            cloudpickle.register_pickle_by_value(module)
        with io.BytesIO() as file:
            _Pickler(file).dump(function)
            return Code(file.getvalue(), tuple(sys.path))
    except Exception as error:  # whatever an object's own pickling raises
        raise Unsendable(f"{type(error).__name__}: {error}") from error
    finally:
        if by_value:
            cloudpickle.unregister_pickle_by_value(module)


class _Pickler(cloudpickle.Pickler):
    def reducer_override(self, obj):
        """Send the function inside jaxtyping's check of annotations: the check holds weak references."""
        while _checks_annotations(obj) and hasattr(obj, "__wrapped__"):
            obj = obj.__wrapped__
        return super().reducer_override(obj)


def _checks_annotations(obj) -> bool:
    return isinstance(obj, FunctionType) and JAXTYPING in Path(obj.__code__.co_filename).parts


def _ours_to_copy(module) -> bool:
    """Copy what a learner may be editing, and the solutions, whose module the other process hides."""
    if module is None or module.__name__ == "__main__" or not getattr(module, "__file__", None):
        return False
    package, *parts = module.__name__.split(".")
    if package == "glassbox" and SECRET not in parts:  # there is one of it in the other process too
        return False
    registered = module.__name__ in cloudpickle.list_registry_pickle_by_value()
    return not registered and ("site-packages" not in module.__file__)
