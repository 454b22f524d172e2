"""The GPU, its driver, and the build of torch that goes with them."""

import re
import subprocess
from dataclasses import dataclass

from glassbox.machine.rows import Row
from glassbox.machine.versions import numbers


@dataclass(frozen=True)
class Gpu:
    """An NVIDIA GPU: its name, its driver, and the newest CUDA that the driver runs ('' if unknown)."""

    name: str
    driver: str
    cuda: str


def output(*command: str) -> str:
    """Return what a command prints, '' if it is not there or fails."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=20, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""


def find_gpu() -> Gpu | None:
    """Return the first NVIDIA GPU that the driver lists."""
    listed = output("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader").strip()
    name, comma, driver = listed.partition("\n")[0].rpartition(",")
    if not comma:
        return None
    cuda = re.search(r"CUDA[\w ]*Version\s*:\s*([\d.]+)", output("nvidia-smi"))
    return Gpu(name.strip(), driver.strip(), cuda[1] if cuda else "")


def torch_cuda() -> str | None:
    """Return the CUDA version of the installed torch, '' for a build without, None if it does not start."""
    try:
        import torch
    except Exception:  # a damaged torch raises anything, down to the loader's own errors
        return None
    return torch.version.cuda or ""


def gpu_rows(gpu: Gpu | None, built_for: str | None) -> list[Row]:
    """Return the rows on GPU, driver and the build of torch."""
    found = f"{gpu.name}, driver {gpu.driver}, CUDA up to {gpu.cuda or '?'}" if gpu else "no NVIDIA GPU"
    build = {None: "does not start", "": "for the processor"}.get(built_for, f"for CUDA {built_for}")
    return [Row("GPU", found), Row("torch build", build, torch_advice(gpu, built_for))]


def torch_advice(gpu: Gpu | None, built_for: str | None) -> str:
    """Return what to do where torch and the GPU do not go together.

    Convention: a driver runs every CUDA of its own major version or an older one.
    """
    if built_for is None:
        return "torch is damaged: remove the folder .venv, then run python course.py lab"
    if gpu and not built_for:
        return "to use the GPU: python course.py lab --gpu"
    if gpu and gpu.cuda and numbers(built_for)[0] > numbers(gpu.cuda)[0]:
        return f"update the NVIDIA driver to one for CUDA {built_for}, or: python course.py lab --cpu"
    return ""
