"""The rows of the tile stepper are what the forward kernel does, and planted mistakes show in them."""

import math

import pytest
import torch
from glassbox.attention.kernels.pieces import fold
from glassbox.attention.masks import causal
from glassbox.flash.experiments import causal_bytes, held_bytes
from glassbox.flash.figures import stepper_rows
from glassbox.flash.figures.folds import BUGS, watched
from glassbox.flash.figures.stepper_values import EXACT
from glassbox.flash.figures.steps import RULES
from glassbox.flash.figures.watching import COMPILER, divided_at, visited_tiles
from glassbox.flash.kernels import Plan, forward
from glassbox.machine import metered
from glassbox.tiny.seeds import normal

N, D = 96, 16
PLAN = Plan(D**-0.5, causal=True)


@pytest.fixture(scope="module")
def inputs():
    return [normal((1, 1, N, D), 12 + place, torch.float32) for place in range(3)]


@pytest.fixture(scope="module")
def rows():
    return stepper_rows(32, 16, n=N, d=D)


def run(inputs, plan=PLAN, **more):
    config = COMPILER | {"QUERIES": 32, "KEYS": 16}
    with metered() as reports:
        made = forward(*inputs, plan, backend="simulated", config=config, **more)
    return made, reports[0]


def test_the_last_block_of_queries_comes_first_and_hidden_tiles_never(rows):
    visits = [(row["queries"], row["keys"]) for row in rows]
    seen = causal().dense(N, N)
    wanted = [
        ((first, first + 32), (key, key + 16))
        for first in (64, 32, 0)
        for key in range(0, N, 16)
        if seen[first : first + 32, key : key + 16].any()
    ]
    assert visits == wanted and [row["step"] for row in rows] == list(range(1, len(rows) + 1))


def test_after_each_tile_the_result_is_what_the_kernel_gives_for_the_keys_so_far(inputs):
    q, k, v = inputs
    tiles = visited_tiles(q, k, v, PLAN, (32, 16), fold)
    for tile in tiles:
        (first, last), end = tile.queries, tile.keys[1]
        below = min(last, end)  # queries past the keys so far see all of them
        for rows, plan in (((first, below), PLAN), ((max(first, end), last), Plan(D**-0.5))):
            if rows[0] < rows[1]:
                made, _ = run([q[:, :, slice(*rows)], k[:, :, :end], v[:, :, :end]], plan)
                here = divided_at(tile, slice(rows[0] - first, rows[1] - first))
                torch.testing.assert_close(here.float(), made.output[0, 0], atol=2e-6, rtol=0)


def test_m_and_l_are_the_largest_score_and_the_sum_over_the_keys_so_far(inputs, rows):
    q, k, _ = (x[0, 0].double() for x in inputs)
    for row in rows:
        seen = min(row["keys"][1], row["query"] + 1)
        scores = q[row["query"]] @ k[:seen].mT * D**-0.5
        assert row["m"] == pytest.approx(scores.max().item(), rel=1e-5)
        assert row["l"] == pytest.approx((scores - scores.max()).exp().sum().item(), rel=1e-5)


def test_the_factor_is_that_of_the_move(rows):
    moves = [row for row in rows if row["moved"]]
    assert moves and all(0 < row["keep"] < 1 for row in moves)
    for row in moves:
        assert row["keep"] == pytest.approx(math.exp(row["m_before"] - row["m"]), rel=1e-6)
    firsts = [row for row in rows if row["keys"][0] == 0]
    assert [row["keep"] for row in firsts] == [0, 0, 0] and not any(row["moved"] for row in firsts)


def test_the_last_row_has_moved_all_bytes_of_the_kernel_and_of_the_formula(inputs, rows):
    _, report = run(inputs)
    assert rows[-1]["bytes"] == report.bytes_moved == causal_bytes(N, N, D, D, 32, 16)
    moved = [row["bytes"] for row in rows]
    assert moved == sorted(set(moved))


def test_watching_changes_no_access_and_no_byte_on_chip(inputs):
    _, plain = run(inputs)
    _, seen = run(inputs, fold=watched(fold, lambda *state: None))
    assert seen.events == plain.events and seen.peak_live_bytes == plain.peak_live_bytes


def test_what_is_held_is_the_formula_and_less_than_the_simulator_counts(inputs, rows):
    _, report = run(inputs)
    held = sum(held_bytes(32, 16, D).values())
    assert {row["held"] for row in rows} == {held} and held < report.peak_live_bytes


@pytest.mark.parametrize("mask", RULES)
@pytest.mark.parametrize("blocks", [(16, 32), (64, 16)])
def test_every_step_is_exact_for_the_keys_seen_so_far(mask, blocks):
    rows = stepper_rows(*blocks, mask=mask, n=N, d=D)
    assert max(row["error_so_far"] for row in rows) < EXACT
    ends = {row["queries"]: row["error_final"] for row in rows}  # the last tile of each block
    assert max(ends.values()) < EXACT < 0.1 < max(row["error_final"] for row in rows)


@pytest.mark.parametrize("bug, least", [("no rescale", 0.1), ("starts at m = 0, l = 1", 1e-3)])
def test_a_planted_mistake_shows_at_the_end(bug, least):
    assert stepper_rows(32, 16, n=N, d=D, bug=bug)[-1]["error_final"] > least


def test_a_hidden_tile_gives_nan_without_the_guard_alone():
    settings = {"mask": "window of 48", "n": N, "d": D}
    wrong, right = (stepper_rows(64, 16, bug=bug, **settings) for bug in ("hidden tile gives NaN", "none"))
    assert any(math.isnan(row["error_so_far"]) for row in wrong)
    assert not any(math.isnan(row["error_so_far"]) for row in right)
    assert not any(
        math.isnan(row["error_final"]) for row in stepper_rows(32, 16, n=N, d=D, bug="hidden tile gives NaN")
    )


def test_a_fold_of_ones_own_takes_the_place_of_the_kernels():
    own, named = (
        stepper_rows(32, 16, n=N, d=D, **more)
        for more in ({"fold": BUGS["no rescale"]}, {"bug": "no rescale"})
    )
    assert [row["l"] for row in own] == [row["l"] for row in named]


def test_a_last_block_that_is_cut_short_is_followed_too():
    rows = stepper_rows(32, 16, n=90, d=D, follow=30)
    assert rows[0]["queries"] == (64, 90) and rows[0]["query"] == 89
    assert max(row["error_so_far"] for row in rows) < EXACT


@pytest.mark.parametrize(
    "bad, named",
    [({"mask": "x"}, "mask"), ({"bug": "x"}, "bug"), ({"n": 0}, "n"), ({"follow": -1}, "follow")],
)
def test_bad_arguments_are_named(bad, named):
    with pytest.raises(ValueError, match=f"^{named}: expected"):
        stepper_rows(**bad)
