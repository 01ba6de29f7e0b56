"""Tokens for development: the service signs them itself, with a secret in the data folder."""

import os
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp
from typing import Any

import jwt

from app.cqrs.unavailable import WriteStoreUnavailable

FILE = "token-secret"
"""The name of the secret's file in the data folder."""


def development_secret(data_dir: Path) -> str:
    """Return the secret of a data folder, which is made at the first call; raise `WriteStoreUnavailable`."""
    path = data_dir / FILE
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _make(path)
        if secret := path.read_text("ascii"):
            return secret
    except (OSError, ValueError) as error:
        raise WriteStoreUnavailable(
            f"Can't use the secret in {path}: {error}.\nFix or remove the file."
        ) from error
    raise WriteStoreUnavailable(f"The secret in {path} is empty.\nRemove the file, and start again.")


def _make(path: Path) -> None:
    """Write a new secret, unless another process makes one at the same time."""
    unfinished, name = mkstemp(dir=path.parent)  # which only its owner may read
    with os.fdopen(unfinished, "w") as file:
        file.write(secrets.token_urlsafe(32))
    try:
        with suppress(FileExistsError):
            os.link(name, path)
    finally:
        os.unlink(name)


def signed(claims: Mapping[str, Any], secret: str, *, hours: float) -> str:
    """Return a token with these claims that expires after so many hours."""
    now = int(time.time())
    times = {"iat": now, "exp": now + round(hours * 3600)}
    return jwt.encode({**claims, **times}, secret, algorithm="HS256")


def with_claim(claims: dict[str, Any], name: str, value: object) -> None:
    """Set the claim with a name, or at a path of names with dots; a URL is a name."""
    *path, last = [name] if "/" in name else name.split(".")
    for part in path:
        claims = claims.setdefault(part, {})
    claims[last] = value
