"""What a launch moved and computed."""

from functools import lru_cache
from typing import NamedTuple


class Traffic(NamedTuple):
    """Bytes that one tensor argument moved. `unique`: each element counted once, however often it moved.

    `atomic`: the part of `loaded`, and as much of `stored`, that atomics moved.
    """

    name: str
    shape: tuple[int, ...]
    loaded: int
    loaded_unique: int
    stored: int
    stored_unique: int
    atomic: int


class Flops(NamedTuple):
    """Floating-point operations, counted on every lane, masked or not.

    `matrix`: 2·M·N·K per dot. `elementwise`: +, -, *, minimum, maximum, abs, floor, ceil, and n - 1 per
    reduction of n lanes. `special`: division, %, exp, log, sqrt, rsqrt, sin, cos, erf, tanh, ... Comparisons,
    choices, casts and integer arithmetic are not counted.
    """

    matrix: int
    elementwise: int
    special: int

    @property
    def total(self) -> int:
        return self.matrix + self.elementwise + self.special


class Program(NamedTuple):
    """The counters of one program; an atomic counts as a load and a store."""

    program: tuple[int, int, int]
    loaded: int
    stored: int
    atomic: int
    matrix: int
    elementwise: int
    special: int
    peak_live_bytes: int


class Event(NamedTuple):
    """One access. `tile`: a (first, end) pair per axis of the tensor, or None where it is no rectangle."""

    program: tuple[int, int, int]
    operation: str
    argument: str
    line: int
    tile: tuple[tuple[int, int], ...] | None
    bytes: int


class Report:
    """The counters of one launch. With metering off only `notes` is filled."""

    def __init__(self, kernel: str, grid, buffers, meter, notes: tuple[str, ...]):
        self.kernel, self.grid, self.notes, self.metered = kernel, grid, notes, meter is not None
        self.arguments = {b.name: _traffic(b, meter) for b in buffers} if meter else {}
        self.programs = tuple(Program(*row) for row in meter.programs) if meter else ()
        self.events_dropped = meter.dropped if meter else 0
        self._events = meter.events if meter else []
        self._layouts = [(b.name, tuple(b.tensor.shape), tuple(b.tensor.stride())) for b in buffers]

    def _total(self, field: str) -> int:
        return sum(getattr(traffic, field) for traffic in self.arguments.values())

    @property
    def bytes_loaded(self) -> int:
        """Bytes that loads moved, every time they moved."""
        return self._total("loaded")

    @property
    def bytes_stored(self) -> int:
        """Bytes that stores moved, every time they moved."""
        return self._total("stored")

    @property
    def bytes_moved(self) -> int:
        """Bytes loaded and stored."""
        return self.bytes_loaded + self.bytes_stored

    @property
    def bytes_compulsory(self) -> int:
        """Bytes that must move at least: every element read once, every element written once."""
        return self._total("loaded_unique") + self._total("stored_unique")

    @property
    def flops(self) -> Flops:
        """Floating-point operations of all programs."""
        return Flops(*(sum(getattr(p, kind) for p in self.programs) for kind in Flops._fields))

    @property
    def intensity(self) -> float:
        """FLOPs per byte moved."""
        return self.flops.total / self.bytes_moved if self.bytes_moved else 0.0

    @property
    def peak_live_bytes(self) -> int:
        """The largest total of blocks that one program held at once: the on-chip memory that its tiles need.

        Pointers, masks, scalars and index arithmetic are free; a view shares its block's bytes. Values that
        Python is about to drop count until it does.
        """
        return max((p.peak_live_bytes for p in self.programs), default=0)

    @property
    def events(self) -> tuple[Event, ...]:
        """Every access in the order it happened, with the rectangle of the tensor that it touched."""
        return tuple(self._event(*row) for row in self._events)

    def _event(self, number, operation, argument, line, base, dims, steps, size) -> Event:
        x, y, _ = self.grid
        name, shape, strides = self._layouts[argument]
        tile = rectangle(base, dims, steps, shape, strides) if base is not None else None
        return Event(
            (number % x, number // x % y, number // (x * y)), operation, name, line_at(*line), tile, size
        )

    def by_line(self) -> dict[tuple[str, int], int]:
        """Return the bytes that each source line moved, by function name and line number."""
        out: dict[tuple[str, int], int] = {}
        for row in self._events:
            place = row[3][0].co_name, line_at(*row[3])
            out[place] = out.get(place, 0) + row[7]
        return dict(sorted(out.items()))

    def __repr__(self) -> str:
        return f"Report({self.kernel}, grid {self.grid}, {self.bytes_moved} bytes, {self.flops.total} FLOPs)"

    def __str__(self) -> str:
        rows = [("argument", "loaded", "unique", "stored", "unique", "atomic")]
        for t in self.arguments.values():
            rows.append((t.name, t.loaded, t.loaded_unique, t.stored, t.stored_unique, t.atomic))
        lines = [f"{self.kernel}, {len(self.programs)} programs, bytes:"]
        lines += [
            f"  {r[0]:<14}" + "".join(f"{v:>14}" if isinstance(v, str) else f"{v:>14,}" for v in r[1:])
            for r in rows
        ]
        flops = self.flops
        lines.append(
            f"FLOPs: {flops.matrix:,} matrix, {flops.elementwise:,} elementwise, {flops.special:,} special"
        )
        lines.append(f"peak live: {self.peak_live_bytes:,} bytes per program")
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join(lines)


def _traffic(buffer, meter) -> Traffic:
    loaded = buffer.touched(buffer.read_tiles, buffer.read_cells)
    stored = buffer.touched(buffer.write_tiles, buffer.write_cells)
    n, shape = buffer.number, tuple(buffer.tensor.shape)
    return Traffic(buffer.name, shape, meter.loaded[n], loaded, meter.stored[n], stored, meter.atomics[n])


@lru_cache(4096)
def line_at(code, instruction: int) -> int:
    """Return the source line of an instruction."""
    return next(
        line for first, end, line in code.co_lines() if first <= instruction < end and line is not None
    )


def rectangle(base: int, dims, steps, shape, strides) -> tuple[tuple[int, int], ...] | None:
    """Return the (first, end) range along each axis of a tensor that an arithmetic access covers, or None.

    An access is a rectangle if each of its axes walks along one axis of the tensor, element by element.
    """
    order = sorted((k for k in range(len(shape)) if shape[k] > 1), key=lambda k: -strides[k])
    first, rest = [0] * len(shape), base
    for axis in order:
        if strides[axis]:
            first[axis], rest = divmod(rest, strides[axis])
    ends = [f + 1 for f in first]
    for size, step in zip(dims, steps, strict=True):
        if size == 1 or step == 0:
            continue
        axis = next((k for k in order if strides[k] == step and ends[k] == first[k] + 1), None)
        if axis is None:
            return None
        ends[axis] = first[axis] + size
    if rest or any(end > size for end, size in zip(ends, shape, strict=True)):
        return None
    return tuple(zip(first, ends, strict=True))
