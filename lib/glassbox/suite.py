"""What `glassbox test` runs: the lint, the tests, and the stored outputs of every notebook."""

import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from xml.etree import ElementTree

from glassbox.paths import root

NEEDED = ("pytest", "xdist", "nbval", "ruff", "hypothesis", "beartype")
# Two workers on two cores: more threads than that slow every worker down.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
# The environment's own kernel goes before one of the same name in the user's home.
OWN_KERNEL = {"JUPYTER_PREFER_ENV_PATH": "1"}
WORKERS = ("-n", "2", "--dist", "loadscope")  # loadscope keeps the cells of a notebook together
UNSHAPED = "simulator"  # it has no shapes to check, and is called a million times: the checks cost most of it
NBVAL = ("--nbval", "--nbval-current-env", "--nbval-cell-timeout=120")
SANITIZE = "--nbval-sanitize-with=tests/sanitize.cfg"
BATCH = {"GLASSBOX_BATCH": "1"}  # stored outputs know nothing of a learner's own answers
WITHOUT_NBVAL = ("-p", "no:nbval")  # it takes seconds to import, in every worker
NOTHING_COLLECTED = 5
NO_MORE = MappingProxyType({})


@dataclass
class Tally:
    """How many checks passed, failed and were skipped, why, and what else a reader must know."""

    passed: int = 0
    failed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def __add__(self, other: "Tally") -> "Tally":
        counts = (self.passed + other.passed, self.failed + other.failed)
        return Tally(*counts, self.reasons + other.reasons, self.notes + other.notes)

    def total(self) -> int:
        """Return the number of checks."""
        return self.passed + self.failed + self.reasons.total()

    def lines(self) -> list[str]:
        """Return the reasons for every skip, the notes, and the summary as the last line."""
        skips = [f"skipped {times}: {reason}" for reason, times in sorted(self.reasons.items())]
        counts = f"{self.passed} passed, {self.failed} failed, {self.reasons.total()} skipped"
        return [*skips, *self.notes, f"glassbox: {counts}"]


def shapes() -> str:
    """Return the option that checks the shapes of all modules but one; tests/typecheck.py is how."""
    package = Path(__file__).parent
    names = [f"glassbox.{path.stem}" for path in package.iterdir() if path.stem != "machine"]
    names += [
        f"glassbox.machine.{path.stem}" for path in (package / "machine").iterdir() if path.stem != UNSHAPED
    ]
    return "--jaxtyping-packages=" + ",".join(sorted(n for n in names if "._" not in n)) + ",typecheck.check"


def run(*, fast: bool = False, notebooks_only: bool = False, words: str = "") -> int:
    """Run every stage, even after a failure, and return the exit code.

    `words` selects tests by name as pytest's -k does. The last line printed is the summary.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        print(f"glassbox: the tests need {', '.join(missing)}; run: python course.py test", file=sys.stderr)
        return 1
    stages = [] if notebooks_only else [lint(), tests(fast, words)]
    stages += [notebooks(words)]
    if words and not any(stage.total() for stage in stages[-2:]):
        stages += [Tally(failed=1, notes=[f"failed: nothing at all matches -k {words!r}"])]
    tally = sum(stages, Tally())
    print(*tally.lines(), sep="\n", flush=True)
    return 1 if tally.failed else 0


def lint() -> Tally:
    """Check the style of all code; this counts as one check."""
    _announce("lint")
    good = _call("ruff", "check") == 0
    return Tally(passed=int(good), failed=int(not good))


def tests(fast: bool, words: str) -> Tally:
    """Run the tests, with array shapes checked at every call."""
    _announce("tests")
    marks = ("-m", "not slow and not browser") if fast else ()
    tally = pytest("tests", shapes(), *WITHOUT_NBVAL, *marks, words=words)
    tally.notes += ["left out by --fast: the browser and the slow tests"] * fast
    return tally


def notebooks(words: str = "") -> Tally:
    """Run every notebook and compare each output with the stored one."""
    _announce("notebooks")
    if not any((root() / "notebooks").glob("*.ipynb")):
        return Tally(failed=1, notes=["failed: there is no notebook in notebooks/"])
    return pytest("notebooks", *NBVAL, SANITIZE, words=words, environment=BATCH)


def pytest(*arguments: str, words: str = "", environment: Mapping[str, str] = NO_MORE) -> Tally:
    """Run pytest in two workers and count what it reports."""
    selection = ("-k", words) if words else ()
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder, "record.xml")
        options = (*WORKERS, f"--junitxml={record}", *selection, *arguments)
        status = _call("pytest", *options, environment=environment)
        return count(record, status, arguments[0], words)


def count(record: Path, status: int, stage: str, words: str = "") -> Tally:
    """Count the cases in a JUnit record; an end that the record does not explain is a failure too."""
    if status == NOTHING_COLLECTED and words:
        return Tally(notes=[f"{stage}: nothing matches -k {words!r}"])
    tally = _counted(ElementTree.parse(record).iter("testcase")) if record.exists() else Tally()
    if status != 0 and not tally.failed:
        tally += Tally(failed=1, notes=[f"failed: pytest {stage} ended with code {status}"])
    return tally


def _counted(cases) -> Tally:
    tally = Tally()
    for case in cases:
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            tally.failed += 1
        elif skip is not None:
            tally.reasons[skip.get("message") or "no reason given"] += 1
        else:
            tally.passed += 1
    return tally


def _announce(stage: str) -> None:
    print(f"--- {stage} ---", flush=True)


def _call(module: str, *arguments: str, environment: Mapping[str, str] = NO_MORE) -> int:
    command: Sequence[str] = (sys.executable, "-m", module, *arguments)
    own = {**os.environ, **ONE_THREAD, **OWN_KERNEL, **environment}
    return subprocess.call(command, cwd=root(), env=own)
