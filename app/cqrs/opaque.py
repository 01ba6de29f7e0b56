"""Encoding of opaque text, such as cursors and ids, which clients send back as they received it."""

import base64
from binascii import b2a_base64

_FOR_URLS = bytes.maketrans(b"+/", b"-_")


def wrapped(raw: bytes) -> str:
    """Return `raw` as text that fits a header and a URL."""
    return b2a_base64(raw, newline=False).translate(_FOR_URLS).rstrip(b"=").decode()


def unwrapped(text: str) -> bytes:
    """Return the bytes that `wrapped` encoded as `text`; raise `ValueError` for any other text."""
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if wrapped(raw) != text:
        raise ValueError("not the text that `wrapped` returns for these bytes")
    return raw
