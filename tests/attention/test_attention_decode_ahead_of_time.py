"""Every decode kernel with every shipped tile compiles to good machine code, without a GPU."""

import pytest
from glassbox.attention.kernels.variants import variants
from glassbox.machine.inspecting import CompilationError, inspect_many
from machine.aot import assert_ready, needs_triton

pytestmark = [needs_triton, pytest.mark.slow]


def test_kernels_are_ready_for_sm_80_and_sm_90():
    assert_ready("attention", variants)


def test_the_largest_tile_of_latents_uses_the_matrix_units_of_hopper():
    (launch,) = [each for name, each in variants("sm_90") if name == "latent_decode_split bfloat16 128 heads"]
    (result,) = inspect_many([launch], "sm_90")
    assert "HGMMA" in result.sass


@pytest.mark.parametrize("arch", ["sm_89", "sm_100"])
def test_the_heaviest_kernels_fit_the_other_architectures(arch):
    """sm_89 takes the tiles for any GPU, sm_100 has its own; many heads per key head need most of each."""
    heavy = ("64 to 1, 256", "64 to 1, 64", "128 heads", "float32 4 to 1, 256", "float32 16 heads")
    launches = [launch for name, launch in variants(arch) if name.endswith(heavy) and "paged" not in name]
    assert len(launches) == 5
    for result in inspect_many(launches, arch, disassemble=False):
        assert not isinstance(result, CompilationError), result
        assert result.fits and result.stack_bytes == 0
