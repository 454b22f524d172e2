"""Training by merges without counting anew: what a merge changes is counted, nothing else.

All words lie in one list, -1 between them, as a chain whose links skip what was merged away. For each pair of
neighbours its count and its places are kept, and a heap holds the pairs by count. A count that falls leaves
its old entry in the heap: it is put right when it comes to the top.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush

from glassbox.tokens.reference.bpe import Merge

EDGE, GONE = -1, -2
Pair = tuple[int, int]


class Merging:
    """A BPE training that can be taken step by step; every step is that of `reference.bpe.step`."""

    def __init__(self, words: Mapping[tuple[int, ...], int], tokens: Sequence, least_count: int = 1):
        self.tokens, self.least_count = list(tokens), least_count
        self.place = {token: number for number, token in enumerate(tokens)}
        self.merges: dict[Pair, Merge] = {}
        self.merged = 0  # how often the last merge was made
        self.symbol, self.weight = [EDGE], [0]
        for word, n in words.items():
            self.symbol += (*word, EDGE)
            self.weight += [n] * (len(word) + 1)
        self.before = list(range(-1, len(self.symbol) - 1))
        self.after = list(range(1, len(self.symbol) + 1))
        self.count: dict[Pair, int] = defaultdict(int)
        self.places: dict[Pair, list[int]] = defaultdict(list)
        for at, pair in enumerate(zip(self.symbol, self.symbol[1:], strict=False)):
            if pair[0] != EDGE != pair[1]:
                self.count[pair] += self.weight[at]
                self.places[pair].append(at)
        self.heap = [(self.key(pair), pair) for pair in self.count]
        heapify(self.heap)

    def key(self, pair: Pair) -> float:
        """Return what the heap is ordered by, the least first; of equals, the pair with the smaller ids."""
        return -self.count[pair]

    def joined(self, pair: Pair):
        """Return the spelling of a pair."""
        return self.tokens[pair[0]] + self.tokens[pair[1]]

    def best(self) -> Pair | None:
        """Return the pair to merge next, or None if no pair is left that occurs often enough."""
        while self.heap:
            key, pair = self.heap[0]
            live = self.count.get(pair, 0) >= self.least_count
            if live and key == self.key(pair):
                return pair
            heappop(self.heap)
            if live:
                heappush(self.heap, (self.key(pair), pair))
        return None

    def step(self) -> Merge | None:
        """Make one merge and return it; None if there is none to make."""
        if (pair := self.best()) is None:
            return None
        spelling = self.joined(pair)
        merge = Merge(*pair, self.place.setdefault(spelling, len(self.tokens)))
        if merge.new == len(self.tokens):
            self.tokens.append(spelling)
        self.merges.setdefault(pair, merge)
        for changed in self.raised(merge, self.apply(merge)):
            heappush(self.heap, (self.key(changed), changed))
        return merge

    def raised(self, merge: Merge, grown: set[Pair]) -> set[Pair]:
        """Return the pairs that a merge moves up in the order: here those that occur more often."""
        return grown

    def apply(self, merge: Merge) -> set[Pair]:
        """Merge at every place, from the left; return the pairs that occur more often than before."""
        left, right, new = merge
        symbol, before, after, weight = self.symbol, self.before, self.after, self.weight
        count, places, grown = self.count, self.places, set()
        self.merged = 0
        for at in sorted(places.pop((left, right))):
            follow = after[at]
            if symbol[at] != left or symbol[follow] != right:
                continue
            n, previous, end = weight[at], before[at], after[follow]
            symbol[at], symbol[follow] = new, GONE
            self.merged += n
            after[at], before[end] = end, at
            if (token := symbol[previous]) != EDGE:
                pair = (token, new)
                count[token, left] -= n
                count[pair] += n
                places[pair].append(previous)
                grown.add(pair)
            if (token := symbol[end]) != EDGE:
                pair = (new, token)
                count[right, token] -= n
                count[pair] += n
                places[pair].append(at)
                grown.add(pair)
        del count[left, right]
        return grown
