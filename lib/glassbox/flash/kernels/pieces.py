"""The pieces that the kernels share: which tile a program takes, which tiles it meets, how a score is made.

Positions are bottom-right: query row i stands at i + n - t. What is None is left out of the compiled kernel.
`rules` is (window, sink_tokens, prefix_ptr, mask_ptr, the strides of the mask: sequence, head, query, key).
"""

from glassbox.machine import tl, triton

LOG2E = tl.constexpr(1.4426950408889634)


@triton.jit
def task(work_ptr, block, t, n):
    """Return sequence, batch, block, and for its sequence the first query row, t, the first key row, n.

    `work_ptr` lists the blocks of packed sequences, six whole numbers each: no program searches for its own.
    """
    sequence, q_first, k_first = tl.program_id(2), 0, 0
    batch = sequence
    if work_ptr is not None:
        at = work_ptr + block * 6
        sequence, block = tl.load(at), tl.load(at + 1)
        q_first, k_first = tl.load(at + 2).to(tl.int64), tl.load(at + 4).to(tl.int64)
        t, n = tl.load(at + 3), tl.load(at + 5)
    return sequence, batch.to(tl.int64), block, q_first, t, k_first, n


@triton.jit
def prefix_of(sequence, rules):
    """Return how many of the first keys every query of a sequence sees."""
    prefix = 0
    if rules[2] is not None:
        prefix = tl.maximum(tl.load(rules[2] + sequence), 0)
    return prefix


@triton.jit
def rows_at(ptr, strides, batch, head, shift, rows, width, ROWS: tl.constexpr, WIDTH: tl.constexpr):
    """Describe the rows of one head, from row `shift` on: what lies beyond them loads as 0."""
    base = ptr + batch * strides[0] + head * strides[1] + shift * strides[2]
    return tl.make_tensor_descriptor(base, [rows, width], [strides[2], 1], [ROWS, WIDTH])


@triton.jit
def heads_at(
    ptr, strides, batch, head, heads, shift, rows, width, ROWS: tl.constexpr, WIDTH: tl.constexpr
):  # fmt: skip
    """Describe the rows of neighbouring heads, from row `shift` on; a load takes rows of one of them."""
    base = ptr + batch * strides[0] + head * strides[1] + shift * strides[2]
    return tl.make_tensor_descriptor(
        base, [heads, rows, width], [strides[1], strides[2], 1], [1, ROWS, WIDTH]
    )


@triton.jit
def store_rows(ptr, value, first, row, rows, width, WIDTH: tl.constexpr):
    """Store those rows of a tile that lie before `rows`, as rows `first` + `row` of a contiguous tensor."""
    column = tl.arange(0, WIDTH)[None, :]
    tl.store(ptr + (first + row) * width + column, value, mask=(row < rows) & (column < width))


@triton.jit
def keys_met(row, rows, t, n, prefix, rules, CAUSAL: tl.constexpr, KEYS: tl.constexpr):
    """Return the blocks of keys that some of `rows` queries from `row` on may see.

    They are [0, leading) and [first, end): a prefix or the sinks, and the band of the mask.
    """
    low, high = row + n - t, tl.minimum(row + rows, t) + n - t
    first, end, ahead = 0, n, prefix
    if CAUSAL:
        end = tl.minimum(end, tl.maximum(high, 0))
    if rules[0] is not None:
        ahead = tl.maximum(ahead, tl.minimum(rules[1], end))
        end = tl.minimum(end, tl.maximum(high - 1 + rules[0], 0))
        first = tl.minimum(tl.maximum(low + 1 - rules[0], 0) // KEYS, (end + KEYS - 1) // KEYS)
    ahead = (tl.minimum(ahead, n) + KEYS - 1) // KEYS
    return tl.minimum(ahead, first), first, tl.maximum((end + KEYS - 1) // KEYS, ahead)


@triton.jit
def queries_meeting(key, keys, t, n, prefix, rules, CAUSAL: tl.constexpr, QUERIES: tl.constexpr):
    """Return the first block of queries that some of `keys` keys from `key` on are seen by, and the count."""
    first, end = 0, t
    if CAUSAL:
        first = tl.minimum(tl.maximum(key - (n - t), 0), t)
    if rules[0] is not None:
        last = tl.minimum(key + keys, n) - 1 - (n - t)
        end = tl.minimum(tl.maximum(last + rules[0], 0), t)
        first = tl.maximum(first, tl.minimum(key + 1 - rules[0] - (n - t), t))
        end = tl.where(key < rules[1], t, end)
        if not CAUSAL:
            first = tl.where(key < rules[1], 0, first)
    first, end = tl.where(key < prefix, 0, first), tl.where(key < prefix, t, end)
    first = first // QUERIES
    return first, tl.maximum((end + QUERIES - 1) // QUERIES - first, 0)


@triton.jit
def visible(query, key, t, n, sequence, head, prefix, rules, CAUSAL: tl.constexpr):
    """Tell which of these queries may see which of these keys; positions that broadcast to a tile."""
    here = key < n
    if CAUSAL:  # the end of the keys as a key far ahead: one comparison for each score, not two
        here = tl.where(key < n, key, 1 << 30) <= query
        if rules[2] is not None:
            here = here | (key < tl.minimum(prefix, n))
    if rules[0] is not None:
        here = here & ((tl.abs(query - key) < rules[0]) | (key < tl.maximum(prefix, rules[1])))
    if rules[3] is not None:
        row = query - (n - t)
        at = sequence.to(tl.int64) * rules[4] + head * rules[5] + row.to(tl.int64) * rules[6] + key * rules[7]
        here = here & (tl.load(rules[3] + at, mask=(row < t) & (key < n), other=0) != 0)
    return here


@triton.jit
def scored(products, head, query, key, scale, given, SCORES: tl.constexpr):
    """Return scores to base 2 from q . k: scaled, passed through the score functions, times log2(e)."""
    if len(SCORES) == 0:
        return products * (scale * LOG2E)
    s = products * scale
    for i in tl.static_range(len(SCORES)):
        s = SCORES[i](s, head, query, key, given[i])
    return s * LOG2E


@triton.jit
def sloped(ds, products, head, query, key, scale, given, SCORES: tl.constexpr, SLOPES: tl.constexpr):
    """Return the gradient by scale * (q . k) from that by the score: the functions' slopes multiply."""
    if len(SCORES) > 0:
        s = products * scale
        for i in tl.static_range(len(SCORES)):
            ds = ds * SLOPES[i](s, head, query, key, given[i])
            if i + 1 < len(SCORES):
                s = SCORES[i](s, head, query, key, given[i])
    return ds


@triton.jit
def lse_beyond(SCORES: tl.constexpr):
    """Return what stands for the log-sum-exp of rows beyond t.

    A score function may give them large scores: they weigh 0, not infinity. Without one their scores are 0.
    """
    lse = 0.0
    if len(SCORES) > 0:
        lse = float("inf")
    return lse


@triton.jit
def weighed(
    products, lse, head, query, key, t, n, sequence, prefix, scale, rules, given,
    CAUSAL: tl.constexpr, SCORES: tl.constexpr,
):  # fmt: skip
    """Return the weights of a tile, made again from the log-sum-exp: exp(s - lse), 0 for hidden keys."""
    base = tl.where(lse == float("-inf"), 0.0, lse * LOG2E)  # -inf less -inf is not a number
    s = scored(products, head, query, key, scale, given, SCORES)
    seen = visible(query, key, t, n, sequence, head, prefix, rules, CAUSAL)
    return tl.where(seen, tl.exp2(s - base), 0.0)
