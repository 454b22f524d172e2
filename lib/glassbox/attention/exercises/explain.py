"""Say it: what the cache saves."""

from glassbox.learn.exercise import Claim, Explain, Point

explain_cache = Explain(
    id="attention.explain_cache",
    title="What the KV cache saves, in 90 seconds",
    statement=(
        "An interviewer asks: *what does the KV cache save and what does it not, why is there no Q in "
        "it, and what do GQA and MLA change?* Speak for 90 seconds, then write down what you said, in "
        "your own words."
    ),
    difficulty=3,
    importance=5,
    minutes=6,
    core=False,
    hints=(
        "Which of the old tokens' q, k and v does a new token read?",
        "Say one thing about work, one about memory and bytes read, one about the queries, then GQA, "
        "then MLA beside MQA.",
        "It saves making ____ again; it costs ____ that grow with ____; an old query is ____; in GQA "
        "____ share; MLA stores ____, and each head still ____.",
    ),
    rubric=(
        Point(
            "Under a causal mask the keys and values of past tokens never change: stored, they are not made "
            "again at every step.",
            (
                *(
                    "recomput",
                    "re-comput",
                    "recalculat",
                    "again at every",
                    "again at each",
                    "again for every",
                ),
                *(
                    "again for each",
                    "computed once",
                    "compute once",
                    "made once",
                    "never change",
                    "not change",
                ),
                *("stay the same", "do not have to be made", "redo"),
            ),
            "What would each step do again without it?",
        ),
        Point(
            "It does not save memory or bytes: it grows with every token and sequence, and each step "
            "reads all of it.",
            (
                *(
                    "grows with",
                    "grow with",
                    "linear in the length",
                    "linearly with",
                    "per token of",
                    "bandwidth",
                ),
                *("costs memory", "memory-bound", "memory bound", "reads all of it", "reads the whole"),
                *(
                    "read the whole",
                    "reads every",
                    "must read",
                    "must be read",
                    "has to read",
                    "takes memory",
                ),
            ),
            "What does it cost, and what is read at each step?",
        ),
        Point(
            "It does not help prefill, where all tokens are there at once, nor training.",
            ("prefill", "pre-fill", "prompt", "training", "first token"),
            "At which stage is it of no use?",
        ),
        Point(
            "A query is read once, by its own token's step; keys and values are read by all later ones.",
            (
                *(
                    "read once",
                    "used once",
                    "used only once",
                    "only once",
                    "own step",
                    "own token",
                    "never read",
                ),
                *(
                    "never used again",
                    "not used again",
                    "not needed again",
                    "no longer needed",
                    "never needed",
                ),
                *("old queries are", "past queries are", "only the newest query", "only the new query"),
                *("only the last query", "only the current query", "only its own"),
            ),
            "Who reads the query of token 5 at step 900?",
        ),
        Point(
            "In GQA the query heads of a group share one key head and one value head: h/g times fewer bytes, "
            "the same multiply-adds.",
            (
                *("share", "shared", "same multiply", "same flops", "same number of flops", "groups of"),
                *("fewer key", "fewer kv", "kv heads", "key heads", "key-value heads"),
            ),
            "What is shared, and what becomes smaller?",
        ),
        Point(
            "MLA stores one small latent and a rotary key per token; each head makes its own keys from "
            "it, where MQA has one key for all.",
            ("latent", "up-project", "up project", "low-rank", "low rank", "compress"),
            "What does MLA store, and how does it differ from one key head for all?",
        ),
    ),
    wrong=(
        Claim(
            "the cache saves memory",
            r"(?<!smaller )\bcach(?:e|ing) (?:also |mainly )?(?:saves?|reduces?|lowers?|needs? less|"
            r"uses? less) (?:(?:the|a lot of|much|gpu|of) )*memory",
            "the cache costs memory; what it saves is work",
        ),
        Claim(
            "GQA needs fewer FLOPs",
            r"\b(?:gqa|mqa|grouped|groups?)\b.*\b(?:fewer|less|reduces?|saves?|cuts?|lowers?)\b"
            r"(?:(?!\bsame\b|\bas many\b|\bequal).)*\b(?:flops?|comput\w*|multipl\w*|arithmetic)",
            "every query head still meets every key: the scores cost as many multiply-adds; only two small "
            "projections shrink",
        ),
        Claim(
            "a step costs the same however long the text",
            r"\b(?:cache|step|token)\b.*(?:\bo\(1\)|\bconstant[- ](?:time|cost)|\bindependent of (?:the )?"
            r"(?:length|context))",
            "the new query still meets all cached keys: a step grows with the length",
        ),
    ),
    model=(
        "Under a causal mask the keys and values of past tokens never change. Without a cache each step "
        "would make them again for the whole text; with it, a step runs one token through the layers, "
        "and its query meets the stored keys. That saves work, and costs memory: the cache grows with "
        "every token and every sequence in the batch, and each step reads all of it, so decoding is "
        "bound by bandwidth. Prefill gains nothing: there all tokens are present at once. Queries are "
        "left out because a query is read once, in its own step; later tokens read only its key and "
        "value. In GQA a group of query heads shares one key and one value head: h/g times fewer bytes, "
        "and as many multiply-adds for the scores. MQA is one group. MLA stores one latent per token and "
        "a small rotary key; each head has an up-projection of its own, so heads keep different keys. "
        "Absorbed into query and output, it runs like MQA with one wide key."
    ),
)
