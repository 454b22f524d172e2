"""Where the course's own files are: one home for every path."""

import os
from pathlib import Path


def root() -> Path:
    """Return the folder that holds `data/` and `notebooks/`.

    The course is installed from its own checkout (editable), so this is two folders above the package.
    The environment variable GLASSBOX_ROOT points elsewhere.

    Raises: FileNotFoundError if no `data/` is there.
    """
    folder = Path(os.environ.get("GLASSBOX_ROOT") or Path(__file__).resolve().parents[2])
    if not (folder / "data").is_dir():
        raise FileNotFoundError(
            f"no data/ folder in {folder}: install the course from its checkout with "
            "`python course.py lab`, or set GLASSBOX_ROOT to the checkout"
        )
    return folder


def data(*parts: str) -> Path:
    """Return the path of a file in `data/`, which must exist."""
    path = root().joinpath("data", *parts)
    if not path.exists():
        raise FileNotFoundError(f"data/{'/'.join(parts)} is missing: restore it from the repository")
    return path
