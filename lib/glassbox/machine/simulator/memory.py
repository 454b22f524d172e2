"""Global memory: tensors as buffers of elements, and which of their elements have ever been written."""

import weakref

import numpy as np
import torch

from .dtypes import OF_TORCH, dtype

_POISON = 0xFB  # with 0xFF above it: NaN in every float type, and no number that a kernel is likely to store
_registry: dict[int, tuple] = {}


class Unwritten:
    """Which elements of one allocation have been written; `version` detects writes by PyTorch itself."""

    def __init__(self, tensor):
        self.granule = tensor.element_size()
        self.written = np.zeros(tensor.untyped_storage().nbytes() // self.granule, np.bool_)
        self.version = tensor._version

    def in_granules(self, granule: int):
        """Return the map with cells of at most `granule` bytes."""
        if granule < self.granule:
            self.written = np.repeat(self.written, self.granule // granule)
            self.granule = granule
        return self.written


def _bytes_of(tensor: torch.Tensor):
    """Return the memory from the tensor's first to its last element as bytes."""
    span = _span(tensor)
    if span == 0:
        return np.zeros(0, np.uint8)
    return tensor.detach().as_strided((span,), (1,)).view(torch.uint8).numpy()


def _span(tensor: torch.Tensor) -> int:
    if tensor.numel() == 0:
        return 0
    return 1 + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.stride(), strict=True))


def _pattern(width: int) -> bytes:
    return bytes([_POISON]) if width == 1 else bytes([_POISON, 0xFF]) * (width // 2)


def poison(tensor: torch.Tensor) -> torch.Tensor:
    """Fill a fresh CPU tensor with a pattern and remember that nothing has written it."""
    raw = _bytes_of(tensor)
    raw[:] = np.frombuffer(_pattern(tensor.element_size()) * (raw.size // tensor.element_size()), np.uint8)
    storage = tensor.untyped_storage()
    address = storage.data_ptr()
    if raw.size:
        reference = weakref.ref(storage, lambda gone: _forget(address, gone))
        _registry[address] = (reference, Unwritten(tensor))
    return tensor


def _forget(address: int, reference) -> None:
    if address in _registry and _registry[address][0] is reference:
        del _registry[address]


def unwritten(tensor: torch.Tensor) -> Unwritten | None:
    """Return the record of a tensor made by `empty` that PyTorch has not written since, else None."""
    storage = tensor.untyped_storage()
    found = _registry.get(storage.data_ptr())
    if found is None or found[0]() is not storage:
        return None
    if found[1].version != tensor._version or found[1].written.all():
        del _registry[storage.data_ptr()]
        return None
    return found[1]


def still_poison(values) -> np.ndarray:
    """True where elements hold exactly the pattern that `empty` left."""
    width = values.dtype.itemsize
    unsigned = np.ascontiguousarray(values).view(f"u{width}")
    return unsigned == np.frombuffer(_pattern(width), f"u{width}")[0]


class Buffer:
    """One tensor argument: its memory, how its elements lie in it, and the bookkeeping of this launch."""

    def __init__(self, name: str, number: int, tensor: torch.Tensor):
        self.name, self.number, self.tensor = name, number, tensor
        self.kind: dtype = OF_TORCH[tensor.dtype]
        self.itemsize = tensor.element_size()
        self.raw = _bytes_of(tensor)
        self.span = self.raw.size // self.itemsize
        self.holes = self._holes()
        self.read_tiles, self.write_tiles = {}, {}
        self.read_cells = self.write_cells = None
        self.shadow, self.origin, self.scale = None, 0, 1

    def _holes(self):
        """Return a map that is true on elements of the view, or None if it has no gaps."""
        axes = [(n, s) for n, s in zip(self.tensor.shape, self.tensor.stride(), strict=True) if s and n > 1]
        if self.span == int(np.prod([n for n, _ in axes], dtype=np.int64)) or self.span == 0:
            return None
        valid = np.zeros(self.span, np.bool_)
        np.lib.stride_tricks.as_strided(valid, [n for n, _ in axes], [s for _, s in axes])[...] = True
        return valid

    def flat(self):
        """Return the memory as a one-dimensional array of elements."""
        return self.raw.view(self.kind.numpy)

    def outside(self, place):
        """Return None, or a map that is true on lanes outside the tensor."""
        low, high = place.ends()
        if low >= 0 and high < self.span:
            if self.holes is None or place.cells(self.holes).all():
                return None
            return ~place.cells(self.holes)
        offsets = place.offsets()
        bad = (offsets < 0) | (offsets >= self.span)
        if self.holes is not None:
            bad = bad | ~self.holes[np.where(bad, 0, offsets)]
        return bad

    def index(self, offset: int) -> tuple[int, ...]:
        """Return an element offset as an index in the tensor's shape; the first axis takes what is left."""
        axes = sorted(range(self.tensor.ndim), key=lambda k: (-self.tensor.stride(k), k))
        out, rest = [0] * self.tensor.ndim, offset
        for axis in axes:
            stride = self.tensor.stride(axis)
            if (stride and self.tensor.shape[axis] > 1) or (stride and axis == axes[-1]):
                out[axis], rest = divmod(rest, stride)
        return tuple(out)

    def touched(self, tiles, cells) -> int:
        """Return how many bytes of the tensor a set of tiles and marked cells cover."""
        marked = np.zeros(self.span, np.bool_) if cells is None else cells.copy()
        from .place import Tile

        for base, dims, steps in tiles:
            Tile(base, dims, steps, ()).set_cells(marked, True)
        return int(np.count_nonzero(marked)) * self.itemsize


def empty(*size, dtype: torch.dtype | None = None, device="cpu") -> torch.Tensor:
    """Return an uninitialised tensor; on the CPU the simulator knows that nothing has written it.

    A simulated kernel that reads an element before some kernel (or PyTorch) wrote it stops with
    UninitializedRead. On other devices this is `torch.empty`.
    """
    out = torch.empty(*size, dtype=dtype, device=device)
    return poison(out) if out.device.type == "cpu" else out


def empty_like(tensor: torch.Tensor, dtype: torch.dtype | None = None) -> torch.Tensor:
    """Return an uninitialised tensor like `tensor`, as `empty` does."""
    out = torch.empty_like(tensor, dtype=dtype, requires_grad=False)
    return poison(out) if out.device.type == "cpu" else out
