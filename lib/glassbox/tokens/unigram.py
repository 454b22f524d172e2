"""The trained Unigram model: the most probable segmentation of a word, or one drawn by its probability."""

from collections.abc import Sequence
from functools import cached_property
from math import exp, inf, log
from typing import NamedTuple

from glassbox.arguments import bad_type, bad_value, expect_positive
from glassbox.tiny.splitmix import SplitMix64
from glassbox.tokens.fallback import BYTE_TOKENS, UNKNOWN, byte_of
from glassbox.tokens.tokenizer import expect_text

PENALTY = 10.0  # how much less probable than the least probable piece an unknown character is


class Edge(NamedTuple):
    """A piece in the lattice of a word."""

    start: int
    end: int
    token: int
    score: float


class Unigram:
    """Pieces with log-probabilities; `<unk>` is one of them, and the 256 byte tokens may be.

    Convention: of equally probable segmentations, the one whose last piece is longest. A character that no
        piece covers costs 10 more than the least probable piece; it becomes its bytes where the byte tokens
        are there, and else `<unk>`, several in a row one `<unk>`. Byte tokens match no text.
    """

    kind = "unigram"

    def __init__(self, tokens: Sequence[str], scores: Sequence[float]):
        self.tokens, self.scores = tuple(tokens), tuple(scores)
        if len(self.tokens) != len(self.scores):
            raise bad_value("scores", f"one for each of {len(self.tokens)} tokens", len(self.scores))
        if self.tokens.count(UNKNOWN) != 1 or len(set(self.tokens)) < len(self.tokens):
            raise bad_value("tokens", f"different strings, {UNKNOWN} among them", len(self.tokens))
        if not all(-inf < score <= 0 for score in self.scores):
            raise bad_value("scores", "log-probabilities: finite, at most 0", min(self.scores))
        self.place = {token: number for number, token in enumerate(self.tokens)}
        apart = {UNKNOWN, *BYTE_TOKENS}
        self.pieces = {token: i for i, token in enumerate(self.tokens) if token not in apart}
        self.unknown = self.place[UNKNOWN]
        self.longest = max(map(len, self.pieces), default=1)
        self.unknown_score = min(self.scores) - PENALTY

    @cached_property
    def spelled(self) -> tuple[bytes, ...]:
        """Return the bytes of each token."""
        return tuple(map(byte_of, self.tokens))

    def shown(self, token: int) -> str:
        """Return a token as it is printed."""
        return self.tokens[token]

    def edges(self, word: str) -> list[list[Edge]]:
        """Return for each place of a word the pieces that end there, the longest first."""
        ending: list[list[Edge]] = [[] for _ in range(len(word) + 1)]
        for start in range(len(word)):
            for end in range(start + 1, min(len(word), start + self.longest) + 1):
                if (token := self.pieces.get(word[start:end])) is not None:
                    ending[end].append(Edge(start, end, token, self.scores[token]))
            if word[start] not in self.pieces:
                ending[start + 1].append(Edge(start, start + 1, self.unknown, self.unknown_score))
        return ending

    def best_path(self, word: str) -> list[Edge]:
        """Return the most probable segmentation of a word, by Viterbi."""
        reached, chosen = [0.0], []
        for ending in self.edges(word)[1:]:
            edge = max(ending, key=lambda edge: reached[edge.start] + edge.score)
            reached.append(reached[edge.start] + edge.score)
            chosen.append(edge)
        return _walk_back(len(word), lambda end: chosen[end - 1])

    def sampled_path(self, word: str, draw: SplitMix64, alpha: float = 1.0) -> list[Edge]:
        """Return a segmentation drawn with a probability proportional to P(segmentation)^alpha.

        Convention: drawn backwards, each piece from the summed probability of all that can precede it:
            exact, and not from a list of the best.
        """
        ending = self.edges(word)
        alphas = forward(ending, alpha)

        def drawn(end: int) -> Edge:
            left = draw.next() / 2**64
            for edge in ending[end]:
                left -= exp(alphas[edge.start] + alpha * edge.score - alphas[end])
                if left < 0:
                    return edge
            return ending[end][-1]

        return _walk_back(len(word), drawn)

    def ids(self, word: str, path: Sequence[Edge]) -> list[int]:
        """Return the ids of a segmentation, unknown characters replaced."""
        found: list[int] = []
        for edge in path:
            if edge.token != self.unknown:
                found.append(edge.token)
            elif BYTE_TOKENS[0] in self.place:
                found += [self.place[BYTE_TOKENS[byte]] for byte in word[edge.start].encode("utf-8")]
            elif found[-1:] != [self.unknown]:
                found.append(self.unknown)
        return found

    def encode_word(self, word: str) -> list[int]:
        """Return the ids of the most probable segmentation of a word."""
        return self.ids(word, self.best_path(word))


def forward(ending: Sequence[Sequence[Edge]], alpha: float = 1.0) -> list[float]:
    """Return for each place the log of the summed P^alpha of all ways to get there."""
    sums = [0.0]
    for edges in ending[1:]:
        values = [sums[edge.start] + alpha * edge.score for edge in edges]
        most = max(values)
        sums.append(most + log(sum(exp(value - most) for value in values)))
    return sums


def _walk_back(end: int, edge_into) -> list[Edge]:
    path = []
    while end:
        path.append(edge_into(end))
        end = path[-1].start
    return path[::-1]


def sample(tokenizer, text: str, seed: int, alpha: float = 1.0) -> list[int]:
    """Return the ids of a segmentation of a text that is drawn, not chosen: subword regularisation.

        P(drawn) ~ P(segmentation)^alpha

    Convention: alpha 1 draws by the model's own probability, 0 draws all segmentations alike, and a large
        alpha comes near the best one. Each word is drawn by itself.
    Raises: TypeError for another model than Unigram; ValueError for a negative alpha, or a bad text.
    Source: Kudo 2018, section 3.2 (arXiv:1804.10959).
    Taught in: notebooks/05_tokenizers.ipynb
    """
    if not isinstance(tokenizer.model, Unigram):
        raise bad_type("tokenizer", "one with a Unigram model", type(tokenizer.model).__name__)
    expect_text("text", text)
    expect_positive("alpha", alpha, zero_allowed=True)
    model, draw = tokenizer.model, SplitMix64(seed)
    words = tokenizer.prepare.words(text)
    return [number for word in words for number in model.ids(word, model.sampled_path(word, draw, alpha))]
