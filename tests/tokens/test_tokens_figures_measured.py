"""The lattice, fertility and loss: what is drawn is what the rows say."""

import json

import pytest
from glassbox.draw.states import at
from glassbox.tokens import Tokenizer, Unigram, figures, lattice_rows, marked, sample_rows

SAYS = "Of 3 ways the best has 2 pieces."
PIECES = {"<unk>": -9.0, "▁": -3.0, "a": -2.5, "b": -2.6, "c": -2.7, "ab": -3.1, "bc": -3.2, "▁ab": -4.0}


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer(marked(), Unigram(list(PIECES), list(PIECES.values())))


@pytest.fixture(scope="module")
def rows(tokenizer):
    return lattice_rows(tokenizer, "▁abc")


@pytest.fixture(scope="module")
def samples(tokenizer):
    return sample_rows(tokenizer, "abc", 60, alpha=0.5)


@pytest.fixture(scope="module")
def shown(rows, samples):
    return figures.lattice(rows, samples, says=SAYS, task="Compare.")


def spec_of(shown):
    return shown._bundle()["application/vnd.plotly.v1+json"]


def ends(trace):
    """Return the (start, end) of the arcs of a trace, which None sets apart."""
    found, part = [], []
    for x in [*trace["x"], None]:
        if x is None and part:
            found.append((part[0], part[-1]))
            part = []
        elif x is not None:
            part.append(x)
    return found


def test_there_is_an_arc_for_every_piece_as_thick_as_its_share(shown, rows):
    arcs = spec_of(shown)["data"][: len(rows)]
    assert [ends(arc) for arc in arcs] == [[(row["start"], row["end"])] for row in rows]
    shares, widths = [row["share"] for row in rows], [arc["line"]["width"] for arc in arcs]
    order = sorted(range(len(rows)), key=shares.__getitem__)
    assert [widths[i] for i in order] == sorted(widths) and max(widths) > 1.5 * min(widths)


def test_each_arc_is_labelled_with_its_log_probability(shown, rows):
    labels = [note["text"].rpartition("<br>") for note in spec_of(shown)["layout"]["annotations"]]
    assert [float(number) for _, _, number in labels] == [row["log_probability"] for row in rows]
    longer = [row["token"] for row in rows if row["end"] - row["start"] > 1]
    assert [token for token, _, _ in labels if token] == longer


def test_the_states_are_the_best_path_and_the_most_frequent_others(shown, rows, samples):
    best = [row["token"] for row in rows if row["best"]]
    drawn = [sample["pieces"] for sample in samples if sample["pieces"] != best][:2]
    spec = spec_of(shown)
    for name, pieces in zip(("best", "drawn 1", "drawn 2"), (best, *drawn), strict=True):
        path, sentence = at(spec, name)["data"][len(rows) : len(rows) + 2]
        assert ["▁abc"[int(start) : int(end)] for start, end in ends(path)] == pieces
        assert sentence["text"][0].startswith(f"<b>{' | '.join(pieces)}</b>")


def test_the_sentence_adds_up_the_path_and_counts_the_draws(shown, rows, samples):
    spec = spec_of(shown)
    for name in ("best", "drawn 1"):
        pieces, _, told = at(spec, name)["data"][len(rows) + 1]["text"][0].partition("</b>")
        pieces = pieces.removeprefix("<b>").split(" | ")
        count = next(sample["count"] for sample in samples if sample["pieces"] == pieces)
        assert (
            told.split() == f"log P = {sum(map(PIECES.get, pieces)):.2f}, drawn {count} times of 60".split()
        )


def test_the_still_picture_shows_the_three_states(shown, rows):
    assert len(shown.still.data) == 3 * (len(rows) + 3) and len(shown.states) == 3
    assert len(json.dumps(spec_of(shown))) < 25_000


def test_a_word_with_one_segmentation_has_no_slider(tokenizer):
    shown = figures.lattice(lattice_rows(tokenizer, "c"), [{"pieces": ["c"], "count": 5}], says=SAYS)
    assert not shown.plot.layout.sliders


def test_samples_of_another_word_are_refused(rows):
    with pytest.raises(ValueError, match="samples: expected segmentations"):
        figures.lattice(rows, [{"pieces": ["▁", "x"], "count": 1}], says=SAYS)
    with pytest.raises(ValueError, match="share"):
        figures.lattice([{k: v for k, v in row.items() if k != "share"} for row in rows], [], says=SAYS)


# ---- fertility


def counted(algorithm="bpe", unknown=0, **changes):
    return [
        {
            "algorithm": algorithm,
            "vocabulary": vocabulary,
            "text": text,
            "tokens": 4 * characters * 512 // vocabulary,
            "bytes": width * characters,
            "characters": characters,
            "unknown": unknown if text == "chinese" else 0,
        }
        | changes
        for text, characters, width in (("english", 1000, 1), ("chinese", 300, 3))
        for vocabulary in (512, 2048)
    ]


@pytest.fixture(scope="module")
def costs():
    rows = counted() + counted("wordpiece", unknown=7)
    return figures.fertility(rows, says="Chinese takes 4 tokens.", task="Compare.", start="wordpiece")


def test_cost_and_worth_are_counted_from_the_rows(costs):
    state = at(spec_of(costs), "bpe")
    by_name = {(trace["name"], trace["yaxis"]): trace["y"] for trace in state["data"]}
    assert by_name == {
        ("english", "y"): [4.0, 1.0],
        ("chinese", "y"): [4.0, 1.0],
        ("english", "y2"): [0.25, 1.0],
        ("chinese", "y2"): [0.75, 3.0],
    }


def test_a_point_with_unknown_tokens_is_hollow(costs):
    spec = spec_of(costs)
    assert spec["data"] == at(spec, "wordpiece")["data"]
    for name, hollow in (("bpe", set()), ("wordpiece", {"chinese"})):
        data = at(spec, name)["data"]
        assert {t["name"] for t in data if all(s.endswith("-open") for s in t["marker"]["symbol"])} == hollow
    assert any("hollow" in note["text"] for note in spec["layout"]["annotations"])
    plain = figures.fertility(counted(), says=SAYS)
    assert not plain.plot.layout.annotations and not plain.plot.layout.sliders


def test_any_column_can_tell_the_states_apart_but_no_point_is_there_twice():
    rows = counted(trained_on="english") + counted(trained_on="all")
    assert figures.fertility(rows, says=SAYS, by="trained_on").states == ("english", "all")
    with pytest.raises(ValueError, match="one row for each text and vocabulary"):
        figures.fertility(rows, says=SAYS)
    with pytest.raises(ValueError, match="start: expected one of"):
        figures.fertility(rows, says=SAYS, by="trained_on", start="bpe")


# ---- loss


def test_every_seed_has_its_point_in_both_units_on_one_range():
    rows = [
        {"vocabulary": v, "seed": s, "bits_per_token": token + 0.01 * s, "bits_per_byte": token / v * 256}
        for v, token in ((256, 2.5), (2048, 3.3))
        for s in (0, 1)
    ]
    shown = figures.loss(rows[::-1], says="2.5 bits per byte over bytes, 0.41 over 2,048 tokens.")
    data, layout = spec_of(shown)["data"], spec_of(shown)["layout"]
    points = {(trace["yaxis"], trace["name"]): trace["y"] for trace in data}
    assert points["y", "seed 1"] == [2.51, 3.31] and points["y2", "seed 0"] == [2.5, 0.4125]
    assert layout["yaxis"]["range"] == layout["yaxis2"]["range"] and layout["yaxis"]["range"][0] == 0
    assert layout["xaxis"]["ticktext"] == ["256", "2,048"]
    with pytest.raises(ValueError, match="bits_per_byte"):
        figures.loss([{"vocabulary": 1, "seed": 0, "bits_per_token": 1.0}], says=SAYS)
