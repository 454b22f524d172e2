"""Where a measurement comes from: versions, date, command and commit; nothing that names the host."""

import os
import platform
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import torch

from glassbox.machine.gpu import output
from glassbox.machine.versions import installed
from glassbox.paths import root

PATH = re.compile(r"(?<![\w.<])(?:[A-Za-z]:)?(?:[\\/][\w.@+~-]+){2,}[\\/]?")
LONGEST_REASON = 160


def provenance(
    command: str,
    distributions: Iterable[str],
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    read: Callable[..., str] = output,
) -> dict:
    """Return date (UTC), command line, commit, versions; `distributions` are the peers' packages.

    Convention: commit and dirty are None where this is no checkout of git; GLASSBOX_COMMIT names the commit
        of a copy without history.
    """
    versions = installed(("triton", *distributions))
    return {
        "date": now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "command": command,
        **_commit(read),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "triton": versions.pop("triton", None),
        "peers": versions,
    }


def _commit(read: Callable[..., str]) -> dict:
    git = ("git", "-c", "safe.directory=*", "-C", str(root()))
    commit = read(*git, "rev-parse", "HEAD").strip()
    if not commit:
        return {"commit": os.environ.get("GLASSBOX_COMMIT") or None, "dirty": None}
    return {"commit": commit, "dirty": bool(read(*git, "status", "--porcelain").strip())}


def reason(error: BaseException) -> str:
    """Return an error in one short line without folders of this machine."""
    lines = str(error).strip().splitlines()
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return PATH.sub("<path>", text)[:LONGEST_REASON]
