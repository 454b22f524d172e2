"""The figures of notebook 01, as pure functions of rows."""

import json

import pytest
import torch
from glassbox.norms import experiments, figures
from glassbox.norms.depth_lab import EACH, PLACEMENTS, VIEWS

DEPTHS, GAINS = (6, 12), (1.0, 2.0)
SEEDS = (0, 1, 5)  # of which the median is 1 and the mean 2


def signal(placement, depth, gain, seed, layer):
    """Rows whose values say where they belong."""
    size = PLACEMENTS.index(placement) + 1
    row = {"placement": placement, "depth": depth, "gain": gain, "seed": seed, "layer": layer}
    return row | {"stream_rms": size * gain * layer + seed, "grad_norm": size * gain / layer}


@pytest.fixture(scope="module")
def rows():
    return [
        signal(placement, depth, gain, seed, layer)
        for placement in PLACEMENTS
        for depth in DEPTHS
        for gain in GAINS
        for seed in SEEDS
        for layer in range(1, depth + 1)
    ]


@pytest.fixture(scope="module")
def lab(rows):
    return figures.depth_lab(rows, says="At 12 blocks one thing, at 6 another.", task="Find the other.")


def trace(lab, placement, gain, panel, kind="curve"):
    """The curve or band of one placement at one gain: panels 0 and 1 above, 2 and 3 below."""
    first = (GAINS.index(gain) * len(PLACEMENTS) + PLACEMENTS.index(placement)) * EACH
    return lab.plot.data[first + {"band": 0, "curve": 4}[kind] + panel]


def test_the_lab_starts_at_the_deepest_network_with_every_block(lab):
    stream = trace(lab, "pre", 1.0, 0)
    assert list(stream.y) == list(range(1, 13))
    assert list(stream.x) == [2 * layer + 1 for layer in range(1, 13)]  # the median over the three seeds
    assert list(trace(lab, "pre", 1.0, 1).x) == pytest.approx([2 / layer for layer in range(1, 13)], rel=1e-2)


def test_the_lower_panels_show_the_last_block_of_each_depth(lab):
    assert list(trace(lab, "deep", 2.0, 2).x) == list(DEPTHS)
    assert list(trace(lab, "deep", 2.0, 2).y) == [6 * depth + 1 for depth in DEPTHS]


def test_a_band_goes_from_the_least_seed_up_and_from_the_most_back(lab):
    band = trace(lab, "pre", 1.0, 0, "band")
    assert list(band.y) == [*range(1, 13), *range(12, 0, -1)]
    assert list(band.x) == [2 * layer for layer in range(1, 13)] + [
        2 * layer + 5 for layer in range(12, 0, -1)
    ]
    assert band.fill == "toself"
    below = trace(lab, "pre", 1.0, 2, "band")
    assert list(below.x) == [6, 12, 12, 6] and list(below.y) == [12, 24, 29, 17]
    shallow = trace(lab.at("6 blocks"), "pre", 1.0, 0, "band")
    assert list(shallow.x) == [2, 4, 6, 8, 10, 12, 17, 15, 13, 11, 9, 7]


def test_the_depth_slider_shows_the_other_network(lab):
    shallow = lab.at("6 blocks")
    assert list(trace(shallow, "post", 1.0, 0).y) == [1, 2, 3, 4, 5, 6]
    assert shallow.plot.layout.yaxis.range == (0, 7)
    assert list(shallow.plot.layout.yaxis.tickvals) == [1, 2, 3, 4, 5, 6]
    assert lab.static == ("12 blocks", "6 blocks")  # the deep network first


def test_post_pre_and_deep_stand_out_at_first_and_the_gain_shown_is_one(lab):
    for placement in PLACEMENTS:
        assert trace(lab, placement, 1.0, 0).visible is True
        assert trace(lab, placement, 2.0, 0).visible is False
        assert (trace(lab, placement, 1.0, 0).opacity == 1) == (placement != "sandwich")


def test_each_view_and_each_gain_reaches_its_own_curves(lab):
    views, gains = lab.plot.layout.updatemenus[:2]
    for button, view in zip(views.buttons, VIEWS.values(), strict=True):
        opacity = button.args[0]["opacity"]
        assert len(opacity) == len(lab.plot.data)
        for place, placement in enumerate(PLACEMENTS):
            assert all(
                (value == 1) == (placement in view) for value in opacity[EACH * place : EACH * (place + 1)]
            )
    visible = gains.buttons[1].args[0]["visible"]
    assert visible == [False] * 4 * EACH + [True] * 4 * EACH + [True] * 2  # the two guides stay


def test_the_names_of_the_guides_stand_clear_of_the_last_markers(lab):
    for guide, words in zip(lab.plot.data[-2:], ("√N", "1/√N"), strict=True):
        assert guide.text[-1] == words and guide.textposition == "middle right"
        assert guide.x[-1] > DEPTHS[-1]


def test_a_wide_axis_has_ticks_at_powers_of_ten_and_a_narrow_one_more(rows, lab):
    layout = lab.plot.layout
    assert layout.yaxis4.tickvals == (0.1, 0.2, 0.5, 1, 2, 5)
    assert layout.xaxis2.tickvals == (0.1, 0.2, 0.5, 1, 2, 5)
    wide = figures.depth_lab([row | {"grad_norm": row["grad_norm"] ** 3} for row in rows], says="1.")
    assert wide.plot.layout.xaxis2.tickvals == (0.001, 0.01, 0.1, 1, 10, 100)


def test_play_uncovers_the_stream_upwards_and_then_the_gradient_downwards(lab):
    covers = [frame.layout.shapes for frame in lab.plot.frames if frame.name.startswith("sweep")]
    left = [next((s.y0 for s in shapes if s.xref == "x domain"), 1) for shapes in covers]
    right = [next((s.y1 for s in shapes if s.xref == "x2 domain"), 0) for shapes in covers]
    assert left == sorted(left) and right == sorted(right, reverse=True)
    assert (left[0], right[0], left[-1], right[-1]) == (0, 1, 1, 0)
    assert all(left[place] == 1 for place in range(len(right)) if right[place] < 1)


def test_the_lab_is_small_and_the_same_twice(rows, lab):
    again = figures.depth_lab(rows, says=lab.says, task=lab.task)
    assert lab.plot.to_json() == again.plot.to_json()
    assert len(lab.plot.to_json()) < 120_000


def test_a_missing_column_is_named(rows):
    with pytest.raises(ValueError, match="stream_rms"):
        figures.depth_lab([{k: v for k, v in row.items() if k != "stream_rms"} for row in rows], says="1")


def test_the_jacobian_keeps_one_scale_for_all_states():
    terms = experiments.jacobian_terms(torch.tensor([1.0, 3.0, -2.0, 0.5], dtype=torch.float64))
    shown = figures.jacobian(terms, says="4 rows.")
    assert shown.states == tuple(terms)
    for name, matrix in terms.items():
        heat = shown.at(name).plot.data[0]
        assert heat.zmax == -heat.zmin >= matrix.abs().max().item() - 0.01
        assert heat.z[0][0] == pytest.approx(matrix[0, 0].item(), abs=0.006)


def test_outcomes_put_each_run_over_its_setting():
    runs = [
        {"setting": setting, "placement": placement, "seed": 0, "loss": loss}
        for setting, placement, loss in (("a", "post", 3.0), ("a", "pre", 2.0), ("b", "post", 1.0))
    ]
    shown = figures.outcomes(runs, says="1 of 3 fails.", uniform=3.1)
    post, pre = shown.plot.data
    assert [round(x) for x in post.x] == [0, 1] and list(post.y) == [3.0, 1.0]
    assert post.x[0] < pre.x[0]
    assert shown.plot.layout.shapes[0].y0 == 3.1


def test_descent_shows_each_problem_with_its_own_valley():
    path = experiments.quadratic_descent(steps=5)
    surfaces = {
        problem: experiments.quadratic_surface(problem, points=9) for problem in ("raw", "standardised")
    }
    shown = figures.descent(path, surfaces, says="After 5 steps.")
    raw, bowl = (shown.at(name).plot for name in ("raw", "standardised"))
    assert len(raw.data[1].x) == 6
    assert json.dumps(raw.data[0].z) != json.dumps(bowl.data[0].z)


def test_the_legend_of_the_outcomes_takes_no_width_from_the_settings():
    runs = [{"setting": f"depth {n}", "placement": "post", "seed": 0, "loss": 3.0} for n in (4, 8)]
    shown = figures.outcomes(runs, says="1.", uniform=3.1, task="Count them.")
    assert shown.plot.layout.legend.orientation == "h" and shown.plot.layout.legend.y > 1
    assert shown.task == "Count them."
