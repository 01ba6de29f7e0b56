"""The authenticator that the settings describe."""

from functools import partial
from pathlib import Path

from app.access.authenticator import TokenAuthenticator
from app.access.claims import claim_names
from app.access.development import development_secret
from app.access.fetched_keys import FetchedKeys
from app.access.fetching import keys_at, keys_of
from app.access.keys import HS256, BadKey, Key, OneKey, public_key
from app.access.settings import AccessSettings
from app.access.tokens import Expected


def authenticator_of(settings: AccessSettings, data_dir: Path) -> TokenAuthenticator | None:
    """Return the authenticator, or `None` if the service takes no tokens.

    Raise `BadKey` and `WriteStoreUnavailable`, whose messages are for operators.
    """
    if not settings.takes_tokens:
        return None
    expected = Expected(issuer=settings.auth_issuer, audience=settings.auth_audience)
    names = claim_names(settings)
    if settings.auth_public_key is not None:
        return TokenAuthenticator(OneKey(public_key_in(settings.auth_public_key)), expected, names)
    if secret := secret_of(settings, data_dir):
        return TokenAuthenticator(OneKey(Key(HS256, secret.encode())), expected, names)
    if settings.auth_jwks_url:
        fetch = partial(keys_at, settings.auth_jwks_url)
    else:
        fetch = partial(keys_of, str(settings.auth_issuer))
    keys = FetchedKeys(fetch)
    authenticator = TokenAuthenticator(keys, expected, names)
    keys.withdrawn = authenticator.forget
    return authenticator


def secret_of(settings: AccessSettings, data_dir: Path) -> str | None:
    """Return the secret with which tokens are signed; `None` if an issuer has a key of its own for them."""
    if settings.auth_secret is not None:
        return settings.auth_secret
    return development_secret(data_dir) if settings.auth == "development" else None


def public_key_in(given: str) -> Key:
    """Return the public key that AUTH_PUBLIC_KEY gives, as PEM or as its file; raise `BadKey`."""
    pem = given.replace("\\n", "\n")  # as a variable of one line often has it
    try:
        if "-----BEGIN" not in pem:
            pem = Path(given).read_text("utf-8")
        return public_key(pem)
    except OSError as error:
        raise BadKey(f"AUTH_PUBLIC_KEY={given}: this file can't be read: {error.strerror}.") from error
    except ValueError as error:
        raise BadKey(f"AUTH_PUBLIC_KEY can't be used: {error}.") from error
