"""What inspection says when a kernel does not compile, crashes the compiler, or takes too long."""

import re
import sys
from pathlib import Path

import aot_kernels as kernels
import pytest
from aot import needs_triton
from glassbox.machine import inspect
from glassbox.machine.inspecting import CompilationError, compilation, inspect_many, workers

ON_PURPOSE = """
import os, sys, time
from pathlib import Path
path = Path({path!r})
world = {{"__name__": "worker", "__file__": str(path)}}
exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), world)
plain = world["answer"]
def answer(line):
    if "crashes_the_compiler" in line:
        print("x.cpp:7: void f(): Assertion `rank == 2' failed.", file=sys.stderr, flush=True)
        os.abort()
    if "takes_long" in line:
        time.sleep(60)
    return plain(line)
world["answer"] = answer
world["main"]()
"""


@pytest.mark.parametrize("kernel", [kernels.refused, kernels.calls_refused])
@needs_triton
def test_a_refused_kernel_names_the_line_and_the_reason(kernel):
    with pytest.raises(CompilationError) as caught:
        inspect(kernel, kernels.meta(64), 64)
    first, second = str(caught.value).splitlines()
    assert first.startswith(f"{kernel.fn.__name__} does not compile for sm_90: Boolean value of Tensor")
    number = [line.strip() for line in Path(kernels.__file__).read_text(encoding="utf-8").splitlines()]
    assert second == f"  aot_kernels.py, line {number.index('if x > 0:') + 1}: if x > 0:"


@needs_triton
def test_an_error_of_the_assembler_is_one_line():
    with pytest.raises(CompilationError) as caught:
        inspect(kernels.bad_assembly, kernels.meta(1))
    assert re.search(r"bad_assembly does not compile for sm_90: .*(no|such|Parsing|error)", str(caught.value))
    assert "/" not in str(caught.value) and len(str(caught.value)) < 200


@needs_triton
def test_what_a_kernel_prints_while_it_compiles_disturbs_nothing():
    assert inspect(kernels.chatters, kernels.meta(1)).kernel == "chatters"


@pytest.fixture
def dying(tmp_path, monkeypatch):
    """Workers that abort or sleep at kernels of certain names, and no worker left from before."""
    script = tmp_path / "dying.py"
    script.write_text(ON_PURPOSE.format(path=str(workers._WORKER)), encoding="utf-8")
    monkeypatch.setattr(workers, "_WORKER", script)
    monkeypatch.setattr(workers, "_idle", [])
    yield workers._idle
    for worker in workers._idle:
        worker.end()


def renamed(name):
    """Return a launch of a kernel of that name."""
    return kernels.call(getattr(kernels, name), kernels.meta(1))


@needs_triton
def test_a_crash_of_the_compiler_is_one_error_and_the_rest_go_on(dying):
    calls = [renamed("crashes_the_compiler"), kernels.call(kernels.chatters, kernels.meta(2))]
    crashed, fine = inspect_many(calls, "sm_80")
    assert isinstance(crashed, CompilationError) and fine.kernel == "chatters"
    assert str(crashed) == (
        "crashes_the_compiler does not compile for sm_80: the compiler crashed (SIGABRT): assertion rank == 2"
    )
    assert dying and all(worker.alive for worker in dying)


@needs_triton
def test_a_kernel_that_takes_too_long_is_stopped_and_the_next_one_compiles(dying):
    (late,) = inspect_many([renamed("takes_long")], seconds=1)
    assert str(late) == "takes_long does not compile for sm_90: stopped after 1 seconds"
    assert dying == []
    assert inspect_many([renamed("chatters")], "sm_80")[0].kernel == "chatters"


def test_of_a_dump_one_line_is_kept():
    request = {
        "arch": 90,
        "kernel": 0,
        "functions": [{"name": "k", "file": "/a/b/k.py", "line": 3, "source": "def k(x):\n    x = 1 @ x\n"}],
    }
    log = '/a/b/k.py:4:8: error: operand #0 must be a tensor\nmodule {\n  tt.func @k() { "..." }\n}\n'
    failed = {"error": "PassManager::run failed", "place": None, "log": log}
    said = compilation.message(request, failed)
    assert said == "k does not compile for sm_90: operand #0 must be a tensor\n  k.py, line 4: x = 1 @ x"
    assert compilation.message(request, failed | {"log": ""}).endswith(": PassManager::run failed")
    assert compilation.message(request, failed | {"log": "", "error": "KeyError('no x')"}).endswith(": no x")


@needs_triton
@pytest.mark.parametrize("arch", ["sm_70", "sm_91", "90", 90, None])
def test_an_unknown_architecture_is_refused(arch):
    with pytest.raises(ValueError, match="arch: expected one of 'sm_80'"):
        inspect(kernels.adding(), arch=arch)


@needs_triton
def test_arguments_that_do_not_fit_are_refused():
    x = kernels.meta(64)
    with pytest.raises(TypeError, match=r"add\(.*BLOCK.*\): missing a required argument: 'BLOCK'"):
        inspect(kernels.add, x, x, x, 64)
    with pytest.raises(TypeError, match="got an unexpected keyword argument 'num_warp'"):
        inspect(kernels.add, x, x, x, 64, BLOCK=64, num_warp=4)
    with pytest.raises(TypeError, match=r"n: expected a tensor, number, .*; came \[64\] \(list\)"):
        inspect(kernels.add, x, x, x, [64], BLOCK=64)
    with pytest.raises(TypeError, match=r"kernel: expected a @triton\.jit function"):
        inspect(len, x)


def test_without_triton_there_is_advice(monkeypatch):
    monkeypatch.setattr(compilation, "find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match=r"for Linux \(no GPU needed\): pip install triton.*recorded"):
        inspect(kernels.adding())


def test_this_process_never_imports_the_worker():
    assert "glassbox.machine.inspecting.worker" not in sys.modules
