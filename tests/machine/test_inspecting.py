"""Ahead-of-time inspection: what it finds in kernels whose machine code is known to have it."""

import re

import aot_kernels as kernels
import pytest
import torch
from aot import needs_triton
from glassbox.machine import TensorDescriptor, captured, inspect, launch, tl, triton
from glassbox.machine.inspecting import ARCHITECTURES, inspect_many

pytestmark = needs_triton


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_vector_add_streams_128_bits_at_a_time(arch):
    found = inspect(kernels.adding(), arch=arch)
    assert (found.kernel, found.arch, found.num_warps, found.fits) == ("add", arch, 4, True)
    assert (found.vector_loads, found.vector_stores) == (4, 2)  # 1,024 of 4 bytes: 8 per thread
    assert "ld.global.v4" in found.ptx and "st.global.v4" in found.ptx
    assert 8 <= found.registers <= 40 and found.spills == found.stack_bytes == found.shared_bytes == 0
    assert found.tensor_core == found.tma == found.atomics == found.dots == 0
    assert found.mix["FADD"] == 8 and found.compiler.startswith("Triton 3.")


@pytest.mark.parametrize(
    ("arch", "opcode"), [("sm_80", "HMMA"), ("sm_89", "HMMA"), ("sm_90", "HGMMA"), ("sm_100", "UTCHMMA")]
)
def test_a_dot_becomes_the_tensor_core_instruction_of_its_architecture(arch, opcode):
    found = inspect(kernels.multiplying(), arch=arch)
    assert found.dots == 1 and found.tensor_core == found.mix[opcode] > 0
    assert found.atomics == 0
    source = "acc = tl.dot(a, b, acc, input_precision=PRECISION)"
    assert opcode in "".join(found.by_line[source]) and source in found.excerpt(opcode)


def test_a_dot_of_float32_at_full_precision_is_no_work_for_a_tensor_core():
    exact = inspect(kernels.multiplying(32, torch.float32))
    assert exact.dots == exact.tensor_core == 0 and exact.mix["FFMA"] >= 32
    rounded = inspect(kernels.multiplying(64, torch.float32, "tf32"))
    assert rounded.dots == 1 and rounded.tensor_core > 0


def test_registers_that_do_not_suffice_are_seen():
    found = inspect(kernels.spilling())
    assert found.spills > 1000 and found.stack_bytes > 1000 and "STL" in "".join(found.opcodes)
    assert "spills: none" not in repr(found)


@pytest.mark.parametrize(("arch", "limit"), [("sm_80", 166_912), ("sm_90", 232_448), ("sm_100", 232_448)])
def test_more_shared_memory_than_there_is_compiles_but_does_not_fit(arch, limit):
    found = inspect(kernels.greedy(), arch=arch)
    assert found.shared_bytes > found.shared_limit == limit
    assert found.programs_per_sm == found.occupancy == 0 and not found.fits


def test_a_descriptor_becomes_a_block_copy_where_the_hardware_has_one():
    source = TensorDescriptor.from_tensor(kernels.meta(64, 64), [64, 64])
    call = kernels.call(kernels.copies_a_block, source, kernels.meta(64, 64), SIZE=64)
    assert [inspect(call, arch=arch).tma for arch in ("sm_80", "sm_90", "sm_100")] == [0, 1, 1]


def test_an_atomic_is_counted():
    assert inspect(kernels.adds_atomically, kernels.meta(64), kernels.meta(64), SIZE=64).atomics == 1


def test_warp_specialisation_is_seen():
    def called(**options):
        blocks = TensorDescriptor.from_tensor(kernels.meta(1024, 64, dtype=torch.bfloat16), [64, 64])
        call = kernels.call(kernels.roles, blocks, blocks, kernels.meta(64, 64), 1024, SIZE=64, **options)
        return inspect(call)

    assert called(ROLES=True, num_warps=4).warp_specialised
    assert not called(ROLES=False, num_warps=4).warp_specialised


def test_the_texts_hold_no_addresses_no_encodings_and_no_paths():
    found = inspect(kernels.multiplying(), arch="sm_100")
    for text in (found.sass, found.ptx):
        assert "/*" not in text and "aot_kernels" not in text and "tmp" not in text
        assert ".loc" not in text and ".section" not in text and ".file" not in text
    assert "NOP" not in found.mix and "`" not in found.sass and found.ptx.count("{") == found.ptx.count("}")
    labels = set(re.findall(r"^(\.L_\w+):$", found.sass, re.MULTILINE))
    assert labels == set(re.findall(r"\.L_\w+", re.sub(r"^\.L_\w+:$", "", found.sass, flags=re.MULTILINE)))


def test_each_instruction_stands_beside_the_line_that_it_came_from():
    found = inspect(kernels.adding())
    assert found.by_line["x = tl.load(x_ptr + i, mask=i < n)"]["LDG.E.128"] == 2
    assert found.by_line["tl.store(out_ptr + i, x + y, mask=i < n)"]["FADD"] == 8
    deep = inspect(kernels.call(kernels.uses_much, kernels.meta(64), kernels.meta(64), kernels.double, 64))
    assert "SHFL.BFLY" in deep.by_line["return tl.sum(x, axis=0) / n * scale"]  # inside Triton's own library
    assert "standard.py" not in deep.by_line


# What a real launch would compile


def test_meta_tensors_and_tensors_with_memory_compile_to_the_same():
    x = torch.zeros(4096)
    assert inspect(kernels.add, x, x, x, 4096, BLOCK=1024) == inspect(kernels.adding())


def test_a_captured_call_compiles_as_it_would_be_launched():
    x = kernels.meta(4096)
    with captured() as launches:
        launch(kernels.add, (4,), x, x, x, 4096, BLOCK=1024, num_warps=8, checks=False, meter=False)
    assert inspect(launches[0]) == inspect(kernels.adding(num_warps=8)) != inspect(kernels.adding())
    assert inspect(launches[0]).num_warps == 8


def test_what_is_not_aligned_is_not_loaded_in_one_piece():
    assert inspect(kernels.adding(offset=1)).vector_loads == 2  # y alone
    assert inspect(kernels.adding(offset=4)) == inspect(kernels.adding())
    assert inspect(kernels.adding(n=4098)).vector_loads == 0  # a mask that ends inside 16 bytes


def test_options_reach_the_compiler():
    assert inspect(kernels.spilling()._replace(kwargs={"SIZE": 16384, "num_warps": 16})).spills == 0
    assert inspect(kernels.adding(maxnreg=24)).registers <= 24 < inspect(kernels.adding()).registers


def test_helpers_constants_functions_as_arguments_and_closures_travel():
    found = inspect(kernels.uses_much, kernels.meta(64), kernels.meta(64), kernels.double, 64)
    assert found.kernel == "uses_much"
    assert "0.015625" in found.sass and "-0.5" in found.sass  # 1 / SIZE, and HALF in a default

    def scaled(factor):
        factor = tl.constexpr(factor)

        @triton.jit
        def closed(x_ptr):
            tl.store(x_ptr, tl.load(x_ptr) * factor)

        return inspect(closed, kernels.meta(1))

    assert "3.25" in scaled(3.25).sass and "5.75" in scaled(5.75).sass


def test_many_share_what_is_compiled_and_a_kernel_that_fails_does_not_stop_the_rest():
    calls = [kernels.adding(), kernels.call(kernels.refused, kernels.meta(64), 64), kernels.adding()]
    first, failed, second = inspect_many(calls)
    assert first is second and isinstance(failed, RuntimeError)
    assert inspect_many([]) == []
