"""A learner's code can neither hang nor fill the machine, nor tell the check what to think."""

import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time

import example_exercises as examples
import numpy as np
import psutil
import pytest
import torch
from glassbox.learn.exercise import Cells, Limits, bounded, warm
from glassbox.learn.exercise.bounded import Session, Stopped, Unsendable, pool, shipped, wire
from learn.answers import in_batch as in_batch

X = torch.ones(3, 5, dtype=torch.float64)
QUICK = Limits(seconds=1.0, megabytes=256)
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux alone")


def run(function, limits=QUICK, **options):
    """Call a function once on X in a process of its own."""
    with Session(shipped(function), limits) as session:
        return session.observe((X,), **options)


def loop(x):
    while True:
        pass


def big(x):
    return torch.ones(10 * 2**30)


def growing(x):
    hoard = []
    while True:
        hoard.append(torch.ones(2**20))


def leave(x):
    os._exit(3)


def crash(x):
    import ctypes

    ctypes.string_at(0)


@pytest.mark.parametrize("function, reason", [(loop, "time"), (big, "memory"), (growing, "memory"),
                                              (leave, "ended"), (crash, "ended")])  # fmt: skip
def test_what_does_not_behave_is_stopped_and_the_limit_is_named(function, reason):
    began = time.monotonic()
    with pytest.raises(Stopped) as stopped:
        run(function)
    assert stopped.value.reason == reason
    assert time.monotonic() - began < 30


def test_after_a_stop_the_next_check_works():
    with pytest.raises(Stopped):
        run(leave)
    assert run(lambda x: x + 1).value.equal(X + 1)


def test_a_stopped_session_stays_stopped():
    with Session(shipped(leave), QUICK) as session:
        for _ in range(2):
            with pytest.raises(Stopped):
                session.observe((X,))


def test_an_exit_is_an_exception_like_others():
    seen = run(lambda x: sys.exit(2))
    assert seen.raised.type == "SystemExit"


def test_what_is_printed_does_not_disturb():
    def prints(x):
        print("passed" * 100, flush=True)
        os.write(1, b"passed" * 100)
        return x

    assert run(prints).value.equal(X)


def test_a_function_brings_along_what_it_refers_to():
    space = {"__name__": "__main__", "torch": torch, "SCALE": 3.0}
    exec("def helper(x): return x * SCALE\ndef scaled(x): return helper(x) + torch.ones(1)", space)
    assert run(space["scaled"]).value.equal(X * 3 + 1)


def test_what_cannot_be_sent_is_said():
    lock = threading.Lock()
    with pytest.raises(Unsendable, match="lock"):
        shipped(lambda x: lock)
    verdict = examples.softmax.check(lambda x: lock)
    assert "cannot be copied" in verdict.finding.message.saw


def test_the_kernel_is_left_as_it_was():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)

    def meddles(x):
        torch.allclose = torch.exp = None
        return x

    examples.softmax.check(meddles)
    assert torch.rand(1) == expected
    assert torch.allclose(torch.exp(torch.zeros(1)), torch.ones(1))


# ---- cheating


class Agreeable:
    """Says yes to every comparison."""

    def __eq__(self, other):
        return True

    __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __eq__


class Overloaded(torch.Tensor):
    """A tensor whose comparisons and differences please everybody."""

    def __eq__(self, other):
        return torch.ones(1).bool()

    def __sub__(self, other):
        return torch.zeros(1)


@pytest.mark.parametrize(
    "fake", [Agreeable, lambda: Overloaded(torch.zeros(3)), lambda: np.zeros(3), lambda: [X]]
)
def test_an_object_that_pleases_everybody_fails(fake):
    verdict = examples.softmax.check(lambda x: fake())
    assert not verdict.passed and verdict.finding.stage in ("interface", "form")


def test_a_checker_turned_round_in_the_process_changes_nothing():
    def tampers(x):
        from glassbox.learn.exercise import checking, compare
        from glassbox.learn.exercise.verdict import Verdict

        Verdict.passed = True
        compare.agrees = checking.judge = lambda *a, **k: torch.ones(1).bool()
        torch.Tensor.__eq__ = lambda self, other: True
        return x

    assert not examples.softmax.check(tampers).passed


@linux_only
@pytest.mark.parametrize("junk", [b"x" * 500, (2**62).to_bytes(8, "big"), (3).to_bytes(8, "big") + b"abc"])
def test_junk_in_the_channel_is_not_taken_for_a_result(junk):
    def forges(x):
        for descriptor in range(3, 20):
            try:
                os.write(descriptor, junk)
            except OSError:
                continue
        return x

    verdict = examples.softmax.check(forges)
    assert not verdict.passed


def test_fields_of_the_wrong_kind_are_refused():
    from glassbox.learn.exercise.bounded.session import _loaded, _observation

    good = (X, (X,), (), 0, "", None)
    assert _observation((X,), good).value.equal(X)
    for place, bad in [(1, None), (2, (X, X)), (2, ("no",)), (3, "many"), (4, 5), (5, ("only", "two"))]:
        with pytest.raises(wire.Malformed):
            _observation((X,), (*good[:place], bad, *good[place + 1 :]))
    for bad in (3, {}, {"parameters": [3], "values": []}, {"raised": ("a",)}):
        with pytest.raises(wire.Malformed):
            _loaded(bad)


def test_the_solutions_cannot_be_imported():
    cells = Cells(
        "from glassbox.norms import exercises\ndef softmax(x): return exercises.softmax", ("softmax",)
    )
    verdict = examples.softmax.check_cells(cells)
    assert "not available while an answer is checked" in verdict.finding.message.saw


# ---- processes


@linux_only
def test_a_killed_server_is_replaced():
    warm()
    os.kill(pool._waiting.process.pid, signal.SIGKILL)
    assert run(lambda x: x).value.equal(X)


KERNEL = """
import example_exercises as examples, torch
def loop(x):
    while True: pass
print("ready", flush=True)
examples.softmax.check(loop)
"""


@linux_only
def test_nothing_is_left_when_the_kernel_dies():
    kernel = subprocess.Popen([sys.executable, "-c", textwrap.dedent(KERNEL)], cwd=os.path.dirname(__file__),
                              env=os.environ | {"OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE)  # fmt: skip
    kernel.stdout.readline()
    family, deadline = [], time.monotonic() + 60
    while len(family) < 2 and time.monotonic() < deadline:
        family = psutil.Process(kernel.pid).children(recursive=True)
        time.sleep(0.1)
    assert len(family) == 2  # the server and the child in its endless loop
    kernel.kill()
    kernel.wait()
    kernel.stdout.close()
    assert psutil.wait_procs(family, timeout=20)[1] == []


def test_an_interrupt_ends_the_learners_process():
    children = []

    def interrupt():
        children.extend(psutil.Process().children(recursive=True))
        signal.raise_signal(signal.SIGINT)

    run(lambda x: x)
    timer = threading.Timer(0.5, interrupt)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            run(loop, Limits(seconds=20.0))
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)
    assert all(not child.is_running() or "server" in " ".join(child.cmdline()) for child in children)
    assert run(lambda x: x).value.equal(X)


@pytest.mark.slow
def test_a_fresh_process_for_each_function_does_the_same(monkeypatch):
    bounded.close_all()
    monkeypatch.setattr(pool, "FORKS", False)
    try:
        assert examples.softmax.check(examples.softmax_solution).passed
        assert examples.softmax.check(examples.over_columns).mistake == "over_columns"
        with pytest.raises(Stopped, match="time"):
            run(loop)
    finally:
        bounded.close_all()


def test_a_check_answers_within_two_seconds():
    examples.softmax.check(examples.softmax_solution)
    times = []
    while len(times) < 5 and min(times, default=9) > 2:
        began = time.monotonic()
        assert examples.softmax.check(examples.softmax_solution).passed
        times.append(time.monotonic() - began)
    assert min(times) <= 2


# ---- the wire


@pytest.mark.parametrize("value", [
    None, True, 3, 2.5, "word", b"\x00\xff", [1, [2.0, "x"]], (1, (2,)), {"a": 1, 2: (3,)}, float("inf"),
])  # fmt: skip
def test_plain_values_come_back(value):
    assert wire.unpacked(wire.packed(value)) == value


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16, torch.int64, torch.bool])
@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_tensors_come_back(dtype, shape):
    value = torch.ones(shape).to(dtype)
    back, array = wire.unpacked(wire.packed((value, np.ones(shape))))
    assert back.dtype == dtype and back.shape == shape and back.equal(value)
    assert isinstance(array, np.ndarray) and array.shape == shape


def test_a_view_and_a_pair_of_the_same_tensor_come_back():
    first, second = wire.unpacked(wire.packed((X.T, X.T)))
    assert first.equal(X.T) and second.equal(X.T)


def test_other_objects_come_back_as_their_names():
    back = wire.unpacked(wire.packed([object(), torch.ones(1, dtype=torch.complex64)]))
    assert [each.name for each in back] == ["object", "complex64 tensor"]


@pytest.mark.parametrize("content", [b"", b"junk", pickle.dumps([1]), b"\xff" * 100, wire.packed(3)[:-1]])
def test_other_bytes_are_refused(content):
    with pytest.raises(wire.Malformed):
        wire.unpacked(content)
