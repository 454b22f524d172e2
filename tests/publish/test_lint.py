"""Every rule sees its planted breach, alone, and leaves the clean case in peace."""

import getpass
import json

import nbformat
import pytest
from glassbox.publish import Refused, lint, output_rules, structure_rules
from glassbox.publish.lint import ADVICE, RULES
from glassbox.publish.normalise import WIDGET_VIEW, written
from nbformat.v4 import new_code_cell as code
from nbformat.v4 import new_markdown_cell as text
from nbformat.v4 import new_output

TITLE = text("# Title")
SOMEWHERE = "/" + "home/someone"  # in two parts: no tracked file names a folder of one machine
PLOTLY = output_rules.PLOTLY
ALT = {"image/png": {"alt": "bars of 1 and 2"}}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def shown(data, metadata=None):
    """Return a code cell that shows `data`."""
    return code("show()", outputs=[new_output("display_data", data=data, metadata=metadata or {})])


def printed(words, name="stdout"):
    """Return a code cell that prints `words`."""
    return code("show()", outputs=[new_output("stream", name=name, text=words)])


def figure(**parts):
    """Return a code cell that shows a plotly figure with its picture."""
    drawing = {"data": [{"type": "bar", "y": [1, 2]}], "layout": {}, **parts}
    return shown({PLOTLY: drawing, "image/png": PIXEL, "text/plain": "bars"}, ALT)


def failing(*tags):
    """Return a code cell that stopped with an error."""
    error = new_output("error", ename="ValueError", evalue="no", traceback=["ValueError: no"])
    return code("1 / 0", outputs=[error], metadata={"tags": list(tags)} if tags else {})


# rule -> cells that break it, cells that come close and are fine
CASES = {
    "title": ([text("Words"), TITLE], [TITLE, text("## Section")]),
    "number_of_cells": (
        [TITLE, *(text("word") for _ in range(75))],
        [TITLE, *(text("word") for _ in range(74))],
    ),
    "words_of_prose": (
        [TITLE, *(text("word " * 85) for _ in range(45))],
        [TITLE, *(text("word " * 84) for _ in range(45))],
    ),
    "markdown_cell_length": (
        [TITLE, text("word " * 131)],
        [TITLE, text("word " * 80 + "$" + "a + " * 99 + "b$")],
    ),
    "code_cell_length": ([TITLE, code("a = 1\n\n" * 8 + "b")], [TITLE, code("a = 1\n" * 15)]),
    "empty_cell": ([TITLE, code(" \n")], [TITLE, code("pass")]),
    "links": (
        [TITLE, text("[next](02_none.ipynb)")],
        [TITLE, text("[up](#Title), [paper](https://example.org/a)")],
    ),
    "machine_paths": (
        [TITLE, printed(f"saved in {SOMEWHERE}/x")],
        [TITLE, text("read and/or work/home at 1/root(d)")],
    ),
    "user_names": (
        [TITLE, printed(f"{getpass.getuser()}@node1:~$")],
        [TITLE, printed(f"the word {getpass.getuser()} alone")],
    ),
    "nothing_remote": (
        [TITLE, text('<img alt="a cat" src="https://example.org/cat.png">')],
        [TITLE, text('<a href="https://example.org/paper">paper</a>')],
    ),
    "nothing_installed": ([TITLE, code("%pip install einops")], [TITLE, code("pipeline = run(pipe)")]),
    "no_path_edits": (
        [TITLE, code("import sys\nsys.path.insert(0, '../lib')")],
        [TITLE, code("import sys\nsys.argv")],
    ),
    "no_private_imports": (
        [TITLE, code("from glassbox.norms._fast import rms_norm")],
        [TITLE, code("%time 1\nfrom glassbox.norms import rms_norm\nfrom torch._C import x")],
    ),
    "images_described": ([TITLE, text("![](picture.png)")], [TITLE, text("![two bars](picture.png)")]),
    "no_figure_widgets": ([TITLE, code("go.FigureWidget()")], [TITLE, code("go.Figure()")]),
    "no_addresses": (
        [TITLE, printed("<Line2D at 0x7f3a5c0d1e20>")],
        [TITLE, printed("1.0 is 0x3f800000 in bits")],
    ),
    "no_control_codes": ([TITLE, printed("\x1b[31mred\x1b[0m")], [TITLE, printed("one\ttwo\nthree")]),
    "output_size": ([TITLE, printed("x" * 300_001)], [TITLE, printed("x" * 200_000)]),
    "no_stderr": ([TITLE, printed("UserWarning", "stderr")], [TITLE, printed("UserWarning")]),
    "no_errors": ([TITLE, failing()], [TITLE, failing("raises-exception")]),
    "plain_text_alternative": (
        [TITLE, shown({"text/html": "<b>1</b>"})],
        [TITLE, shown({"text/plain": "1"})],
    ),
    "no_vector_images": (
        [TITLE, shown({"image/svg+xml": "<svg/>", "text/plain": "a"})],
        [TITLE, shown({"text/html": "<svg></svg>", "text/plain": "a"})],
    ),
    "pictures_described": (
        [TITLE, shown({"image/png": PIXEL, "text/plain": "a"})],
        [TITLE, shown({"image/png": PIXEL, "text/plain": "a"}, ALT)],
    ),
    "still_beside_figure": ([TITLE, shown({PLOTLY: {"data": []}, "text/plain": "bars"})], [TITLE, figure()]),
    "small_template": (
        [TITLE, figure(layout={"template": {"data": {"bar": [{"type": "bar", "x": ["y" * 2000]}]}}})],
        [TITLE, figure(layout={"template": {"layout": {"font": {"size": 14}}}})],
    ),
    "readable_numbers": (
        [TITLE, figure(frames=[{"data": [{"y": {"dtype": "f8", "bdata": "AAAA"}}]}])],
        [TITLE, figure(frames=[{"data": [{"y": [1.25, 2.5]}]}])],
    ),
}


def names(problems):
    """Return the rules that the problems name."""
    return {problem.rule.replace(" ", "_") for problem in problems if not problem.warning}


@pytest.mark.parametrize("rule", CASES)
def test_rule_sees_its_breach_and_nothing_else(rule, page):
    broken, _ = CASES[rule]
    assert names(lint(page(*broken))) == {rule}


@pytest.mark.parametrize("rule", CASES)
def test_rule_passes_what_only_comes_close(rule, page):
    _, clean = CASES[rule]
    assert lint(page(*clean)) == []


def test_every_rule_has_a_planted_breach():
    planted_below = {"cell_names", "execution_counts", "no_widget_state", "notebook_size"}
    assert {rule.__name__ for rule in RULES} == set(CASES) | planted_below


def test_problem_says_where_and_what_to_do(page):
    found = lint(page(TITLE, text("## Part"), code("a = 1\n" * 16)))
    assert str(found[0]) == (
        "01_page.ipynb, cell 3 (part-1): code cell length: 16 lines; keep to 15, move helpers to the library"
    )


def test_a_long_markdown_cell_is_advised_against_but_not_refused(page):
    (found,) = lint(page(TITLE, text("word " * 91)))
    assert found.warning and found.rule == ADVICE[0].__name__.replace("_", " ")


@pytest.mark.parametrize(
    "name", ["snake_case", "Capital", "3f2a9c41", "a1b2c3d4-0000-4000-8000-0123456789ab", "title"]
)
def test_cell_names(name, page):
    broken = page(TITLE, text("words"))
    broken.notebook.cells[1]["id"] = name
    assert names(lint(broken)) == {"cell_names"}


@pytest.mark.parametrize("counts", [(1, None), (2, 1), (1, 3), (5, 6)])
def test_execution_counts(counts, page):
    broken = page(TITLE, code("1"), code("2"))
    for cell, count in zip(broken.notebook.cells[1:], counts, strict=True):
        cell.execution_count = count
    assert names(lint(broken)) == {"execution_counts"}


def test_execution_count_of_a_result_must_agree(page):
    broken = page(TITLE, code("1", outputs=[new_output("execute_result", data={"text/plain": "1"})]))
    broken.notebook.cells[1].outputs[0].execution_count = 7
    assert names(lint(broken)) == {"execution_counts"}


def test_widget_state_in_the_metadata(page):
    broken = page(TITLE)
    broken.notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}}}
    assert names(lint(broken)) == {"no_widget_state"}


def test_stored_view_of_a_widget(page):
    broken = page(TITLE, shown({"text/plain": "IntSlider(value=3)"}))
    broken.notebook.cells[1].outputs[0].data[WIDGET_VIEW] = {"model_id": "0a1b"}
    assert names(lint(broken)) == {"no_widget_state"}


def test_notebook_size(page):
    cells = [printed("x" * 290_000) for _ in range(6)]
    assert names(lint(page(TITLE, *cells))) == {"notebook_size"}
    assert lint(page(TITLE, *cells[:5])) == []


@pytest.mark.parametrize(
    "remote",
    [
        "<script>alert(1)</script>",
        "<style>td {}</style>",
        '<link rel="stylesheet" href="a.css">',
        "<iframe src='a.html'></iframe>",
        "@import 'a.css'",
        "background: url(https://example.org/a.png)",
        "<video poster='x' src=//example.org/v.mp4>",
        "![cat](http://example.org/cat.png)",
        "![cat][where]",
    ],
)
@pytest.mark.parametrize("place", ["markdown", "code", "html", "stdout"])
def test_nothing_remote_anywhere(remote, place, page):
    cell = {
        "markdown": text(remote),
        "code": code(f"show({remote!r})"),
        "html": shown({"text/html": remote, "text/plain": "a"}),
        "stdout": printed(remote),
    }[place]
    assert "nothing_remote" in names(lint(page(TITLE, cell)))


@pytest.mark.parametrize(
    "top", ["/ home/a", "/ root/a", "/ tmp/a", "/ work/a", "/ Users/a", r"C: \Users\a", "file: ///a"]
)
def test_machine_paths_in_sources_prose_and_figures(top, page):
    folder = top.replace(" ", "")
    cells = [text(f"see `{folder}`"), code(f"open('{folder}')"), figure(layout={"title": {"text": folder}})]
    for cell in cells:
        assert "machine_paths" in names(lint(page(TITLE, cell)))


@pytest.mark.parametrize(
    "install",
    [
        "!pip install a",
        "%conda install a",
        "! python -m pip install a",
        "subprocess.run(['pip', 'install'])",
        "!uv add a",
    ],
)
def test_install_cells(install, page):
    assert names(lint(page(TITLE, code(install)))) == {"nothing_installed"}


def neighbour(page, name, *cells):
    """Store a second notebook beside the page."""
    other = page(*cells)
    other.path.with_name(name).write_text(nbformat.writes(other.notebook), encoding="utf-8")


@pytest.mark.parametrize(
    "target",
    [
        "02_next.ipynb",
        "02_next.ipynb#Two-words",
        "02_next.ipynb#cell-id=two-words",
        "#cell-id=title",
        "#here",
    ],
)
def test_links_that_lead_somewhere(target, page):
    neighbour(page, "02_next.ipynb", TITLE, text("## *Two* words"))
    assert lint(page(TITLE, text(f"<a id='here'></a> [go]({target})"))) == []


@pytest.mark.parametrize(
    "target",
    [
        "02_next.ipynb#Three-words",
        "02_next.ipynb#cell-id=none",
        "#title",
        "#nowhere",
        "../picture.png",
        "03_x.ipynb",
    ],
)
def test_links_that_lead_nowhere(target, page):
    neighbour(page, "02_next.ipynb", TITLE, text("## Two words"))
    in_html = shown({"text/html": f'<a href="{target}">go</a>', "text/plain": "go"})
    for cell in (text(f"[go]({target})"), in_html):
        (problem,) = lint(page(TITLE, cell))
        assert problem.rule == "links" and problem.number == 2 and target in problem.advice


def test_words_are_counted_as_read():
    listing = "```python\nnot = counted\n```\n"
    assert (
        structure_rules.words(listing + "Two-word **names** cost $a + b$ [one](https://example.org) <b>x</b>")
        == 6
    )


def test_a_page_can_be_given_as_a_path(page):
    stored = page(TITLE, failing())
    stored.path.write_text(json.dumps(stored.notebook), encoding="utf-8")
    assert names(lint(stored.path)) == {"no_errors"}


def test_a_malformed_notebook_is_named_before_any_other_rule(page):
    broken = page(TITLE, failing())
    del broken.notebook.cells[1]["outputs"]
    assert names(lint(broken)) == {"valid"}


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"nbformat": 3, "worksheets": []}', "not json"])
def test_what_is_no_notebook_is_refused(content, tmp_path):
    path = tmp_path / "01_page.ipynb"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(Refused, match=r"01_page\.ipynb: readable"):
        lint(path)


def test_duplicates_are_seen_in_a_stored_file(page):
    broken = page(TITLE, text("words"))
    broken.notebook.cells[1]["id"] = "title"
    broken.path.write_text(written(broken.notebook), encoding="utf-8")
    assert [(problem.cell, problem.number) for problem in lint(broken.path)] == [("title", 1), ("title", 2)]
