"""Glassbox in two commands. Nothing is needed but Python 3.11 or newer.

    python course.py lab     open the course in JupyterLab
    python course.py test    run all tests and validate every notebook

The first run makes the folder .venv beside this file and installs the course in it; later runs only start.

both:  --cpu, --gpu     the build of PyTorch (without either: the GPU build where nvidia-smi lists a GPU)
lab:   --no-browser     start the server, open nothing
       --port N         the first port to try
       --folder PATH    where your own copies of the notebooks live
       --here           work in the repository itself, without copies
test:  --fast           leave out the browser and the slow tests
       --notebooks-only
       -k WORDS         only the tests whose name matches
"""
# Every Python from 3.6 on must be able to read this file, so that an old one can say that it is too old.

import contextlib
import errno
import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from subprocess import DEVNULL

OLDEST = (3, 11)
HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
STAMP = VENV / "course.json"  # written last: without it the environment counts as half-made
LOCK = VENV / "course.lock"
LOG = VENV / "course.log"
INPUTS = ("pyproject.toml", "constraints.txt")
BASE = ("python", "checkout", "torch", "build")  # where one of these changed, the environment is made anew
DOWNLOAD = {"cpu": 0.2, "gpu": 3.0, "course": 0.1, "tests": 0.25}  # GB
DISK = {"cpu": 1.0, "gpu": 7.0, "course": 0.5, "tests": 1.0}  # GB, once installed
MISLEADING = ("PYTHONHOME", "PYTHONPATH", "PIP_USER", "PIP_TARGET", "PIP_PREFIX")
FULL = re.compile("No space left on device|not enough space on the disk")
OFFLINE = re.compile(r"Retry\(total=0|Max retries exceeded|dns error|error sending request|getaddrinfo")


class Trouble(Exception):
    """What went wrong and what to do about it, in one line."""


class NotThere(Trouble):
    """The package index does not have what was asked for."""


def main(argv: list) -> int:
    """Install what is missing, then hand over to the installed course."""
    if sys.version_info[:2] < OLDEST:
        found = "{}.{}".format(*sys.version_info[:2])
        return fail(f"Python {found} is too old; install 3.11 or newer and use it to run this command")
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # a console may lack the letters of a path
    try:
        command, build, rest = parse(argv)
        if command == "help":
            print(__doc__.strip())
            return 0
        set_up(build, tests=command == "test")
        return hand_over([command, *rest])
    except KeyboardInterrupt:
        return fail("stopped; run the same command again to go on", 130)
    except Trouble as trouble:
        return fail(trouble)
    except PermissionError as error:
        return fail(f"no permission to write {error.filename}; put the course in a folder of your own")
    except OSError as error:
        return fail(disk_full() if error.errno == errno.ENOSPC else error)


def fail(message, code: int = 1) -> int:
    print("course.py: " + " ".join(str(message).split()), file=sys.stderr)
    return code


def parse(argv: list) -> tuple:
    """Return the command, the build asked for (or None), and the arguments that belong to the course."""
    if not argv or "-h" in argv or "--help" in argv:
        return "help", None, []
    builds = [word[2:] for word in argv if word in ("--cpu", "--gpu")]
    command, *rest = [word for word in argv if word not in ("--cpu", "--gpu")] or [""]
    if command not in ("lab", "test"):
        raise Trouble(f"unknown command {command!r}; use lab or test (--help explains both)")
    if len(set(builds)) > 1:
        raise Trouble("--cpu and --gpu exclude each other; choose one")
    return command, builds[0] if builds else None, rest


# Is there anything to install?


def set_up(build, tests: bool) -> None:
    """Make .venv hold what is wanted; where it already does, do nothing at all."""
    if not ready(build, tests):
        with alone():
            if not ready(build, tests):  # another run may have finished it meanwhile
                install(build, tests)


def ready(build, tests: bool) -> bool:
    stamp = read_stamp()
    return bool(stamp) and stamp == wanted(build, tests, stamp) and runs()


def read_stamp() -> dict:
    """Return what the last finished installation left, or nothing."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def wanted(build, tests: bool, stamp: dict) -> dict:
    """Return the stamp that this run needs; what an earlier run chose or added stays."""
    missing = [name for name in INPUTS if not (HERE / name).is_file()]
    if missing:
        raise Trouble(f"{missing[0]} is missing beside course.py; restore it from the repository")
    inputs = [(HERE / name).read_bytes() for name in INPUTS]
    return {
        "python": platform.python_version(),
        "checkout": str(HERE),
        "torch": re.search(rb"^torch==([\w.]+)", inputs[1], re.MULTILINE).group(1).decode(),
        "build": build or stamp.get("build") or ("gpu" if gpu_listed() else "cpu"),
        "inputs": hashlib.sha256(b"\0".join(inputs)).hexdigest(),
        "tests": tests or stamp.get("tests") is True,
    }


def gpu_listed() -> bool:
    try:
        found = subprocess.run(["nvidia-smi", "-L"], capture_output=True, stdin=DEVNULL, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return found.returncode == 0 and b"GPU" in found.stdout


def python() -> Path:
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def runs() -> bool:
    """True if the environment's Python starts and finds the course."""
    command = [python(), "-P", "-c", "import glassbox"]
    try:
        return subprocess.call(command, env=clean(), stdin=DEVNULL, stderr=DEVNULL) == 0
    except OSError:
        return False


def clean() -> dict:
    """Return the environment variables without those that lead Python or pip out of .venv."""
    return {name: value for name, value in os.environ.items() if name not in MISLEADING}


# Installing


@contextlib.contextmanager
def alone():
    """Let one installation run at a time. The system frees the lock when its holders end: none goes stale."""
    if python().exists() and not LOCK.exists():
        raise Trouble("the folder .venv was not made by this command; rename or remove it, then run again")
    VENV.mkdir(exist_ok=True)
    with LOCK.open("a+b") as lock:
        os.set_inheritable(lock.fileno(), True)  # a pip that outlives this process still holds it
        if not take(lock):
            print("Another run is installing the course; waiting for it to finish.", flush=True)
            while not take(lock):
                time.sleep(0.5)
        yield


def take(lock) -> bool:
    """Try to lock; True also on a file system that has no locks."""
    try:
        if os.name == "nt":
            import msvcrt

            lock.seek(0)
            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
    return True


def install(build, tests: bool) -> None:
    """Install what is missing and stamp it; start afresh where more than the list of packages changed."""
    old = read_stamp()
    new = wanted(build, tests, old)
    afresh = not runs() or any(old.get(key) != new[key] for key in BASE)
    parts = ["course"] * afresh + ["tests"] * (new["tests"] and (afresh or not old.get("tests")))
    check_disk([new["build"]] * afresh + parts)
    STAMP.unlink(missing_ok=True)
    LOG.write_text("", encoding="utf-8")
    if afresh:
        print("Installing the course in .venv. This happens once and takes some minutes.", flush=True)
        make_venv()
        print(f"PyTorch, {new['build'].upper()} build: {size([new['build']])} to download.", flush=True)
        install_torch(new["torch"], new["build"])
    print(f"The course and what it needs: {size(parts)} to download.", flush=True)
    pip("-c", "constraints.txt", "-e", ".[test]" if new["tests"] else ".")
    STAMP.write_text(json.dumps(new, indent=1), encoding="utf-8")


def size(parts: list) -> str:
    amount = sum(DOWNLOAD[part] for part in parts)
    return f"about {amount:.1f} GB" if amount >= 1 else f"about {max(amount, 0.01) * 1000:.0f} MB"


def check_disk(parts: list) -> None:
    """Refuse to begin what would fill a disk. Downloads are unpacked in the temporary folder."""
    download, disk = (sum(table[part] for part in parts) for table in (DOWNLOAD, DISK))
    temporary = Path(tempfile.gettempdir())
    shared = temporary.stat().st_dev == HERE.stat().st_dev
    for place, need in ((HERE, disk + download * shared), (temporary, download)):
        free = shutil.disk_usage(place).free / 1e9
        if free < need:
            raise Trouble(f"{place} has {free:.1f} GB free, needs {need:.1f} GB; make room, then run again")


def disk_full() -> str:
    return f"no space left in {HERE} or {tempfile.gettempdir()}; make room, then run the same command again"


def make_venv() -> None:
    """Empty .venv, all but lock and log, and make a virtual environment in it."""
    if not all(importlib.util.find_spec(module) for module in ("venv", "ensurepip")):
        raise Trouble("this Python lacks venv; on Debian or Ubuntu: sudo apt install python3-venv")
    for path in VENV.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path not in (LOCK, LOG):
            path.unlink()
    # The Python that runs this may be that of .venv itself; the base one is not removed.
    step(getattr(sys, "_base_executable", None) or sys.executable, "-m", "venv", VENV)


def install_torch(version: str, build: str) -> None:
    """Install the chosen build. By default Linux gets CUDA; Windows and macOS do not."""
    if build == "cpu" and sys.platform == "linux":
        with contextlib.suppress(NotThere):
            return pip("--no-deps", f"torch=={version}+cpu")
        return uv("cpu", version, "--gpu takes the default build (about 3 GB)")
    if build == "gpu" and os.name == "nt":
        return uv("auto", version, "--cpu does without the GPU")
    return pip("-c", "constraints.txt", f"torch=={version}")


def uv(backend: str, version: str, otherwise: str) -> None:
    """Let uv fetch torch: it knows by itself where each build of PyTorch is kept."""
    try:
        pip("uv")
        options = ("--python", python(), "--no-deps", "--torch-backend", backend)
        step(python(), "-m", "uv", "pip", "install", *options, f"torch=={version}")
    except Trouble as trouble:
        raise Trouble(f"{trouble}; or: {otherwise}") from trouble


def pip(*wanted: str) -> None:
    options = ("--disable-pip-version-check", "--no-input", "--progress-bar", "off")
    step(python(), "-m", "pip", "install", *options, *wanted)


def step(*command) -> None:
    """Run one command with its output in the log; say in one line why it failed."""
    utf8 = dict(clean(), PYTHONUTF8="1")
    with LOG.open("ab") as log:
        start, ends = log.tell(), {"stdin": DEVNULL, "stdout": log, "stderr": log}
        status = subprocess.call(command, cwd=HERE, env=utf8, close_fds=False, **ends)
    if status:
        raise explain(LOG.read_bytes()[start:].decode("utf-8", "replace"))


def explain(output: str) -> Trouble:
    """Return the trouble that the output of a failed command tells of."""
    kind = NotThere if "No matching distribution found for torch" in output else Trouble
    if FULL.search(output):
        return Trouble(disk_full())
    if OFFLINE.search(output):
        return kind("no answer from the network; connect (or tell pip your proxy), then run again")
    if kind is NotThere:
        return kind("this machine has no such PyTorch: it needs Linux, Windows or macOS 14 (Apple silicon)")
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["it said nothing"]
    last = [line for line in lines if line.lower().startswith("error")] or lines
    return Trouble(f"{last[-1]} (all of it: .venv/{LOG.name}); mend that, then run the same command again")


def hand_over(arguments: list) -> int:
    """Become the installed course; on Windows, where a process cannot, wait for it."""
    command = [str(python()), "-P", "-m", "glassbox", *arguments]
    if os.name != "nt":
        os.execve(command[0], command, clean())
    child = subprocess.Popen(command, env=clean())
    while True:
        with contextlib.suppress(KeyboardInterrupt):  # it reaches the child too, which ends in its own way
            return child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
