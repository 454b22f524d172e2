"""Inspections that are stored with the course, for notebooks that must read the same without Triton."""

import datetime
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from glassbox import paths
from glassbox.machine.inspecting.api import inspect
from glassbox.machine.inspecting.inspection import Inspection
from glassbox.machine.launching import Launch

Variants = Callable[[str], Iterable[tuple[str, Launch]]]
_TEXTS = ("ptx", "sass")


def recorded(name: str, arch: str = "sm_90") -> Inspection:
    """Return a stored inspection, on any machine: `recorded("norms/rms_norm")`.

    Raises: ValueError if there is none of that name.
    """
    path = path_of(name, arch)
    if not path.is_file():
        known = sorted(stored())
        raise ValueError(f"name: expected one of {known}; came {name!r} for {arch!r}")
    facts = json.loads(path.read_text(encoding="utf-8"))["inspection"]
    return Inspection(**facts | {key: "".join(line + "\n" for line in facts[key]) for key in _TEXTS})


def record(topic: str, variant: str, arch: str = "sm_90", source: str | None = None) -> Path:
    """Compile one variant of a topic and store what came out, with its provenance; return the file."""
    result = inspect(launch_of(topic, variant, arch, source), arch=arch)
    facts = asdict(result)
    command = f"python -m glassbox.machine.inspecting record {topic} '{variant}' --arch {arch}"
    stored_rows = {
        "provenance": provenance(result.compiler, command + (f" --variants {source}" if source else "")),
        "topic": topic,
        "variant": variant,
        "variants": source,
        "inspection": facts | {key: facts[key].splitlines() for key in _TEXTS},
    }
    path = path_of(f"{topic}/{variant}", arch)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(stored_rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def again(name: str, arch: str = "sm_90") -> Inspection:
    """Return what a stored inspection would be if it were recorded now."""
    row = json.loads(path_of(name, arch).read_text(encoding="utf-8"))
    return inspect(launch_of(row["topic"], row["variant"], arch, row["variants"]), arch=arch)


def stored() -> list[tuple[str, str]]:
    """Return the name and the architecture of every stored inspection."""
    folder = _folder()
    found = (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.json")))
    return [tuple(name.removesuffix(".json").rsplit(".", 1)) for name in found]


def path_of(name: str, arch: str) -> Path:
    """Return where an inspection is stored; what a file name cannot hold becomes a hyphen."""
    parts = [re.sub(r"[^\w+=-]+", "-", part) for part in name.split("/")]
    return _folder().joinpath(*parts[:-1], f"{parts[-1]}.{arch}.json")


def variants_of(topic: str, source: str | None = None) -> Variants:
    """Return the function that yields a topic's (name, Launch) pairs for an architecture.

    Convention: `source` is "module:function"; without it, `glassbox.<topic>.kernels.variants:variants`.
    """
    module, _, function = (source or f"glassbox.{topic}.kernels.variants:variants").partition(":")
    return getattr(import_module(module), function)


def launch_of(topic: str, variant: str, arch: str, source: str | None = None) -> Launch:
    """Return one variant's launch, as it is made for an architecture.

    Raises: ValueError if the topic has no such variant.
    """
    found = dict(variants_of(topic, source)(arch))
    if variant not in found:
        raise ValueError(f"variant: expected one of {', '.join(found)}; came {variant!r}")
    return found[variant]


def provenance(compiler: str, command: str) -> dict[str, str]:
    """Return who made a stored file: compiler, command, date."""
    return {"compiler": compiler, "command": command, "date": datetime.date.today().isoformat()}


def _folder() -> Path:
    return paths.data() / "inspections"
