"""Say it: more FLOPs in less time."""

from glassbox.learn.exercise import Claim, Explain, Point

IT = r"\b(?:it|flash\w*|tiling|results?|outputs?)\b"

explain_flash = Explain(
    id="flash.explain_flash",
    title="More FLOPs in less time, in 90 seconds",
    statement=(
        "An interviewer asks: *FlashAttention does more arithmetic than the naive form. Why is it faster, is "
        "its result exact, what does it keep for the backward pass, and where does it not help?* Speak for "
        "90 seconds, then write down what you said, in your own words."
    ),
    difficulty=3,
    importance=5,
    minutes=6,
    core=False,
    hints=(
        "Of the naive form's time, how much goes into multiplying, and how much into waiting?",
        "Say one thing about bytes, one about what makes tiles possible, one about where the FLOPs rise, one "
        "about what is kept, and one about a single query.",
        "The ____ matrix never leaves the chip; a running ____ and ____ make the result ____; the backward "
        "pass makes ____ again from ____; with one query there is no ____ to save.",
    ),
    rubric=(
        Point(
            "The naive form waits for memory: it writes and reads the n x n scores and weights, at few FLOPs "
            "per byte; time follows the bytes.",
            (
                *("memory-bound", "memory bound", "bandwidth", "bytes", "traffic", "memory access"),
                *("waits for memory", "waiting for memory", "reads and writes", "IO-bound", "IO bound"),
            ),
            "What does the naive form wait for?",
        ),
        Point(
            "Tiles of scores live and die on the chip; the n x n matrix never reaches the GPU's memory.",
            (
                *("on chip", "on-chip", "on the chip", "SRAM", "shared memory", "registers", "tile"),
                *("never materiali", "not materiali", "never written", "without materiali"),
            ),
            "Where are the scores while they are needed?",
        ),
        Point(
            "It is exact: running maximum and sum are rescaled whenever the maximum moves, in any order of "
            "tiles.",
            (
                *("rescal", "online softmax", "running max", "running sum", "running denominator"),
                *("exactly the same", "is exact", "exact result", "exact attention", "result exact"),
            ),
            "How can a softmax be taken before the whole row was seen?",
        ),
        Point(
            "The FLOPs rise because the backward pass makes the scores again: five products where the naive "
            "backward has four. Arithmetic is cheaper than the bytes it saves.",
            (
                *("recomput", "re-comput", "recalculat", "computes the scores again", "made again"),
                *("makes the scores again", "makes them again", "five products", "five matrix"),
            ),
            "Where exactly does it do more arithmetic?",
        ),
        Point(
            "Kept for the backward pass: q, k, v, the output, and a log-sum-exp per query: O(n), not O(n^2).",
            (
                *("log-sum-exp", "logsumexp", "log sum exp", "lse", "one number per query"),
                *("one number per row", "statistics", "normaliser", "normalizer", "denominator of each row"),
            ),
            "What must the forward pass leave behind?",
        ),
        Point(
            "D = rowsum(do * o) stands for the sum over all keys, so each tile's gradient needs nothing of "
            "the other tiles.",
            (
                *("rowsum", "row sum", "row-sum", "row-wise sum", "do * o", "do*o", "D =", "delta"),
                *("output with its gradient", "output and its gradient", "output times its gradient"),
            ),
            "Softmax's gradient has a sum over the whole row. How does a tile get it?",
        ),
        Point(
            "It hardly helps decoding: one query has one row of scores; the keys and values must be read "
            "anyway. There one splits the keys and merges.",
            (
                *("decod", "one query", "single query", "split-k", "split k", "splits the keys"),
                *("flash-decoding", "flash decoding"),
            ),
            "What does it save when a single query arrives?",
        ),
    ),
    wrong=(
        Claim(
            "it is approximate",
            rf"{IT}.*(?<!unlike )(?<!rather than )\bapproximat(?:e|es|ion|ely)\b",
            "it is exact: only the order of the sums differs from the naive form",
        ),
        Claim(
            "it needs fewer FLOPs",
            r"\b(?:fewer|less|lower(?:s|ed)?|reduc\w+|saves?|cuts?|halves)\b"
            r"(?:(?!\b(?:bytes?|memory|traffic|hbm|access\w*|reads?|more|extra)\b).)*"
            r"\b(?:flops?|multipl\w*|arithmetic|computation)",
            "the products are the same, and the backward pass has one more; what it saves is bytes",
        ),
        Claim(
            "it is linear in time",
            r"\blinear[- ](?:time|attention|complexity)\b|\b(?:time|compute|cost|complexity) (?:is|becomes) "
            r"(?:o\(n\)|linear)",
            "the work is still n^2 d; only the memory grows linearly",
        ),
        Claim(
            "it makes decoding faster",
            rf"{IT}(?: (?!hardly|barely)\w+)? (?:speeds? up|accelerates?|helps?|makes?) "
            r"(?:(?!hardly|little)\w+ )*(?:decod\w*|token generation)|\bfaster decod",
            "one query has one row of scores; decoding reads the cache, which tiling does not shrink",
        ),
        Claim(
            "it shrinks the KV cache",
            rf"{IT}(?:(?!\b(?:gqa|mqa|mla)\b).)*\b(?:reduc\w+|shrinks?|saves?|compress\w*)\b.*\bkv[- ]?cache",
            "keys and values are stored as before; GQA and MLA shrink the cache",
        ),
    ),
    model=(
        "The naive form is memory-bound: it writes n x n scores, reads them, writes n x n weights and reads "
        "those, with few FLOPs for each byte, so its time follows the bytes and not the arithmetic. "
        "FlashAttention keeps a block of queries in SRAM and streams keys and values past it; each tile of "
        "scores is used and thrown away on the chip. A softmax can be taken tile by tile because a running "
        "maximum and a running sum are enough: when the maximum moves, sum and output are rescaled. So the "
        "result is exact, up to rounding. The FLOPs rise because the backward pass recomputes the scores: "
        "five products in place of four. It can, because the forward pass left q, k, v, the output and one "
        "log-sum-exp per query: O(n) numbers. The sum over a whole row that softmax's gradient needs is D, "
        "the row sum of do * o. The products are still n^2 d, so it is no linear method. In decoding "
        "there is one query and one row of scores; the cache must be read anyway, and what helps there is "
        "splitting the keys over the chip and merging the parts."
    ),
)
