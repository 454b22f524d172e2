"""Every norm kernel with every shipped tile compiles to good machine code, without a GPU."""

import pytest
from glassbox.machine.inspecting import CompilationError, inspect_many
from glassbox.norms.kernels.variants import variants
from machine.aot import assert_ready, needs_triton

pytestmark = [needs_triton, pytest.mark.slow]


def test_kernels_are_ready_for_sm_80_and_sm_90():
    assert_ready("norms", variants)


@pytest.mark.parametrize("arch", ["sm_89", "sm_100"])
def test_the_heaviest_kernels_fit_the_other_architectures(arch):
    """sm_89 takes the tiles for any GPU, sm_100 has its own; deep_norm in float32 needs most of each."""
    heavy = [launch for name, launch in variants(arch) if "deep_norm float32" in name]
    results = inspect_many(heavy, arch, disassemble=False)
    assert len(results) > 15
    for result in results:
        assert not isinstance(result, CompilationError), result
        assert result.fits and result.stack_bytes == 0
