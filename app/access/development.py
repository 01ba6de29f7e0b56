"""Tokens for development: the service signs them itself, with a secret in the data folder."""

import math
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp
from typing import Any

import jwt

from app.access.claims import claim_names
from app.access.settings import AccessSettings
from app.cqrs.unavailable import WriteStoreUnavailable
from app.cqrs.viewers import Sight, Unauthenticated

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


def development_token(
    settings: AccessSettings,
    data_dir: Path,
    sight: Sight,
    actor: str,
    *,
    customer: str | None = None,
    hours: float,
) -> str:
    """Return a token that a service with these settings takes, if it has a secret and no issuer's key.

    Raise `Unauthenticated` if the service would refuse it, and `WriteStoreUnavailable`.
    """
    role = next((name for name, each in settings.sights.items() if each is sight), None)
    if role is None:
        raise Unauthenticated(f"AUTH_ROLES={settings.auth_roles} gives no role the sight {sight}. Add one.")
    now = time.time()
    claims: dict[str, Any] = {"sub": actor, "iat": now, "exp": math.ceil(now + hours * 3600)}
    if settings.auth_issuer:
        claims["iss"] = settings.auth_issuer
    if settings.auth_audience:
        claims["aud"] = settings.auth_audience
    with_claim(claims, settings.auth_roles_claim, [role])
    if customer:
        with_claim(claims, settings.auth_customer_claim, customer)
    claim_names(settings).viewer(claims, expires_at=claims["exp"])
    return jwt.encode(claims, settings.auth_secret or development_secret(data_dir), algorithm="HS256")


def with_claim(claims: dict[str, Any], name: str, value: object) -> None:
    """Set the claim with a name, or at a path of names with dots; a URL is a name."""
    *path, last = [name] if "/" in name else name.split(".")
    for part in path:
        claims = claims.setdefault(part, {})
    claims[last] = value
