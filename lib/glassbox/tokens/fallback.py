"""Byte fallback: 256 tokens `<0x00>` ... `<0xFF>` spell the characters that a vocabulary of text lacks."""

UNKNOWN = "<unk>"
BYTE_TOKENS = tuple(f"<0x{byte:02X}>" for byte in range(256))
_BYTES = {token: bytes([byte]) for byte, token in enumerate(BYTE_TOKENS)}


def byte_of(token: str) -> bytes:
    """Return the bytes that a token of text stands for: one byte for a byte token, else its UTF-8."""
    return _BYTES.get(token) or token.encode("utf-8")
