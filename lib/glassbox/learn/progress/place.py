"""Where the learner's record lies, and when it is left alone."""

import os
from pathlib import Path

FILE = "progress.sqlite"


def in_batch() -> bool:
    """Tell whether a machine runs the notebook: then no record is read or written.

    Stored outputs must not depend on what somebody answered before. The environment variable
    GLASSBOX_BATCH=1 says so.
    """
    return os.environ.get("GLASSBOX_BATCH") == "1"


def folder() -> Path:
    """Return the folder of the learner's record: the user's own data folder, or GLASSBOX_DATA."""
    if chosen := os.environ.get("GLASSBOX_DATA"):
        return Path(chosen)
    from platformdirs import user_data_path

    return user_data_path("glassbox", appauthor=False)


def record() -> Path:
    """Return the path of the record, which need not exist yet."""
    return folder() / FILE
