"""The mock interview, the weak-spot report, and the Anki deck."""

import sqlite3
import zipfile
from html import escape

import pytest
from drill_bank import START, after, bank, card, event, follow, review, wrong
from glassbox.learn import drill
from glassbox.learn.bank import cards
from glassbox.learn.drill import Board, Result, begin, complete, opened, plan, report, weak_spots
from glassbox.learn.drill.anki import fields
from glassbox.learn.drill.mock import CRITERIA, PRESETS, ROLES, capped, depth

PARTS = ("warm-up", "chain", "second chain", "whiteboard", "compute", "repair")


class Passed:
    passed = True


BOARD = Board("norms.layer_norm", "LayerNorm", "Write it.", "def layer_norm(x):", lambda source: Passed())


def full_bank():
    chains = [card(f"chain-{n}", level=2, followups=(follow("why"),)) for n in range(3)]
    others = [card(kind, kind=kind) for kind in ("compute", "repair", "design")]
    return bank(card("start"), *chains, *others)


# ---- the plan


@pytest.mark.parametrize("minutes", PRESETS)
@pytest.mark.parametrize("role", ROLES)
def test_a_plan_holds_every_part_and_fills_the_time(minutes, role):
    items = plan(minutes, role, full_bank(), [BOARD])
    assert [item.part for item in items] == [*PARTS, "design"][: len(items)] and len(items) >= 6
    assert sum(item.minutes for item in items) == minutes
    used = [item.card.id for item in items if item.card]
    assert len(set(used)) == len(used)
    assert items[1].card.followups and items[2].card.followups and items[3].board == BOARD


def test_the_real_bank_fills_an_interview():
    items = plan(60, "training", cards(), [BOARD], seed=1)
    assert [item.part for item in items] == [*PARTS, "design"]


def test_a_plan_follows_the_seed_and_the_role():
    assert plan(45, "research", cards(), seed=3) == plan(45, "research", cards(), seed=3)
    assert len({plan(45, "research", cards(), seed=seed)[1].card.id for seed in range(12)}) > 2
    two = bank(card("a", kind="compute", topic="norms"), card("b", kind="compute", topic="serving"))
    assert {plan(20, "inference", two, seed=n)[0].card.id for n in range(20)} == {"a", "b"}
    far = bank(card("a", kind="compute", topic="vision"), card("b", kind="compute", topic="serving"))
    assert {plan(20, "inference", far, seed=n)[0].card.id for n in range(20)} == {"b"}


def test_what_is_not_there_is_left_out():
    assert [item.part for item in plan(20, "research", bank(card("r", kind="repair")))] == ["repair"]
    for bad in ({"minutes": 30, "role": "research"}, {"minutes": 20, "role": "sales"}):
        with pytest.raises(ValueError, match="expected one of"):
            plan(**bad, cards={})


def test_depth_of_a_tree():
    assert depth((follow("a", follow("b", follow("c"))), follow("d"))) == 3 and depth(()) == 0


# ---- the course of it


def grades(value: int) -> dict[str, int]:
    return {each.name: value for each in CRITERIA}


def test_an_interview_from_begin_to_report():
    mock = begin(20, "research", plan(20, "research", full_bank(), [BOARD]), START)
    assert mock.now.part == "warm-up" and mock.left(after(minutes=5)).total_seconds() == 900
    for item in mock.items:
        if item.board:
            result = Result(item.part, item.board.id, item.minutes, 900, {}, {}, passed=True)
        else:
            result = Result(item.part, item.card.id, item.minutes, 60, grades(4), grades(3), ("a fact",), 1)
        mock = complete(mock, result)
    assert mock.now is None
    with pytest.raises(ValueError, match="the interview is over"):
        complete(mock, mock.results[0])
    found = report(mock, after(minutes=18))
    assert found.seconds == 1080 and found.excess == 1.0 and set(found.after.values()) == {3}
    assert found.boards == {"norms.layer_norm": True} and found.missed == ["a fact"] * 5
    assert found.overtime == ["whiteboard: 900 s of 360 s"]


def test_an_interview_that_ends_early_has_a_report():
    found = report(begin(20, "research", (), START), after(minutes=1))
    assert found.excess is None and found.after == {} and found.results == ()


def test_a_red_flag_caps_correctness_alone():
    capped_grades = capped(grades(4), card("a"), said=3, flags=1)
    assert capped_grades["correctness"] == 1 and capped_grades["mechanism"] == 4


def test_criteria_are_anchored_in_both_languages():
    assert len(CRITERIA) == 6 and len({each.name for each in CRITERIA}) == 6
    for each in CRITERIA:
        assert sorted(each.anchors) == [0, 2, 4] and all(w.en and w.zh for w in each.anchors.values())


# ---- weak spots


def failed(exercise: str, mistake: str, minute: int = 0):
    return event("attempt", exercise, after(minutes=minute), state="not yet right", mistake=mistake)


def test_weak_spots():
    known = bank(card("a"), card("b", skill="code"), card("c", raised_by=("01.p1",), refs=("01#break-axis",)))
    history = [
        review("a", 3, before=4, after=2),
        review("a", 3, after(days=2), before=3, after=3),
        wrong("01.p1", 5),
        event("outcome", "01.p2", right=True, confidence=5),
        event("outcome", "01.p3", right=False, confidence=1),
        *[failed("norms.x", "eps_outside", minute) for minute in range(3)],
        failed("norms.y", "wrong_axis"),
        failed("norms.y", ""),
    ]
    found = weak_spots(opened(known, history), history, after(days=60))
    rows = {(spot.topic, spot.skill): spot for spot in found.spots}
    recall = rows["norms", "recall"]
    assert (recall.cards, recall.seen, recall.reviews, recall.grade) == (2, 1, 2, 2.5)
    assert 0 < recall.recall < 0.9 and recall.half_life > 0
    assert rows["norms", "code"] == ("norms", "code", 1, 0, 0, None, None, None)
    assert found.mistakes == [("norms.x: eps outside", 3), ("norms.y: wrong axis", 1)]
    assert [tuple(each) for each in found.calibration] == [(1, 1, 0.0), (5, 2, 0.5)]
    assert found.excess == 1.0
    assert [step.link for step in found.next] == [
        "01_norms.ipynb#cell-id=break-axis",
        "01_norms.ipynb#cell-id=hook",
    ]
    assert found.next[0].why.startswith("You were sure and wrong")


def test_the_next_steps_fit_into_45_minutes():
    known = bank(
        *(card(f"c{n}", refs=(ref,)) for n, ref in enumerate(card.refs[0] for card in cards().values()))
    )
    history = [review(name, 1) for name in known]
    found = weak_spots(opened(known, history), history, after(days=30))
    assert 0 < sum(step.minutes for step in found.next) <= 45
    assert len({step.link for step in found.next}) == len(found.next)


def test_an_empty_log_gives_an_empty_report():
    found = weak_spots(opened(bank(card("a")), []), [], START)
    assert (found.mistakes, found.calibration, found.excess, found.next) == ([], [], None, [])


# ---- Anki


def notes(path) -> list[tuple[str, str]]:
    with zipfile.ZipFile(path) as package:
        package.extract("collection.anki2", path.parent)
    with sqlite3.connect(path.parent / "collection.anki2") as connection:
        found = connection.execute("SELECT guid, flds FROM notes ORDER BY guid").fetchall()
    connection.close()
    return found


def test_one_note_per_card_known_by_its_id_alone(tmp_path):
    found = cards("norms")
    assert drill.export_anki(found.values(), tmp_path / "bank.apkg") == len(found)
    first = notes(tmp_path / "bank.apkg")
    assert [guid for guid, _ in first] == sorted(f"glassbox-{name}" for name in found)
    reworded = [each.model_copy(update={"brief": each.full}) for each in found.values()]
    drill.export_anki(reworded, tmp_path / "bank.apkg")
    again = notes(tmp_path / "bank.apkg")
    assert [guid for guid, _ in again] == [guid for guid, _ in first] and again != first


def test_a_note_holds_both_languages():
    found = cards("norms")["repair-gpt3-post-norm"]
    _, ask, question, answer, reply, links = fields(found)
    assert escape(found.claim.en) in ask and found.claim.zh in question and found.must_say[0].zh in reply
    assert "<code>x + f(norm(x))</code>" in answer and links == "01#probe-models 01#models-table"
    assert "&lt;" in fields(card("x", brief={"en": "a < b", "zh": "a < b"}))[3]
