"""The order of a measurement, what is inside the timed region, and the statistics."""

import numpy
import pytest
from bench_fakes import FakeTimer
from glassbox.machine.bench.protocol import (
    Provider,
    Sample,
    Timer,
    host_bound,
    measure,
    measure_graphs,
    orders,
    sample,
)


def provider(timer, milliseconds=1.0, name=""):
    """Return a provider that logs its preparation and spends time."""
    return Provider(lambda: timer.spend(milliseconds), lambda: timer.log.append(f"prepare {name}".strip()))


def places(rounds, names):
    """Count how often each name is at each place."""
    pairs = [(name, place) for name in names for place in range(len(names))]
    return {(name, place): sum(order[place] == name for order in rounds) for name, place in pairs}


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6])
def test_everyone_is_at_every_place_twice(count):
    names = "abcdef"[:count]
    assert set(places(list(orders(names, 2 * count)), names).values()) == {2}


@pytest.mark.parametrize("count", [2, 4, 6])
def test_rotating_at_every_reversal_would_leave_places_empty(count):
    names = "abcdef"[:count]
    naive = []
    for number in range(2 * count):
        order = names[number % count :] + names[: number % count]
        naive.append(order[::-1] if number % 2 else order)
    assert 0 in places(naive, names).values()


def test_every_second_round_goes_back():
    assert ["".join(order) for order in orders("abc", 6)] == ["abc", "cba", "bca", "acb", "cab", "bac"]


def test_l2_is_cleared_before_every_call_and_nothing_waits_between():
    timer = FakeTimer()
    measure({"a": provider(timer), "b": provider(timer)}, timer, repetitions=4, warm_up=2)
    once = ["prepare", "clear", "start", "call", "stop"]
    assert timer.log == once * 4 + ["read"] + once * 8 + ["read"]


def test_every_provider_is_called_in_the_rotated_order():
    timer = FakeTimer()
    providers = {name: provider(timer, name=name) for name in "ab"}
    measure(providers, timer, repetitions=4, warm_up=0)
    called = [entry[-1] for entry in timer.log if entry.startswith("prepare")]
    assert called == list("abba" + "baab")[:8]


@pytest.mark.parametrize(("count", "expected"), [(1, 100), (2, 100), (3, 102), (6, 108), (7, 112)])
def test_at_least_a_hundred_repetitions_in_whole_turns(count, expected):
    timer = FakeTimer()
    samples = measure({str(number): provider(timer) for number in range(count)}, timer)
    assert {each.count for each in samples.values()} == {expected}


def test_the_first_calls_do_not_count():
    timer, calls = FakeTimer(), []

    def compiles_first():
        calls.append(1)
        timer.spend(1000.0 if len(calls) == 1 else 2.0)

    assert measure({"a": Provider(compiles_first)}, timer)["a"] == Sample(2.0, 2.0, 2.0, 100)


def test_preparation_is_not_timed():
    timer = FakeTimer()
    slow = Provider(lambda: timer.spend(1.0), lambda: timer.spend(50.0))
    assert measure({"a": slow}, timer)["a"].median == 1.0


def test_each_time_goes_to_the_one_who_took_it():
    timer = FakeTimer()
    times = {"a": 1.0, "b": 2.0, "c": 5.0}
    samples = measure({name: provider(timer, time) for name, time in times.items()}, timer)
    assert {name: each.median for name, each in samples.items()} == times


def test_quantiles_are_those_of_numpy():
    times = numpy.random.default_rng(0).gamma(2.0, size=103)
    found = sample(times.tolist())
    assert found[:3] == pytest.approx(numpy.percentile(times, [50, 20, 80]))
    assert sample([3.0]) == Sample(3.0, 3.0, 3.0, 1)


def test_nobody_is_timed_in_no_time():
    assert measure({}, FakeTimer()) == {}


def test_graphs_are_replayed_by_the_same_protocol():
    timer = FakeTimer(graph_share=0.25)
    graphs = measure_graphs({"a": provider(timer, 8.0)}, timer)
    assert graphs.samples["a"] == Sample(2.0, 2.0, 2.0, 100) and graphs.failures == {}
    assert timer.log[-6:] == ["prepare", "clear", "start", "call", "stop", "read"]


def test_what_cannot_be_captured_is_named():
    timer = FakeTimer(can_capture=False)
    graphs = measure_graphs({"a": provider(timer)}, timer)
    assert graphs.samples == {} and "capturing" in str(graphs.failures["a"])


@pytest.mark.parametrize(("graph", "expected"), [(0.5, True), (0.89, True), (0.91, False), (1.0, False)])
def test_the_host_dominates_where_the_graph_is_clearly_faster(graph, expected):
    assert host_bound(Sample(1.0, 1.0, 1.0, 100), Sample(graph, graph, graph, 100)) is expected
    assert host_bound(Sample(1.0, 1.0, 1.0, 100), None) is False


def test_the_fake_is_a_timer():
    assert isinstance(FakeTimer(), Timer)
