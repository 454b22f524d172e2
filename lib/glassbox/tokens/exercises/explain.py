"""Say it: three algorithms, and what SentencePiece is."""

from glassbox.learn.exercise import Claim, Explain, Point

explain_unigram = Explain(
    id="tokens.explain_unigram",
    title="BPE, WordPiece and Unigram in 90 seconds",
    statement=(
        "An interviewer asks: *how do BPE, WordPiece and Unigram differ, in training and in encoding, and "
        "which of them is SentencePiece?* Speak for 90 seconds, then write down what you said, in your own "
        "words."
    ),
    difficulty=3,
    importance=5,
    minutes=6,
    core=False,
    hints=(
        "Which of the three begins with a large vocabulary?",
        "For each: what a training step does, by which number; then how a new word is cut. SentencePiece "
        "last.",
        "BPE merges the pair that is ____ and encodes by ____; WordPiece merges by ____ and encodes by ____; "
        "Unigram removes ____ and encodes by ____; SentencePiece is ____.",
    ),
    rubric=(
        Point(
            "BPE's training merges the most frequent pair of neighbours, again and again.",
            (
                *("most frequent pair", "most common pair", "frequent adjacent", "frequent neighbour"),
                *(
                    "pair with the highest count",
                    "highest pair count",
                    "pair frequency",
                    "pair that occurs most",
                ),
            ),
            "By which number does BPE choose a merge?",
        ),
        Point(
            "BPE encodes by replaying its merges in the order in which they were learned.",
            (
                *("rank", "replay", "in the order", "in training order", "same order", "in order of"),
                *("order they were learned", "merge order", "learned order"),
            ),
            "How does BPE cut a new word?",
        ),
        Point(
            "WordPiece, as it is taught, merges by count(ab) / (count(a) count(b)), not by the count.",
            (
                *("count(a", "count of the pair divided", "pair count divided", "divided by the product"),
                *("divided by the counts", "over the product", "ratio", "likelihood gain", "pmi"),
                *("mutual information", "normalised by", "normalized by", "raises the likelihood"),
                *("increases the likelihood", "relative to its parts"),
            ),
            "Beside q, u and a frequent pair: which does WordPiece merge?",
        ),
        Point(
            "WordPiece encodes by taking the longest token that fits, from the left; it keeps no merges.",
            ("longest", "maxmatch", "max-match", "maximal match", "maximum match"),
            "What does BERT's tokenizer do with a new word?",
        ),
        Point(
            "Unigram starts large and removes the pieces whose loss costs least likelihood; probabilities "
            "by EM.",
            (
                *("prun", "starts large", "start large", "starts with a large", "starts from a large"),
                *("begins with a large", "begins large", "top-down", "top down", "removes pieces"),
                *("removes tokens", "throws away", "shrink", "too many pieces", "expectation"),
            ),
            "In which direction does the vocabulary of Unigram change while it is trained?",
        ),
        Point(
            "Unigram encodes by the most probable segmentation, by Viterbi; and it can sample others.",
            (
                *("viterbi", "most probable segmentation", "most likely segmentation", "best path"),
                *("dynamic programming", "highest probability", "highest-probability"),
            ),
            "What does Unigram compare when it cuts a word, and how?",
        ),
        Point(
            "SentencePiece is a program with BPE and Unigram inside: text as it is, spaces as a mark, "
            "lossless.",
            (
                *(
                    "library",
                    "toolkit",
                    "a tool",
                    "package",
                    "implementation",
                    "wrapper",
                    "framework",
                    "program",
                ),
                *("implements", "raw text", "raw stream", "whitespace as", "space as", "spaces as", "▁"),
            ),
            "A model card says SentencePiece. What do you still not know?",
        ),
    ),
    wrong=(
        Claim(
            "SentencePiece is an algorithm",
            r"sentencepiece (?:is|as|means|=) (?:just |simply |basically )?"
            r"(?:(?:an?|the|another|its own|one) )?(?:\w+ ){0,2}"
            r"(?:algorithm|tokenization method|fourth|third)"
            r"|sentencepiece (?:is|means) (?:just |simply )?(?:the same as )?(?:unigram|bpe)\b"
            r"|unigram,? (?:also called|also known as|or|\(|i\.?e\.?) ?sentencepiece",
            "SentencePiece is a program and a preparation: it trains BPE or Unigram",
        ),
        Claim(
            "WordPiece and BPE differ only in ##",
            r"(?:only|just|merely|nothing but)\b.*##|##.*\bonly difference|only difference.*##"
            r"|wordpiece (?:is|=) (?:just |simply )?bpe with ##",
            "they choose merges by different numbers, and encode in different ways",
        ),
        Claim(
            "byte-level means one token per byte",
            r"byte[- ]level\b.*\b(?:one|a|single) tokens? (?:per|for (?:each|every)) byte"
            r"|\b(?:every|each) byte (?:is|becomes|gets) (?:a|one|its own) token",
            "bytes are what merges start from; most tokens are many bytes long",
        ),
        Claim(
            "BPE finds the shortest encoding",
            r"\bbpe\b.*\b(?:fewest|minimal number of|minimum number of|shortest|optimal)\b",
            "merges by rank are greedy: a word may get more tokens than the vocabulary allows",
        ),
    ),
    model=(
        "All three cut words into pieces between characters and words. BPE starts from bytes or characters "
        "and merges the most frequent pair, again and again; a new word is encoded by the same merges, by "
        "rank. WordPiece grows in the same way, but chooses the pair by count(ab) over count(a) count(b): "
        "the gain in likelihood per occurrence, so a pair of rare symbols that are always together wins. "
        "It keeps the vocabulary alone, and encodes by the longest match from the left; a word it cannot "
        "cover becomes one [UNK]. Unigram goes the other way: it starts large, estimates a probability "
        "for each piece by EM, and prunes those whose loss costs the least likelihood. It encodes by the "
        "most probable segmentation, found by Viterbi, and it can sample other segmentations, which "
        "regularises training. SentencePiece is a library with BPE and Unigram inside: it takes raw text, "
        "spaces as the mark ▁, and so decodes without loss."
    ),
    notes="6 minutes. Ask LLaMA 2 and T5: both say SentencePiece; the first is BPE, the second Unigram.",
)
