"""What differs between tokenizers: a checklist that asks each of them, and one text cut by four recipes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial

from glassbox.arguments import expect_choice
from glassbox.tiny.text import read_text
from glassbox.tokens.experiments.fertility import halves
from glassbox.tokens.patterns import PATTERNS
from glassbox.tokens.tokenizer import Tokenizer
from glassbox.tokens.training import train_bpe, train_marked_bpe
from glassbox.tokens.unigram_training import train_unigram
from glassbox.tokens.wordpiece import train_wordpiece

VOCABULARY, END = 1536, "<|end|>"
# name -> how it is trained, and a model whose recipe it follows
RECIPES = {
    "byte-level BPE": (train_bpe, "GPT-2"),
    "SentencePiece BPE, byte fallback": (train_marked_bpe, "LLaMA"),
    "SentencePiece Unigram": (partial(train_unigram, seed_size=5_000), "T5"),
    "WordPiece": (partial(train_wordpiece, score="count"), "BERT"),
}
NUMBERS = " ".join(str(number) for number in range(1, 10_000, 7))
HARD = (
    "Hello  world",
    "line\nline",
    "\ttab",
    "CAFÉ",
    "cafe\u0301",
    "ﬁ Ａ",
    "你好，世界",
    "🙂",
    "\u2581",
    " ends ",
)
PIECES = {"one digit": r"\p{N}|[^\p{N}]+", "up to three": "gpt4", "any number": "gpt2"}


@lru_cache(maxsize=1)
def recipes() -> Mapping[str, Tokenizer]:
    """Return four small tokenizers, each trained by the recipe of a known model on the same mixed text."""
    texts = [read_text("en", ["prose"])[:30_000], halves("code")[0][:10_000], halves("digits")[0][:5_000]]
    texts.append(read_text("zh", ["prose"]))
    return {name: train(texts, VOCABULARY, special=[END]) for name, (train, _) in RECIPES.items()}


def _longest_digits(tokenizer: Tokenizer) -> int:
    pieces = (tokenizer.spelled[number] for number in tokenizer.encode(NUMBERS))
    return max(sum(48 <= byte < 58 for byte in piece) for piece in pieces)


def _unknown(tokenizer: Tokenizer) -> bool:
    shown = {piece.shown for piece in tokenizer.pieces("🙂 ☃ Ж")}
    return bool(shown & {"<unk>", "[UNK]"})


def spoiled(tokenizer: Tokenizer) -> list[str]:
    """Return which of ten hard texts do not come back from encoding and decoding.

    Taught in: notebooks/05_tokenizers.ipynb
    """
    return [text for text in HARD if tokenizer.decode(tokenizer.encode(text)) != text]


# what is asked -> how the tokenizer answers
QUESTIONS = {
    "most digits in a token": _longest_digits,
    "a word differs with a space before it": lambda t: t.encode("cat") != t.encode(" cat"),
    "two spaces differ from one": lambda t: t.encode("a  b") != t.encode("a b"),
    "line end kept": lambda t: "\n" in t.decode(t.encode("a\nb")),
    "case kept": lambda t: t.encode("The") != t.encode("the"),
    "compatibility forms kept": lambda t: t.encode("ﬁ") != t.encode("fi"),
    "unknown token possible": _unknown,
    "a token can be part of a character": lambda t: "\ufffd" in [t.decode([n]) for n in t.encode("☃")],
    "special token in a text is text": lambda t: t.special[END] not in t.encode(END),
    "of ten hard texts, come back exactly": lambda t: len(HARD) - len(spoiled(t)),
}


def probe(tokenizer: Tokenizer) -> list[dict]:
    """Ask a tokenizer what tokenizers differ in; return one row per question: {"question", "answer"}.

    An answer is True or False, or a number.

    Taught in: notebooks/05_tokenizers.ipynb
    """
    return [{"question": question, "answer": answer(tokenizer)} for question, answer in QUESTIONS.items()]


def probe_grid() -> list[dict]:
    """Return one row per question, with the answer of each of the four recipes in a column of its name.

    Taught in: notebooks/05_tokenizers.ipynb
    """
    answers = {name: [row["answer"] for row in probe(tokenizer)] for name, tokenizer in recipes().items()}
    return [
        {"question": question} | {name: column[place] for name, column in answers.items()}
        for place, question in enumerate(QUESTIONS)
    ]


def splits(text: str) -> list[dict]:
    """Return one text cut by four recipes: {"recipe", "model", "tokens", "pieces", "exact"}.

    `model` is the one whose recipe it is, `pieces` a list of printed tokens, `exact` whether decoding gives
    the text back.

    Taught in: notebooks/05_tokenizers.ipynb
    """
    rows = []
    for name, tokenizer in recipes().items():
        ids = tokenizer.encode(text)
        row = {"recipe": name, "model": RECIPES[name][1], "tokens": len(ids)}
        rows.append(row | {"pieces": [*map(tokenizer.shown, ids)], "exact": tokenizer.decode(ids) == text})
    return rows


@lru_cache(maxsize=3)
def sums_tokenizer(rule: str, vocabulary: int = 800) -> Tokenizer:
    """Return a byte-level BPE of the sums whose pattern cuts numbers by a rule of `PIECES`."""
    expect_choice("rule", rule, PIECES)
    pattern = PIECES[rule]
    return train_bpe([halves("digits")[0]], vocabulary, PATTERNS.get(pattern, pattern))


def digits(numbers: Sequence[str] = ("7", "42", "365", "1024", "99999")) -> list[dict]:
    """Return how three rules cut numbers: {"rule", "number", "tokens", "pieces"}.

    "one digit": each digit is a token. "up to three": the pattern of GPT-4 cuts three from the left. "any
    number": GPT-2's pattern leaves it to the merges. Each is a BPE of the training sums.

    Taught in: notebooks/05_tokenizers.ipynb
    """
    rows = []
    for rule in PIECES:
        for number in numbers:
            pieces = [piece.shown for piece in sums_tokenizer(rule).pieces(number)]
            row = {"rule": rule, "number": number, "tokens": len(pieces)}
            rows.append(row | {"pieces": " ".join(pieces)})
    return rows


def digit_cuts(length: int = 4) -> list[dict]:
    """Count how all numbers of so many digits are cut, by rule: {"rule", "cut", "numbers", "share"}.

    `cut` says how many digits each token has, such as "1+3". With one cut a place in the number is always the
    same place in a token; with several the model has to learn every digit's value in each of them.

    Taught in: notebooks/05_tokenizers.ipynb
    """
    expect_choice("length", length, (1, 2, 3, 4, 5))
    rows = []
    for rule in PIECES:
        cuts = Counter(_cuts(sums_tokenizer(rule), length))
        total = sum(cuts.values())
        rows += [
            {"rule": rule, "cut": cut, "numbers": n, "share": round(n / total, 4)}
            for cut, n in cuts.most_common()
        ]
    return rows


def _cuts(tokenizer: Tokenizer, length: int) -> list[str]:
    """Return how each number is cut. They stand in lines, which no word of the three patterns crosses."""
    lines = "".join(f"{number}\n" for number in range(10 ** (length - 1), 10**length))
    end, spelled, cuts, sizes = tokenizer.encode("\n")[0], tokenizer.spelled, [], []
    for token in tokenizer.encode(lines):
        if token == end:
            cuts.append("+".join(map(str, sizes)))
            sizes = []
        else:
            sizes.append(len(spelled[token]))
    return cuts
