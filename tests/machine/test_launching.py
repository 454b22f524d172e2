"""What a launch sets up on a GPU, and which rows of a config table the launches of a machine use."""

from contextvars import Context

import pytest
import torch
from aot import needs_triton
from glassbox.machine import configs, launch, launching

# ---- room for tensor descriptors


class Descriptors:
    """Stands for a compiled kernel: asks Triton's allocator for 96 bytes, as one with descriptors does."""

    def __getitem__(self, grid):
        from triton.runtime import _allocation

        allocator = _allocation._allocator.get()
        return lambda got: got.append((allocator, allocator(96, 128, None)))


@pytest.fixture
def started(monkeypatch):
    """Return a function that launches such a kernel, and gives the allocator and what it gave."""
    monkeypatch.setattr(launching, "_check_compiled", lambda kernel: None)
    monkeypatch.setattr(torch, "empty", lambda size, dtype, device: (size, dtype, device))

    def start():
        got = []
        launch(Descriptors(), 1, got, backend="compiled")
        return got[0]

    return start


@needs_triton
def test_a_launch_in_a_fresh_context_gives_descriptors_room_on_the_gpu(started):
    for _ in range(2):  # as in two threads: what one sets, the other does not see
        _, given = Context().run(started)
        assert given == (96, torch.int8, "cuda")


@needs_triton
def test_without_it_triton_refuses():
    with pytest.raises(RuntimeError, match="no allocator was set"):
        Context().run(lambda: Descriptors()[1]([]))


@needs_triton
def test_the_allocator_is_set_once(started):
    (first, _), (second, _) = Context().run(lambda: (started(), started()))
    assert first is second


@needs_triton
def test_an_allocator_of_the_program_is_left_alone(started):
    import triton

    def own(size, alignment, stream):
        return "the program's"

    def program():
        triton.set_allocator(own)
        return started()

    assert Context().run(program) == (own, "the program's")


# ---- the rows of a machine with a GPU

ROWS = tuple(
    {"arch": arch, "dtype": dtype, "bucket": bucket, "config": {"of": (arch, dtype, bucket)}}
    for arch in ("any", "sm_80", "sm_90")
    for dtype in ("any", "float32")
    for bucket in (64, None)
)
PROBLEMS = [(dtype, size) for dtype in (torch.float32, torch.bfloat16) for size in (1, 64, 65)]


@pytest.fixture(autouse=True)
def planted(monkeypatch):
    monkeypatch.setattr(configs, "table", lambda operation: ROWS)


@pytest.fixture
def hopper(monkeypatch):
    """Let this machine say that it has a GPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: (9, 0))


def chosen(backend):
    """Return the rows for every problem, and the architectures that they are of."""
    rows = [configs.choose("planted", dtype, size, backend=backend)["of"] for dtype, size in PROBLEMS]
    return rows, {arch for arch, _, _ in rows}


def test_what_is_simulated_gets_the_same_rows_on_every_machine(monkeypatch, request):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    without = chosen("simulated")
    request.getfixturevalue("hopper")
    assert chosen("simulated") == without and without[1] == {"any"}


def test_what_is_compiled_gets_the_rows_of_the_gpu(hopper):
    rows, archs = chosen("compiled")
    assert archs == {"sm_90"}
    assert rows[0] == ("sm_90", "float32", 64) and rows[-1] == ("sm_90", "any", None)


def test_compiled_is_the_default_and_without_a_gpu_the_rows_are_those_for_any(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert configs.choose("planted", torch.float32, 1)["of"] == ("any", "float32", 64)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: (8, 0))
    assert configs.choose("planted", torch.float32, 1)["of"] == ("sm_80", "float32", 64)


@pytest.mark.parametrize("backend", ["simulated", "compiled"])
def test_a_target_wins_over_the_machine_while_it_lasts(backend, hopper):
    before = chosen(backend)
    with configs.target("sm_80"):
        assert chosen(backend)[1] == {"sm_80"}
        with configs.target("any"):
            assert chosen(backend)[1] == {"any"}
        assert chosen(backend)[1] == {"sm_80"}
        asked = configs.choose("planted", torch.float32, 1, "sm_90", backend=backend)
        assert asked["of"] == ("sm_90", "float32", 64)  # what the call itself asks for wins over both
    assert chosen(backend) == before
