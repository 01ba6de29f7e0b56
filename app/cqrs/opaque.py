"""Opaque text for what clients hand back as they received it: tokens, cursors, ids."""

import base64


def wrapped(raw: bytes) -> str:
    """`raw` as text that fits a header and a URL."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unwrapped(text: str) -> bytes:
    """What `wrapped` made into `text`; raises `ValueError` for anything else."""
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if wrapped(raw) != text:
        raise ValueError("not the text that this was wrapped into")
    return raw
