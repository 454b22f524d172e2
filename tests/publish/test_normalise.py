"""The stored form: the same content gives the same bytes, and names of cells last."""

import base64
import io
import json
import re

import pytest
from glassbox.publish.normalise import WIDGET_VIEW, is_good_name, normalise, slug, without_notes, written
from hypothesis import given
from hypothesis import strategies as st
from nbformat import from_dict
from nbformat.v4 import new_code_cell as code
from nbformat.v4 import new_markdown_cell as text
from nbformat.v4 import new_output
from PIL import Image
from PIL.PngImagePlugin import PngInfo


def ids(notebook):
    """Return the names of the cells."""
    return [cell.id for cell in notebook.cells]


def book(cells):
    """Return a notebook of these cells as they are; nbformat's own maker would mend their names."""
    return from_dict({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def one(*outputs, **cell):
    """Return the normalised cell that holds these outputs."""
    return normalise(book([code("1", outputs=list(outputs), **cell)])).cells[0]


def test_metadata_is_minimal():
    notebook = book([code("1", metadata={"tags": ["signature"], "execution": {"a": "1"}, "collapsed": True})])
    notebook.metadata = {
        "kernelspec": {"name": "mine"},
        "widgets": {},
        "language_info": {"version": "3.11.7"},
    }
    normalise(notebook)
    assert notebook.metadata == {
        "kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"},
        "language_info": {"name": "python"},
    }
    assert notebook.cells[0].metadata == {"tags": ["signature"]}


def test_empty_tags_are_dropped():
    assert one(metadata={"tags": []}).metadata == {}


def test_counts_go_from_one():
    result = new_output("execute_result", data={"text/plain": "1"}, execution_count=7)
    notebook = normalise(book([text("# A"), code("1", outputs=[result], execution_count=7), code("2")]))
    assert [cell.execution_count for cell in notebook.cells[1:]] == [1, 2]
    assert notebook.cells[1].outputs[0].execution_count == 1


def test_prints_are_joined_and_lose_trailing_blanks():
    parts = [new_output("stream", name="stdout", text=part) for part in ("a ", " \r\nb", "c\t\n")]
    cell = one(*parts, new_output("stream", name="stderr", text="d"))
    assert [(out.name, out.text) for out in cell.outputs] == [("stdout", "a\nbc\n"), ("stderr", "d")]


def test_prints_around_a_result_stay_apart():
    shown = new_output("display_data", data={"text/plain": "1  "})
    cell = one(printed("a"), shown, printed("b"))
    assert [out.output_type for out in cell.outputs] == ["stream", "display_data", "stream"]
    assert cell.outputs[1].data == {"text/plain": "1"}


def test_view_of_a_widget_is_dropped():
    data = {WIDGET_VIEW: {"model_id": "0a1b"}, "text/plain": "IntSlider(value=3)"}
    assert one(new_output("display_data", data=data)).outputs[0].data == {"text/plain": "IntSlider(value=3)"}


def test_traceback_names_no_files():
    error = new_output("error", ename="E", evalue="\x1b[1mno", traceback=["File a.py", "E: no"])
    assert one(error).outputs[0].traceback == ["E: no"]


def printed(words):
    """Return the output of a print."""
    return new_output("stream", name="stdout", text=words)


def png(**notes):
    """Return a small picture that carries notes."""
    info, stream = PngInfo(), io.BytesIO()
    for key, value in notes.items():
        info.add_text(key, value)
    Image.new("RGB", (3, 2), (10, 20, 30)).save(stream, "png", pnginfo=info)
    return stream.getvalue()


def test_pictures_lose_notes_and_keep_pixels():
    noted = png(Software="x 1.2", Date="today")
    bare = without_notes(noted)
    assert bare == without_notes(png(Software="y")) and b"Software" not in bare and b"Software" in noted
    assert list(Image.open(io.BytesIO(bare)).convert("RGB").tobytes()) == [10, 20, 30] * 6


def test_stored_pictures_are_bare():
    data = {"image/png": base64.encodebytes(png(Software="x")).decode(), "text/plain": "a"}
    stored = one(new_output("display_data", data=data)).outputs[0].data["image/png"]
    assert base64.b64decode(stored, validate=True) == without_notes(png())


def test_text_of_the_file():
    notebook = normalise(book([text("# Größe ≤ 3")]))
    words = written(notebook)
    assert words.endswith("}\n") and "Größe ≤ 3" in words and words.startswith('{\n "cells"')
    assert list(json.loads(words)) == sorted(json.loads(words))


# ---- names of cells


def test_names_come_from_the_nearest_heading():
    cells = [
        code("0"),
        text("# The *first* part"),
        code("1"),
        text("words"),
        text("## Second: `b`"),
        code("2"),
    ]
    names = ["start-1", "the-first-part", "the-first-part-1", "the-first-part-2", "second-b", "second-b-1"]
    assert ids(normalise(book(cells))) == names


def test_inserting_cells_renames_no_other():
    cells = [text("# A"), code("1"), code("2"), text("## B"), code("3")]
    before = ids(normalise(book(cells)))
    new = [code("new"), text("## New"), code("new")]
    after = ids(normalise(book([cells[0], new[0], *cells[1:3], *new[1:], *cells[3:]])))
    assert [name for name in after if name in before] == before
    assert [name for name in after if name not in before] == ["a-3", "new", "new-1"]


def test_an_authors_name_stays_and_a_copy_gets_its_own():
    cells = [text("# A"), code("1", id="the-key-experiment"), code("2", id="the-key-experiment")]
    assert ids(normalise(book(cells))) == ["a", "the-key-experiment", "a-1"]


def test_a_comment_in_a_listing_is_no_heading():
    cells = [text("# A"), text("```\n# not a heading\n```"), code("1")]
    assert ids(normalise(book(cells))) == ["a", "a-1", "a-2"]


def test_older_notebooks_without_names_get_them():
    notebook = book([text("# A"), code("1")])
    for cell in notebook.cells:
        del cell["id"]
    notebook.nbformat_minor = 4
    assert ids(normalise(notebook)) == ["a", "a-1"] and notebook.nbformat_minor == 5


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("What γ does", "what-does"),
        ("3 · Café", "section-3-cafe"),
        ("归一化", "section"),
        ("x" * 99, "section"),
    ],
)
def test_slug(heading, name):
    assert slug(heading) == name


@given(st.lists(st.tuples(st.booleans(), st.text(max_size=40), st.text("ab-1", max_size=9)), max_size=12))
def test_names_are_good_and_unique_and_last(parts):
    cells = [(text if prose else code)(source) for prose, source, _ in parts]
    for cell, (_, _, name) in zip(cells, parts, strict=True):
        cell["id"] = name
    notebook = normalise(book(cells))
    names = ids(notebook)
    assert all(is_good_name(name) for name in names) and len(set(names)) == len(names)
    assert ids(normalise(notebook)) == names


@given(st.text(max_size=80))
def test_a_slug_is_a_legal_id(heading):
    assert re.fullmatch(r"[a-zA-Z0-9-]{1,64}", f"{slug(heading)}-75") and is_good_name(slug(heading))


def test_twice_is_once():
    cells = [text("# A  \n"), code("1\n", outputs=[new_output("stream", name="stdout", text="a \n")])]
    once = written(normalise(book(cells)))
    assert written(normalise(book(cells))) == once
