"""From functions to what is timed, how wrong it may be, and peers that are not there."""

import sys
from types import ModuleType

import pytest
import torch
from bench_fakes import case
from glassbox.machine.bench import Peer
from glassbox.machine.bench.accuracy import WRONG, truth
from glassbox.machine.bench.direction import provider
from glassbox.machine.bench.peers import absence
from torch._functorch import config as functorch

X, GAIN = torch.randn(64, 32).bfloat16() + 0.5, (1 + 0.1 * torch.randn(32)).bfloat16()
DY = torch.randn(64, 32).bfloat16()


def rms_norm(x, gain, eps=1e-6):
    """Return an honest RMSNorm."""
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    return (wide / (wide.square().mean(-1, keepdim=True) + eps).sqrt() * gain).to(x.dtype)


class WritesOver(torch.autograd.Function):
    """3 x, with a backward pass that writes over the gradient that it is given."""

    @staticmethod
    def forward(ctx, x):
        """Return 3 x."""
        return x * 3

    @staticmethod
    def backward(ctx, dy):
        """Return 3 dy, in its place."""
        return dy.mul_(3)


def gradients_of(function, *tensors, dy):
    """Return the gradients by autograd, on a graph of their own."""
    leaves = [tensor.detach().clone().requires_grad_() for tensor in tensors]
    return torch.autograd.grad(function(*leaves), leaves, dy)


def test_forward_makes_no_graph():
    (y,) = provider("forward", rms_norm, (X.clone().requires_grad_(), GAIN), (DY,)).call()
    assert y.grad_fn is None and torch.equal(y, rms_norm(X, GAIN))


def test_backward_alone_runs_again_and_again():
    made = provider("backward", rms_norm, (X, GAIN), (DY,))
    wanted = gradients_of(rms_norm, X, GAIN, dy=DY)
    for _ in range(3):
        made.prepare()
        assert all(map(torch.equal, made.call(), wanted))


def test_both_returns_outputs_and_gradients():
    results = provider("forward+backward", rms_norm, (X, GAIN), (DY,)).call()
    wanted = (rms_norm(X, GAIN), *gradients_of(rms_norm, X, GAIN, dy=DY))
    assert all(map(torch.equal, results, wanted))


def test_a_gradient_that_was_written_over_is_filled_again():
    x, dy = torch.ones(4), torch.ones(4)
    made = provider("backward", WritesOver.apply, (x,), (dy,))
    for _ in range(3):
        made.prepare()
        assert made.call()[0].tolist() == [3.0] * 4
    assert made.call()[0].tolist() == [9.0] * 4  # without preparation
    assert dy.tolist() == [1.0] * 4


def test_a_function_of_several_outputs():
    made = provider(
        "backward", lambda x: (x * 2, x * 3), (torch.ones(2),), (torch.ones(2), torch.full((2,), 10.0))
    )
    assert made.call()[0].tolist() == [32.0, 32.0]


def test_a_graph_that_is_kept_is_built_without_donated_buffers():
    seen = []

    def spy(x):
        seen.append(functorch.donated_buffer)
        return x * 2

    for direction in ("backward", "forward"):
        provider(direction, spy, (torch.ones(2),), (torch.ones(2),)).call()
    assert seen == [False, functorch.donated_buffer] and functorch.donated_buffer is True


# ---- accuracy


@pytest.mark.parametrize("direction", ["forward", "backward", "forward+backward"])
def test_the_reference_is_as_wrong_as_itself(direction):
    right = truth(direction, rms_norm, (X, GAIN), (DY,))
    judged = right.judge(provider(direction, rms_norm, (X, GAIN), (DY,)).call())
    assert judged.ratio == pytest.approx(1.0) and judged.error > 0 and judged.refused == ""


def test_the_truth_is_in_float64():
    exact = truth("forward", rms_norm, (X, GAIN), (DY,)).exact[0]
    assert exact.dtype == torch.float64
    assert torch.equal(exact, rms_norm(X.double(), GAIN.double()))


MISTAKES = {
    "layer norm": lambda x, gain: rms_norm(x - x.float().mean(-1, keepdim=True), gain).to(x.dtype),
    "no gain": lambda x, gain: rms_norm(x, torch.ones_like(gain)),
    "ten per cent": lambda x, gain: (1.1 * rms_norm(x, gain).float()).to(x.dtype),
    "a row is missing": lambda x, gain: rms_norm(x, gain) * (torch.arange(len(x)) > 0)[:, None],
    "not a number": lambda x, gain: rms_norm(x, gain) * torch.nan,
    "wider": lambda x, gain: rms_norm(x.float(), gain.float()),
    "flat": lambda x, gain: rms_norm(x, gain).flatten(),
    "one too many": lambda x, gain: (rms_norm(x, gain), x),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_computes_something_else_is_refused(mistake):
    right = truth("forward", rms_norm, (X, GAIN), (DY,))
    assert right.judge(provider("forward", MISTAKES[mistake], (X, GAIN), (DY,)).call()).refused


def test_a_sloppier_kernel_is_not_refused_and_its_error_is_told():
    right = truth("forward", rms_norm, (X, GAIN), (DY,))
    casts_first = (rms_norm(X, torch.ones_like(GAIN)) * GAIN,)
    judged = right.judge(casts_first)
    assert 1.0 < judged.ratio < WRONG and judged.refused == ""


@pytest.mark.parametrize(("off", "refused"), [(5e-5, False), (2e-4, True)])
def test_a_sum_in_another_order_is_not_another_function(off, refused):
    x = torch.randn(1000)
    right = truth("forward", lambda x: x / 3, (x,), (x,))
    judged = right.judge((x / 3 + off * x.abs().max() / 3,))
    assert judged.ratio > WRONG and bool(judged.refused) is refused


def test_the_worst_of_several_results_counts():
    x = torch.tensor([1.0, 2.0])
    right = truth("forward", lambda x: (x / 3, x / 7), (x,), (x, x))
    assert right.judge((x / 3, x / 7 + 1e-3)).ratio > 1000


def test_an_exact_reference_leaves_room_for_rounding():
    x = torch.tensor([1.0, 2.0])
    right = truth("forward", lambda x: x * 2, (x,), (x,))
    assert right.judge((x * 2,)).ratio == 0.0
    assert 0 < right.judge(((x * 2) * (1 + 2**-23),)).ratio <= 4
    assert right.judge((x * 2 + 1e-3,)).refused


# ---- peers


@pytest.fixture
def package(monkeypatch):
    """Return a function that makes a package importable in some version."""

    def make(name, found):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
        monkeypatch.setattr("glassbox.machine.bench.peers.version", lambda distribution: found)

    return make


def test_torch_is_always_here():
    assert absence(Peer("eager", lambda case: torch.add)) == ""


def test_a_package_that_is_not_there():
    peer = Peer("x", lambda case: None, package="no_such_package", distribution="no-such-package")
    assert absence(peer) == "no_such_package is not installed"


@pytest.mark.parametrize(
    ("found", "absent"), [("0.5.2", True), ("0.6", False), ("0.6.0", False), ("0.10.1", False)]
)
def test_a_package_that_is_too_old(package, found, absent):
    package("some_peer", found)
    why = absence(Peer("x", lambda case: None, package="some_peer", distribution="some-peer", minimum="0.6"))
    assert why == (f"some-peer {found} is older than 0.6" if absent else "")


def test_a_package_that_does_not_start(tmp_path, monkeypatch):
    folder = "/".join(("", "opt", "some", "place"))
    (tmp_path / "broken_peer.py").write_text(f"raise OSError('no libcuda in {folder}')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert absence(Peer("x", lambda case: None, package="broken_peer")) == "OSError: no libcuda in <path>"


def test_a_peer_may_leave_cases_out():
    peer = Peer("x", lambda case: None, skip=lambda case: "" if case.headline else "headline cases only")
    assert (peer.skip(case(2)), peer.skip(case(2, headline=True))) == ("headline cases only", "")
