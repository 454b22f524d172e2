"""Two thousand random launches: the simulator equals a float64 reference and raises no false alarm."""

import random

import kernels_under_test as kernels
import pytest
import torch
from glassbox.machine import configs
from glassbox.norms.kernels import forward

KINDS = (torch.float32, torch.float16, torch.bfloat16)
TOLERANCE = {torch.float32: 2e-6, torch.float16: 1.5e-3, torch.bfloat16: 1.2e-2}


def strided(draw: random.Random, rows: int, columns: int, kind) -> torch.Tensor:
    """Return a random matrix: contiguous, a window, every other row, transposed, or expanded."""
    seed = torch.Generator().manual_seed(draw.randrange(2**31))
    make = lambda *shape: torch.randn(*shape, generator=seed).to(kind)  # noqa: E731
    layout = draw.choice(("plain", "window", "step", "transposed", "expanded"))
    if layout == "window":
        top, left = draw.randrange(3), draw.randrange(5)
        return make(rows + 3, columns + 7)[top : top + rows, left : left + columns]
    if layout == "step":
        return make(2 * rows, columns)[::2]
    if layout == "transposed":
        return make(columns, rows).T
    return make(1, columns).expand(rows, columns) if layout == "expanded" else make(rows, columns)


def close(got: torch.Tensor, expected: torch.Tensor, scale: torch.Tensor) -> bool:
    """True if `got` equals a float64 reference as well as its type can, relative to `scale`."""
    return bool(((got.double() - expected).abs() <= TOLERANCE[got.dtype] * scale.abs().max()).all())


def random_add(draw):
    kind, n = draw.choice(KINDS), draw.randint(1, 400)
    x, y = (strided(draw, n, draw.randint(1, 3), kind)[:, 0] for _ in range(2))
    expected = x.double() + y.double()
    return kernels.add(x, y, block=draw.choice((16, 64, 256)))[0], expected, expected


def random_softmax(draw):
    x = strided(draw, draw.randint(1, 6), draw.randint(1, 70), draw.choice(KINDS))
    expected = x.double().softmax(1)
    return kernels.softmax(x)[0], expected, expected


def random_matmul(draw):
    kind, (m, n, k) = draw.choice(KINDS), (draw.randint(1, 40) for _ in range(3))
    a, b = strided(draw, m, k, kind), strided(draw, k, n, kind)
    got = kernels.matmul(a, b, block=[draw.choice((16, 32)) for _ in range(3)])[0]
    return got, a.double() @ b.double(), a.double().abs() @ b.double().abs()


def random_norm(draw):
    kind, n, centre = draw.choice(KINDS), draw.randint(1, 90), draw.random() < 0.5
    x = strided(draw, draw.randint(1, 5), n, kind)
    added = strided(draw, x.shape[0], n, kind) if draw.random() < 0.5 else None
    gain = torch.randn(n, generator=torch.Generator().manual_seed(n)).to(kind)
    gain, alpha = (gain if draw.random() < 0.5 else None), 1.5 if centre and added is not None else 1.0
    # every third launch is cut into pieces as long rows are
    tile = {"BLOCK": 32, "STAGES": 1} if draw.randrange(3) == 0 else {"ROWS": draw.choice((1, 2, 4))}
    how = {"centre": centre, "keep_total": False, "backend": "simulated"}
    with configs.override("norm_forward", tile):
        y = forward(x, added, gain, None, alpha, 1e-3, **how).y
    s = alpha * x.double() + (0 if added is None else added.double())
    s = s - s.mean(1, keepdim=True) if centre else s
    expected = s / (s.square().mean(1, keepdim=True) + 1e-3).sqrt()
    expected = expected if gain is None else expected * gain.double()
    scale = torch.ones(1) if gain is None else gain.double().abs().max()
    return y, expected, scale


@pytest.mark.slow
@pytest.mark.parametrize(
    "launch_one, count", [(random_add, 600), (random_softmax, 500), (random_matmul, 400), (random_norm, 500)]
)
def test_random_launches_equal_the_reference(launch_one, count):
    for seed in range(count):
        got, expected, scale = launch_one(random.Random(seed))
        assert got.isfinite().all() and close(got, expected, scale), f"seed {seed}"


def test_a_few_random_launches_equal_the_reference():
    for launch_one in (random_add, random_softmax, random_matmul, random_norm):
        for seed in range(10_000, 10_040):
            got, expected, scale = launch_one(random.Random(seed))
            assert got.isfinite().all() and close(got, expected, scale), f"{launch_one.__name__}, seed {seed}"


@pytest.mark.parametrize("launch_one", [random_add, random_softmax, random_matmul, random_norm])
def test_the_tolerance_sees_small_mistakes(launch_one):
    """Two per cent too much anywhere in the largest value is an error that every type must show."""
    seen = 0
    for seed in range(30):
        got, expected, scale = launch_one(random.Random(seed))
        if expected.abs().max() > 0.8 * scale.abs().max():
            seen += 1
            assert not close(got, expected * 1.025, scale), f"seed {seed}, {got.dtype}"
    assert seen >= 3


def test_the_tolerance_sees_a_lost_column():
    x = torch.randn(4, 33, generator=torch.Generator().manual_seed(0))
    expected = x.double().softmax(1)
    assert not close(kernels.softmax(x[:, :32])[0], expected[:, :32], expected)
    a, b = torch.randn(9, 33), torch.randn(33, 5)
    scale = a.double().abs() @ b.double().abs()
    assert not close(kernels.matmul(a[:, :32], b[:32])[0], a.double() @ b.double(), scale)
