"""Small kernels, one per corner of the language, for the comparison with Triton's interpreter."""

import torch
from glassbox.machine import launch, tl, triton
from promotion_kernels import Recorder


@triton.jit
def _unary_features(x_ptr, out_ptr, N: tl.constexpr):
    i = tl.arange(0, N)
    x = tl.load(x_ptr + i)
    positive = tl.abs(x) + 0.5
    tl.store(out_ptr + i, tl.exp(x))
    tl.store(out_ptr + N + i, tl.exp2(x))
    tl.store(out_ptr + 2 * N + i, tl.log(positive))
    tl.store(out_ptr + 3 * N + i, tl.log2(positive))
    tl.store(out_ptr + 4 * N + i, tl.sqrt(positive))
    tl.store(out_ptr + 5 * N + i, tl.rsqrt(positive))
    tl.store(out_ptr + 6 * N + i, tl.sin(x))
    tl.store(out_ptr + 7 * N + i, tl.cos(x))
    tl.store(out_ptr + 8 * N + i, tl.erf(x))
    tl.store(out_ptr + 9 * N + i, tl.floor(x))
    tl.store(out_ptr + 10 * N + i, tl.ceil(x))
    tl.store(out_ptr + 11 * N + i, tl.sigmoid(x))
    tl.store(out_ptr + 12 * N + i, tl.softmax(x))
    tl.store(out_ptr + 13 * N + i, tl.clamp(x, -0.5, 0.5))
    tl.store(out_ptr + 14 * N + i, tl.fma(x, positive, x))
    tl.store(out_ptr + 15 * N + i, -x)
    tl.store(out_ptr + 16 * N + i, tl.fdiv(x, positive))


@triton.jit
def _reduction_features(x_ptr, out_ptr, index_ptr, N: tl.constexpr):
    i, j = tl.arange(0, N), tl.arange(0, N)
    x = tl.load(x_ptr + i[:, None] * N + j[None, :])
    tl.store(out_ptr + i, tl.sum(x, 0))
    tl.store(out_ptr + N + i, tl.sum(x, 1))
    tl.store(out_ptr + 2 * N + i, tl.max(x, 0))
    tl.store(out_ptr + 3 * N + i, tl.min(x, 1))
    tl.store(out_ptr + 4 * N, tl.sum(x))
    tl.store(out_ptr + 4 * N + 1, tl.max(x))
    best, where = tl.max(x, 1, return_indices=True)
    tl.store(out_ptr + 5 * N + i, best)
    tl.store(index_ptr + i, where)
    tl.store(index_ptr + N + i, tl.argmax(x, 0))
    tl.store(index_ptr + 2 * N + i, tl.argmin(x, 1))
    tl.store(index_ptr + 3 * N + i, tl.xor_sum(where, 0) + i)
    total = tl.sum(x, 1, keep_dims=True)
    tl.store(out_ptr + 6 * N + i[:, None], total)


@triton.jit
def _add_pairs(a, b):
    return a + b


@triton.jit
def _larger_of_pairs(a, i, b, j):
    take_left = a >= b
    return tl.where(take_left, a, b), tl.where(take_left, i, j)


@triton.jit
def _scan_features(x_ptr, out_ptr, index_ptr, N: tl.constexpr):
    i = tl.arange(0, N)
    x = tl.load(x_ptr + i)
    tl.store(out_ptr + i, tl.cumsum(x, 0))
    tl.store(out_ptr + N + i, tl.cumsum(x, 0, reverse=True))
    tl.store(out_ptr + 2 * N + i, tl.cumprod(x, 0))
    tl.store(out_ptr + 3 * N + i, tl.sort(x))
    tl.store(out_ptr + 4 * N + i, tl.sort(x, descending=True))
    tl.store(out_ptr + 5 * N + tl.arange(0, 4), tl.topk(x, 4))
    tl.store(out_ptr + 6 * N + i, tl.gather(x, (i * 3 + 1) % N, 0))
    tl.store(out_ptr + 7 * N + i, tl.associative_scan(x, 0, _add_pairs))
    tl.store(out_ptr + 8 * N, tl.reduce(x, 0, _add_pairs))
    value, index = tl.reduce((x, i), 0, _larger_of_pairs)
    tl.store(out_ptr + 8 * N + 1, value)
    tl.store(index_ptr, index)
    tl.store(index_ptr + N + tl.arange(0, 8), tl.histogram((i * i) % 8, 8))


@triton.jit
def _shape_features(x_ptr, out_ptr, N: tl.constexpr):
    i = tl.arange(0, N)
    x = tl.load(x_ptr + i)
    square = tl.reshape(x, (4, N // 4))
    at = tl.arange(0, N // 4)[:, None] * 4 + tl.arange(0, 4)[None, :]
    tl.store(out_ptr + at, tl.trans(square))
    tl.store(out_ptr + N + at, tl.permute(square, (1, 0)))
    even, odd = tl.split(tl.reshape(x, (N // 2, 2)))
    half = tl.arange(0, N // 2)
    tl.store(out_ptr + 2 * N + half, even - odd)
    tl.store(out_ptr + 3 * N + i, tl.interleave(odd, even))
    tl.store(out_ptr + 4 * N + i, tl.ravel(tl.join(even, odd)))
    tl.store(out_ptr + 5 * N + at, tl.broadcast_to(tl.expand_dims(tl.arange(0, 4) * 1.0, 0), (N // 4, 4)))
    tl.store(out_ptr + 6 * N + i, tl.cat(even, odd, can_reorder=True))


@triton.jit
def _integer_features(x_ptr, out_ptr, N: tl.constexpr):
    i = tl.arange(0, N)
    x = tl.load(x_ptr + i)
    tl.store(out_ptr + i, x * 1000003)
    tl.store(out_ptr + N + i, x // 7)
    tl.store(out_ptr + 2 * N + i, x % 7)
    tl.store(out_ptr + 3 * N + i, (x >> 3) ^ (x << 5))
    tl.store(out_ptr + 4 * N + i, ~x)
    tl.store(out_ptr + 5 * N + i, tl.abs(x))
    tl.store(
        out_ptr + 6 * N + i, tl.umulhi(x.to(tl.uint32, bitcast=True), 0x9E3779B9).to(tl.int32, bitcast=True)
    )
    tl.store(out_ptr + 7 * N + i, tl.cdiv(i, 3))
    tl.store(out_ptr + 8 * N + i, x.to(tl.int8).to(tl.int32))
    tl.store(out_ptr + 9 * N + i, x.to(tl.float32).to(tl.int32, bitcast=True))
    tl.store(out_ptr + 10 * N + i, (i * 2147483647 + x) // 3)


@triton.jit
def _random_features(float_ptr, int_ptr, seed, N: tl.constexpr):
    i = tl.arange(0, N)
    tl.store(float_ptr + i, tl.rand(seed, i))
    tl.store(float_ptr + N + i, tl.randn(seed, i))
    tl.store(int_ptr + i, tl.randint(seed, i).to(tl.int32, bitcast=True))
    tl.store(float_ptr + 2 * N + i, tl.rand(seed, i.to(tl.int64) + 5000000000))


@triton.jit
def _atomic_features(counter_ptr, float_ptr, old_ptr, N: tl.constexpr):
    pid, i = tl.program_id(0), tl.arange(0, N)
    old = tl.atomic_add(counter_ptr + i % 4, i)
    tl.store(old_ptr + pid * N + i, old)
    tl.atomic_add(float_ptr + i, 1.5, mask=i < N - 3)
    tl.atomic_max(counter_ptr + 4, pid * 3)
    tl.atomic_min(counter_ptr + 5, -pid)
    tl.atomic_or(counter_ptr + 6, 1 << pid)
    tl.atomic_and(counter_ptr + 7, ~(1 << pid))
    tl.atomic_xor(counter_ptr + 8, pid)
    tl.atomic_xchg(counter_ptr + 9 + pid, pid + 7)
    tl.atomic_cas(counter_ptr + 13, 0, pid + 1)
    tl.atomic_max(float_ptr + N, pid * 0.5 - 1.0)


@triton.jit
def _descriptor_features(x_ptr, y_ptr, rows, columns, B: tl.constexpr):
    x = tl.make_tensor_descriptor(x_ptr, [rows, columns], [columns, 1], [B, B])
    y = tl.make_tensor_descriptor(y_ptr, [rows, columns], [columns, 1], [B, B])
    at = [tl.program_id(0) * B, tl.program_id(1) * B]
    y.store(at, x.load(at) * 2.0)


@triton.jit
def _block_pointer_features(x_ptr, y_ptr, rows, columns, B: tl.constexpr):
    x = tl.make_block_ptr(x_ptr, (rows, columns), (columns, 1), (tl.program_id(0) * B, 0), (B, B), (1, 0))
    y = tl.make_block_ptr(y_ptr, (rows, columns), (columns, 1), (tl.program_id(0) * B, 0), (B, B), (1, 0))
    for _ in range(0, tl.cdiv(columns, B)):
        block = tl.load(x, boundary_check=(0, 1), padding_option="zero")
        tl.store(y, block + 1.0, boundary_check=(0, 1))
        x = tl.advance(x, (0, B))
        y = tl.advance(y, (0, B))


@triton.jit
def _literal_features(x_ptr, out_ptr, n, RECORDER: tl.constexpr):
    """An assigned number is a typed value: fp16 · (a = 2.0) is fp32, fp16 · 2.0 is fp16."""
    i = tl.arange(0, 8)
    x = tl.load(x_ptr + i)
    a = 2.0
    RECORDER.see(x * a)
    tl.store(out_ptr + i, x * a)
    b: tl.constexpr = 2.0
    tl.store(out_ptr + 8 + i, (x * b + x * 1.0009765625).to(tl.float32))
    total = 0
    for k in range(n):
        total += k
    tl.store(out_ptr + 16 + i, (i * total).to(tl.float32))


@triton.jit
def _int8_product(a_ptr, b_ptr, out_ptr, N: tl.constexpr):
    i = tl.arange(0, N)
    at = i[:, None] * N + i[None, :]
    acc = tl.zeros((N, N), tl.int32)
    tl.store(out_ptr + at, tl.dot(tl.load(a_ptr + at), tl.load(b_ptr + at), acc, out_dtype=tl.int32))


@triton.jit
def _half_product(a_ptr, b_ptr, out_ptr, N: tl.constexpr):
    i = tl.arange(0, N)
    at = i[:, None] * N + i[None, :]
    tl.store(out_ptr + at, tl.dot(tl.load(a_ptr + at), tl.load(b_ptr + at)))


@triton.jit
def _doubled(x):
    return x * 2


@triton.jit
def _helper_features(x_ptr, out_ptr, FUNCTION: tl.constexpr, N: tl.constexpr):
    i = tl.arange(0, N)
    tl.static_assert(N % 8 == 0)
    tl.assume(N > 0)
    x = tl.load(x_ptr + tl.max_contiguous(tl.multiple_of(i, 8), 8))
    for k in tl.static_range(3):
        x = FUNCTION(x) + k
    assert x.shape[0] == N, "shape"
    tl.store(out_ptr + i, x)


def feature_results(backend: str) -> dict[str, torch.Tensor]:
    """Return the outputs of every feature kernel."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(32, generator=generator)
    square = torch.randn(16, 16, generator=generator)
    numbers = torch.randint(-1000, 1000, (16,), generator=generator, dtype=torch.int32)
    small = [torch.randint(-128, 127, (32, 32), generator=generator, dtype=torch.int8) for _ in range(2)]
    out: dict[str, torch.Tensor] = {}

    def new(name, *shape, dtype=torch.float32):
        out[name] = torch.zeros(*shape, dtype=dtype)
        return out[name]

    def go(kernel, *args, grid=(1,), **constants):
        launch(kernel, grid, *args, backend=backend, **constants)

    integers = {"dtype": torch.int32}
    go(_unary_features, x, new("unary", 17, 32), N=32)
    go(_reduction_features, square, new("reduced", 7, 16), new("where", 4, 16, **integers), N=16)
    go(_scan_features, x[:16].contiguous(), new("scanned", 9, 16), new("scan index", 2, 16, **integers), N=16)
    go(_shape_features, x, new("shapes", 7, 32), N=32)
    go(_integer_features, numbers, new("integers", 11, 16, **integers), N=16)
    go(_random_features, new("random", 3, 32), new("random integers", 32, **integers), 42, N=32)
    counters, old = new("counters", 16, **integers), new("old", 4, 16, **integers)
    go(_atomic_features, counters, new("float atomics", 17), old, grid=(4,), N=16)
    matrix = torch.randn(20, 12, generator=generator)
    go(_descriptor_features, matrix, new("descriptors", 20, 12), 20, 12, grid=(3, 2), B=8)
    go(_block_pointer_features, matrix, new("block pointers", 20, 12), 20, 12, grid=(3,), B=8)
    go(_literal_features, x[:8].half(), new("literals", 24), 5, RECORDER=Recorder())
    go(_int8_product, *small, new("int8 product", 32, 32, **integers), N=32)
    go(_half_product, square.half(), square.T.contiguous().half(), new("fp16 product", 16, 16), N=16)
    go(_helper_features, x, new("helpers", 32), FUNCTION=_doubled, N=32)
    return out
