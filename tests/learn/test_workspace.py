"""The learner's folder: copied once, kept up to date, and nothing a learner wrote is ever lost."""

import json
from itertools import product
from pathlib import Path

import pytest
from glassbox.learn import workspace
from glassbox.learn.cells import Unreadable, changed, outline
from glassbox.learn.workspace import MANIFEST, Fate, WorkspaceError, sync

NAME = "01_norms.ipynb"


def notebook(*sources: str, outputs: str = "") -> bytes:
    """Return a notebook of these cells; one that begins with # is prose."""
    cells = [cell(source, outputs) for source in sources]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def cell(source: str, outputs: str) -> dict:
    if source.startswith("#"):
        return {"cell_type": "markdown", "source": source.splitlines(keepends=True)}
    shown = [{"output_type": "stream", "name": "stdout", "text": outputs}] if outputs else []
    return {"cell_type": "code", "source": source, "outputs": shown}


FIRST = notebook("# Norms", "x = 1", "## Depth", "y = 2")
SECOND = notebook("# Norms", "x = 1", "## Depth", "y = 3")
THIRD = notebook("# Norms", "x = 0", "## Depth", "y = 3")
ANSWERED = notebook("# Norms", "x = 1", "## Depth", "y = 2", "my = 'answer é 漢'")
RUN = notebook("# Norms", "x = 1", "## Depth", "y = 2", "", outputs="2")


class Folders:
    def __init__(self, root: Path):
        self.course, self.mine = root / "course", root / "é 漢 mine"
        self.course.mkdir()

    def offer(self, content: bytes, name: str = NAME) -> Fate:
        """Let the course have this notebook, bring the folder up to date, say what became of it."""
        (self.course / name).write_bytes(content)
        return self.sync().fates()[name]

    def sync(self) -> workspace.Report:
        return sync(self.course, self.mine)

    def write(self, content: bytes, name: str = NAME) -> None:
        (self.mine / name).write_bytes(content)

    def read(self, name: str = NAME) -> bytes:
        return (self.mine / name).read_bytes()

    def names(self) -> list[str]:
        return sorted(path.name for path in self.mine.iterdir() if not path.name.startswith("."))

    def backups(self) -> list[bytes]:
        return [path.read_bytes() for path in (self.mine / ".glassbox" / "backups").glob("*.ipynb")]


@pytest.fixture
def folders(tmp_path):
    return Folders(tmp_path)


def test_a_new_notebook_is_copied_byte_for_byte(folders):
    assert folders.offer(FIRST) is Fate.COPIED
    assert folders.read() == FIRST and folders.names() == [NAME]
    assert folders.sync().lines() == []


def test_the_first_copy_is_said_in_one_line(folders):
    (folders.course / "00_start_here.ipynb").write_bytes(FIRST)
    (folders.course / NAME).write_bytes(FIRST)
    assert folders.sync().lines() == ["2 notebooks copied to your folder."]


@pytest.mark.parametrize("content", [FIRST, ANSWERED, RUN])
def test_an_unchanged_course_changes_nothing(folders, content):
    folders.offer(FIRST)
    folders.write(content)
    assert folders.offer(notebook("# Norms", "x = 1", "## Depth", "y = 2", outputs="other")) is Fate.SAME
    assert folders.read() == content and folders.names() == [NAME]


def test_a_notebook_that_was_only_run_is_updated_and_the_old_one_kept(folders):
    folders.offer(FIRST)
    folders.write(RUN)
    assert folders.offer(SECOND) is Fate.UPDATED
    assert folders.read() == SECOND and folders.backups() == [RUN]


def test_an_update_names_the_headings_that_changed(folders):
    folders.offer(FIRST)
    (folders.course / NAME).write_bytes(SECOND)
    (line,) = folders.sync().lines()
    assert line.startswith(f"{NAME}: brought up to date") and line.endswith("Changed: Depth.")


def test_an_edited_notebook_is_untouched_and_the_new_one_placed_beside(folders):
    folders.offer(FIRST)
    folders.write(ANSWERED)
    (folders.course / NAME).write_bytes(SECOND)
    (line,) = folders.sync().lines()
    assert folders.read() == ANSWERED and folders.read("01_norms.new.ipynb") == SECOND
    assert "Yours is untouched" in line and "01_norms.new.ipynb" in line and line.endswith("Changed: Depth.")


@pytest.mark.parametrize(
    "edited",
    [
        notebook("# Norms", "x = 1", "## Depth", "y = 22"),
        notebook("# Norms", "x = 1", "## Depth"),
        notebook("# Norms", "## Depth", "x = 1", "y = 2"),
        notebook("# Norms!", "x = 1", "## Depth", "y = 2"),
        notebook("# Norms", "x = 1 ", "## Depth", "y = 2"),
    ],
    ids=["altered", "removed", "moved", "prose", "a blank"],
)
def test_any_change_of_a_source_counts_as_the_learners(folders, edited):
    folders.offer(FIRST)
    folders.write(edited)
    assert folders.offer(SECOND) is Fate.BESIDE
    assert folders.read() == edited


def test_the_copy_beside_waits_and_follows_the_course_while_nobody_writes_in_it(folders):
    folders.offer(FIRST)
    folders.write(ANSWERED)
    folders.offer(SECOND)
    assert folders.offer(SECOND) is Fate.WAITING
    assert folders.offer(THIRD) is Fate.BESIDE
    assert folders.read("01_norms.new.ipynb") == THIRD and len(folders.names()) == 2


def test_a_copy_beside_that_was_written_in_is_kept_too(folders):
    folders.offer(FIRST)
    folders.write(ANSWERED)
    folders.offer(SECOND)
    folders.write(ANSWERED, "01_norms.new.ipynb")
    folders.offer(THIRD)
    assert folders.read("01_norms.new.ipynb") == ANSWERED
    assert folders.read("01_norms.new-2.ipynb") == THIRD


def test_a_copy_beside_that_was_thrown_away_does_not_come_back(folders):
    folders.offer(FIRST)
    folders.write(ANSWERED)
    folders.offer(SECOND)
    (folders.mine / "01_norms.new.ipynb").unlink()
    assert folders.offer(SECOND) is Fate.SAME and folders.names() == [NAME]


def test_taking_over_the_copy_beside_settles_it(folders):
    folders.offer(FIRST)
    folders.write(ANSWERED)
    folders.offer(SECOND)
    (folders.mine / "01_norms.new.ipynb").replace(folders.mine / NAME)
    assert folders.offer(SECOND) is Fate.SAME
    assert folders.offer(THIRD) is Fate.UPDATED


def test_a_notebook_that_left_the_course_is_kept_and_said_once(folders):
    folders.offer(FIRST)
    (folders.course / NAME).unlink()
    assert folders.sync().lines() == [f"{NAME}: no longer part of the course; yours is kept."]
    assert folders.read() == FIRST and folders.sync().lines() == []


def test_a_deleted_copy_is_made_again(folders):
    folders.offer(FIRST)
    (folders.mine / NAME).unlink()
    assert folders.offer(FIRST) is Fate.COPIED


@pytest.mark.parametrize("broken", [b"", FIRST[:50], b"[]", b"\xff\xfe", b'{"cells": 3}', b'{"cells": [{}]}'])
def test_a_broken_notebook_is_left_alone_and_said(folders, broken):
    folders.offer(FIRST)
    folders.write(broken)
    (folders.course / NAME).write_bytes(SECOND)
    (line,) = folders.sync().lines()
    assert folders.read() == broken and folders.names() == [NAME]
    assert "not a readable notebook" in line


@pytest.mark.parametrize("manifest", [None, b"{", b"[]", b'{"01_norms.ipynb": {"base": 3}}'])
def test_without_a_record_every_notebook_counts_as_the_learners(folders, manifest):
    folders.offer(FIRST)
    (folders.mine / MANIFEST).unlink()
    if manifest is not None:
        (folders.mine / MANIFEST).write_bytes(manifest)
    assert folders.offer(SECOND) is Fate.BESIDE
    assert folders.read() == FIRST


EDITS = (None, RUN, ANSWERED, notebook("own = 1"), b"half a note")


@pytest.mark.parametrize("edits", list(product(EDITS, repeat=2)))
def test_no_history_of_changes_loses_what_the_learner_wrote(tmp_path, edits):
    for number, versions in enumerate(product((FIRST, SECOND, THIRD), repeat=2)):
        (tmp_path / str(number)).mkdir()
        folders = Folders(tmp_path / str(number))
        folders.offer(FIRST)
        for edit, offered in zip(edits, versions, strict=True):
            if edit is not None:
                folders.write(edit)
            before = folders.read()
            folders.offer(offered)
            kept = [folders.read()] if edit not in (None, RUN) else [folders.read(), *folders.backups()]
            assert before in kept, (number, edits)


def test_an_interrupted_copy_leaves_the_old_notebook_whole(folders, monkeypatch):
    folders.offer(FIRST)

    def fails(*_):
        raise OSError("planted")

    monkeypatch.setattr(workspace.os, "replace", fails)
    (folders.course / NAME).write_bytes(SECOND)
    with pytest.raises(WorkspaceError, match="planted"):
        folders.sync()
    monkeypatch.undo()
    assert folders.read() == FIRST
    assert [path.name for path in folders.mine.iterdir() if path.suffix == ".tmp"] == []
    assert folders.sync().fates() == {NAME: Fate.UPDATED}


def test_a_run_that_ended_before_the_record_was_written_does_no_harm(folders, monkeypatch):
    folders.offer(FIRST)
    folders.write(ANSWERED)
    with monkeypatch.context() as patch:
        patch.setattr(workspace, "_write_manifest", lambda *_: None)
        folders.offer(SECOND)
    assert folders.offer(SECOND) is Fate.BESIDE
    assert folders.names() == ["01_norms.ipynb", "01_norms.new.ipynb"]


def test_a_folder_that_is_a_file_is_refused(folders, tmp_path):
    (folders.course / NAME).write_bytes(FIRST)
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    for target in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(WorkspaceError, match="is not a folder; choose another with --folder"):
            sync(folders.course, target)
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


def test_a_folder_without_permission_is_refused(folders, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(WorkspaceError, match=r"cannot use .*Permission denied.*--folder"):
        folders.sync()


def test_a_damaged_notebook_of_the_course_is_named(folders):
    (folders.course / NAME).write_bytes(FIRST[:50])
    with pytest.raises(WorkspaceError, match=r"01_norms\.ipynb is damaged"):
        folders.sync()


def test_only_notebooks_are_copied(folders):
    (folders.course / "notes.txt").write_text("x", encoding="utf-8")
    (folders.course / ".ipynb_checkpoints").mkdir()
    folders.offer(FIRST)
    assert folders.names() == [NAME]


def test_changed_cells_are_named_by_the_heading_above_them(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(notebook("a = 1", "# One\ntext", "b = 1", "## Two", "c = 1", "## Three", "d = 1"))
    new.write_bytes(notebook("a = 2", "# One\ntext", "b = 1", "## Two", "c = 1", "e = 5"))
    assert changed(outline(old), outline(new)) == ("the beginning", "Two", "Three")


def test_what_is_not_a_notebook_is_not_read(tmp_path):
    with pytest.raises(Unreadable):
        outline(tmp_path / "nothing.ipynb")
