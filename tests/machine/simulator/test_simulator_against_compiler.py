"""What the simulator refuses, Triton's compiler refuses; and both give every operation the same type.

Kernels are compiled ahead of time, which needs no GPU.
"""

from importlib.util import find_spec

import pytest
import test_simulator_arguments as arguments
import test_simulator_memory as memory
import test_simulator_mistakes as mistakes
import test_simulator_races as races
import torch
from glassbox.machine import launch, tl, triton
from glassbox.machine.simulator import SimulationError

pytestmark = pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed (Linux only)")

REFUSED = [
    (mistakes.leaves_early, ("*fp32", "i32"), {}),
    (mistakes.returns_from_a_loop, ("*fp32", "i32"), {}),
    (mistakes.chains, ("*fp32", "i32"), {}),
    (mistakes.if_on_a_block, ("*fp32",), {"BLOCK": 4}),
    (mistakes.not_a_power_of_two, ("*fp32",), {}),
    (mistakes.shapes_do_not_fit, ("*fp32",), {}),
    (mistakes.size_is_no_constant, ("*fp32", "i32"), {}),
    (mistakes.types_do_not_fit, ("*fp32",), {}),
    (mistakes.exponent_of_a_half, ("*fp32",), {}),
    (mistakes.loop_changes_the_type, ("*fp32", "i32"), {}),
    (mistakes.misspelt, ("*fp32",), {}),
    (arguments.uses_a_variable, ("*fp32",), {}),
]
ACCEPTED = [
    (memory.forgot_the_mask, ("*fp32", "*fp32", "i32"), {"BLOCK": 64}),
    (memory.sums_undefined_lanes, ("*fp32", "*fp32", "i32"), {"BLOCK": 16}),
    (mistakes.returns_from_an_unrolled_loop, ("*fp32", "i32"), {}),
    (races.add_under_a_lock, ("*fp32", "*fp32", "*i32"), {"BLOCK": 8}),
    (arguments.uses_globals, ("*fp32", "*fp32"), {"factor": 2.0}),
]


def compile_ahead(kernel, types: tuple, constants: dict):
    """Compile a kernel to PTX for sm_80."""
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    names = [name for name in kernel.arg_names if name not in constants]
    signature = dict(zip(names, types, strict=True)) | dict.fromkeys(constants, "constexpr")
    source = ASTSource(kernel, signature=signature, constexprs=constants)
    return triton.compile(source, target=GPUTarget("cuda", 80, 32))


@pytest.mark.parametrize("kernel, types, constants", REFUSED, ids=lambda v: getattr(v, "__name__", ""))
def test_what_the_simulator_refuses_does_not_compile(kernel, types, constants, capfd):
    values = [torch.zeros(64) if kind[0] == "*" else 4 for kind in types]
    with pytest.raises(SimulationError):
        launch(kernel, (1,), *values, **constants)
    with pytest.raises(Exception, match=r"(?s).+"):
        compile_ahead(kernel, types, constants)


@pytest.mark.parametrize("kernel, types, constants", ACCEPTED, ids=lambda v: getattr(v, "__name__", ""))
def test_other_mistakes_do_compile_so_only_running_shows_them(kernel, types, constants):
    assert "ptx" in compile_ahead(kernel, types, constants).asm


@triton.jit
def types_of_everything(x_ptr, n):
    one = tl.load(x_ptr).to(tl.float16)
    block = tl.load(x_ptr + tl.arange(0, 8)).to(tl.bfloat16)
    half = tl.load(x_ptr + tl.arange(0, 8)).to(tl.float16)
    assigned = 2.0
    constant: tl.constexpr = 2.0
    tl.static_assert((one * assigned).dtype == tl.float32)
    tl.static_assert((one * constant).dtype == tl.float16)
    tl.static_assert((one * 2.0).dtype == tl.float16)
    tl.static_assert((one / 2).dtype == tl.float32)
    tl.static_assert((block + n).dtype == tl.float32)
    tl.static_assert((half + n).dtype == tl.float16)
    tl.static_assert((half + block).dtype == tl.float16)
    tl.static_assert((n / n).dtype == tl.float32)
    tl.static_assert((n.to(tl.int64) + 5000000000).dtype == tl.int64)
    tl.static_assert((n * tl.program_id(0)).dtype == tl.int32)
    tl.static_assert(tl.maximum(one, 0.0).dtype == tl.float32)
    tl.static_assert(tl.where(block > 0, block, 0.0).dtype == tl.bfloat16)
    tl.static_assert(tl.where(block > 0, 1.0, 0.0).dtype == tl.float32)
    tl.static_assert(tl.sum(block, 0).dtype == tl.bfloat16)
    tl.static_assert(tl.sum(half, 0).dtype == tl.float16)
    tl.static_assert(tl.sum((block > 0).to(tl.int8), 0).dtype == tl.int32)
    tl.static_assert(tl.max(block, 0).dtype == tl.float32)
    tl.static_assert(tl.max(half, 0).dtype == tl.float32)
    tl.static_assert(tl.argmax(half, 0).dtype == tl.int32)
    tl.static_assert(tl.cumsum(block, 0).dtype == tl.float32)
    tl.static_assert(tl.cumsum(half, 0).dtype == tl.float16)
    tl.static_assert(tl.sort(block).dtype == tl.bfloat16)
    tl.static_assert(tl.topk(block, 4).dtype == tl.float32)
    tl.static_assert(tl.topk(block, 8).dtype == tl.bfloat16)
    tl.static_assert(((block > 0) + (block > 0)).dtype == tl.int1)
    tl.static_assert(tl.rand(n, tl.arange(0, 8)).dtype == tl.float32)
    tl.static_assert(tl.reshape(half, (2, 4)).shape[0] == 2)
    for i in range(n):
        tl.static_assert(i.dtype == tl.int32)
    for i in tl.static_range(2):
        tl.static_assert((half * i).dtype == tl.float16)
    tl.store(x_ptr, one)


def test_both_give_every_operation_the_same_type():
    launch(types_of_everything, (1,), torch.zeros(8), 3)
    compile_ahead(types_of_everything, ("*fp32", "i32"), {})
