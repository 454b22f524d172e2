"""A launch travels to the compiling process as data and is specialised there as Triton would here."""

import functools
import json
import linecache
import os
import runpy
import subprocess
import sys
from pathlib import Path

import aot_kernels as kernels
import pytest
import torch
from aot import needs_triton
from glassbox.machine import TensorDescriptor, inspect, tl, triton
from glassbox.machine.inspecting import compilation, workers
from glassbox.machine.inspecting.shipping import is_aligned, request_of

pytestmark = needs_triton
HERE = Path(__file__).parent
WORKER = HERE.parents[1] / "lib" / "glassbox" / "machine" / "inspecting" / "worker.py"


@triton.jit(do_not_specialize=["c"], do_not_specialize_on_alignment=["a"])
def three(a, b, c, D: tl.constexpr, e=0.5):
    pass


MATRIX = torch.zeros(64, 64, dtype=torch.bfloat16)
ARGUMENTS = [
    *(torch.zeros(64, dtype=dtype) for dtype in (torch.float32, torch.float16, torch.int8, torch.bool)),
    torch.zeros(64, dtype=torch.float8_e4m3fn),
    torch.zeros(64)[1:],
    torch.zeros(64)[4:],
    None,
    *(0, 1, 2, 16, 17, -16, 2**31 - 1, 2**31, 2**32, -(2**31), 2**63, 2**64 - 16),
    *(True, False, 0.0, 1.0, 1.5, float("inf")),
    (1, 16, torch.zeros(4), None),
    TensorDescriptor.from_tensor(MATRIX, [16, 32]),
    kernels.double,
    tl.constexpr(3),
]
CONSTANTS = [7, "ieee", None, 1.5, tl.float32, tl.constexpr(3), kernels.double, (2, 3)]


def signature(worker, kernel, arguments, options):
    """Return what Triton would compile for these arguments: types, constants, attributes, options."""
    from triton.backends.compiler import GPUTarget

    source, chosen = worker["specialised"](kernel, arguments, options, GPUTarget("cuda", 90, 32))
    constants = {at: getattr(value, "__name__", repr(value)) for at, value in source.constants.items()}
    return source.signature, constants, source.attrs, chosen


@pytest.mark.parametrize(
    "arguments",
    [*((value, value, value, 5) for value in ARGUMENTS), *((1.5, 3, 3, value, 2.5) for value in CONSTANTS)],
    ids=lambda given: f"{type(given[0]).__name__} {given[0]} {given[3]}"[:40],
)
def test_each_argument_is_specialised_as_by_triton_itself(arguments, monkeypatch):
    monkeypatch.setattr(linecache, "cache", {})  # the worker puts the travelled source there
    worker = runpy.run_path(str(WORKER))
    options = {"num_warps": 8, "maxnreg": 96}
    request = json.loads(json.dumps(request_of(kernels.call(three, *arguments, **options), "sm_90")))
    crate = worker["Crate"](request["functions"])
    travelled = [crate.value(one) for one in request["arguments"]]
    here = signature(worker, three, (*arguments, 0.5)[:5], options)
    there = signature(worker, crate.function(request["kernel"]), travelled, request["options"])
    assert there == here


def test_only_the_offset_into_its_storage_counts_for_a_tensor_that_is_not_on_a_gpu():
    for device in ("cpu", "meta"):
        x = torch.empty(64, dtype=torch.bfloat16, device=device)
        assert [is_aligned(x[at:]) for at in (0, 1, 4, 8, 12, 16)] == [True, False, False, True, False, True]
        assert is_aligned(x.view(8, 8)[1]) and is_aligned(x.view(8, 8).T)


def test_a_check_of_annotations_around_a_kernel_is_left_behind():
    plain = kernels.add.fn
    wrapped = functools.wraps(plain)(lambda *args: plain(*args))
    x = kernels.meta(4096)
    assert inspect(triton.jit(wrapped), x, x, x, 4096, BLOCK=1024) == inspect(kernels.adding())


NOTEBOOK = '''
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
cells = """
import torch
from glassbox.machine import inspect, tl, triton
SCALE = tl.constexpr(4.5)
---
@triton.jit
def scaled(x):
    return x * SCALE
---
@triton.jit
def mine(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y_ptr + i, scaled(tl.load(x_ptr + i, mask=i < n)), mask=i < n)
---
x = torch.zeros(4096)
found = inspect(mine, x, torch.empty_like(x), x.numel(), BLOCK=1024)
print(type(mine).__name__, found.kernel, found.vector_loads, "4.5" in found.sass)
---
@triton.jit
def mine(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    if tl.load(x_ptr + tl.arange(0, BLOCK)) > 0:
        tl.store(y_ptr, scaled(1.0))
---
try:
    inspect(mine, x, x, 4096, BLOCK=1024)
except RuntimeError as error:
    print(str(error).splitlines()[-1].partition(", ")[2])
"""
for cell in cells.split("---\\n"):
    shell.run_cell(cell).raise_error()
'''


def test_a_notebook_can_inspect_its_own_kernel_even_under_the_interpreter_and_without_a_home():
    lost = {"TRITON_INTERPRET": "1", "HOME": "/nowhere/at/all", "IPYTHONDIR": os.devnull}
    done = subprocess.run(
        [sys.executable, "-c", NOTEBOOK], env=os.environ | lost, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    first, second = done.stdout.strip().splitlines()[-2:]
    assert first == "InterpretedFunction mine 2 True"
    assert second == "line 3: if tl.load(x_ptr + tl.arange(0, BLOCK)) > 0:"


def test_the_compiling_process_sees_none_of_tritons_switches(monkeypatch):
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    monkeypatch.setenv("TRITON_ALWAYS_COMPILE", "1")
    monkeypatch.setenv("TRITON_PTXAS_PATH", "somewhere")
    monkeypatch.delenv("TRITON_CACHE_DIR", raising=False)
    seen = workers.environment()
    assert "TRITON_INTERPRET" not in seen and "TRITON_ALWAYS_COMPILE" not in seen
    assert seen["TRITON_PTXAS_PATH"] == "somewhere"
    assert Path(seen["TRITON_CACHE_DIR"]).parent.is_dir() and str(Path.home()) not in seen["TRITON_CACHE_DIR"]
    monkeypatch.setenv("TRITON_CACHE_DIR", "kept")
    assert workers.environment()["TRITON_CACHE_DIR"] == "kept"


def test_a_cache_that_is_kept_spares_the_next_session_the_work(tmp_path, monkeypatch):
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    call, found = kernels.call(kernels.chatters, kernels.meta(3)), []
    for _ in range(2):
        monkeypatch.setattr(workers, "_idle", [])
        monkeypatch.setattr(compilation, "_known", {})
        found.append(inspect(call, arch="sm_86"))
        workers._idle[0].end()
        (kept,) = (tmp_path / "disassembled").iterdir()
        usage, listing = json.loads(kept.read_text(encoding="utf-8"))
        kept.write_text(json.dumps([usage.replace("STACK:0", "STACK:24"), listing]), encoding="utf-8")
    assert found[0].stack_bytes == 0 and found[1].stack_bytes == 24
    assert found[0].sass == found[1].sass
