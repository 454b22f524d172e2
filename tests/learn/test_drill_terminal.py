"""The terminal: what is typed, what is shown, what is recorded."""

import io
from datetime import UTC, datetime

import pytest
from drill_bank import bank, card, follow, wrong
from glassbox.learn import progress
from glassbox.learn.drill import Board, Filters, boards
from glassbox.learn.drill.interview import interview
from glassbox.learn.drill.mock import CRITERIA
from glassbox.learn.drill.screen import Screen
from glassbox.learn.drill.terminal import drill, show_weak_spots
from glassbox.learn.drill.wording import SAY
from rich.console import Console


@pytest.fixture(autouse=True)
def own_record(tmp_path, monkeypatch):
    monkeypatch.setenv("GLASSBOX_DATA", str(tmp_path))
    for name in ("GLASSBOX_BATCH", "VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)


def screen(*typed: str, language: str = "en") -> Screen:
    """Return a screen on which these lines are typed; then the input ends."""
    lines = iter(typed)

    def read(prompt: str) -> str:
        shown.write(prompt + "\n")
        try:
            return next(lines)
        except StopIteration as end:
            raise EOFError from end

    shown = io.StringIO()
    return Screen(Console(file=shown, width=100), read, language)


def seen(on: Screen) -> str:
    return on.console.file.getvalue()


def test_one_card_by_keyboard():
    on = screen("3", "1 2", "", "4", "q")
    assert drill(on, bank=bank(card("a"), card("b"))) == 1
    (event,) = progress.events("review")
    assert event.item == "a" and event.payload["after"] == 3 and event.payload["said"] == [0, 1]
    text = seen(on)
    assert text.index("What is a?") < text.index("before you see") < text.index("brief") < text.index("one")
    assert "Graded 3, expected 3" in text and "1 reviewed." in text


def test_help_skip_language_and_wrong_keys():
    on = screen("?", "x", "l", "s", "q")
    assert drill(on, bank=bank(card("a"), card("b"))) == 0
    text = seen(on)
    assert "the right words, not why" in text and "Type one of: 0 1 2 3 4 ? s l" in text
    assert "中 What is a?" in text and "中 What is b?" in text
    assert progress.events() == []


def test_wrong_numbers_are_asked_again():
    on = screen("2", "9", "a", "2", "1", "4")
    drill(on, bank=bank(card("a")), count=1)
    (event,) = progress.events("review")
    assert (
        event.payload["said"] == [0, 1, 2] and event.payload["flags"] == [0] and event.payload["after"] == 1
    )


def test_follow_ups_go_down_while_they_hold():
    tree = (follow("first", follow("second")), follow("other"))
    on = screen("2", "a", "", "2", "f", "1", "y", "1", "n")
    assert drill(on, bank=bank(card("a", followups=tree)), count=1) == 1
    text = seen(on)
    assert "first!" in text and "second!" in text and "other!" not in text


def test_filters_that_leave_nothing():
    on = screen()
    assert drill(on, Filters(topics=frozenset({"moe"})), bank=bank(card("a"))) == 0
    assert "no card passes" in seen(on)


def test_in_chinese():
    on = screen("3", "a", "", "3", language="zh")
    drill(on, bank=bank(card("a")), count=1)
    assert "中 What is a?" in seen(on) and "要点" in seen(on) and "复习了 1 张" in seen(on)
    assert progress.events("review")[0].payload["language"] == "zh"


def test_both_languages_take_the_same_values():
    for words in SAY.values():
        assert sorted(part.split("}")[0] for part in words.en.split("{")[1:]) == sorted(
            part.split("}")[0] for part in words.zh.split("{")[1:]
        )


class Verdict:
    def __init__(self, passed: bool):
        self.passed = passed

    def __str__(self) -> str:
        return "passed" if self.passed else "eps stands outside the root"


def test_a_whole_interview():
    tries = iter([False, True])
    board = Board(
        "norms.rms_norm", "RMSNorm", "Write it.", "def rms_norm(x):", lambda _: Verdict(next(tries))
    )
    six, four = ["4"] * len(CRITERIA), ["2"] * len(CRITERIA)
    checklist = ["1", ""]
    warm_up, chain = [*six, *checklist, *four], ["1", "y", *six, *checklist, *four]
    whiteboard, plain = ["", ""], warm_up
    known = bank(
        card("start"),
        *(card(name, level=2, followups=(follow("why"),)) for name in ("c1", "c2")),
        card("compute", kind="compute"),
        card("repair", kind="repair"),
    )
    on = screen(*warm_up, *chain, *chain, *whiteboard, *plain, *plain)
    found = interview(on, 20, "research", known, [board], seed=0)
    assert [result.part for result in found.results][:4] == ["warm-up", "chain", "second chain", "whiteboard"]
    assert len(found.results) == 6 and found.boards == {"norms.rms_norm": True}
    assert found.results[1].depth == 1 and found.excess == 2.0
    text = seen(on)
    assert "eps stands outside the root" in text and "repair is wrong" in text and "- two" in text
    assert progress.events("mock")[0].payload["results"][3]["passed"] is True
    assert len(progress.events("review")) == 5


def test_an_interview_may_be_left():
    found = interview(screen("q"), 20, "research", bank(card("a")), [], seed=0)
    assert found.results == () and progress.events() == []


def test_the_weak_spots_are_written():
    on = screen("1", "", "1", "0")
    drill(on, bank=bank(card("a")), count=1)
    progress.log("outcome", "01.p1", wrong("01.p1", 5).payload)
    show_weak_spots(on.console, bank(card("a")))
    text = seen(on)
    assert "norms" in text and "sure 5 of 5: 0% of 1 right" in text and "expected less earned: +1.00" in text


def test_a_first_report_has_no_calibration_yet():
    on = screen()
    show_weak_spots(on.console, bank(card("a")))
    assert "norms" in seen(on) and "expected less" not in seen(on)


def test_the_real_whiteboards_judge_a_written_answer():
    found = {board.id: board for board in boards()}
    board = found["norms.rms_norm"]
    assert board.topic == "norms" and "def rms_norm(" in board.starter and "root-mean-square" in board.task
    body = "    wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x\n"
    body += "    y = wide / (wide.square().mean(-1, keepdim=True) + eps).sqrt() * gain\n"
    body += "    return y.to(x.dtype)\n"
    source = f"import torch\n\ndef rms_norm(x, gain, eps):\n{body}"
    assert board.judge(source).passed
    assert board.judge(source.replace("mean(-1", "mean(0")).passed is False


def test_a_session_of_batch_mode_records_nothing(monkeypatch):
    monkeypatch.setenv("GLASSBOX_BATCH", "1")
    assert drill(screen("3", "a", "", "3"), bank=bank(card("a")), count=1) == 1
    monkeypatch.delenv("GLASSBOX_BATCH")
    assert progress.events() == [] and datetime.now(UTC)
