"""The paged cache: pages of a fixed size, a table of pages for each sequence, and a list of free pages."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from glassbox.arguments import bad_value
from glassbox.attention.caches.visible import Visible, check_new, empty_rows, look_back


class PagedCache(NamedTuple):
    """Keys and values of many sequences of different lengths in one pool of pages.

    Token i of a sequence stands in slot i % page_size of page table[i // page_size].

    Convention: pages are (h, page_size, d), head before slot, so that a head's part of a page is contiguous.
        Methods write into the pool in place and return the cache to go on from; the tables are never changed
        in place. A page belongs to every table that lists it; a page that no table lists is free.
    Source: Kwon et al. 2023, section 4 (arXiv:2309.06180).
    """

    keys: Tensor  # (pages, h, page_size, d)
    values: Tensor  # (pages, h, page_size, d)
    tables: dict[Hashable, tuple[int, ...]]  # sequence -> its pages, in order
    lengths: dict[Hashable, int]  # sequence -> its tokens
    free: tuple[int, ...]

    @classmethod
    def empty(
        cls,
        pages: int,
        page_size: int,
        heads: int,
        key_size: int,
        value_size: int | None = None,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> "PagedCache":
        """Return a pool of free pages; heads and sizes as in `ContiguousCache.empty`."""
        sizes = {"pages": pages, "heads": heads, "page_size": page_size}
        return cls(*empty_rows(sizes, key_size, value_size, dtype, device), {}, {}, tuple(range(pages)))

    def start(self, name: Hashable) -> "PagedCache":
        """Begin a sequence without tokens. It owns no page yet."""
        if name in self.tables:
            raise bad_value("name", "the name of a new sequence", name)
        return self._replace(tables=self.tables | {name: ()}, lengths=self.lengths | {name: 0})

    def append(
        self, name: Hashable, k: Float[Tensor, "h t d"], v: Float[Tensor, "h t dv"]
    ) -> tuple["PagedCache", Visible]:
        """Store t new tokens of one sequence; return the new cache and what their queries see.

        Convention: no batch axis, because sequences differ in length. A last page that another sequence
            shares is copied before it is written to (copy-on-write).
        Raises: TypeError, ValueError for shapes, dtypes or gradients that do not fit, an unknown sequence, or
            too few free pages; nothing is stored then.
        Source: Kwon et al. 2023, sections 4.3 and 4.4 (arXiv:2309.06180).
        Taught in: notebooks/03_attention_variants.ipynb
        """
        self._known(name)
        t = check_new(k, v, self.keys, self.values, (self.keys.shape[1],))
        start, end = self.lengths[name], self.lengths[name] + t
        grown = self._reserve(name, end)
        token = torch.arange(start, end, device=k.device)
        table = torch.tensor(grown.tables[name], device=k.device)
        page, slot = table[token // self.page_size], token % self.page_size
        self.keys[page, :, slot] = k.transpose(0, 1)
        self.values[page, :, slot] = v.transpose(0, 1)
        return grown, Visible(*grown.view(name), *look_back(end, t, k.device))

    def view(self, name: Hashable) -> tuple[Float[Tensor, "h n d"], Float[Tensor, "h n dv"]]:
        """Return the keys and values of one sequence, gathered from its pages into new tensors."""
        self._known(name)
        table = torch.tensor(self.tables[name], dtype=torch.long, device=self.keys.device)
        keys, values = (pool[table].movedim(0, 1).flatten(1, 2) for pool in (self.keys, self.values))
        return keys[:, : self.lengths[name]], values[:, : self.lengths[name]]

    def fork(self, name: Hashable, child: Hashable) -> "PagedCache":
        """Begin `child` with all tokens of `name`: the table is copied, the pages are shared."""
        self._known(name)
        begun = self.start(child)
        begun.tables[child], begun.lengths[child] = self.tables[name], self.lengths[name]
        return begun

    def release(self, name: Hashable) -> "PagedCache":
        """End a sequence; the pages that no other sequence lists become free."""
        self._known(name)
        tables = {other: table for other, table in self.tables.items() if other != name}
        lengths = {other: length for other, length in self.lengths.items() if other != name}
        freed = tuple(page for page in self.tables[name] if not any(page in t for t in tables.values()))
        return self._replace(tables=tables, lengths=lengths, free=self.free + freed)

    def block_table(self, names: Sequence[Hashable]) -> tuple[Int[Tensor, "b pages"], Int[Tensor, " b"]]:
        """Return what a paged kernel reads: the pages of each sequence, padded with -1, and the lengths."""
        for name in names:
            self._known(name)
        widest = max((len(self.tables[name]) for name in names), default=0)
        rows = [self.tables[name] + (-1,) * (widest - len(self.tables[name])) for name in names]
        table = torch.tensor(rows, dtype=torch.int32, device=self.keys.device).reshape(len(names), widest)
        lengths = [self.lengths[name] for name in names]
        return table, torch.tensor(lengths, dtype=torch.int32, device=self.keys.device)

    @property
    def page_size(self) -> int:
        """Tokens in a page."""
        return self.keys.shape[2]

    def _known(self, name: Hashable) -> None:
        if name not in self.tables:
            raise bad_value("name", "a sequence that was started and not yet released", name)

    def _reserve(self, name: Hashable, end: int) -> "PagedCache":
        """Return the cache whose table for `name` has pages of its own for the tokens up to `end`."""
        table = self.tables[name]
        copied = self.lengths[name] % self.page_size > 0 and self._shared(table[-1])
        needed = -(-end // self.page_size) - len(table) + copied
        if needed > len(self.free):
            raise bad_value("k", f"tokens for at most {len(self.free)} free pages", f"{needed} pages needed")
        taken, free = self.free[:needed], self.free[needed:]
        if copied:
            self.keys[taken[0]], self.values[taken[0]] = self.keys[table[-1]], self.values[table[-1]]
            table = table[:-1]
        return self._replace(
            tables=self.tables | {name: table + taken}, lengths=self.lengths | {name: end}, free=free
        )

    def _shared(self, page: int) -> bool:
        return sum(page in table for table in self.tables.values()) > 1
