"""What Triton's interpreter cannot confirm: bf16 and fp8, ties, helpers, arguments, things it lacks."""

import math

import pytest
import torch
from glassbox.machine import TensorDescriptor, empty, launch, simulate, tl, triton
from glassbox.machine import simulator as sim

WIDTH = tl.constexpr(16)
SCALE = tl.constexpr(3.0)
PLAIN = 3.0


@triton.jit
def convert(x_ptr, y_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(y_ptr + i, tl.load(x_ptr + i))


def random_bits(n: int) -> torch.Tensor:
    """Return fp32 numbers of every size, both signs, ties included."""
    bits = torch.randint(
        -(2**31), 2**31 - 1, (n,), generator=torch.Generator().manual_seed(0), dtype=torch.int32
    )
    bits[: n // 4] = (bits[: n // 4] & ~0xFFFF) | 0x8000  # exactly between two bf16 numbers
    values = bits.view(torch.float32)
    return torch.where(values.isfinite(), values, 1.0)


def test_bf16_rounds_to_nearest_even_bit_for_bit():
    x, y = random_bits(65536), empty(65536, dtype=torch.bfloat16)
    launch(convert, (1,), x, y, BLOCK=65536)
    assert torch.equal(y.view(torch.int16), x.to(torch.bfloat16).view(torch.int16))
    truncated = (x.view(torch.int32) >> 16).to(torch.int16)
    assert (y.view(torch.int16) != truncated).float().mean() > 0.4


@pytest.mark.parametrize("kind", [torch.float8_e4m3fn, torch.float8_e5m2, torch.float16, torch.float64])
def test_other_casts_agree_with_pytorch(kind):
    x = torch.randn(4096, generator=torch.Generator().manual_seed(1)) * 20
    y = empty(4096, dtype=kind)
    launch(convert, (1,), x, y, BLOCK=4096)
    assert torch.equal(y.double(), x.to(kind).double())


def test_fp8_saturates():
    x, y = torch.tensor([1e6, -1e6]), empty(2, dtype=torch.float8_e4m3fn)
    launch(convert, (1,), x, y, BLOCK=2)
    assert y.double().tolist() == [448.0, -448.0]


@triton.jit
def bf16_arithmetic(x_ptr, y_ptr, out_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x, y = tl.load(x_ptr + i), tl.load(y_ptr + i)
    tl.store(out_ptr + i, x + y)
    tl.store(out_ptr + BLOCK + i, x * y)
    tl.store(out_ptr + 2 * BLOCK + i, x - y * 0.5)
    tl.store(out_ptr + 3 * BLOCK + i, x / y)
    tl.store(out_ptr + 4 * BLOCK + i, tl.where(x > y, x, -y))


def test_bf16_arithmetic_is_pytorchs():
    generator = torch.Generator().manual_seed(2)
    x, y = (torch.randn(512, generator=generator).bfloat16() for _ in range(2))
    out = empty(5, 512, dtype=torch.bfloat16)
    launch(bf16_arithmetic, (1,), x, y, out, BLOCK=512)
    half = torch.tensor(0.5, dtype=torch.bfloat16)
    expected = [x + y, x * y, x - y * half, (x.float() / y.float()).bfloat16(), torch.where(x > y, x, -y)]
    for got, want in zip(out, expected, strict=True):
        assert torch.equal(got, want)


@triton.jit
def low_precision_product(a_ptr, b_ptr, out_ptr, N: tl.constexpr):
    i = tl.arange(0, N)
    at = i[:, None] * N + i[None, :]
    tl.store(out_ptr + at, tl.dot(tl.load(a_ptr + at), tl.load(b_ptr + at)))


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float8_e5m2])
def test_low_precision_products_accumulate_in_fp32(kind):
    generator = torch.Generator().manual_seed(3)
    a, b = (torch.randn(32, 32, generator=generator).to(kind) for _ in range(2))
    out = empty(32, 32)
    launch(low_precision_product, (1,), a, b, out, N=32)
    assert (out - (a.double() @ b.double())).abs().max() < 2e-6 * 32


@triton.jit
def total(x_ptr, out_ptr, BLOCK: tl.constexpr):
    tl.store(out_ptr, tl.sum(tl.load(x_ptr + tl.arange(0, BLOCK)), axis=0))


def test_a_sum_in_bf16_rounds_every_partial_sum():
    """A tree: 512 ones add up exactly; 1 + 255 times 2⁻⁸ loses what a wider sum keeps."""
    out = empty(1, dtype=torch.bfloat16)
    launch(total, (1,), torch.ones(512, dtype=torch.bfloat16), out, BLOCK=512)
    assert out.item() == 512
    wide = empty(1)
    x = torch.cat([torch.ones(1), torch.full((255,), 2.0**-9)])
    launch(total, (1,), x, wide, BLOCK=256)
    launch(total, (1,), x.bfloat16(), out, BLOCK=256)
    assert wide.item() == x.sum() and out.item() != wide.item()


@triton.jit
def extremes(x_ptr, out_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i)
    tl.store(out_ptr, tl.max(x))
    tl.store(out_ptr + 1, tl.argmax(x, 0))
    tl.store(out_ptr + 2, tl.argmin(x, 0))
    tl.store(out_ptr + 3, tl.max(tl.maximum(x, 0.0)))
    tl.store(out_ptr + 4, tl.sum(tl.maximum(x, 0.0, propagate_nan=tl.PropagateNan.ALL)))


def test_ties_go_left_and_nan_loses():
    out = empty(5)
    launch(extremes, (1,), torch.tensor([1.0, 4.0, -2.0, 4.0, -2.0, 0.0, 1.0, 1.0]), out, BLOCK=8)
    assert out.tolist() == [4.0, 1.0, 2.0, 4.0, 11.0]
    launch(extremes, (1,), torch.tensor([1.0, float("nan")]), out, BLOCK=2)
    assert out[0] == 1.0 and out[3] == 1.0 and out[4].isnan()


@triton.jit
def _first_of_equals(value, index, other, other_index):
    if value == other:
        best, where = value, min(index, other_index)
    elif value > other:
        best, where = value, index
    else:
        best, where = other, other_index
    return best, where


@triton.jit
def _clipped(x):
    if x > 0:
        return x * 2.0
    else:
        return x * 0.0


@triton.jit
def branching_functions(x_ptr, out_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i)
    best, where = tl.reduce((x, i), 0, _first_of_equals)
    tl.store(out_ptr + i, tl.map_elementwise(_clipped, x))
    tl.store(out_ptr + BLOCK, best)
    tl.store(out_ptr + BLOCK + 1, where)


def test_combine_functions_may_branch():
    out = empty(10)
    launch(branching_functions, (1,), torch.tensor([1.0, 3.0, -2.0, 3.0, 0.0, -1.0, 2.0, 3.0]), out, BLOCK=8)
    assert out.tolist() == [2.0, 6.0, 0.0, 6.0, 0.0, 0.0, 4.0, 6.0, 3.0, 1.0]


@triton.jit
def rearranged(x_ptr, out_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i)
    tl.store(out_ptr + i, tl.flip(x))
    tl.store(out_ptr + BLOCK + i, tl.squeeze(tl.unsqueeze(x, 0), 0))
    tl.store(out_ptr + 2 * BLOCK + i, tl.reshape(tl.reshape(x, (2, BLOCK // 2)).T, (BLOCK,)))
    tl.store(out_ptr + 3 * BLOCK + i, tl.extra.libdevice.tanh(x))
    tl.store(
        out_ptr + 4 * BLOCK + i, tl.softmax(tl.reshape(x, (2, BLOCK // 2)), dim=1, keep_dims=True).ravel()
    )


def test_what_the_interpreter_lacks():
    x, out = torch.randn(16), empty(5, 16)
    launch(rearranged, (1,), x, out, BLOCK=16)
    rows = x.view(2, 8)
    expected = [x.flip(0), x, rows.T.reshape(16), x.tanh(), rows.softmax(1).view(16)]
    for got, want in zip(out, expected, strict=True):
        assert torch.allclose(got, want, rtol=1e-6)


@triton.jit
def uses_globals(x_ptr, y_ptr, factor: tl.constexpr = 2.0):
    i = tl.arange(0, WIDTH)
    y = tl.load(x_ptr + i) * SCALE * factor + math.pi + WIDTH
    tl.store(y_ptr + i, y)


def make_kernel(number):
    offset = tl.constexpr(number)

    @triton.jit
    def adds_the_offset(x_ptr, y_ptr):
        i = tl.arange(0, 16)
        tl.store(y_ptr + i, tl.load(x_ptr + i) + offset)

    return adds_the_offset


def test_globals_defaults_and_closures():
    x, y = torch.randn(16), empty(16)
    launch(uses_globals, (1,), x, y)
    assert torch.allclose(y, x * 6 + math.pi + 16)
    launch(uses_globals, (1,), x, y, factor=1.0)
    assert torch.allclose(y, x * 3 + math.pi + 16)
    for offset in (1.0, 2.0):
        launch(make_kernel(offset), (1,), x, y)
        assert torch.equal(y, x + offset)


@triton.jit
def uses_a_variable(y_ptr):
    i = tl.arange(0, 16)
    tl.store(y_ptr + i, i * PLAIN)


def test_outside_variables_are_refused_as_by_the_compiler():
    with pytest.raises(sim.UnsupportedOperation, match="uses the outside variable `PLAIN`") as info:
        launch(uses_a_variable, (1,), empty(16))
    assert info.value.source == "tl.store(y_ptr + i, i * PLAIN)" and "tl.constexpr" in info.value.look


@triton.jit
def where_am_i(out_ptr, BLOCK: tl.constexpr):
    x, y, z = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    number = x + tl.num_programs(0) * (y + tl.num_programs(1) * z)
    tl.store(out_ptr + number, x + 10 * y + 100 * z)


def test_grids_have_up_to_three_axes_and_may_be_functions():
    out = empty(24, dtype=torch.int32)
    report = launch(where_am_i, (2, 3, 4), out, BLOCK=1)
    assert report.grid == (2, 3, 4) and len(report.programs) == 24
    assert sorted(out.tolist()) == sorted(
        x + 10 * y + 100 * z for x in range(2) for y in range(3) for z in range(4)
    )
    report = launch(where_am_i, lambda arguments: (arguments["BLOCK"] * 2,), out, BLOCK=2)
    assert report.grid == (4, 1, 1)
    assert launch(where_am_i, 3, out, BLOCK=2).grid == (3, 1, 1)
    nothing = launch(where_am_i, (0, 5), out, BLOCK=2)
    assert nothing.programs == () and nothing.bytes_moved == 0
    for bad in ((1, 2, 3, 4), (-1,), ()):
        with pytest.raises(ValueError, match="grid: expected"):
            launch(where_am_i, bad, out, BLOCK=2)


@triton.jit
def all_kinds_of_arguments(x_ptr, flag, big, ratio, nothing, pair, out_ptr):
    offset, weight = pair
    if flag:
        tl.store(out_ptr, tl.load(x_ptr + offset) * ratio + weight)
    if nothing is None:
        tl.store(out_ptr + 1, (big >> 33).to(tl.float32))


def test_arguments_of_every_kind():
    out = empty(2)
    launch(all_kinds_of_arguments, (1,), torch.tensor([1.0, 2.0]), True, 2**34 + 1, 0.5, None, (1, 7.0), out)
    assert out.tolist() == [8.0, 2.0]


@triton.jit
def booleans(x_ptr, y_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i)
    tl.store(y_ptr + i, ~x & (i > 0))


def test_boolean_tensors():
    y = empty(4, dtype=torch.bool)
    launch(booleans, (1,), torch.tensor([False, True, False, True]), y, BLOCK=4)
    assert y.tolist() == [False, False, True, False]


def test_expanded_inputs_and_views_with_offsets():
    x = torch.randn(1, 8).expand(4, 8)
    out = empty(4, 8)

    @triton.jit
    def copy_rows(x_ptr, y_ptr, x_row, BLOCK: tl.constexpr):
        row, i = tl.program_id(0), tl.arange(0, BLOCK)
        tl.store(y_ptr + row * BLOCK + i, tl.load(x_ptr + row * x_row + i))

    report = launch(copy_rows, (4,), x, out, x.stride(0), BLOCK=8)
    assert torch.equal(out, x)
    assert report.arguments["x_ptr"].loaded == 4 * 32 and report.arguments["x_ptr"].loaded_unique == 32
    launch(copy_rows, (2,), torch.arange(64.0).view(4, 16)[1:3, 4:12], out[:2], 16, BLOCK=8)
    assert out[1].tolist() == list(range(36, 44))


@triton.jit
def copy_tile(x, y, B: tl.constexpr):
    at = [tl.program_id(0) * B, tl.program_id(1) * B]
    block = x.load(at)
    y.store(at, block)


def test_descriptors_made_by_the_host():
    x, y = torch.randn(20, 12), empty(20, 12)
    described = [TensorDescriptor.from_tensor(tensor, [8, 8]) for tensor in (x, y)]
    report = launch(copy_tile, (3, 2), *described, B=8)
    assert torch.equal(x, y)
    assert report.bytes_loaded == report.bytes_stored == 20 * 12 * 4
    described[0].strides = [13, 1]
    with pytest.raises(sim.ShapeError, match="16 bytes"):
        launch(copy_tile, (1, 1), *described, B=8)


@triton.jit
def writes_a_byte_of_it(word_ptr, byte_ptr):
    if tl.program_id(0) == 0:
        tl.store(word_ptr + tl.arange(0, 4), 7)
    else:
        tl.store(byte_ptr + 9, 1)


@triton.jit
def reads_bytes(byte_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(out_ptr + i, tl.load(byte_ptr + i, mask=i < n, other=0))


def test_two_views_of_one_memory_share_their_bookkeeping():
    words = empty(4, dtype=torch.int32)
    with pytest.raises(sim.WriteRace, match=r"byte_ptr: this program stored another value to element \(9,\)"):
        launch(writes_a_byte_of_it, (2,), words, words.view(torch.uint8))
    fresh, out = empty(4, dtype=torch.int32), empty(16, dtype=torch.uint8)
    launch(writes_a_byte_of_it, (1,), fresh[:4], fresh.view(torch.uint8))
    launch(reads_bytes, (1,), fresh.view(torch.uint8), out, 16, BLOCK=16)
    assert out.tolist() == [7, 0, 0, 0] * 4
    half = empty(4, dtype=torch.int32)
    launch(reads_bytes, (1,), words.view(torch.uint8), half[:2].view(torch.uint8), 8, BLOCK=8)
    with pytest.raises(sim.UninitializedRead):
        launch(reads_bytes, (1,), half[1:3], empty(2, dtype=torch.int32), 2, BLOCK=2)


@triton.jit
def _grouped_tile(pid, rows, columns, GROUP: tl.constexpr):
    per_group = GROUP * columns
    first = (pid // per_group) * GROUP
    height = min(rows - first, GROUP)
    return first + (pid % per_group) % height, (pid % per_group) // height


@triton.jit
def grouped_matmul(
    a_ptr, b_ptr, c_ptr, M, N, K, BLOCK: tl.constexpr, DEPTH: tl.constexpr, GROUP: tl.constexpr
):
    row, column = _grouped_tile(tl.program_id(0), tl.cdiv(M, BLOCK), tl.cdiv(N, BLOCK), GROUP)
    m = (row * BLOCK + tl.arange(0, BLOCK)) % M
    n = (column * BLOCK + tl.arange(0, BLOCK)) % N
    k = tl.arange(0, DEPTH)
    a_at = a_ptr + m[:, None] * K + k[None, :]
    b_at = b_ptr + k[:, None] * N + n[None, :]
    acc = tl.zeros((BLOCK, BLOCK), tl.float32)
    for step in tl.range(0, tl.cdiv(K, DEPTH), num_stages=3):
        inside = k < K - step * DEPTH
        a = tl.load(a_at, mask=inside[None, :], other=0.0)
        b = tl.load(b_at, mask=inside[:, None], other=0.0)
        acc = tl.dot(a, b, acc)
        a_at += DEPTH
        b_at += DEPTH * N
    rows, columns = row * BLOCK + tl.arange(0, BLOCK), column * BLOCK + tl.arange(0, BLOCK)
    at = c_ptr + rows[:, None] * N + columns[None, :]
    tl.store(at, acc, mask=(rows[:, None] < M) & (columns[None, :] < N))


@triton.jit
def persistent_softmax(x_ptr, y_ptr, rows, columns, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    for row in tl.range(tl.program_id(0), rows, tl.num_programs(0), num_stages=2):
        x = tl.load(x_ptr + row * columns + i, mask=i < columns, other=-float("inf"))
        tl.store(y_ptr + row * columns + i, tl.softmax(x), mask=i < columns)


@triton.jit
def dropout(x_ptr, y_ptr, n, p, seed, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i, mask=i < n)
    y = tl.where(tl.rand(seed, i) > p, x / (1 - p), 0.0)
    tl.store(y_ptr + i, y, mask=i < n)


def test_patterns_that_many_kernels_share():
    a, b, c = torch.randn(50, 40), torch.randn(40, 70), empty(50, 70)
    launch(grouped_matmul, (4 * 5,), a, b, c, 50, 70, 40, BLOCK=16, DEPTH=16, GROUP=3)
    assert torch.allclose(c, a @ b, atol=1e-5)
    x, y = torch.randn(11, 20), empty(11, 20)
    report = launch(persistent_softmax, (4,), x, y, 11, 20, BLOCK=32)
    assert torch.allclose(y, x.softmax(1)) and report.bytes_moved == 2 * 11 * 20 * 4
    ones, kept = torch.ones(2000), empty(2000)
    launch(dropout, (16,), ones, kept, 2000, 0.25, 7, BLOCK=128)
    assert abs((kept == 0).float().mean() - 0.25) < 0.04 and set(kept.unique().tolist()) == {
        0.0,
        kept.max().item(),
    }


@triton.jit
def talks(x_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.device_print("values", tl.load(x_ptr + i))
    tl.static_print("BLOCK is", BLOCK)
    print("plain", tl.program_id(0))


def test_printing(capsys):
    launch(talks, (1,), torch.tensor([1.0, 2.0]), BLOCK=2)
    shown = capsys.readouterr().out
    assert "pid (0, 0, 0) values [1. 2.]" in shown and "BLOCK is 2" in shown and "plain 0" in shown


@triton.jit
def overflows_silently(out_ptr, n, BLOCK: tl.constexpr):
    row = tl.program_id(0) + n
    offset = row * 65536 + tl.arange(0, BLOCK)
    tl.store(out_ptr + tl.arange(0, BLOCK), offset)


def test_32_bit_arithmetic_wraps_and_the_report_says_so():
    out = empty(4, dtype=torch.int64)
    report = launch(overflows_silently, (1,), out, 40000, BLOCK=4)
    wrapped = (40000 * 65536 + 2**31) % 2**32 - 2**31
    assert out.tolist() == [wrapped + k for k in range(4)]
    assert any("wrapped around" in note for note in report.notes)
    quiet = launch(overflows_silently, (1,), out, 400, BLOCK=4)
    assert quiet.notes == ()


def test_notes_on_what_a_gpu_does_otherwise():
    a, out = torch.randn(8, 8), empty(8, 8)
    notes = launch(low_precision_product, (1,), a, a, out, N=8).notes
    assert any("TF32" in note for note in notes) and any("K >= 16" in note for note in notes)


@triton.jit
def plain_copy(x_ptr, y_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(y_ptr + i, tl.load(x_ptr + i))


def test_launch_explains_bad_arguments():
    x = torch.randn(4)
    for arguments, error, match in [
        ((x,), TypeError, "missing a required argument: 'y_ptr'"),
        ((x.numpy(), x), TypeError, "x_ptr: expected a torch tensor"),
        ((x.to(torch.complex64), x), TypeError, "complex64 has no counterpart"),
        ((x.to("meta"), x), TypeError, "x_ptr: the simulator works on dense CPU tensors"),
        ((2**70, x), ValueError, "does not fit in 64 bits"),
    ]:
        with pytest.raises(error, match=match):
            launch(plain_copy, (1,), *arguments, BLOCK=4)
    with pytest.raises(TypeError, match="unexpected keyword argument 'BLOK'"):
        launch(plain_copy, (1,), x, x, BLOCK=4, BLOK=4)
    with pytest.raises(TypeError, match="kernel: expected a @triton"):
        launch("plain_copy", (1,), x, x, BLOCK=4)
    with pytest.raises(ValueError, match="backend: expected one of"):
        launch(plain_copy, (1,), x, x, BLOCK=4, backend="gpu")
    launch(plain_copy, (1,), x, empty(4), BLOCK=4, num_warps=8, num_stages=3)


def test_other_backends_say_what_they_need():
    x = torch.randn(4)
    with pytest.raises(RuntimeError, match="backend='interpreted'"):
        launch(plain_copy, (1,), x, empty(4), BLOCK=4, backend="interpreted")
    if not torch.cuda.is_available():
        with pytest.raises(RuntimeError, match="NVIDIA GPU; use backend='simulated'"):
            launch(plain_copy, (1,), x, empty(4), BLOCK=4, backend="compiled")


def test_the_simulators_own_entry_is_the_same():
    x, y = torch.randn(4), empty(4)
    report = simulate(plain_copy, (1,), x, y, BLOCK=4)
    assert torch.equal(x, y) and report.bytes_moved == 32


def test_empty_tensors_need_no_program():
    assert launch(plain_copy, (0,), torch.empty(0), empty(0), BLOCK=4).bytes_moved == 0
    with pytest.raises(sim.OutOfBounds):
        launch(plain_copy, (1,), torch.empty(0), empty(4), BLOCK=4)


def test_a_float_tensor_starts_as_nan_and_an_integer_one_as_no_plausible_number():
    for kind in (torch.float32, torch.float16, torch.bfloat16, torch.float64):
        assert empty(5, dtype=kind).isnan().all()
    assert (empty(5, dtype=torch.int32) == -262149).all()
