"""The forms of notebook 19: typed keys, clicks and ticks, without a browser."""

import re
import time
from datetime import timedelta

import pytest
from drill_bank import START, after, bank, card, event, follow, review, words
from glassbox.learn import progress
from glassbox.learn.drill import Board, begin, example, opened, plan, weak_spots, widget
from glassbox.learn.drill.rubric import CRITERIA
from glassbox.learn.drill.widget import opening
from glassbox.learn.drill.widget.head import drill_desk, interview_desk
from glassbox.learn.drill.widget.practice import Practice
from glassbox.learn.drill.widget.sitting import Sitting
from glassbox.learn.drill.widget.words import KEYS, SAY
from glassbox.learn.forms import VIEW

SIX = "324403"


@pytest.fixture(autouse=True)
def own_record(tmp_path, monkeypatch):
    monkeypatch.setenv("GLASSBOX_DATA", str(tmp_path))
    monkeypatch.delenv("GLASSBOX_BATCH", raising=False)


@pytest.fixture
def shown(monkeypatch):
    """Return what is displayed."""
    found = []
    monkeypatch.setattr(opening, "display", lambda what, **_: found.append(what))
    return found


def drilled(*cards):
    return drill_desk(Practice(bank(*cards), progress.events()))


def typed(desk, *lines):
    for line in lines:
        desk.line.value = line
        assert desk.line.value == ""
    return desk


def press(desk, label: str):
    """Click the button whose label begins so."""
    (found,) = [
        button
        for button in (*desk.buttons.children, *desk.foot.children)
        if button.description.startswith(label)
    ]
    found.click()


def said(desk) -> str:
    return " ".join(re.sub("<[^>]+>", " ", part.value) for part in (desk.page, desk.ask, desk.hint))


def note(desk) -> str:
    """Return the markdown that the notebook renders."""
    return desk.note.outputs[0]["data"]["text/markdown"]


# ---- the drill


def test_one_card_by_typing():
    desk = drilled(card("a"), card("b"))
    assert "What is a?" in said(desk) and "brief" not in said(desk)
    typed(desk, "3")
    assert "brief" in said(desk) and "(01_norms.ipynb#cell-id=hook)" in note(desk)
    typed(desk, "1 2", "0")
    assert "allows 3 at most" in said(desk)
    typed(desk, "3")
    (kept,) = progress.events("review")
    assert kept.item == "a" and kept.payload["said"] == [0, 1] and kept.payload["flags"] == []
    assert (kept.payload["before"], kept.payload["after"]) == (3, 3)
    assert "Graded 3, expected 3" in said(desk) and "What is b?" in said(desk)


def test_one_card_by_clicks_and_ticks():
    desk = drilled(card("a"))
    press(desk, "4")
    assert [box.description for box in desk.boxes.children] == ["1  one", "2  two", "3  three"]
    desk.boxes.children[0].value = desk.boxes.children[2].value = True
    press(desk, "go on")
    desk.boxes.children[0].value = True
    press(desk, "go on")
    assert [button.description[0] for button in desk.buttons.children] == ["0", "1"]  # a red flag caps at 1
    press(desk, "1")
    payload = progress.events("review")[0].payload
    assert (payload["said"], payload["flags"], payload["after"]) == ([0, 2], [0], 1)


def test_the_answer_stays_hidden_until_a_grade_is_given():
    desk = typed(drilled(card("a")), "5", "a", "1 2", "x")
    assert "brief" not in said(desk) and "Type one of: 0, 1, 2, 3, 4, s, l, q" in said(desk)


def test_what_the_checklist_forbids_is_not_taken():
    desk = typed(drilled(card("a")), "4", "1", "0", "4")
    assert progress.events() == [] and "Type one of: 0, 1, 2, l, q" in said(desk)
    typed(desk, "2")
    assert progress.events("review")[0].payload["after"] == 2


@pytest.mark.parametrize("line", ["9", "1 9", "one", "-1", "1.5"])
def test_places_that_do_not_exist_are_asked_again(line):
    desk = typed(drilled(card("a")), "3", line)
    assert "1 … 3, a, 0" in said(desk) and desk.step.marks


def test_a_late_click_on_an_old_button_does_nothing():
    desk = drilled(card("a"), card("b"))
    old = desk.buttons.children[4]
    typed(desk, "3")
    assert old.comm is None and "Which facts" in said(desk)


def test_skip_asks_another_and_records_nothing():
    desk = typed(drilled(card("a"), card("b")), "s")
    assert "What is b?" in said(desk) and progress.events() == []


def test_the_language_changes_in_the_middle_of_a_card():
    desk = typed(drilled(card("a")), "l")
    assert "中 What is a?" in said(desk) and "看答案之前" in said(desk)
    typed(desk, "3")
    desk.boxes.children[1].value = True
    press(desk, "l  English")
    assert "In 30 seconds" in said(desk) and desk.boxes.children[0].description == "1  one"
    typed(desk, "l")
    press(desk, "继续")
    typed(desk, "0", "2")
    payload = progress.events("review")[0].payload
    assert payload["language"] == "zh" and payload["said"] == [1]


def test_follow_ups_go_down_while_they_hold():
    tree = (follow("first", follow("second", follow("third"))), follow("other"))
    desk = typed(drilled(card("a", followups=tree), card("b")), "3", "a", "0", "4")
    assert "They ask on" in said(desk) and "first!" not in said(desk)
    typed(desk, "1", "y")
    assert "first!" in said(desk) and "other?" not in said(desk)
    typed(desk, "1", "n")
    assert "second!" in said(desk) and "They ask on" not in said(desk)
    typed(desk, "g")
    assert "What is b?" in said(desk) and desk.step.fresh


def test_filters_change_the_question_but_not_a_card_under_way():
    desk = drilled(card("a"), card("m", topic="moe"), card("c", skill="code"))
    topic, skill = desk.view.children[0].children
    topic.value = frozenset(["moe"])
    assert "What is m?" in said(desk)
    typed(desk, "3")
    topic.value = frozenset()
    skill.value = frozenset(["code"])
    assert "brief" in said(desk)
    typed(desk, "a", "0", "3")
    assert "What is c?" in said(desk)
    topic.value = frozenset(["moe"])
    assert "no card passes" in said(desk) and desk.line.layout.display == "none"
    topic.value = frozenset()
    assert "What is c?" in said(desk) and desk.line.layout.display != "none"


def test_stop_says_how_many_and_takes_no_more():
    desk = typed(drilled(card("a"), card("b")), "3", "a", "0", "3", "q")
    assert "1 reviewed" in said(desk) and desk.buttons.children == ()
    typed(desk, "3")
    assert len(progress.events("review")) == 1


def test_text_of_the_bank_cannot_become_markup():
    desk = drilled(card("a", ask=words("is `x < y` <b>bold</b>?"), must_say=(words("<i>"), words("two"))))
    assert "<code>x &lt; y</code> &lt;b&gt;bold" in desk.page.value
    typed(desk, "3")
    assert desk.boxes.children[0].description == "1  &lt;i&gt;"


@pytest.mark.slow
def test_the_next_card_comes_in_a_tenth_of_a_second():
    cards = bank(*(card(f"c{n}", topic=("norms", "ffn", "moe")[n % 3]) for n in range(1000)))
    log = [review(f"c{n % 1000}", 1 + n % 4, after(minutes=10 * n)) for n in range(50_000)]
    desk = drill_desk(Practice(cards, log))
    seconds = []
    for _ in range(5):
        typed(desk, "3", "a", "0")
        begun = time.perf_counter()
        typed(desk, "3")
        seconds.append(time.perf_counter() - begun)
        assert desk.step.fresh
    assert min(seconds) <= 0.1


# ---- the mock interview


class Verdict:
    def __init__(self, passed: bool):
        self.passed = passed

    def _repr_html_(self) -> str:
        return "<b>passed</b>" if self.passed else "eps stands outside the root"


def sat(*cards, board=None, clock=lambda: START):
    items = plan(20, "research", bank(*cards), [board] if board else [], seed=0)
    desk = interview_desk(Sitting(begin(20, "research", items, START), clock))
    assert (
        desk.status.value == ""
        and not desk.view.children[0].playing
        and "20 minutes, role research" in said(desk)
    )
    return typed(desk, "g")


def test_a_whole_interview():
    judged = []

    def judge(source: str) -> Verdict:
        judged.append(source)
        return Verdict("sqrt" in source)

    board = Board("norms.rms_norm", "RMSNorm", "Write $x$.", "def rms_norm(x):", judge)
    chains = [card(name, level=2, followups=(follow("why"),)) for name in ("c1", "c2")]
    desk = sat(card("start"), *chains, card("sum", kind="compute"), card("mend", kind="repair"), board=board)
    assert "1/6 · warm-up" in desk.status.value
    typed(desk, "444444", "1 2", "0", SIX)
    for _ in chains:
        typed(desk, "1", "y", "g", "4", "44444", "a", "0", SIX)
    assert "4/6 · whiteboard" in desk.status.value and desk.sheet.layout.display != "none"
    assert note(desk).endswith("Write $x$.")
    press(desk, "c")
    assert "eps stands outside" in said(desk)
    desk.sheet.value += "    return x / x.sqrt()\n"
    typed(desk, "c")
    assert judged == ["import torch\n\n\ndef rms_norm(x):\n", desk.sheet.value] and "passed" in said(desk)
    typed(desk, "g", "444444", "a", "0", SIX, "444444", "a", "1", SIX)
    text = said(desk)
    assert "norms.rms_norm: ✓" in text and "three" in text and desk.step is None and desk.status.value == ""
    (mock,) = progress.events("mock")
    parts = mock.payload["results"]
    assert [part["depth"] for part in parts] == [0, 1, 1, 0, 0, 0] and parts[3]["passed"] is True
    assert parts[0]["after"] == dict(zip([each.name for each in CRITERIA], map(int, SIX), strict=True))
    assert parts[5]["after"]["correctness"] == 1  # a red flag
    assert len(progress.events("review")) == 5
    assert weak_spots(opened(bank(card("start")), progress.events()), progress.events(), START).spots


def test_the_answer_comes_after_the_six_grades():
    desk = typed(sat(card("start")), "44", "4")
    assert "brief" not in said(desk) and "now: trade-off" in said(desk).lower()
    typed(desk, "4444")
    assert "trade-off" in said(desk) and "Type one of: 0, 1, 2, 3, 4" in said(desk)  # one grade too many
    typed(desk, "444")
    assert "brief" in said(desk)


def test_giving_up_is_a_result():
    desk = sat(board=Board("norms.rms_norm", "RMSNorm", "Write it.", "def f():", lambda _: Verdict(False)))
    typed(desk, "c", "g")
    assert progress.events("mock")[0].payload["results"][0]["passed"] is False and "✗" in said(desk)


def test_an_interview_that_is_left_at_once_is_no_interview():
    desk = typed(sat(card("start")), "q")
    assert progress.events() == [] and "0 s of 20 min" in said(desk)


def test_the_clock_runs_down_and_over():
    times = iter([START, START + timedelta(minutes=5, seconds=1), START + timedelta(minutes=20, seconds=9)])
    now = [next(times)]
    desk = sat(card("start"), clock=lambda: now[0])
    clock = desk.view.children[0]
    assert clock.playing
    assert "20:00 left" in desk.status.value
    for expected in ("14:59 left", "0:09 over time"):
        now[0] = next(times)
        clock.value += 1  # the page's clock ticks
        assert expected in desk.status.value
    typed(desk, "l")
    assert "超时 0:09" in desk.status.value
    typed(desk, "q")
    assert not clock.playing


# ---- opening a form


def test_in_batch_mode_a_page_is_shown_and_nothing_is_read_or_written(shown, monkeypatch, tmp_path):
    monkeypatch.setenv("GLASSBOX_BATCH", "1")
    widget.drill(example="layernorm-axis")
    widget.interview(45, "applied")
    for block in shown:
        assert isinstance(block, opening.Block)
    assert "<details><summary>In 30 seconds" in shown[0].html and "warm-up, 4 min" in shown[1].text
    assert list(tmp_path.iterdir()) == []


def test_a_notebook_gets_a_form_and_words_for_a_page(shown):
    widget.drill(topics=["norms"], language="zh")
    widget.interview(20, "research", seed=1)
    assert [set(each) for each in shown] == [{VIEW, "text/html", "text/plain"}] * 2
    assert "glassbox drill --mock 20" in shown[1]["text/plain"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: widget.drill(topics=["cooking"]), "topics: expected"),
        (lambda: widget.drill(skills=["luck"]), "skills: expected"),
        (lambda: widget.drill(language="fr"), "language: expected"),
        (lambda: widget.interview(30), "minutes: expected"),
        (lambda: widget.interview(20, "chef"), "role: expected"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_both_languages_take_the_same_values():
    for known in (*SAY.values(), *KEYS.values()):
        assert sorted(re.findall(r"{(\w+)", known.en)) == sorted(re.findall(r"{(\w+)", known.zh))


# ---- the invented learner


def test_the_invented_learner_is_the_same_each_time_and_weak_where_it_says():
    log = example.events(seed=0)
    assert log == example.events(seed=0) != example.events(seed=1)
    assert all(event.at <= example.TODAY for event in log)
    found = weak_spots(opened(example.cards(), log), log, example.TODAY + timedelta(days=90))
    recall = {}
    for spot in found.spots:
        if spot.recall is not None:
            recall.setdefault(spot.skill, []).append(spot.recall)
    means = {skill: sum(values) / len(values) for skill, values in recall.items()}
    assert means["derive"] < means["code"] < means["recall"] and found.excess > 0
    assert {spot.topic for spot in found.spots if spot.seen == 0} == {"lora", "sft"}


def test_an_event_of_the_invented_learner_reads_like_a_real_one():
    kinds = {each.kind: set(each.payload) for each in example.events()}
    assert kinds["review"] <= set(review("a", 3).payload)
    assert kinds["outcome"] <= set(event("outcome", "x", right=True, confidence=1, question="", truth="",
                                         answer="").payload)  # fmt: skip
