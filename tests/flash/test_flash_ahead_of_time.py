"""Every flash kernel with every shipped tile compiles to good machine code, without a GPU."""

import pytest
from glassbox.flash.kernels.variants import variants
from glassbox.machine.inspecting import CompilationError, inspect_many
from machine.aot import assert_ready, needs_triton

pytestmark = [needs_triton, pytest.mark.slow]
EXACT_AND_WIDE = (  # products in exact float32 take a whole row of 256 numbers into registers
    "flash_forward float32 256 causal",
    "flash_backward_queries float32 256 causal",
)


def found(arch, *names):
    launches = dict(variants(arch))
    results = inspect_many([launches[name] for name in names], arch)
    assert not any(isinstance(result, CompilationError) for result in results), results
    return results


def test_kernels_are_ready_for_sm_80_and_sm_90():
    assert_ready("flash", variants, may_spill=EXACT_AND_WIDE)


@pytest.mark.parametrize("size", [64, 128])
def test_the_full_forward_kernel_gives_its_warps_different_roles_on_hopper(size):
    """Loads by TMA in one group of warps, products by WGMMA in the others."""
    (result,) = found("sm_90", f"flash_forward bfloat16 {size} full")
    assert result.warp_specialised and result.num_warps == 12
    assert {"HGMMA", "UTMALDG", "USETMAXREG"} <= {word.split(".")[0] for word in result.sass.split()}


def test_every_form_multiplies_on_the_matrix_units_of_hopper_and_loads_by_descriptors():
    forms = [f"flash_{kernel} bfloat16 128 causal" for kernel in
             ("forward", "backward_keys", "backward_queries", "backward_fused")]  # fmt: skip
    for result in found("sm_90", *forms):
        assert "HGMMA" in result.sass and "UTMALDG" in result.sass


def test_the_fused_backward_adds_up_whole_tiles_of_dq():
    (fused, alone) = found(
        "sm_90", "flash_backward_fused bfloat16 128 causal", "flash_backward_keys bfloat16 128 causal"
    )
    assert "UTMAREDG" in fused.sass and "UTMAREDG" not in alone.sass


def test_roles_are_lost_without_the_one_form_that_has_them():
    """The same kernel with eight warps: the wish is dropped without a word, so the table asks for four."""
    launch = dict(variants("sm_90"))["flash_forward bfloat16 128 full"]
    eight = launch._replace(kwargs=launch.kwargs | {"num_warps": 8})
    (result,) = inspect_many([eight], "sm_90")
    assert launch.kwargs["ROLES"] and not result.warp_specialised


@pytest.mark.parametrize("arch", ["sm_89", "sm_100"])
def test_the_heaviest_kernels_fit_the_other_architectures(arch):
    """sm_89 takes the tiles for any GPU, sm_100 has its own."""
    heavy = (
        "forward bfloat16 128 everything",
        "forward bfloat16 256 causal",
        "backward_keys bfloat16 256 causal",
    )
    for result in found(arch, *(f"flash_{name}" for name in heavy)):
        assert result.fits and result.stack_bytes == 0
