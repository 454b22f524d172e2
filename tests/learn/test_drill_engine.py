"""Which card comes next, and what a review does."""

import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import fsrs
import pytest
from drill_bank import START, after, bank, card, event, review, wrong
from glassbox.learn import drill, progress
from glassbox.learn.drill import Filters, choose, grade, opened
from glassbox.learn.drill.deck import ALL, skip


def order(deck: drill.Deck, now: datetime, count: int, filters: Filters = ALL) -> list[str]:
    """Return the cards that come when each is skipped."""
    found = []
    for _ in range(count):
        if (pick := choose(deck, now, filters)) is None:
            break
        found.append(pick.card.id)
        deck = skip(deck, pick.card.id)
    return found


# ---- the order


def test_urgent_then_due_then_new():
    cards = bank(card("new"), card("due"), card("hot", raised_by=("01.p1",)))
    deck = opened(cards, [review("due", 3), review("hot", 4), wrong("01.p1", 5, after(minutes=1))])
    deck = deck._replace(cards=cards)  # without the card that the prediction became
    pick = choose(deck, after(days=9))
    assert pick.card.id == "hot" and pick.why == "You were sure and wrong: Folklore."
    deck = grade(deck, "hot", 3, after(days=9))
    assert choose(deck, after(days=9)) == (cards["due"], "Due for review.")
    deck = grade(deck, "due", 3, after(days=9))
    assert choose(deck, after(days=9)) == (cards["new"], "New.")


def test_the_surest_mistake_first():
    cards = bank(
        card("a", raised_by=("01.p1",)), card("b", raised_by=("01.p2",)), card("c", whiteboard="norms.x")
    )
    events = [event("attempt", "norms.x", state="not yet right"), wrong("01.p1", 4), wrong("01.p2", 5)]
    deck = opened(cards, events)._replace(cards=cards)
    assert order(deck, START, 3) == ["b", "a", "b"]


def test_due_cards_come_least_likely_recalled_first():
    cards = bank(card("sure"), card("shaky"), card("soon"))
    deck = opened(cards, [review("sure", 4), review("shaky", 3), review("soon", 4, after(days=200))])
    assert order(deck, after(days=200), 2) == ["shaky", "sure"]


def test_new_cards_come_most_frequent_first():
    cards = bank(card("rare", frequency=1), card("hard", frequency=5, level=3), card("easy", frequency=5))
    assert order(opened(cards, []), START, 1) == ["easy"]


def test_topics_interleave_and_no_card_comes_twice_in_a_row():
    ids = [(f"{topic}-{n}", topic) for topic in ("norms", "ffn") for n in range(3)]
    cards = bank(*(card(name, topic=topic) for name, topic in ids))
    deck, seen = opened(cards, []), []
    for minute in range(12):
        now = after(minutes=minute)
        pick = choose(deck, now)
        seen.append(pick.card)
        deck = grade(deck, pick.card.id, 3, now)
    assert all(one.topic != two.topic for one, two in pairwise(seen))
    assert len({each.id for each in seen}) == 6


def test_filters():
    cards = bank(card("a"), card("b", topic="ffn", skill="code", kind="code"), card("c", topic="ffn"))
    deck = opened(cards, [])
    assert order(deck, START, 1, Filters(topics=frozenset({"ffn"}), skills=frozenset({"code"}))) == ["b"]
    assert order(deck, START, 1, Filters(kinds=frozenset({"code"}))) == ["b"]
    assert choose(deck, START, Filters(topics=frozenset({"moe"}))) is None


def test_ahead_of_time_when_nothing_is_due():
    cards = bank(card("late"), card("early"))
    deck = opened(cards, [review("late", 4), review("early", 3)])
    pick = choose(deck, after(seconds=5))
    assert pick.card.id == "early" and pick.why.startswith("Ahead of time: due 2026-01-05")


# ---- what feeds the queue


def test_a_sure_and_wrong_prediction_becomes_a_card():
    deck = opened(bank(card("a")), [wrong("01.p1", 4)])
    pick = choose(deck, START)
    assert pick.card.id == "prediction-01-p1" and pick.card.topic == "norms"
    assert pick.card.ask.en == "Which falls?" and pick.card.full.en == "the last The final norm divides."
    assert pick.card.red_flags[0].en == "Folklore."


@pytest.mark.parametrize("events", [
    [wrong("01.p1", 3)], [event("outcome", "01.p1", right=True, confidence=5)], [event("reveal", "norms.x")],
    [event("attempt", "norms.x", state="passed")], [event("attempt", "norms.x", state="compare it yourself")],
    [event("prediction", "01.p1", answer=1, confidence=5)],
])  # fmt: skip
def test_what_is_no_sure_mistake_is_not_urgent(events):
    deck = opened(bank(card("a", raised_by=("01.p1",), whiteboard="norms.x")), events)
    assert deck.urgent == {} and list(deck.cards) == ["a"]


def test_one_named_mistake_raises_its_own_card():
    cards = bank(
        card("axis", raised_by=("norms.layer_norm:wrong_axis",)), card("eps", raised_by=("norms.rms_norm",))
    )
    failed = event("attempt", "norms.layer_norm", state="not yet right", mistake="wrong_axis")
    other = event("attempt", "norms.layer_norm", state="not yet right", mistake="eps_outside")
    assert list(opened(cards, [failed]).urgent) == ["axis"]
    assert opened(cards, [failed]).urgent["axis"].why == "An attempt failed: norms.layer_norm: wrong axis"
    assert opened(cards, [other]).urgent == {}


def test_a_review_settles_what_was_urgent_until_the_next_failure():
    cards = bank(card("a", raised_by=("01.p1",)))
    settled = [wrong("01.p1", 5), review("a", 3, after(minutes=1))]
    assert "a" not in opened(cards, settled).urgent
    assert "a" in opened(cards, [*settled, wrong("01.p1", 5, after(minutes=2))]).urgent


# ---- the schedule


def test_the_schedule_is_the_librarys_replayed_from_the_log():
    ratings = [3, 3, 1, 3, 4]
    times = [after(days=day) for day in (0, 1, 9, 10, 30)]
    expected = fsrs.Card(card_id=1, due=START)
    scheduler = fsrs.Scheduler(enable_fuzzing=False)
    for rating, at in zip(ratings, times, strict=True):
        expected, _ = scheduler.review_card(expected, fsrs.Rating(rating), at)
    events = [review("a", rating, at) for rating, at in zip(ratings, times, strict=True)]
    memory = drill.replay(events)["a"]
    assert (memory.due, memory.stability, memory.state) == (expected.due, expected.stability, expected.state)


def test_grading_now_and_replaying_later_agree():
    deck, events = opened(bank(card("a")), []), []
    for day, rating in ((0, 3), (2, 2), (9, 4)):
        deck = grade(deck, "a", rating, after(days=day))
        events.append(review("a", rating, after(days=day)))
    assert deck.memories == drill.replay(events)


def test_a_review_of_a_strange_rating_is_passed_over():
    assert drill.replay([review("a", 9), event("review", "a")]) == {}


def test_recall_falls_to_one_half_at_the_half_life():
    memory = drill.replay([review("a", 3), review("a", 3, after(days=3))])["a"]
    days = drill.half_life(memory)
    values = [drill.recall(memory, memory.last_review + timedelta(days=n)) for n in (days - 1, days)]
    assert values[0] > 0.5 >= values[1]


@pytest.mark.slow
def test_the_next_card_comes_at_once_with_a_long_history():
    cards = bank(*(card(f"c{n}", topic=("norms", "ffn", "moe")[n % 3]) for n in range(1000)))
    events = [review(f"c{n % 1000}", 1 + n % 4, after(minutes=10 * n)) for n in range(50_000)]
    deck, now = opened(cards, events), after(days=400)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        pick = choose(deck, now)
        deck = grade(deck, pick.card.id, 3, now)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) <= 0.1


# ---- a turn


def test_a_turn_is_graded_before_and_after():
    deck = opened(bank(card("a")), [])
    turn = drill.ask(deck, START)
    with pytest.raises(ValueError, match="before: expected a grade given before"):
        drill.settle(turn, (), (), 3, START)
    done = drill.settle(drill.commit(turn, 4), (0, 1, 2), (), 3, after(seconds=40))
    assert done == drill.Review("a", 4, 3, 3, (0, 1, 2), (), 40)


@pytest.mark.parametrize(
    "said, flags, claimed, earned",
    [((0, 1, 2), (), 4, 4), ((0, 1), (), 4, 3), ((0,), (), 4, 2), ((0, 1, 2), (0,), 4, 1), ((), (), 0, 0)],
)
def test_the_checklist_holds_the_grade_down(said, flags, claimed, earned):
    turn = drill.commit(drill.Turn(card("a"), "", START), 2)
    done = drill.settle(turn, said, flags, claimed, START)
    assert done.after == earned and done.rating == max(1, earned)


@pytest.mark.parametrize("bad", [{"said": (3,)}, {"flags": (1,)}, {"after": 5}, {"after": -1}])
def test_a_grade_out_of_range_is_refused(bad):
    turn = drill.commit(drill.Turn(card("a"), "", START), 2)
    with pytest.raises(ValueError, match=f"{next(iter(bad))}: expected"):
        drill.settle(turn, **({"said": (), "flags": (), "after": 1, "now": START} | bad))


def test_a_recorded_review_comes_back(tmp_path, monkeypatch):
    monkeypatch.setenv("GLASSBOX_DATA", str(tmp_path))
    monkeypatch.delenv("GLASSBOX_BATCH", raising=False)
    drill.record(drill.Review("a", 4, 3, 3, (0, 2), (), 40), "zh")
    (event,) = progress.events("review", "a")
    assert event.payload == {
        "before": 4, "after": 3, "rating": 3, "said": [0, 2], "flags": [], "seconds": 40, "language": "zh",
    }  # fmt: skip
    assert drill.replay([event])["a"].due > datetime.now(UTC)
