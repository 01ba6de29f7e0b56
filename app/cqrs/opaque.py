"""Opaque text for what clients hand back as they received it: tokens, cursors, ids."""

import base64
from binascii import b2a_base64

_FOR_URLS = bytes.maketrans(b"+/", b"-_")


def wrapped(raw: bytes) -> str:
    """`raw` as text that fits a header and a URL."""
    return b2a_base64(raw, newline=False).translate(_FOR_URLS).rstrip(b"=").decode()


def unwrapped(text: str) -> bytes:
    """What `wrapped` made into `text`; raises `ValueError` for anything else."""
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if wrapped(raw) != text:
        raise ValueError("not the text that this was wrapped into")
    return raw
