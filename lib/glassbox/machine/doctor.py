"""What this machine is and what runs on it, with one line of advice for each problem."""

import platform
import re
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import psutil

from glassbox.machine.gpu import find_gpu, gpu_rows, output, torch_cuda
from glassbox.machine.rows import Report, Row
from glassbox.machine.versions import PACKAGES, drift_row, installed, package_rows, python_row, read_pins
from glassbox.paths import root

LEAST_DISK = 2 * 10**9


def report() -> Report:
    """Return what `doctor` finds, ready to show in a notebook."""
    return Report(tuple(doctor()))


def doctor() -> list[Row]:
    """Return versions, hardware, the ways to run and to inspect a kernel, and advice on each problem.

    Convention: no row holds a path or the name of the machine.
    """
    return [
        python_row(tuple(sys.version_info[:3])),
        Row("system", f"{platform.system()} {platform.machine()}"),
        *package_rows(installed(PACKAGES)),
        Row("processor", f"{processor_name()}, {cores()}"),
        memory_row(),
        disk_row(shutil.disk_usage(_checkout() or Path.home()).free),
        *gpu_rows(find_gpu(), torch_cuda()),
        *backends(),
        *constraints_rows(_checkout()),
    ]


def processor_name() -> str:
    """Return the maker's name of the processor, or its architecture."""
    if Path("/proc/cpuinfo").is_file():
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    else:
        found = re.search("(.+)", output("sysctl", "-n", "machdep.cpu.brand_string"))
    return found[1].strip() if found else platform.processor() or platform.machine()


def cores() -> str:
    """Return the number of cores, and of threads where it differs."""
    real, logical = psutil.cpu_count(logical=False), psutil.cpu_count()
    return f"{real or logical} cores" + (f", {logical} threads" if real not in (None, logical) else "")


def memory_row() -> Row:
    """Return the row on main memory."""
    memory = psutil.virtual_memory()
    return Row("memory", f"{memory.total / 1e9:.0f} GB, {memory.available / 1e9:.0f} GB free")


def disk_row(free: int) -> Row:
    """Return the row on free disk space, in bytes."""
    advice = "make room: the course needs 2 GB" if free < LEAST_DISK else ""
    return Row("free disk", f"{free / 1e9:.1f} GB", advice)


def constraints_rows(checkout: Path | None) -> list[Row]:
    """Return the row on versions that differ from constraints.txt, if that file is here."""
    if checkout is None or not (checkout / "constraints.txt").is_file():
        return []
    pins = read_pins((checkout / "constraints.txt").read_text(encoding="utf-8"))
    return [drift_row(installed(pins), pins)]


def _checkout() -> Path | None:
    try:
        return root()
    except FileNotFoundError:
        return None


def backends() -> list[Row]:
    """Return, for each way to run a kernel and for its inspection, that it is there or why not."""
    why_not = {
        "backend reference": _lacks_torch(),
        "backend simulated": _lacks_torch(),
        "backend interpreted": _lacks_triton(),
        "backend compiled": _lacks_triton() or _lacks_gpu(),
        "inspect (ahead of time)": _lacks_triton(),
    }
    return [Row(name, f"no: {lack}" if lack else "yes") for name, lack in why_not.items()]


def _lacks_torch() -> str:
    return "torch does not start" if torch_cuda() is None else ""


def _lacks_triton() -> str:
    return "" if find_spec("triton") else "needs Triton, which is for Linux"


def _lacks_gpu() -> str:
    if not torch_cuda():
        return "needs an NVIDIA GPU and the build of torch for it"
    import torch

    return "" if torch.cuda.is_available() else "the driver offers torch no GPU"
