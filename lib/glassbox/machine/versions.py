"""Which versions are installed, and where they differ from those that produced the stored outputs."""

import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version

from glassbox.machine.rows import Row

PACKAGES = ("torch", "numpy", "jupyterlab", "ipywidgets", "plotly", "matplotlib", "nbval", "triton")
OLDEST_PYTHON = (3, 11)
REPAIR = "python -m pip install -c constraints.txt -e ."


def python_row(found: tuple[int, ...]) -> Row:
    """Return the row on Python."""
    old = tuple(found[:2]) < OLDEST_PYTHON
    advice = "install Python 3.11 or newer, then run python course.py lab"
    return Row("Python", ".".join(map(str, found)), advice if old else "")


def installed(names: Iterable[str]) -> dict[str, str]:
    """Return the version of each package that is installed."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def package_rows(found: Mapping[str, str]) -> Iterator[Row]:
    """Return one row for each package that the course stands on. Triton may be missing: it is for Linux."""
    for name in PACKAGES:
        if name in found:
            yield Row(name, found[name], triton_advice(found) if name == "triton" else "")
        else:
            yield Row(name, "not installed", "" if name == "triton" else REPAIR)


def triton_advice(found: Mapping[str, str]) -> str:
    """Return advice where NumPy is too new for Triton's interpreter."""
    if public(found["triton"]) == "3.6.0" and numbers(found.get("numpy", "")) >= (2, 4):
        return "the interpreter of Triton 3.6.0 fails with NumPy 2.4: python -m pip install triton==3.7.1"
    return ""


def read_pins(text: str) -> dict[str, str]:
    """Return the version of each package in a constraints file."""
    return dict(re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE))


def drift_row(found: Mapping[str, str], pins: Mapping[str, str]) -> Row:
    """Compare installed versions with pinned ones; a build such as +cpu does not count."""
    other = [name for name, have in found.items() if public(have) != pins[name]]
    if not other:
        return Row("constraints", "every package as in constraints.txt")
    first = ", ".join(f"{name} {found[name]} (not {pins[name]})" for name in other[:3])
    more = f" and {len(other) - 3} more" if len(other) > 3 else ""
    return Row("constraints", first + more, f"fine; if an output differs from the stored one: {REPAIR}")


def numbers(found: str) -> tuple[int, ...]:
    """Return the numbers of a version: (2, 13, 0) for '2.13.0+cpu'."""
    return tuple(int(part) for part in re.findall(r"\d+", public(found)))


def public(found: str) -> str:
    """Return a version without its build: '2.13.0' for '2.13.0+cpu'."""
    return found.partition("+")[0]
