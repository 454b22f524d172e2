"""Tables read well on the screen, aloud and as plain text."""

import pytest
from glassbox.draw import table

ROWS = [
    {"model": "a <b>", "layers": 12, "share": 0.123456, "note": None},
    {"model": "longer", "layers": 1024, "share": 0.5, "note": "x"},
]


def test_plain_text_is_aligned():
    assert repr(table(ROWS, "Two models")) == "\n".join(
        [
            "Two models",
            "model   layers  share  note",
            "a <b>       12  0.123  –",
            "longer    1024    0.5  x",
        ]
    )


def test_html_has_a_caption_scopes_and_right_aligned_numbers():
    html = table(ROWS, "Two & two")._repr_html_()
    assert "Two &amp; two</caption>" in html
    assert html.count('<th scope="col"') == 4
    assert html.count('<th scope="row"') == 2
    assert '<td style="text-align:right;padding:3px 12px 3px 0">1024</td>' in html


def test_html_is_escaped_and_free_of_scripts_and_ids():
    html = table(ROWS, "<script>")._repr_html_()
    assert "a &lt;b&gt;" in html
    assert not any(bad in html for bad in ("<b>", "<script", "<style", " id="))


def test_formats_and_columns_are_chosen():
    text = repr(table(ROWS, "Shares", formats={"share": ".1%"}, columns=["model", "share"]))
    assert text.splitlines()[1:] == ["model   share", "a <b>   12.3%", "longer  50.0%"]


def test_floats_without_a_format_lose_their_noise():
    assert "0.3\n" in repr(table([{"x": 0.1 + 0.2}], "Sum")) + "\n"


@pytest.mark.parametrize(
    "change, message",
    [
        ({"columns": ["model", "loss"]}, r"columns\[1\]: expected a column of the rows; came 'loss'"),
        ({"formats": {"loss": ".2f"}}, "formats: expected only columns of the table"),
        ({"caption": ""}, "caption: expected a sentence"),
        ({"rows": []}, "rows: expected at least one row"),
        ({"rows": [{"a": 1}, {"b": 2}]}, r"columns\[0\]: .* which row 1 lacks"),
    ],
)
def test_bad_input_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        table(**{"rows": ROWS, "caption": "Two models", **change})
