"""The figure parts are pure functions of rows."""

import pytest
from glassbox.draw import bars, lines, matrix, panel, side_by_side, theme, timeline, trajectory

ROWS = [
    {"place": place, "layer": layer, "seed": seed, "norm": base + layer + seed / 10}
    for place, base in (("post", 10.0), ("pre", 20.0))
    for layer in (1, 2, 3)
    for seed in (0, 1, 2)
]
TITLES = {"x_title": "layer (block)", "y_title": "norm (no unit)"}


def by_name(figure, name):
    return next(trace for trace in figure.data if trace.name == name and trace.showlegend is not False)


def test_a_curve_is_the_mean_of_the_seeds():
    curve = by_name(lines(ROWS, "layer", "norm", "place", **TITLES), "post")
    assert list(curve.x) == [1, 2, 3]
    assert list(curve.y) == [11.1, 12.1, 13.1]


def test_the_band_goes_from_the_smallest_to_the_largest_seed():
    band = lines(ROWS, "layer", "norm", "place", **TITLES).data[0]
    assert list(band.x) == [1, 2, 3, 3, 2, 1]
    assert list(band.y) == [11.0, 12.0, 13.0, 13.2, 12.2, 11.2]
    assert band.showlegend is False


def test_one_seed_has_no_band():
    one = [row for row in ROWS if row["seed"] == 0]
    assert [trace.name for trace in lines(one, "layer", "norm", "place", **TITLES).data] == ["post", "pre"]


def test_without_series_there_is_one_unnamed_curve():
    one = [row for row in ROWS if row["seed"] == 0 and row["place"] == "post"]
    (curve,) = lines(one, "layer", "norm", **TITLES).data
    assert curve.showlegend is False


def test_the_order_fixes_colours_and_may_hold_absent_names():
    figure = lines(ROWS, "layer", "norm", "place", order=["deep", "pre", "post"], **TITLES)
    assert by_name(figure, "pre").line.color == theme.SERIES[1]


def test_a_series_missing_from_the_order_is_refused():
    with pytest.raises(ValueError, match="order: expected every value of 'place', also"):
        lines(ROWS, "layer", "norm", "place", order=["post"], **TITLES)


def test_a_missing_column_is_named_with_what_exists():
    with pytest.raises(ValueError, match=r"y: expected a column.*'loss', which row 0 lacks.*'norm'"):
        lines(ROWS, "layer", "loss", "place", **TITLES)
    with pytest.raises(ValueError, match="which row 18 lacks"):
        lines([*ROWS, {"layer": 1, "norm": 2}], "layer", "norm", "place", **TITLES)


@pytest.mark.parametrize("rows, error", [([], ValueError), ([1], TypeError), ("no", TypeError)])
def test_what_is_no_list_of_rows_is_refused(rows, error):
    with pytest.raises(error, match="rows: expected"):
        lines(rows, "x", "y", **TITLES)


@pytest.mark.parametrize("lost", [None, float("nan"), float("inf")])
def test_a_run_that_was_lost_leaves_a_gap(lost):
    rows = [{**row, "norm": lost} if row["layer"] == 2 and row["seed"] == 1 else row for row in ROWS]
    figure = lines(rows, "layer", "norm", "place", **TITLES)
    assert list(by_name(figure, "post").y) == [11.1, None, 13.1]
    assert list(figure.data[0].x) == [1, 3, 3, 1]
    lengths = bars(rows, "norm", "layer", "place", x_title="norm (no unit)", y_title="layer").data[0].x
    assert list(lengths) == [11.1, None, 13.1]


def test_numbers_on_x_are_sorted_and_words_are_not():
    assert list(lines(ROWS[::-1], "layer", "norm", "place", **TITLES).data[1].x) == [1, 2, 3]
    words = [{"when": when, "loss": 1.0} for when in ("late", "early")]
    assert list(lines(words, "when", "loss", **TITLES).data[0].x) == ["late", "early"]


def test_log_axes_and_guides():
    figure = lines(
        ROWS, "layer", "norm", "place", guides={"1/√N": ([1, 3], [1, 1 / 3])}, log_y=True, **TITLES
    )
    assert (figure.layout.xaxis.type, figure.layout.yaxis.type) == (None, "log")
    assert list(figure.data[-1].y) == [1, 0.333]


def test_bars_lie_from_top_to_bottom_with_whiskers_over_seeds():
    figure = bars(ROWS, "norm", "layer", "place", x_title="norm (no unit)", y_title="layer")
    bar = by_name(figure, "post")
    assert (bar.orientation, list(bar.x), list(bar.y)) == ("h", [11.1, 12.1, 13.1], ["1", "2", "3"])
    assert list(bar.error_x.array) == [0.1, 0.1, 0.1]
    assert figure.layout.yaxis.autorange == "reversed"
    assert list(figure.layout.yaxis.categoryarray) == ["1", "2", "3"]


def test_bars_without_seeds_carry_their_number():
    one = [row for row in ROWS if row["seed"] == 0]
    bar = by_name(bars(one, "norm", "layer", "place", x_title="norm (no unit)", y_title="layer"), "post")
    assert list(bar.text) == ["11", "12", "13"]
    assert bar.error_x.array is None


HEAT = {"x_title": "key (token)", "y_title": "query (token)"}


def test_a_small_matrix_shows_numbers_and_borders():
    trace = matrix([[1.23456, -2], [None, 0]], diverging=True, **HEAT).data[0]
    assert [list(row) for row in trace.z] == [[1.23, -2], [None, 0]]
    assert (trace.texttemplate, trace.xgap) == ("%{z}", 1)


def test_a_diverging_scale_is_symmetric_about_zero():
    trace = matrix([[1, -3]], diverging=True, **HEAT).data[0]
    assert (trace.zmin, trace.zmax) == (-3, 3)
    assert trace.colorscale[2] == (0.5, "#FFFFFF")


def test_a_sequential_scale_starts_at_the_smallest_value():
    trace = matrix([[1, 3]], **HEAT).data[0]
    assert (trace.zmin, trace.zmax) == (1, 3)
    assert matrix([[1, 3]], limits=(0, 1), **HEAT).data[0].zmin == 0


def test_a_large_matrix_shows_neither_numbers_nor_borders():
    trace = matrix([[0.5] * 40] * 40, **HEAT).data[0]
    assert (trace.texttemplate, trace.xgap) == (None, 0)


@pytest.mark.parametrize("values", [[], [[]], [1, 2], [[1], [1, 2]]])
def test_what_is_no_matrix_is_refused(values):
    with pytest.raises(ValueError, match="values: expected"):
        matrix(values, **HEAT)


def test_labels_must_fit_the_matrix():
    with pytest.raises(ValueError, match="column_labels: expected 2 labels"):
        matrix([[1, 2]], column_labels=["a"], **HEAT)


def test_the_same_label_may_stand_at_two_columns():
    figure = matrix([[1, 2, 3]], column_labels=["the", "cat", "the"], **HEAT)
    assert figure.data[0].x is None
    assert figure.layout.xaxis.ticktext == ("the", "cat", "the")
    assert figure.layout.xaxis.tickvals == (0, 1, 2)


def test_many_labels_are_thinned():
    axis = matrix([[1] * 100], column_labels=range(100), **HEAT).layout.xaxis
    assert axis.tickvals[:3] == (0, 4, 8)
    assert axis.ticktext[:3] == ("0", "4", "8")


def test_long_column_labels_stand_upright_with_room_below():
    short = matrix([[1, 2]], column_labels=["a", "b"], **HEAT).layout
    long = matrix([[1, 2]], column_labels=["a" * 30, "b"], **HEAT).layout
    assert long.xaxis.tickangle == -90
    assert long.margin.b > short.margin.b + 200


def test_a_path_keeps_the_order_of_its_rows():
    rows = [{"w": w, "u": -w} for w in (3.0, 1.0, 2.0)]
    figure = trajectory(rows, "w", "u", x_title="w (no unit)", y_title="u (no unit)")
    assert list(figure.data[0].x) == [3, 1, 2]
    assert list(figure.data[0].marker.size) == [6, 6, 14]


def test_a_surface_lies_under_the_path_and_sets_the_ranges():
    rows = [{"w": 0.0, "u": 0.0}]
    surface = ([-1, 0, 1], [-2, 2], [[1, 0, 1], [2, 1, 2]])
    figure = trajectory(rows, "w", "u", surface=surface, x_title="w (no unit)", y_title="u (no unit)")
    assert figure.data[0].type == "contour"
    assert (figure.layout.xaxis.range, figure.layout.yaxis.range) == ((-1, 1), (-2, 2))


def test_a_surface_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="surface: expected values of 2 rows and 3 columns"):
        trajectory(
            [{"w": 0.0, "u": 0.0}], "w", "u", surface=([1, 2, 3], [1, 2], [[1, 2]]), x_title="w", y_title="u"
        )


def test_a_timeline_has_one_span_per_row():
    rows = [
        {"gpu": g, "at": g * 2.0, "for": 1.5, "what": w} for g in (0, 1) for w in ("query", "communication")
    ]
    figure = timeline(rows, "gpu", "at", "for", "what", label="what", x_title="time (ms)", y_title="GPU")
    span = by_name(figure, "communication")
    assert (list(span.base), list(span.x), list(span.y)) == ([0, 2], [1.5, 1.5], ["0", "1"])
    assert span.marker.color == theme.ROLES["communication"]


def test_panels_side_by_side_share_one_legend():
    one = lines(ROWS, "layer", "norm", "place", title="left", **TITLES)
    two = lines(ROWS, "layer", "norm", "place", title="right", log_y=True, **TITLES)
    both = side_by_side(one, two, title="Both")
    assert [trace.name for trace in both.data if trace.showlegend is not False] == ["post", "pre"]
    assert {(trace.xaxis, trace.yaxis) for trace in both.data} == {("x", "y"), ("x2", "y2")}
    assert (both.layout.yaxis.type, both.layout.yaxis2.type) == (None, "log")
    assert both.layout.xaxis.domain[1] < both.layout.xaxis2.domain[0]
    assert [note.text for note in both.layout.annotations] == ["left", "right"]


def test_side_by_side_takes_two_or_three_panels():
    empty = panel(**TITLES)
    for figures in ([empty], [empty] * 4):
        with pytest.raises(ValueError, match="figures: expected 2 to 3"):
            side_by_side(*figures)
