"""YAML is slow to read: what was read once is kept as JSON, under a digest of the file's bytes."""

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from glassbox.learn.progress import in_batch


def folder() -> Path:
    """Return the folder of the cache: the user's own, or one below GLASSBOX_DATA."""
    if chosen := os.environ.get("GLASSBOX_DATA"):
        return Path(chosen) / "cache"
    from platformdirs import user_cache_path

    return user_cache_path("glassbox", appauthor=False)


def cached(content: bytes, parse: Callable[[str], object]) -> object:
    """Return `parse(content)`, from the cache if it was parsed before; dates come back as text.

    A cache that cannot be read or written is no error. In batch mode there is none.
    """
    if in_batch():
        return parse(content.decode("utf-8"))
    path = folder() / f"bank-{hashlib.sha256(content).hexdigest()[:32]}.json"
    with suppress(OSError, ValueError):
        return json.loads(path.read_text(encoding="utf-8"))
    document = parse(content.decode("utf-8"))
    with suppress(OSError, TypeError):
        _keep(path, json.dumps(document, ensure_ascii=False, default=str))
    return document


def _keep(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(f".{os.getpid()}")
    half.write_text(text, encoding="utf-8")
    os.replace(half, path)
