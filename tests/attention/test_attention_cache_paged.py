"""The book-keeping of the paged cache: every page is owned once, or shared on purpose, or free."""

from collections import Counter

import pytest
import torch
from glassbox.attention.caches import PagedCache
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PAGES, SIZE = 6, 3


def rows(numbers):
    """One head, keys of one number per token, values its negative."""
    k = torch.tensor(numbers, dtype=torch.float32).reshape(1, -1, 1)
    return k, -k


def empty():
    return PagedCache.empty(PAGES, SIZE, 1, 1)


def check(cache, written):
    """Every page is free or owned; one owner per page unless the owners' texts agree up to its end."""
    owners = Counter(page for table in cache.tables.values() for page in table)
    assert len(set(cache.free)) == len(cache.free), "a page is free twice"
    assert set(cache.free) | set(owners) == set(range(PAGES)), "a page is lost"
    assert not set(cache.free) & set(owners), "a page is free and owned"
    assert set(written) == set(cache.tables) == set(cache.lengths)
    for name, numbers in written.items():
        assert len(set(cache.tables[name])) == len(cache.tables[name]) == -(-len(numbers) // SIZE)
        keys, values = cache.view(name)
        assert keys.flatten().tolist() == numbers and values.flatten().tolist() == [-x for x in numbers]
    for page, times in owners.items():
        texts = [
            tuple(written[n][: (t.index(page) + 1) * SIZE]) for n, t in cache.tables.items() if page in t
        ]
        assert len(texts) == times and len(set(texts)) == 1, "a page is owned by two texts"


NAMES = st.sampled_from("abc")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), NAMES, st.integers(1, 7)),
        st.tuples(st.just("release"), NAMES),
        st.tuples(st.just("fork"), NAMES, NAMES),
    ),
    max_size=25,
)


def play(cache, steps, forks=True):
    """Carry out what is possible, refuse the rest; the cache must agree with plain lists after every step."""
    written, counter = {}, iter(range(1, 10**6))
    for kind, name, *more in steps:
        if kind == "append":
            numbers = [float(next(counter)) for _ in range(more[0])]
            if name not in written:
                cache, written[name] = cache.start(name), []
            try:
                cache, _ = cache.append(name, *rows(numbers))
                written[name] = written[name] + numbers
            except ValueError as error:
                assert "free pages" in str(error)
        elif kind == "release" and name in written:
            cache = cache.release(name)
            del written[name]
        elif kind == "fork" and forks and name in written and more[0] not in written:
            cache, written[more[0]] = cache.fork(name, more[0]), list(written[name])
        check(cache, written)
    return cache, written


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_pages_are_owned_once_and_all_accounted_for(steps):
    cache, written = play(empty(), steps, forks=False)
    assert sum(map(len, cache.tables.values())) + len(cache.free) == PAGES
    for name in written:
        cache = cache.release(name)
    assert sorted(cache.free) == list(range(PAGES)) and cache.tables == {}


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_forked_sequences_share_pages_and_never_see_each_other_write(steps):
    cache, written = play(empty(), steps)
    for name in written:
        cache = cache.release(name)
    assert sorted(cache.free) == list(range(PAGES))


# What `check` must see.


class NeverCopies(PagedCache):
    """Writes into a shared last page."""

    def _shared(self, page):
        return False


class FreesShared(PagedCache):
    """Frees the pages of a released sequence although a fork still lists them."""

    def release(self, name):
        released = super().release(name)
        return released._replace(free=tuple(dict.fromkeys(self.free + self.tables[name])))


class LosesPages(PagedCache):
    """Forgets to return pages to the free list."""

    def release(self, name):
        return super().release(name)._replace(free=self.free)


class TakesTwice(PagedCache):
    """Takes pages without taking them off the free list."""

    def _reserve(self, name, end):
        return super()._reserve(name, end)._replace(free=self.free)


@pytest.mark.parametrize("mistake", [NeverCopies, FreesShared, LosesPages, TakesTwice])
def test_a_mistake_in_the_book_keeping_is_seen(mistake):
    steps = [("append", "a", 4), ("fork", "a", "b"), ("append", "b", 1), ("append", "a", 1), ("release", "a")]
    play(empty(), steps)
    with pytest.raises(AssertionError):
        play(mistake(*empty()), steps)


# One case at a time.


def test_a_sequence_takes_a_page_when_the_last_is_full():
    cache = empty().start("a")
    assert cache.tables["a"] == ()
    for tokens, pages in ((1, 1), (2, 1), (3, 1), (4, 2), (6, 2), (7, 3)):
        cache, _ = cache.append("a", *rows([0.0] * (tokens - cache.lengths["a"])))
        assert len(cache.tables["a"]) == pages and len(cache.free) == PAGES - pages


def test_a_token_stands_in_its_slot_of_its_page():
    cache, _ = empty()._replace(free=(4, 1, 0, 2, 3, 5)).start("a").append("a", *rows([0.0, 1.0, 2.0, 3.0]))
    assert cache.tables["a"] == (4, 1)
    assert cache.keys[4, 0, :, 0].tolist() == [0, 1, 2] and cache.keys[1, 0, 0, 0] == 3


def test_a_fork_shares_full_pages_and_copies_the_last_when_written():
    cache, _ = empty().start("a").append("a", *rows([1.0, 2.0, 3.0, 4.0]))
    cache = cache.fork("a", "b")
    assert cache.tables["b"] == cache.tables["a"] and len(cache.free) == PAGES - 2
    cache, _ = cache.append("b", *rows([5.0]))
    assert cache.tables["b"][0] == cache.tables["a"][0] and cache.tables["b"][1] != cache.tables["a"][1]
    cache, _ = cache.append("a", *rows([6.0]))  # "a" is alone on its last page now: no second copy
    assert len(cache.free) == PAGES - 3
    assert cache.view("a")[0].flatten().tolist() == [1, 2, 3, 4, 6]
    assert cache.view("b")[0].flatten().tolist() == [1, 2, 3, 4, 5]


def test_a_fork_at_a_page_boundary_copies_nothing():
    cache, _ = empty().start("a").append("a", *rows([1.0, 2.0, 3.0]))
    cache, _ = cache.fork("a", "b").append("b", *rows([4.0]))
    assert len(cache.free) == PAGES - 2


def test_released_pages_are_used_again():
    cache, _ = empty().start("a").append("a", *rows([1.0] * PAGES * SIZE))
    assert cache.free == ()
    cache, seen = cache.release("a").start("b").append("b", *rows([2.0] * PAGES * SIZE))
    assert seen.keys.flatten().tolist() == [2.0] * PAGES * SIZE


def test_the_block_table_is_padded_with_minus_one():
    cache, _ = empty().start("a").append("a", *rows([1.0] * 7))
    cache, _ = cache.start("b").append("b", *rows([1.0]))
    table, lengths = cache.start("c").block_table(["b", "a", "c"])
    assert table.tolist() == [[3, -1, -1], [0, 1, 2], [-1, -1, -1]] and lengths.tolist() == [1, 7, 0]
    assert table.dtype == lengths.dtype == torch.int32
    assert cache.block_table([])[0].shape == (0, 0)


def test_the_tables_of_an_older_cache_do_not_change():
    old = empty().start("a")
    new, _ = old.append("a", *rows([1.0]))
    new.fork("a", "b").release("a")
    assert (old.tables, old.lengths, len(old.free)) == ({"a": ()}, {"a": 0}, PAGES)
    assert (new.tables, new.lengths, len(new.free)) == ({"a": (0,)}, {"a": 1}, PAGES - 1)


FULL = [("append", "a", 8), ("append", "b", 3)]  # three pages and one: two are left
REFUSED = {
    "overflow": (
        lambda c: c.append("b", *rows([0.0] * 7)),
        r"k: expected tokens for at most 2 free pages; .*3",
    ),
    "unknown": (lambda c: c.append("z", *rows([0.0])), r"name: expected a sequence that was started.*'z'"),
    "view of unknown": (lambda c: c.view("z"), "name: expected a sequence that was started"),
    "fork of unknown": (lambda c: c.fork("z", "y"), "name: expected a sequence that was started"),
    "fork onto a sequence": (lambda c: c.fork("a", "b"), "name: expected the name of a new sequence"),
    "table of unknown": (lambda c: c.block_table(["a", "z"]), "name: expected a sequence that was started"),
    "double free": (lambda c: c.release("a").release("a"), "name: .*not yet released; came 'a'"),
    "started twice": (lambda c: c.start("a"), "name: expected the name of a new sequence; came 'a'"),
    "a batch axis": (
        lambda c: c.append("a", *(x[None] for x in rows([0.0]))),
        r"k: expected shape \(1, 1, 1\)",
    ),
    "no token": (lambda c: c.append("a", *rows([])), "k: expected at least one new token"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_done_is_refused_and_changes_nothing(name):
    (cache, written), (wrong, message) = play(empty(), FULL), REFUSED[name]
    with pytest.raises(ValueError, match=message):
        wrong(cache)
    check(cache, written)


def test_an_overflow_that_needs_a_copy_counts_the_copy():
    cache, _ = play(empty(), [("append", "a", 16), ("fork", "a", "b")])
    with pytest.raises(ValueError, match=r"at most 0 free pages; came '1 pages needed"):
        cache.append("b", *rows([0.0]))
