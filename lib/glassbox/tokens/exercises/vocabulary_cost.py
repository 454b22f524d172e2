"""Work out what a larger vocabulary costs."""

from glassbox.learn.exercise import Compute

SMALL, LARGE, WIDTH, MILLION = 32_000, 128_000, 4096, 1e6


def two_tables():
    new_tokens = 128_000 - 32_000
    return new_tokens * 4096 * 2 / 1e6  # a row of the embedding, and a row of the output matrix


def one_after_the_other():
    before, after = (2 * vocabulary * 4096 for vocabulary in (32_000, 128_000))
    return (after - before) / 1e6


def _added(small=SMALL, large=LARGE, width=WIDTH, tables=2, each=1.0):
    return (large - small) * width * tables * each / MILLION


def tied():
    """
    saw: that is what one table costs: the answer if the matrices are tied
    means: untied, the output matrix has rows of its own for the new tokens
    look: how many matrices have a row for each token
    """
    return _added(tables=1)


def the_whole_vocabulary():
    """
    saw: that is what both matrices hold with 128,000 tokens
    means: the question is how many are added
    look: subtract those that were there
    """
    return _added(small=0)


def the_whole_tied_vocabulary():
    """
    saw: that is one matrix with all 128,000 tokens
    means: the question is how many are added, and there are two matrices
    look: the difference of the vocabularies, and how many matrices have a row for each token
    """
    return _added(small=0, tables=1)


def the_old_vocabulary():
    """
    saw: that is what both matrices held before
    means: 96,000 tokens are added, three times as many as there were
    look: the difference of the vocabularies
    """
    return _added(small=0, large=SMALL)


def powers_of_two():
    """
    saw: here k is 1024
    means: a vocabulary of 32k has 32,000 tokens here; 32,768 is another one
    look: the numbers in the question
    """
    return _added(32 * 1024, 128 * 1024)


def bytes_or_flops():
    """
    saw: twice as many
    means: these are bytes in bfloat16, or FLOPs of a product; the question is how many parameters
    look: the last factor of 2
    """
    return _added(each=2)


def bytes_in_float32():
    """
    saw: four times as many
    means: these are bytes in float32; the question is how many parameters
    look: the factor of 4
    """
    return _added(each=4)


def in_every_layer():
    """
    saw: that is 32 times as many
    means: the embedding and the output matrix are there once, not in each layer
    look: where in a model the vocabulary is a dimension
    """
    return _added(each=32)


def width_squared():
    """
    saw: the width is squared
    means: a new token adds a row of d numbers; matrices of d times d do not know the vocabulary
    look: the shape of the embedding
    """
    return _added(each=WIDTH)


def mebi():
    """
    saw: that is in units of 2^20
    means: a million parameters are 10^6
    look: the last division
    """
    return _added() * MILLION / 2**20


vocabulary_cost = Compute(
    id="tokens.vocabulary_cost",
    title="What a larger vocabulary costs",
    statement=(
        "A model of width 4096 goes from a vocabulary of 32,000 tokens to one of 128,000. Its embedding and "
        "its output matrix are not tied. How many parameters are added?"
    ),
    difficulty=1,
    importance=5,
    minutes=3,
    hints=(
        "Which matrices of a model have a row for each token?",
        "The embedding and the matrix that makes logits; tied, they would be the same.",
        "`(128_000 - ____) * 4096 * ____ / 1e6`",
    ),
    solution=two_tables,
    unit="million parameters",
    mistakes=(
        tied,
        the_whole_vocabulary,
        the_whole_tied_vocabulary,
        the_old_vocabulary,
        powers_of_two,
        bytes_or_flops,
        bytes_in_float32,
        in_every_layer,
        width_squared,
        mebi,
    ),
    alternatives=(one_after_the_other,),
    discussion=(
        "786.4 million untied, 393.2 tied. In a model of 7 billion that is 11 or 6 percent. The embedding "
        "is a look-up and costs no FLOPs; the output matrix costs 2 more for each of its new numbers, per "
        "token. Against that stands the text that needs fewer tokens."
    ),
    notes="3 minutes. Ask for the tied number next, and for the FLOPs per token: 0.79 billion in both cases.",
)
