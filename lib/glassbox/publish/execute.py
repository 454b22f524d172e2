"""Run a notebook from top to bottom in a fresh kernel."""

import os
import re
import subprocess
import tempfile
from pathlib import Path

import ipykernel.kernelspec
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from traitlets import default

from glassbox.publish.problem import Problem, Refused

CELL_TIMEOUT = 120  # seconds
ENVIRONMENT = {
    "GLASSBOX_BUILD": "1",
    "GLASSBOX_BATCH": "1",
    "OMP_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # else the debugger warns on stderr
}
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class _ThisPython(KernelSpecManager):
    """Finds one kernel: this interpreter. A kernel of the same name elsewhere may lack the package."""

    def get_kernel_spec(self, kernel_name):
        """Return the specification of this interpreter's kernel."""
        spec = ipykernel.kernelspec.get_kernel_dict()
        return self.kernel_spec_class(resource_dir=ipykernel.kernelspec.RESOURCES, **spec)


class _ThisKernel(AsyncKernelManager):
    @default("kernel_spec_manager")
    def _kernel_spec_manager_default(self):
        return _ThisPython(parent=self)


def execute(path: Path, notebook: NotebookNode, timeout: int = CELL_TIMEOUT) -> NotebookNode:
    """Fill the outputs of `notebook` in place, with the notebook's folder as working folder.

    Raises: Refused, naming the cell that failed, took longer than `timeout` seconds, or ended the kernel.
    """
    client = NotebookClient(notebook, kernel_name="python3", timeout=timeout, record_timing=False)
    client.kernel_manager_class = _ThisKernel
    client.resources["metadata"] = {"path": str(path.parent.resolve())}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as empty_profile:
        try:
            environment = {**os.environ, **ENVIRONMENT, "IPYTHONDIR": empty_profile}
            client.execute(
                env=environment, stderr=subprocess.DEVNULL
            )  # the kernel's own remarks, not the cells'
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            raise Refused([_failure(path.name, notebook, error, timeout)]) from error
    return notebook


def _failure(name: str, notebook: NotebookNode, error: Exception, timeout: int) -> Problem:
    """Blame the last cell that was started."""
    code = [(at, cell) for at, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    at, cell = ([pair for pair in code if pair[1].execution_count is not None] or code[:1])[-1]
    return Problem(name, "runs without error", _reason(error, timeout), cell.get("id", ""), at + 1)


def _reason(error: Exception, timeout: int) -> str:
    if isinstance(error, CellExecutionError):
        return ANSI.sub("", f"{error.ename}: {error.evalue}")
    return f"took longer than {timeout} s" if isinstance(error, CellTimeoutError) else "ended the kernel"
