"""Values as bytes that hold data and nothing else: unlike a pickle, reading them runs no code."""

import json
import struct

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

MOST_BYTES = 256 * 2**20
LENGTH = struct.Struct(">Q")
TREE = "tree"


class Malformed(Exception):
    """The bytes are not what `packed` writes."""


class Strange:
    """Stands for a value that is not plain data; knows the name of its type."""

    def __init__(self, name: str):
        self.name = name

    def __eq__(self, other) -> bool:
        return isinstance(other, Strange) and other.name == self.name

    __hash__ = None


def packed(value) -> bytes:
    """Return numbers, words, tensors and arrays, in lists, tuples and dicts, as bytes."""
    tensors: dict[str, torch.Tensor] = {}
    text = json.dumps(_written(value, tensors)).encode()
    tensors[TREE] = torch.from_numpy(np.frombuffer(text, dtype=np.uint8).copy())
    return save(tensors)


def unpacked(content: bytes):
    """Return the value that `packed` was given; named tuples come back as tuples.

    Raises: Malformed for any other bytes.
    """
    try:
        tensors = load(content)
        return _read(json.loads(tensors[TREE].numpy().tobytes()), tensors)
    except (SafetensorError, ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise Malformed(type(error).__name__) from error


def _written(value, tensors: dict):
    if value is None or isinstance(value, (bool, str)):
        return ["plain", value]
    if isinstance(value, (int, float)):
        return ["plain", int(value) if isinstance(value, int) else float(value)]
    if isinstance(value, torch.Tensor):
        return _stored("tensor", value, tensors)
    if isinstance(value, np.generic):
        return _written(value.item(), tensors)
    if isinstance(value, np.ndarray):
        return _stored("array", torch.from_numpy(np.ascontiguousarray(value).reshape(value.shape)), tensors)
    if isinstance(value, (bytes, bytearray)):
        return ["bytes", bytes(value).hex()]
    if isinstance(value, (list, tuple)):
        return ["list" if isinstance(value, list) else "tuple", [_written(item, tensors) for item in value]]
    if isinstance(value, dict):
        pairs = [[_written(key, tensors), _written(item, tensors)] for key, item in value.items()]
        return ["dict", pairs]
    return ["strange", type(value).__name__]


def _stored(kind: str, value: torch.Tensor, tensors: dict):
    """Copy a tensor: safetensors wants each in one piece and in memory of its own."""
    copy = value.detach().to("cpu").clone(memory_format=torch.contiguous_format)
    if copy.is_sparse or copy.is_quantized or copy.is_complex():
        return ["strange", f"{copy.dtype} tensor".removeprefix("torch.")]
    name = str(len(tensors))
    tensors[name] = copy
    return [kind, name]


def _read(tree, tensors: dict):
    kind, content = tree
    if kind == "plain":
        if content is not None and not isinstance(content, (bool, int, float, str)):
            raise ValueError(kind)
        return content
    if kind == "dict":
        return {_read(key, tensors): _read(item, tensors) for key, item in content}
    readers = {
        "tensor": lambda: tensors[content],
        "array": lambda: tensors[content].numpy(),
        "bytes": lambda: bytes.fromhex(content),
        "list": lambda: [_read(item, tensors) for item in content],
        "tuple": lambda: tuple(_read(item, tensors) for item in content),
        "strange": lambda: Strange(str(content)),
    }
    return readers[kind]()


def send(stream, content: bytes) -> None:
    """Write one message."""
    stream.write(LENGTH.pack(len(content)) + content)
    stream.flush()


def receive(stream) -> bytes | None:
    """Read one message; None at the end of the stream.

    Raises: Malformed for a message that is cut off or too long.
    """
    head = stream.read(LENGTH.size)
    if not head:
        return None
    length = LENGTH.unpack(head)[0] if len(head) == LENGTH.size else MOST_BYTES + 1
    if length > MOST_BYTES:
        raise Malformed("length")
    content = stream.read(length)
    if len(content) < length:
        raise Malformed("cut off")
    return content
