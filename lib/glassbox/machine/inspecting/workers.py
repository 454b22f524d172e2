"""Processes that compile: started when first asked, shared by every inspection, ended with Python."""

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from threading import Lock, Timer

_WORKER = Path(__file__).with_name("worker.py")


class Worker:
    """One compiling process. It compiles one kernel at a time and may die of it."""

    def __init__(self):
        descriptor, name = tempfile.mkstemp(suffix=".log", dir=_session().name)
        self._log = Path(name)
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(_WORKER)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=descriptor,
            env=environment(), encoding="utf-8",
        )  # fmt: skip
        os.close(descriptor)
        atexit.register(self.end)

    def ask(self, request: str, seconds: float) -> dict:
        """Return the answer to a request and what was logged meanwhile; dying is an answer too."""
        before = self._log.stat().st_size
        timer = Timer(seconds, self._process.kill)
        timer.start()
        try:
            self._process.stdin.write(request + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError:
            line = ""
        in_time = timer.is_alive()
        timer.cancel()
        answer = json.loads(line) if line else {"error": self._death(in_time, seconds), "place": None}
        return answer | {"log": self._log.read_bytes()[before:].decode(errors="replace")}

    def _death(self, in_time: bool, seconds: float) -> str:
        code = self._process.wait()
        if not in_time:
            return f"stopped after {seconds:g} seconds"
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"the compiler crashed ({name})"

    @property
    def alive(self) -> bool:
        """Tell whether the process can be asked again."""
        return self._process.poll() is None

    def end(self) -> None:
        """End the process."""
        atexit.unregister(self.end)
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()


_idle: list[Worker] = []
_one_start = Lock()  # threads share one session folder


def ask(request: str, seconds: float) -> dict:
    """Let an idle worker, or a new one, answer a request."""
    try:
        worker = _idle.pop()
    except IndexError:
        with _one_start:
            worker = Worker()
    answer = worker.ask(request, seconds)
    if worker.alive:
        _idle.append(worker)
    else:
        worker.end()
    return answer


@cache
def _session() -> tempfile.TemporaryDirectory:
    """Return this session's folder: Triton's cache and the workers' logs."""
    return tempfile.TemporaryDirectory(prefix="glassbox-inspect-", ignore_cleanup_errors=True)


def environment() -> dict[str, str]:
    """Return the environment of a worker: of Triton's switches only the paths of its tools and its cache.

    Convention: without TRITON_CACHE_DIR the cache lasts as long as this session; the home folder is not used.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TRITON_") or k.endswith("_PATH")}
    return kept | {
        "TRITON_CACHE_DIR": os.environ.get("TRITON_CACHE_DIR") or str(Path(_session().name, "cache")),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
