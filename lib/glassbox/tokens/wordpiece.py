"""WordPiece: training by score on incremental counts, and greedy longest match."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from glassbox.arguments import bad_value, expect_choice, expect_whole
from glassbox.tokens.bert import BertWords
from glassbox.tokens.counting import count_words
from glassbox.tokens.merging import Merging, Pair
from glassbox.tokens.reference.bpe import Merge
from glassbox.tokens.reference.wordpiece import INSIDE, joined
from glassbox.tokens.reference.wordpiece import start as spelled_out
from glassbox.tokens.tokenizer import Tokenizer
from glassbox.tokens.training import merge_until, special_ids

UNKNOWN = "[UNK]"
LONGEST_WORD = 100  # characters, as in BERT


class CountMerging(Merging):
    """WordPiece's tokens, chosen by count as BPE does: what the Hugging Face trainer of this name does."""

    def joined(self, pair: Pair) -> str:
        return joined(self.tokens[pair[0]], self.tokens[pair[1]])


class LikelihoodMerging(CountMerging):
    """A WordPiece training that can be taken step by step; each step is that of `reference.wordpiece.step`.

    A merge makes its two parts rarer, and so raises the score of every pair that holds one of them.
    """

    def __init__(self, words: Mapping[tuple[int, ...], int], tokens: Sequence, least_count: int = 1):
        self.single: Counter = Counter()
        for word, n in words.items():
            for symbol in word:
                self.single[symbol] += n
        super().__init__(words, tokens, least_count)
        self.pairs_with: dict[int, set[Pair]] = defaultdict(set)
        self._enlist(self.count)

    def _enlist(self, pairs: Iterable[Pair]) -> None:
        for pair in pairs:
            for symbol in pair:
                self.pairs_with[symbol].add(pair)

    def key(self, pair: Pair) -> float:
        return -self.count[pair] / (self.single[pair[0]] * self.single[pair[1]])

    def raised(self, merge: Merge, grown: set[Pair]) -> set[Pair]:
        self.single[merge.left] -= self.merged
        self.single[merge.right] -= self.merged
        self.single[merge.new] += self.merged
        self._enlist(grown)
        near = self.pairs_with[merge.left] | self.pairs_with[merge.right] | grown
        gone = {pair for pair in near if not self.count.get(pair)}
        for pair in gone:
            for symbol in pair:
                self.pairs_with[symbol].discard(pair)
        return {pair for pair in near - gone if self.count[pair] >= self.least_count}


SCORES = {"likelihood": LikelihoodMerging, "count": CountMerging}


def _spelled(token: str) -> str:
    return token[len(INSIDE) :] if token.startswith(INSIDE) and token != INSIDE else f" {token}"


class WordPiece:
    """Tokens, of which those that continue a word begin with "##".

    Convention: the longest token that fits is taken, from the left. A word that at some place fits no token,
        or is longer than `longest_word` characters, is `[UNK]` as a whole.
    """

    kind = "wordpiece"

    def __init__(self, tokens: Sequence[str], longest_word: int = LONGEST_WORD):
        self.tokens, self.longest_word = tuple(tokens), longest_word
        self.place = {token: number for number, token in enumerate(self.tokens)}
        if UNKNOWN not in self.place or len(self.place) < len(self.tokens):
            raise bad_value("tokens", f"different strings, {UNKNOWN} among them", len(self.tokens))
        self.longest = max(len(token) for token in self.tokens)

    @cached_property
    def spelled(self) -> tuple[bytes, ...]:
        """Return the bytes of each token: what begins a word has a space before it."""
        return tuple(_spelled(token).encode("utf-8") for token in self.tokens)

    def shown(self, token: int) -> str:
        """Return a token as it is printed."""
        return self.tokens[token]

    def encode_word(self, word: str) -> list[int]:
        """Return the ids of one word."""
        if len(word) > self.longest_word:
            return [self.place[UNKNOWN]]
        found, at = [], 0
        while at < len(word):
            mark = INSIDE if at else ""
            for end in range(min(len(word), at + self.longest), at, -1):
                if (token := self.place.get(mark + word[at:end])) is not None:
                    break
            else:
                return [self.place[UNKNOWN]]
            found.append(token)
            at = end
        return found


def wordpiece_merging(
    words: Mapping[str, int], score: str = "likelihood", least_count: int = 2
) -> CountMerging:
    """Return a WordPiece training, to be taken step by step.

    Convention: ids are the characters that begin a word, those inside words ("##"), each sorted, then merges.
    """
    state = spelled_out(words)
    return SCORES[score](state.words, state.tokens, least_count)


def train_wordpiece(
    texts: Iterable[str],
    vocabulary_size: int,
    lowercase: bool = True,
    score: str = "likelihood",
    special: Sequence[str] = (),
    least_count: int = 2,
    progress: bool = False,
) -> Tokenizer:
    """Train WordPiece: `[UNK]`, characters, then the pairs with the largest ratio, special tokens.

        score(a, b) = count(ab) / (count(a) * count(b))

    Convention: the ratio is the gain in likelihood per occurrence of the pair, not the whole gain that the
        papers name; `"likelihood"` stands for it here. `score="count"` chooses as BPE does, which is what the
        Hugging Face trainer called WordPiece does (the trainer of BERT's vocabulary was never published). The
        ratio does not weigh how often a pair occurs, so rare characters that always meet come first;
        `least_count` keeps them out. Of equal scores the pair with the smaller ids. Words are those of BERT:
        spaces and punctuation cut.
    Raises: TypeError, ValueError for bad texts, or a vocabulary too small for the characters.
    Source: Schuster & Nakajima 2012, section 3; Wu et al. 2016, section 4.1 (arXiv:1609.08144).
    Taught in: notebooks/05_tokenizers.ipynb
    """
    expect_choice("score", score, SCORES)
    expect_whole("least_count", least_count, 1)
    special = special if isinstance(special, str) else list(special)
    names = special_ids(special, 0)
    prepare = BertWords(lowercase)
    merging = wordpiece_merging(count_words(texts, prepare, progress), score, least_count)
    expect_whole("vocabulary_size", vocabulary_size, len(merging.tokens) + 1 + len(names))
    merge_until(merging, vocabulary_size - 1 - len(names), progress)
    model = WordPiece([UNKNOWN, *merging.tokens])
    return Tokenizer(prepare, model, special_ids(special, len(model.tokens)))
