"""Programs that get in each other's way are caught; programs that share correctly are not."""

import torch
from glassbox.machine import empty, launch, tl, triton
from glassbox.machine import simulator as sim
from planted_mistakes import caught


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
