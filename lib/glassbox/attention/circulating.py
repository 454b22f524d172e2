"""A listing of multi-head and grouped-query attention in circulation, restated to show what it computes.

Not to be used: it takes one unbatched matrix, has no mask, and its result does not have the width of its
input. `fold` and `as_multi_head` turn it into what `MultiHeadAttention` computes.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from glassbox.arguments import bad_type, expect_shape, expect_whole
from glassbox.attention.api.checks import expect_heads
from glassbox.attention.modules import MultiHeadAttention
from glassbox.norms.modules import initialise


def _linear(inputs: int, outputs: int) -> nn.Linear:
    return nn.Linear(inputs, outputs, bias=False)


def _attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The listing's attention: `transpose(0, 1)` is right for one matrix, and for nothing with a batch."""
    return (q @ k.transpose(0, 1) / q.shape[-1] ** 0.5).softmax(-1) @ v


class ListedHead(nn.Module):
    """The listing's single head: width in, head size out."""

    def __init__(self, width: int, head_size: int, seed: int = 0):
        super().__init__()
        self.query, self.key, self.value = (_linear(width, head_size) for _ in range(3))
        initialise(self, seed)

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        return _attend(self.query(x), self.key(x), self.value(x))


class ListedMultiQuery(nn.Module):
    """The listing's multi-query module: several queries, one key, one value, and a projection to one head."""

    def __init__(self, width: int, head_size: int, heads: int):
        super().__init__()
        self.queries = nn.ModuleList(_linear(width, head_size) for _ in range(heads))
        self.key, self.value = _linear(width, head_size), _linear(width, head_size)
        self.proj = _linear(heads * head_size, head_size)

    def heads(self, x: Float[Tensor, "t m"]) -> list[Float[Tensor, "t d"]]:
        """Return what each head found."""
        return [_attend(query(x), self.key(x), self.value(x)) for query in self.queries]

    def forward(self, x: Float[Tensor, "t m"]) -> Float[Tensor, "t d"]:
        return self.proj(torch.cat(self.heads(x), 1))


class ListedMultiHead(nn.Module):
    """The listing's multi-head module: the heads side by side, projected to the size of one head.

    output = [head_1 ... head_h] W^T,   W: (d, h d) where the residual stream needs (m, h d)
    """

    def __init__(self, width: int, head_size: int, heads: int, seed: int = 0):
        super().__init__()
        _expect_sizes(width, head_size, heads)
        self.heads = nn.ModuleList(ListedHead(width, head_size) for _ in range(heads))
        self.proj = _linear(heads * head_size, head_size)
        initialise(self, seed)

    def forward(self, x: Float[Tensor, "t m"]) -> Float[Tensor, "t d"]:
        return self.proj(torch.cat([head(x) for head in self.heads], 1))


class ListedGroupedQuery(nn.Module):
    """The listing's grouped-query module: one multi-query module per group, then a second projection.

    output = [proj_1 heads_1 ... proj_g heads_g] W^T,   proj_i: (d, h/g d),  W: (d, g d)
    """

    def __init__(self, width: int, head_size: int, heads: int, groups: int, seed: int = 0):
        super().__init__()
        _expect_sizes(width, head_size, heads)
        expect_heads("groups", groups, "heads", heads)
        self.grouped = nn.ModuleList(
            ListedMultiQuery(width, head_size, heads // groups) for _ in range(groups)
        )
        self.proj = _linear(groups * head_size, head_size)
        initialise(self, seed)

    def forward(self, x: Float[Tensor, "t m"]) -> Float[Tensor, "t d"]:
        return self.proj(torch.cat([group(x) for group in self.grouped], 1))


def _expect_sizes(width: int, head_size: int, heads: int) -> None:
    for name, size in {"width": width, "head_size": head_size, "heads": heads}.items():
        expect_whole(name, size, 1)


def concatenated_heads(listing: ListedGroupedQuery, x: Float[Tensor, "t m"]) -> Float[Tensor, "t h_d"]:
    """Return what all heads found, side by side: what one output projection would read."""
    return torch.cat([found for group in listing.grouped for found in group.heads(x)], 1)


def fold(listing: ListedGroupedQuery) -> Float[Tensor, "d h_d"]:
    """Return the one matrix that does what the listing's two projections in a row do.

        folded = [W_1 proj_1 ... W_g proj_g],   W_i: the columns of the second projection that read group i

    Shapes: (d, h d), as in `nn.Linear`; for width 512, 8 heads of 64: (64, 512).
    Raises: TypeError for another module.
    Taught in: notebooks/03_attention_variants.ipynb
    """
    if not isinstance(listing, ListedGroupedQuery):
        raise bad_type("listing", "a ListedGroupedQuery", type(listing).__name__)
    second = listing.proj.weight.chunk(len(listing.grouped), 1)
    return torch.cat([w @ group.proj.weight for w, group in zip(second, listing.grouped, strict=True)], 1)


def as_multi_head(
    listing: ListedMultiHead | ListedGroupedQuery, output: Float[Tensor, "m h_d"] | None = None
) -> MultiHeadAttention:
    """Return the layer that holds the listing's weights, with batches, masks and one output projection.

    Convention: the listing's result has the size of a head, the layer's that of the stream. Without `output`
        the listing's projection is the layer's first rows, the others are zero: the first features of the
        layer's result are the listing's. With `output` the layer gets a projection of its own.
    Raises: TypeError, ValueError for another module, or a matrix that is not (width, heads * head size).
    Taught in: notebooks/03_attention_variants.ipynb
    """
    queries, keys, values, projection = _parts(listing)
    head_size, width = queries[0].shape
    layer = MultiHeadAttention(width, len(queries), len(keys), head_size).to(projection)
    if output is None:
        rows = max(0, width - head_size)
        output = torch.cat((projection, projection.new_zeros(rows, projection.shape[1])))
    expect_shape("output", output, (width, len(queries) * head_size))
    names = {
        "query": torch.cat(queries),
        "key": torch.cat(keys),
        "value": torch.cat(values),
        "output": output,
    }
    layer.load_state_dict({f"{name}.weight": weight.detach() for name, weight in names.items()})
    return layer


def _parts(listing) -> tuple[list[Tensor], list[Tensor], list[Tensor], Tensor]:
    """The listing's matrices: queries, keys, values by head or group, and one output projection."""
    if isinstance(listing, ListedMultiHead):
        parts = ([getattr(head, name).weight for head in listing.heads] for name in ("query", "key", "value"))
        return (*parts, listing.proj.weight)
    projection = fold(listing)
    queries = [query.weight for group in listing.grouped for query in group.queries]
    keys, values = ([getattr(group, name).weight for group in listing.grouped] for name in ("key", "value"))
    return queries, keys, values, projection


def projections(module: nn.Module) -> list[tuple[str, tuple[int, int]]]:
    """Return name and shape (outputs, inputs) of each output projection of a listing or a layer.

    Taught in: notebooks/03_attention_variants.ipynb
    """
    return [
        (name.removesuffix(".weight"), tuple(weight.shape))
        for name, weight in module.named_parameters()
        if name.split(".")[-2] in ("proj", "output")
    ]
