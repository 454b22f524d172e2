"""What one streaming multiprocessor (SM) holds, and how many programs of a kernel fit on it."""

from typing import NamedTuple

KIB = 1024
REGISTERS_PER_SM = 65_536
REGISTER_UNIT = 256  # registers are given to a warp in units of 256
WARP_UNIT = 4  # an SM has four partitions, each with its own registers
RESERVED_SHARED = 1 * KIB  # the system keeps 1 KiB of shared memory per program


class Chip(NamedTuple):
    """The limits of one architecture; sizes in bytes.

    Source: NVIDIA, CUDA Programming Guide, appendix "Compute Capabilities", tables of technical
    specifications (docs.nvidia.com/cuda/cuda-programming-guide); the units in which registers and warps are
    given out are those of NVIDIA's occupancy calculator.
    """

    shared_per_program: int
    shared_per_sm: int
    warps_per_sm: int
    programs_per_sm: int


CHIPS = {
    "sm_80": Chip(163 * KIB, 164 * KIB, 64, 32),  # A100
    "sm_86": Chip(99 * KIB, 100 * KIB, 48, 16),  # RTX 3090, A10
    "sm_89": Chip(99 * KIB, 100 * KIB, 48, 24),  # RTX 4090, L4
    "sm_90": Chip(227 * KIB, 228 * KIB, 64, 32),  # H100, H200
    "sm_100": Chip(227 * KIB, 228 * KIB, 64, 32),  # B200
}
ARCHITECTURES = tuple(CHIPS)


def fitting(arch: str, registers: int, shared: int, warps: int) -> dict[str, int]:
    """Return how many programs fit on an SM by each resource; the smallest decides.

    registers:      floor(W / warps), with W the warps whose registers fit:
                    65,536 / (32 registers, rounded up to 256), rounded down to a multiple of 4
    shared memory:  floor(shared_per_sm / (shared + 1 KiB)), and none above the limit of one program
    warps:          floor(warps_per_sm / warps)
    programs:       the chip's own limit
    """
    chip = CHIPS[arch]
    per_warp = max(1, -(-32 * registers // REGISTER_UNIT)) * REGISTER_UNIT
    holding = REGISTERS_PER_SM // per_warp // WARP_UNIT * WARP_UNIT
    allowed = shared <= chip.shared_per_program
    return {
        "registers": holding // warps,
        "shared memory": chip.shared_per_sm // (shared + RESERVED_SHARED) if allowed else 0,
        "warps": chip.warps_per_sm // warps,
        "programs": chip.programs_per_sm,
    }
