"""Each mistake that the simulator promises to find, planted; and the line and program it must name."""

import inspect

import kernels_under_test as kernels
import pytest
import torch
from glassbox.machine import empty, empty_like, launch, tl, triton
from glassbox.machine import simulator as sim


def line_of(kernel, text: str) -> int:
    """Return the line of this file where `text` stands in a kernel's source."""
    function = kernel.fn
    lines, start = inspect.getsourcelines(function)
    return start + next(k for k, line in enumerate(lines) if text in line)


def caught(error, kernel, grid, *args, at: str, **constants):
    """Launch, expect `error` at the line that contains `at`, and return it."""
    with pytest.raises(error) as info:
        launch(kernel, grid, *args, **constants)
    found = info.value
    assert type(found) is error
    assert found.line == line_of(kernel, at), str(found)
    assert found.file == __file__ and at in found.source
    assert kernel.__name__ in str(found) and str(found.program) in str(found)
    return found


@triton.jit
def forgot_the_mask(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i)
    tl.store(y_ptr + i, x, mask=i < n)


def test_a_load_past_the_end_stops():
    x = torch.randn(100)
    error = caught(sim.OutOfBounds, forgot_the_mask, (2,), x, empty(100), 100, BLOCK=64, at="tl.load(x_ptr")
    assert error.program == (1, 0, 0) and error.argument == "x_ptr" and error.index == (100,)
    assert "28 of 64 active lanes" in str(error) and "lane (36,)" in str(error) and "mask=" in str(error)


@triton.jit
def store_too_far(y_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y_ptr + i, i, mask=i <= n)


def test_a_store_one_past_the_end_stops_and_writes_nothing_there():
    memory = torch.zeros(11, dtype=torch.int32)
    error = caught(sim.OutOfBounds, store_too_far, (1,), memory[:10], 10, BLOCK=16, at="tl.store(")
    assert error.argument == "y_ptr" and error.index == (10,) and "1 of 11" in str(error)
    assert memory[10] == 0


@triton.jit
def wrong_row_stride(x_ptr, y_ptr, BLOCK: tl.constexpr):
    row, i = tl.program_id(0), tl.arange(0, BLOCK)
    tl.store(y_ptr + row * BLOCK + i, tl.load(x_ptr + row * BLOCK + i))


def test_a_load_between_the_rows_of_a_view_stops():
    view = torch.randn(4, 12)[:, :8]
    error = caught(sim.OutOfBounds, wrong_row_stride, (4,), view, empty(4, 8), BLOCK=8, at="tl.load(x_ptr")
    assert error.program == (1, 0, 0) and error.index == (0, 8)
    assert "strides (12, 1)" in str(error)


@triton.jit
def below_the_start(x_ptr, y_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(y_ptr + i, tl.load(x_ptr + i - 1))


def test_a_load_before_the_start_stops():
    error = caught(
        sim.OutOfBounds, below_the_start, (1,), torch.randn(9)[1:], empty(8), BLOCK=8, at="tl.load(x_ptr"
    )
    assert "1 elements before its start" in str(error) and error.index == (-1,)


@triton.jit
def gather_by_index(x_ptr, index_ptr, y_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(y_ptr + i, tl.load(x_ptr + tl.load(index_ptr + i)))


def test_a_gather_with_a_bad_index_stops():
    index = torch.tensor([0, 3, 2, 99, 1, 1, 0, 2])
    error = caught(
        sim.OutOfBounds, gather_by_index, (1,), torch.randn(4), index, empty(8), BLOCK=8, at="tl.load(x_ptr"
    )
    assert error.index == (99,) and "lane (3,)" in str(error)


@triton.jit
def atomic_too_far(x_ptr, BLOCK: tl.constexpr):
    tl.atomic_add(x_ptr + tl.arange(0, BLOCK), 1.0)


def test_an_atomic_outside_stops():
    caught(sim.OutOfBounds, atomic_too_far, (1,), torch.zeros(6), BLOCK=8, at="tl.atomic_add")


@triton.jit
def descriptor_with_wrong_shape(x_ptr, y_ptr, rows, columns, B: tl.constexpr):
    x = tl.make_tensor_descriptor(x_ptr, [rows + 1, columns], [columns, 1], [B, B])
    y = tl.make_tensor_descriptor(y_ptr, [rows, columns], [columns, 1], [B, B])
    block = x.load([0, 0])
    y.store([0, 0], block)


def test_a_descriptor_larger_than_its_tensor_stops():
    x = torch.randn(6, 8)
    caught(sim.OutOfBounds, descriptor_with_wrong_shape, (1,), x, empty(6, 8), 6, 8, B=8, at="x.load(")


@triton.jit
def half_written(y_ptr, z_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(y_ptr + i, i * 1.0, mask=i < n)
    tl.store(z_ptr + i, tl.load(y_ptr + i))


def test_a_read_of_what_nothing_wrote_stops():
    y = empty(8)
    error = caught(sim.UninitializedRead, half_written, (1,), y, empty(8), 5, BLOCK=8, at="tl.load(y_ptr")
    assert error.argument == "y_ptr" and error.index == (5,) and "2 more lane(s)" in str(error)


def test_what_a_kernel_or_pytorch_wrote_may_be_read():
    y, z = empty(8), empty(8)
    launch(half_written, (1,), y, z, 8, BLOCK=8)
    launch(half_written, (1,), y, empty(8), 2, BLOCK=8)
    filled = empty(8).fill_(3.0)
    launch(half_written, (1,), filled, empty(8), 2, BLOCK=8)
    view = empty(2, 8)
    view[1] = 1.0
    launch(half_written, (1,), view[1], empty(8), 2, BLOCK=8)
    by_numpy = empty(8)
    by_numpy.numpy()[:] = 1.0
    launch(half_written, (1,), by_numpy, empty(8), 2, BLOCK=8)


def test_a_later_launch_still_knows_what_is_unwritten():
    y = empty(8)
    with pytest.raises(sim.UninitializedRead):
        launch(half_written, (1,), y, empty(8), 5, BLOCK=8)
    with pytest.raises(sim.UninitializedRead):
        launch(half_written, (1,), y[4:], empty(4), 0, BLOCK=4)
    launch(half_written, (1,), y[:4], empty(4), 0, BLOCK=4)


@triton.jit
def everybody_writes_here(y_ptr):
    tl.store(y_ptr, tl.program_id(0) * 1.0)


def test_two_programs_with_different_values_race():
    error = caught(sim.WriteRace, everybody_writes_here, (3,), empty(1), at="tl.store(")
    assert (
        error.program == (1, 0, 0) and "program (0, 0, 0) wrote" in str(error) and "atomic_add" in str(error)
    )


@triton.jit
def everybody_writes_the_same(y_ptr):
    tl.store(y_ptr, 1.0)


def test_the_same_value_twice_is_no_race():
    y = empty(1)
    launch(everybody_writes_the_same, (3,), y)
    assert y.item() == 1.0


@triton.jit
def lanes_collide(y_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(y_ptr + i // 2, i)


def test_two_lanes_of_one_store_race():
    y = torch.zeros(8, dtype=torch.int32)
    error = caught(sim.WriteRace, lanes_collide, (1,), y, BLOCK=8, at="tl.store(")
    assert "lanes of one store" in str(error)


@triton.jit
def reads_the_neighbour(x_ptr, n):
    i = tl.program_id(0)
    left = tl.load(x_ptr + i - 1, mask=i > 0, other=0.0)
    tl.store(x_ptr + i, left + 1.0, mask=i < n)


def test_reading_what_another_program_wrote_stops():
    error = caught(
        sim.ReadAfterForeignWrite, reads_the_neighbour, (4,), torch.zeros(4), 4, at="left = tl.load"
    )
    assert error.program == (1, 0, 0) and error.index == (0,) and "(0, 0, 0) wrote" in str(error)


@triton.jit
def reads_ahead(x_ptr, n):
    i = tl.program_id(0)
    right = tl.load(x_ptr + i + 1, mask=i + 1 < n, other=0.0)
    tl.store(x_ptr + i, right + 1.0)


def test_writing_what_another_program_has_read_stops():
    error = caught(sim.WriteAfterForeignRead, reads_ahead, (4,), torch.zeros(4), 4, at="tl.store(")
    assert error.program == (1, 0, 0) and "(0, 0, 0) read" in str(error)


@triton.jit
def zero_then_add(y_ptr):
    if tl.program_id(0) == 0:
        tl.store(y_ptr, 0.0)
    tl.atomic_add(y_ptr, 1.0)


def test_an_atomic_on_what_another_program_initialised_races():
    caught(sim.WriteRace, zero_then_add, (2,), torch.ones(1), at="tl.atomic_add")


@triton.jit
def reads_a_total(y_ptr, z_ptr):
    if tl.program_id(0) == 0:
        tl.atomic_add(y_ptr, 1.0)
    else:
        tl.store(z_ptr, tl.load(y_ptr))


def test_a_plain_read_of_an_atomic_total_races():
    caught(sim.ReadAfterForeignWrite, reads_a_total, (2,), torch.zeros(1), empty(2), at="tl.load(y_ptr)")


@triton.jit
def in_place(x_ptr, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(x_ptr + i, tl.load(x_ptr + i) * 2.0)


@triton.jit
def last_one_sums(x_ptr, parts_ptr, counter_ptr, out_ptr, PROGRAMS: tl.constexpr, BLOCK: tl.constexpr):
    pid, i = tl.program_id(0), tl.arange(0, BLOCK)
    tl.store(parts_ptr + pid, tl.sum(tl.load(x_ptr + pid * BLOCK + i)))
    before = tl.atomic_add(counter_ptr, 1)
    if before == PROGRAMS - 1:
        tl.store(out_ptr, tl.sum(tl.load(parts_ptr + tl.arange(0, PROGRAMS))))


@triton.jit
def add_under_a_lock(x_ptr, out_ptr, lock_ptr, BLOCK: tl.constexpr):
    x = tl.load(x_ptr + tl.program_id(0) * BLOCK + tl.arange(0, BLOCK))
    while tl.atomic_cas(lock_ptr, 0, 1) == 1:
        pass
    tl.store(out_ptr, tl.load(out_ptr) + tl.sum(x))
    tl.debug_barrier()
    tl.atomic_xchg(lock_ptr, 0)


def test_correct_sharing_raises_no_alarm():
    x = torch.arange(32.0)
    launch(in_place, (4,), x, BLOCK=8)
    assert torch.equal(x, 2 * torch.arange(32.0))
    counter, total = torch.zeros(1, dtype=torch.int32), empty(1)
    launch(last_one_sums, (4,), x, empty(4), counter, total, PROGRAMS=4, BLOCK=8)
    assert total.item() == x.sum()
    total = torch.zeros(1)
    launch(add_under_a_lock, (4,), x, total, torch.zeros(1, dtype=torch.int32), BLOCK=8)
    assert total.item() == x.sum()


@triton.jit
def if_on_a_block(x_ptr, BLOCK: tl.constexpr):
    x = tl.load(x_ptr + tl.arange(0, BLOCK))
    if x > 0:
        tl.store(x_ptr, 0.0)


@triton.jit
def and_on_blocks(x_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    inside = (i < n) and (i > 2)
    tl.store(x_ptr + i, 0.0, mask=inside)


@pytest.mark.parametrize(
    "kernel, at, args", [(if_on_a_block, "if x > 0", ()), (and_on_blocks, "and (i", (3,))]
)
def test_a_decision_on_a_block_stops(kernel, at, args):
    error = caught(sim.BlockCondition, kernel, (1,), torch.ones(4), *args, BLOCK=4, at=at)
    assert "4 values" in str(error) and "tl.where" in str(error)


@triton.jit
def sums_undefined_lanes(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i, mask=i < n)
    tl.store(y_ptr, tl.sum(x * 2.0 + 1.0))


@triton.jit
def stores_undefined_lanes(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i, mask=i < n)
    tl.store(y_ptr + i, x[None, :].trans())


@triton.jit
def multiplies_undefined_lanes(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    at = i[:, None] * BLOCK + i[None, :]
    x = tl.load(x_ptr + at, mask=at < n)
    y = tl.dot(x, x)
    tl.store(y_ptr + at, y)


@triton.jit
def chooses_defined_lanes(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i, mask=i < n)
    x = tl.where(i < n, x.to(tl.float32) + 1.0, 0.0)
    tl.store(y_ptr, tl.sum(tl.reshape(x, (2, BLOCK // 2))))


def test_lanes_without_other_may_not_matter():
    x = torch.ones(12)
    error = caught(sim.UndefinedLanes, sums_undefined_lanes, (1,), x, empty(1), 12, BLOCK=16, at="tl.sum(x")
    assert "4 undefined lane(s)" in str(error) and "other=" in str(error)
    two = empty(16, 1)
    with pytest.raises(sim.ShapeError):
        launch(stores_undefined_lanes, (1,), x, two, 12, BLOCK=16)
    matrix = torch.ones(16, 16)
    caught(
        sim.UndefinedLanes,
        multiplies_undefined_lanes,
        (1,),
        matrix,
        empty(16, 16),
        250,
        BLOCK=16,
        at="tl.dot(",
    )
    y = empty(1)
    launch(chooses_defined_lanes, (1,), x, y, 12, BLOCK=16)
    assert y.item() == 24.0


@triton.jit
def softmax_of_nothing(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i, mask=i < n, other=float("-inf"))
    z = x - tl.max(x, axis=0)
    p = tl.exp(z)
    tl.store(y_ptr + i, p / tl.sum(p, axis=0))


@triton.jit
def overflows(x_ptr, y_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i)
    y = (x * 300.0).to(tl.float16)
    tl.store(y_ptr + i, y)


@triton.jit
def divides(x_ptr, y_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    y = 1.0 / tl.load(x_ptr + i)
    tl.store(y_ptr + i, y)


def test_the_first_operation_that_makes_a_nan_is_named():
    error = caught(
        sim.NonFinite,
        softmax_of_nothing,
        (1,),
        torch.ones(4),
        empty(4),
        0,
        BLOCK=4,
        find_nonfinite=True,
        at="z = x -",
    )
    assert "gave nan in lane (0,)" in str(error)
    x = torch.tensor([1.0, 250.0])
    caught(
        sim.NonFinite,
        overflows,
        (1,),
        x,
        empty(2, dtype=torch.float16),
        BLOCK=2,
        find_nonfinite=True,
        at="y = (x",
    )
    zero = torch.tensor([1.0, 0.0])
    error = caught(sim.NonFinite, divides, (1,), zero, empty(2), BLOCK=2, find_nonfinite=True, at="y = 1.0 /")
    assert "inf in lane (1,)" in str(error)


def test_masking_with_minus_infinity_is_no_alarm():
    x, y = torch.randn(3), empty(4)
    launch(softmax_of_nothing, (1,), x, y, 3, BLOCK=4, find_nonfinite=True)
    assert torch.allclose(y[:3], x.softmax(0)) and y[3] == 0
    q, k, v = (torch.randn(1, 20, 16) for _ in range(3))
    kernels.attention(q, k, v, causal=True, find_nonfinite=True)
    launch(softmax_of_nothing, (1,), x, y, 0, BLOCK=4)
    assert y.isnan().all()


@triton.jit
def uses_inline_assembly(x_ptr):
    i = tl.arange(0, 8)
    y = tl.inline_asm_elementwise("mov.b32 $0, $1;", "=r,r", [i], dtype=tl.int32, is_pure=True, pack=1)
    tl.store(x_ptr + i, y)


@triton.jit
def leaves_early(x_ptr, n):
    for i in range(n):
        if i == 2:
            break
        tl.store(x_ptr + i, 1.0)


@triton.jit
def returns_from_a_loop(x_ptr, n):
    for i in range(n):
        if i == 2:
            return
        tl.store(x_ptr + i, 1.0)


@triton.jit
def returns_from_an_unrolled_loop(x_ptr, n):
    for i in tl.static_range(4):
        if i == n:
            return
        tl.store(x_ptr + i, 1.0)


def test_an_unrolled_loop_may_return():
    x = torch.zeros(8)
    launch(returns_from_an_unrolled_loop, (1,), x, 2)
    assert x.tolist() == [1.0, 1.0] + 6 * [0.0]


@triton.jit
def chains(x_ptr, n):
    i = tl.arange(0, 8)
    inside = 0 <= i < n
    tl.store(x_ptr + i, 1.0, mask=inside)


@pytest.mark.parametrize(
    "kernel, at, word, args",
    [
        (uses_inline_assembly, "tl.inline_asm", "inline_asm_elementwise", ()),
        (leaves_early, "break", "break", (4,)),
        (returns_from_a_loop, "return\n", "return inside a loop", (4,)),
        (chains, "0 <= i", "chain of comparisons", (4,)),
    ],
)
def test_what_is_not_supported_says_so(kernel, at, word, args):
    with pytest.raises(NotImplementedError, match=word) as info:
        launch(kernel, (1,), torch.zeros(8), *args)
    assert info.value.line == line_of(kernel, at)


@triton.jit
def not_a_power_of_two(x_ptr):
    i = tl.arange(0, 48)
    tl.store(x_ptr + i, 1.0)


@triton.jit
def shapes_do_not_fit(x_ptr):
    y = tl.zeros((8,), tl.float32) + tl.zeros((4,), tl.float32)
    tl.store(x_ptr + tl.arange(0, 8), y)


@triton.jit
def size_is_no_constant(x_ptr, n):
    i = tl.arange(0, n)
    tl.store(x_ptr + i, 1.0)


@triton.jit
def types_do_not_fit(x_ptr):
    a = tl.zeros((16, 16), tl.float32)
    b = tl.dot(a, a.to(tl.float16))
    tl.store(x_ptr + tl.arange(0, 16), tl.sum(b, 0))


@triton.jit
def exponent_of_a_half(x_ptr):
    y = tl.exp(tl.zeros((8,), tl.float16))
    tl.store(x_ptr + tl.arange(0, 8), y)


@triton.jit
def loop_changes_the_type(x_ptr, n):
    total = 0.0
    for _ in range(n):
        total += tl.load(x_ptr + tl.arange(0, 8))
    tl.store(x_ptr + tl.arange(0, 8), total)


@triton.jit
def misspelt(x_ptr):
    tl.store(x_ptr, tl.zeroes((1,), tl.float32))


@triton.jit
def assertion_fails(x_ptr, n):
    i = tl.arange(0, 8)
    assert i < n, "too short"


@triton.jit
def divides_by_zero(x_ptr, n):
    tl.store(x_ptr + 4 // n, 1.0)


@pytest.mark.parametrize(
    "kernel, error, at, args",
    [
        (not_a_power_of_two, sim.ShapeError, "tl.arange(0, 48)", ()),
        (shapes_do_not_fit, sim.ShapeError, "tl.zeros((4,)", ()),
        (size_is_no_constant, sim.ShapeError, "tl.arange(0, n)", (8,)),
        (types_do_not_fit, sim.TypeMismatch, "tl.dot(", ()),
        (exponent_of_a_half, sim.TypeMismatch, "tl.exp(", ()),
        (loop_changes_the_type, sim.TypeMismatch, "for _ in range", (3,)),
        (misspelt, sim.UnsupportedOperation, "tl.zeroes", ()),
        (assertion_fails, sim.StaticAssertion, "assert i < n", (5,)),
        (divides_by_zero, sim.KernelError, "4 // n", (0,)),
    ],
)
def test_ordinary_mistakes_name_the_line(kernel, error, at, args):
    caught(error, kernel, (1,), torch.zeros(16), *args, at=at)


def test_a_misspelling_is_corrected():
    with pytest.raises(sim.UnsupportedOperation, match="did you mean"):
        launch(misspelt, (1,), torch.zeros(16))


@triton.jit
def _helper(p):
    return tl.load(p + 5)


@triton.jit
def calls_a_helper(x_ptr):
    tl.store(x_ptr, _helper(x_ptr))


def test_a_mistake_in_a_helper_names_the_helpers_line():
    with pytest.raises(sim.OutOfBounds) as info:
        launch(calls_a_helper, (1,), torch.zeros(4))
    assert info.value.line == line_of(_helper, "tl.load(p + 5)")
    assert [frame.name for frame in info.traceback][-2:] == ["calls_a_helper", "_helper"]
    assert "return tl.load(p + 5)" in str(info.traceback[-1].statement)


def test_checks_can_be_chosen():
    launch(everybody_writes_here, (3,), empty(1), checks=False)
    launch(everybody_writes_here, (3,), empty(1), checks=["uninitialized", "undefined"])
    launch(half_written, (1,), empty(8), empty(8), 5, BLOCK=8, checks=["races"])
    launch(sums_undefined_lanes, (1,), torch.ones(12), empty(1), 12, BLOCK=16, checks=["races"])
    with pytest.raises(sim.OutOfBounds):
        launch(forgot_the_mask, (2,), torch.ones(100), empty(100), 100, BLOCK=64, checks=False)
    with pytest.raises(ValueError, match="checks: expected"):
        launch(everybody_writes_here, (3,), empty(1), checks=["race"])


def test_an_error_survives_pickling():
    import pickle

    with pytest.raises(sim.OutOfBounds) as info:
        launch(atomic_too_far, (1,), torch.zeros(6), BLOCK=8)
    again = pickle.loads(pickle.dumps(info.value))
    assert str(again) == str(info.value) and again.line == info.value.line


def test_the_machine_is_free_again_after_an_error():
    with pytest.raises(sim.OutOfBounds):
        launch(atomic_too_far, (1,), torch.zeros(6), BLOCK=8)
    out, _ = kernels.add(torch.ones(5), torch.ones(5))
    assert torch.equal(out, torch.full((5,), 2.0))
    assert empty_like(out).shape == out.shape
