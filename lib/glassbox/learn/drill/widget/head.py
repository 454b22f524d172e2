"""What stands above a form: filters above the drill, a clock above the interview."""

import ipywidgets as widgets

from glassbox.learn.bank import SKILLS
from glassbox.learn.drill.deck import Filters
from glassbox.learn.drill.widget.desk import HIDDEN, Desk
from glassbox.learn.drill.widget.practice import Practice
from glassbox.learn.drill.widget.sitting import Sitting

SECOND = 1000  # Play counts milliseconds
LABEL = {"description_width": "initial"}


def drill_desk(practice: Practice) -> Desk:
    """Return the form of the drill, with a filter by topic and one by skill."""
    topics = sorted({card.topic for card in practice.deck.cards.values()})
    topic = _filter("topic · 主题", topics, practice.filters.topics)
    skill = _filter("skill · 能力", SKILLS, practice.filters.skills)
    desk = Desk(practice, (widgets.HBox([topic, skill]),))

    def changed(_) -> None:
        practice.filters = Filters(topic.value, skill.value, practice.filters.kinds)
        if desk.step is None or desk.step.fresh:
            desk.restart()

    for part in (topic, skill):
        part.observe(changed, "value")
    return desk


def _filter(label: str, values, chosen: frozenset[str]) -> widgets.Dropdown:
    options = [("all · 全部", frozenset()), *((value, frozenset([value])) for value in values)]
    if len(chosen) > 1:
        options.append((", ".join(sorted(chosen)), chosen))
    return widgets.Dropdown(options=options, value=chosen, description=label, style=LABEL)


def interview_desk(sitting: Sitting) -> Desk:
    """Return the form of the interview; from its start the page's own clock asks for the time each second."""
    most = 3 * sitting.mock.minutes * 60
    clock = widgets.Play(interval=SECOND, max=most, layout=widgets.Layout(display=HIDDEN))
    desk = Desk(sitting, (clock,))
    clock.observe(lambda _: desk.tick(), "value")
    desk.status.observe(lambda change: setattr(clock, "playing", bool(change["new"])), "value")
    return desk
