"""A JupyterLab of its own: free port, empty settings, a copy of the notebooks, nothing of the user's."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

TOKEN = "journey"
SECONDS_TO_START = 120
SETTINGS = {
    "apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "notebook-extension/tracker": {"windowingMode": "none"},  # else cells out of sight are not in the page
}
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "OMP_NUM_THREADS": "1"}


class Lab(NamedTuple):
    """A running server, the folder it shows and the file it writes its log to."""

    address: str
    folder: Path
    log: Path

    def at(self, notebook: str) -> str:
        """Return the address of a notebook, opened in a workspace without memory."""
        return f"{self.address}/lab/tree/{notebook}?token={TOKEN}&reset"


@contextmanager
def running_lab(notebooks: Path, place: Path) -> Iterator[Lab]:
    """Serve a copy of the folder `notebooks`, made in the empty folder `place`, until the block ends."""
    folder = place / "notebooks"
    shutil.copytree(notebooks, folder)
    _write_settings(place / "settings")
    lab = Lab(f"http://127.0.0.1:{_free_port()}", folder, place / "log.txt")
    with lab.log.open("w", encoding="utf-8") as log:
        server = subprocess.Popen(_command(lab), env=_environment(place), stdout=log, stderr=log, cwd=folder)
    try:
        _wait_until_up(lab, server)
        yield lab
    finally:
        _stop(lab, server)


def _command(lab: Lab) -> list[str]:
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": lab.address.rsplit(":", 1)[1],
        "ServerApp.port_retries": "0",
        "ServerApp.root_dir": str(lab.folder),
        "ServerApp.allow_root": "True",
        "IdentityProvider.token": TOKEN,
        "LabApp.extension_manager": "readonly",
        "LabApp.news_url": "None",
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    given = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "jupyterlab", "--no-browser", *given]


def _environment(place: Path) -> dict[str, str]:
    """Keep the user's own settings, kernels and history out; the kernel of this Python is always found."""
    own = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    folders = {name: str(place / folder) for name, folder in own.items()}
    return {**os.environ, **OFFLINE, **folders, "JUPYTER_PREFER_ENV_PATH": "1"}


def _write_settings(folder: Path) -> None:
    for name, settings in SETTINGS.items():
        path = folder / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(settings), encoding="utf-8")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_up(lab: Lab, server: subprocess.Popen) -> None:
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{lab.address}/api/status?token={TOKEN}", timeout=5):
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start:\n{lab.log.read_text(encoding='utf-8')[-3000:]}")


def _stop(lab: Lab, server: subprocess.Popen) -> None:
    """Ask the server to stop, which ends its kernels too."""
    request = urllib.request.Request(f"{lab.address}/api/shutdown?token={TOKEN}", method="POST")
    try:
        urllib.request.urlopen(request, timeout=10).close()
        server.wait(30)
    except (OSError, subprocess.TimeoutExpired):
        server.terminate()
        server.wait(30)
