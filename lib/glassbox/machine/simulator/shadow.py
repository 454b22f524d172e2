"""Who wrote and who read each element during a launch: races, and reads of what nothing wrote."""

import numpy as np

from . import memory
from .errors import ReadAfterForeignWrite, UninitializedRead, WriteAfterForeignRead, WriteRace, in_lane
from .place import Tile
from .state import run

MANY = -1  # in the reader map: more than one program has read the element


class Shadow:
    """Bookkeeping cells for one allocation. The finest element size among its arguments is one cell.

    `writer` holds 1 + the program that wrote a cell, negative if it did so atomically; `reader` likewise
    holds who read it. Both exist only once a program has written to the allocation: until then a dictionary
    of tiles is enough, so inputs cost nothing.
    """

    def __init__(self, buffers: list):
        self.buffers = buffers
        self.granule = min(b.itemsize for b in buffers)
        record = memory.unwritten(buffers[0].tensor) if run.uninitialized else None
        if record is not None:
            self.granule = min(self.granule, record.granule)
        self.written = record.in_granules(self.granule) if record is not None else None
        starts = [b.tensor.storage_offset() * b.itemsize for b in buffers]
        first = 0 if record is not None else min(starts)
        last = max(start + b.raw.size for start, b in zip(starts, buffers, strict=True))
        self.size = (last - first) // self.granule
        for start, buffer in zip(starts, buffers, strict=True):
            buffer.shadow, buffer.scale = self, buffer.itemsize // self.granule
            buffer.origin = (start - first) // self.granule
        self.writer = self.reader = None
        self.range = (self.size, -1)  # the cells written so far lie between these two
        self.released: dict[int, int] = {}  # cell -> the programs whose writes an acquire of it makes visible

    def reading(self, buffer, place, values, *, quiet: bool = False) -> None:
        """Check a read before it happens, and remember it. `quiet` reads (volatile) do not race."""
        where = buffer.origin, buffer.scale
        if self.written is not None:
            written = place.cells(self.written, *where)
            if not written.all():
                self._check_written(buffer, place, written, values)
        if not run.races or quiet:
            return
        if self.writer is None:
            if place.key is not None:
                return  # the buffer keeps its tiles; the maps are built if somebody ever writes here
            self._start_maps()
        writer = place.cells(self.writer, *where)
        if writer.any():
            who = np.abs(writer)
            foreign = _foreign(who)
            if foreign.any():
                self._raise(ReadAfterForeignWrite, buffer, place, foreign, who, "read", "wrote")
        self._mark_reader(buffer, place, run.me)

    def _mark_reader(self, buffer, place, who: int) -> None:
        where = buffer.origin, buffer.scale
        if self.reader is None:
            self.reader = np.zeros(self.size, np.int32)
        reader = place.cells(self.reader, *where)
        place.set_cells(self.reader, np.where((reader == 0) | (reader == who), who, MANY), *where)

    def writing(self, buffer, place, values, *, atomic: bool = False) -> None:
        """Check a write before it happens, and remember it."""
        where = buffer.origin, buffer.scale
        if self.written is not None:
            place.set_cells(self.written, True, *where)
        if not run.races:
            return
        if self.writer is None:
            self._start_maps()
        mark = -run.me if atomic else run.me
        if not self._is_new_ground(buffer, place):
            writer = place.cells(self.writer, *where)
            self._check_write(buffer, place, writer, values, atomic)
            if atomic:
                mark = np.where(writer == run.me, run.me, mark)  # what was written plainly stays so
        place.set_cells(self.writer, mark, *where)

    def _is_new_ground(self, buffer, place) -> bool:
        """True if nothing was read and the place lies beside all that was written; extends that range."""
        low, high = (end * buffer.scale + buffer.origin for end in place.ends())
        first, last = self.range
        self.range = min(first, low), max(last, high + buffer.scale - 1)
        return self.reader is None and (high < first or low > last)

    def _check_write(self, buffer, place, writer, values, atomic: bool) -> None:
        changed = True if atomic else self._changed(buffer, place, values)
        if self.reader is not None:
            reader = place.cells(self.reader, buffer.origin, buffer.scale)
            foreign = _foreign(reader) & changed
            if foreign.any():
                self._raise(WriteAfterForeignRead, buffer, place, foreign, reader, "overwrote", "read")
        rival = np.maximum(writer, 0) if atomic else np.abs(writer)
        foreign = _foreign(rival) & changed
        if foreign.any():
            self._raise(WriteRace, buffer, place, foreign, rival, "stored another value to", "wrote")
        if self.reader is not None:  # whoever reads from here on reads this write
            place.set_cells(self.reader, 0, buffer.origin, buffer.scale)

    def _changed(self, buffer, place, values):
        """True where the new value differs from the one in memory; one more axis if cells are finer."""
        old = np.ascontiguousarray(place.memory(buffer))
        new = np.ascontiguousarray(np.broadcast_to(values, old.shape))
        unsigned = f"u{buffer.itemsize}"
        changed = old.view(unsigned) != new.view(unsigned)
        return changed[..., None] if buffer.scale > 1 else changed

    def synchronise(self, buffer, place, order: str) -> int:
        """Let an atomic on a few cells order programs; return those whose earlier writes it makes visible.

        They become visible to a program that looks at what the atomic returned.
        """
        visible = 0
        for cell in np.ravel(place.offsets()) * buffer.scale + buffer.origin:
            before = self.released.get(int(cell), 0)
            if order in ("acquire", "acq_rel"):
                visible |= before
            if order in ("release", "acq_rel"):
                self.released[int(cell)] = before | run.synced | 1 << (run.me - 1)
        return visible

    def _start_maps(self) -> None:
        self.writer = np.zeros(self.size, np.int32)
        for buffer in self.buffers:
            for (base, dims, steps), who in buffer.read_tiles.items():
                self._mark_reader(buffer, Tile(base, dims, steps, ()), who)

    def _check_written(self, buffer, place, written, values) -> None:
        bad = ~(written.all(-1) if buffer.scale > 1 else written) & memory.still_poison(values)
        if bad.any():
            self._raise(UninitializedRead, buffer, place, bad, None, "read", "")
        place.set_cells(self.written, True, buffer.origin, buffer.scale)

    def _raise(self, error, buffer, place, bad, who, did: str, other_did: str) -> None:
        if bad.ndim > len(place.dims):
            bad, who = bad.any(-1), None if who is None else who.max(-1)
        position = tuple(int(i) for i in np.argwhere(bad)[0])
        lane, offset = place.lane(position)
        index = buffer.index(offset)
        what = f"{buffer.name}: this program {did} element {index}{in_lane(lane)}"
        if who is None:
            what += ", which nothing has written"
        elif int(who[position]) == MANY:
            what += f", which several programs {other_did}"
        else:
            what += f", which program {program_of(int(who[position]) - 1)} {other_did}"
        more = int(np.count_nonzero(bad)) - 1
        raise error(
            what + (f"; {more} more lane(s) likewise" if more else ""), argument=buffer.name, index=index
        )


def program_of(number: int) -> tuple[int, int, int]:
    """Return a program's three ids from its position in launch order (the first axis runs fastest)."""
    x, y, _ = run.grid
    return number % x, number // x % y, number // (x * y)


def _foreign(who):
    """True where `who` is another program that this one is not synchronised with."""
    foreign = (who != 0) & (who != run.me)
    if run.synced and foreign.any():
        if run.synced | 1 << (run.me - 1) == (1 << run.me) - 1:  # with every program that ran before
            return np.zeros_like(foreign)
        for other in np.unique(who[foreign]):
            if other > 0 and run.synced >> (int(other) - 1) & 1:
                foreign &= who != other
    return foreign
