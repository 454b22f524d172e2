"""Work out what a latent saves per token."""

from glassbox.attention import accounting
from glassbox.learn.exercise import Compute

LAYERS, HEADS, GROUPS, SIZE, LATENT, ROPE, KIB = 61, 128, 8, 128, 512, 64, 1024


def grouped_less_latent():
    grouped = 2 * 8 * 128  # a key and a value for each key head
    latent = 512 + 64  # one row serves every head as key and as value
    return 61 * (grouped - latent) * 2 / 1024


def from_the_table():
    row = accounting.find("DeepSeek-V3")
    grouped = {name: value for name, value in row.items() if name not in ("latent", "rope")}
    less = accounting.bytes_per_token(grouped | {"kv_heads": 8}) - accounting.bytes_per_token(row)
    return less / 1024


def _saved(grouped, latent, layers=LAYERS, size=2.0):
    return layers * (grouped - latent) * size / KIB


def without_the_rotary_key():
    """
    saw: 1536 numbers per layer: the latent is counted with 512
    means: the rotary key is cached beside it: it cannot be made from the latent
    look: what MLA stores per token
    """
    return _saved(2 * GROUPS * SIZE, LATENT)


def latent_twice():
    """
    saw: 960 numbers per layer: the latent is counted twice
    means: keys and values are made from the same latent, so it is stored once
    look: the factor 2 belongs to the heads' own keys and values
    """
    return _saved(2 * GROUPS * SIZE, 2 * LATENT + ROPE)


def all_of_it_twice():
    """
    saw: 896 numbers per layer: latent and rotary key are counted twice
    means: one row of 576 numbers is key and value of all heads
    look: the factor 2 belongs to the heads' own keys and values
    """
    return _saved(2 * GROUPS * SIZE, 2 * (LATENT + ROPE))


def one_layer():
    """
    saw: that is one layer
    means: each of the 61 layers has a cache of its own
    look: the number of layers
    """
    return _saved(2 * GROUPS * SIZE, LATENT + ROPE, layers=1)


def keys_alone():
    """
    saw: 448 numbers per layer: GQA is counted with its keys alone
    means: the values are cached too
    look: a factor of 2 for GQA
    """
    return _saved(GROUPS * SIZE, LATENT + ROPE)


def every_head():
    """
    saw: that is the difference to a key and a value for each of the 128 query heads
    means: in GQA, query heads share: only the 8 key heads are stored
    look: the number of heads in the cache
    """
    return _saved(2 * HEADS * SIZE, LATENT + ROPE)


def latent_alone():
    """
    saw: that is what MLA stores
    means: the question is how much less than GQA it is
    look: the last step
    """
    return _saved(LATENT + ROPE, 0)


def grouped_alone():
    """
    saw: that is what GQA stores
    means: the question is by how much MLA needs less
    look: the last step
    """
    return _saved(2 * GROUPS * SIZE, 0)


def bits():
    """
    saw: eight times as much
    means: bfloat16 has 16 bits, which are 2 bytes
    look: bits and bytes
    """
    return _saved(2 * GROUPS * SIZE, LATENT + ROPE, size=16)


def one_byte():
    """
    saw: half as much
    means: bfloat16 has 2 bytes, not 1
    look: the size of a number
    """
    return _saved(2 * GROUPS * SIZE, LATENT + ROPE, size=1)


def float32():
    """
    saw: twice as much
    means: bfloat16 has 2 bytes, not 4; or the factor 2 for keys and values was applied to the difference
    look: the size of a number, and what the factor 2 multiplies
    """
    return _saved(2 * GROUPS * SIZE, LATENT + ROPE, size=4)


def kilobytes():
    """
    saw: that is the number of kB, of 1000 bytes
    means: one KiB is 1024 bytes
    look: the last division
    """
    return _saved(2 * GROUPS * SIZE, LATENT + ROPE) * KIB / 1000


cache_bytes = Compute(
    id="attention.cache_bytes",
    title="What a latent saves per token",
    statement=(
        "DeepSeek-V3 has 61 layers and 128 query heads. Its MLA caches, per token and layer, a latent of "
        "512 numbers and a rotary key of 64. Suppose it had GQA instead, with 8 key heads of size 128. "
        "In bfloat16, how much smaller is the cache of one token with MLA?"
    ),
    difficulty=2,
    importance=5,
    minutes=4,
    hints=(
        "How many numbers does one layer store for one token, in each of the two?",
        "GQA stores keys and values; MLA one row that is both, and the key part that carries the position.",
        "`61 * (2 * ____ * 128 - (512 + ____)) * 2 / 1024`",
    ),
    solution=grouped_less_latent,
    unit="KiB",
    mistakes=(
        without_the_rotary_key,
        latent_twice,
        all_of_it_twice,
        one_layer,
        keys_alone,
        every_head,
        latent_alone,
        grouped_alone,
        bits,
        one_byte,
        float32,
        kilobytes,
    ),
    alternatives=(from_the_table,),
    discussion=(
        "68.6 KiB against 244: MLA costs as much as GQA with 2.25 key heads, and each of the 128 heads "
        "still has keys of its own."
    ),
    notes="4 minutes. Most forget the rotary key, or count the latent for K and once more for V.",
)
