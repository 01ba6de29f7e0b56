"""The verification of tokens: signature, issuer, audience and times."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from app.access.keys import Key
from app.cqrs.viewers import Unauthenticated

LONGEST_TOKEN = 16_384
"""Bytes of the longest token that is examined."""

LEEWAY = 5
"""Seconds by which the issuer's clock may differ from this one."""

_NEW = "Get a new one"

_REFUSALS: dict[type[jwt.PyJWTError], str] = {
    jwt.ExpiredSignatureError: f"The token has expired. {_NEW}.",
    jwt.ImmatureSignatureError: "The token is not valid yet. Compare the clocks, or wait.",
    jwt.InvalidAudienceError: f"The token is for another audience. {_NEW}, for this service.",
    jwt.InvalidIssuerError: f"The token is from another issuer. {_NEW}, from the issuer of this service.",
    jwt.InvalidSignatureError: f"The token's signature is wrong. {_NEW}.",
}


@dataclass(frozen=True, slots=True)
class TokenHeader:
    """The part of a token that names its key. It is not signed by itself, and nothing else of it is used."""

    algorithm: str
    key_id: str | None


def header_of(token: bytes) -> TokenHeader:
    """Return the header of a token that is not verified yet; raise `Unauthenticated`."""
    if len(token) > LONGEST_TOKEN:
        raise Unauthenticated(f"The token has {len(token):,} bytes, and may have {LONGEST_TOKEN:,}. {_NEW}.")
    try:
        header = jwt.get_unverified_header(token)
        algorithm, key_id = header["alg"], header.get("kid")
    except (jwt.PyJWTError, LookupError, ValueError, TypeError, RecursionError) as error:
        raise Unauthenticated(f"The token is not a JSON Web Token. {_NEW}.") from error
    if not isinstance(algorithm, str) or not isinstance(key_id, str | None):
        raise Unauthenticated(f"The token's header names no key and algorithm. {_NEW}.")
    return TokenHeader(algorithm, key_id)


@dataclass(frozen=True, kw_only=True)
class Expected:
    """The issuer and audience that a token must have; `None` to accept any."""

    issuer: str | None = None
    audience: str | None = None

    def claims(self, token: bytes, key: Key) -> Mapping[str, Any]:
        """Return the claims of a token that this key has signed; raise `Unauthenticated`."""
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key.material,
                algorithms=list(key.algorithms),
                issuer=self.issuer,
                audience=self.audience,
                leeway=LEEWAY,
                options={
                    "require": [
                        "exp",
                        "sub",
                        *(["iss"] if self.issuer else []),
                        *(["aud"] if self.audience else []),
                    ],
                    "verify_aud": self.audience is not None,
                    "verify_iss": self.issuer is not None,
                },
            )
        except jwt.MissingRequiredClaimError as missing:
            raise Unauthenticated(f"The token has no claim `{missing.claim}`. {_NEW}.") from missing
        except jwt.PyJWTError as error:
            known = (text for kind, text in _REFUSALS.items() if isinstance(error, kind))
            raise Unauthenticated(next(known, f"The token is not valid. {_NEW}.")) from error
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise Unauthenticated(f"The token's claims can't be read. {_NEW}.") from error
        return claims


def expiry_of(claims: Mapping[str, Any]) -> float:
    """Return the time until which verified claims hold, in seconds since the epoch.

    Raise `Unauthenticated`.
    """
    return _seconds(claims, "exp") // 1 + LEEWAY


def issued_at(claims: Mapping[str, Any]) -> float | None:
    """Return the time at which verified claims were issued, in seconds since the epoch, if they say so.

    Raise `Unauthenticated`.
    """
    return _seconds(claims, "iat") if "iat" in claims else None


def _seconds(claims: Mapping[str, Any], name: str) -> float:
    try:
        seconds = float(claims[name])
    except (ValueError, TypeError, OverflowError):
        seconds = math.inf
    if not math.isfinite(seconds):  # such as one with 400 digits
        raise Unauthenticated(f"The token's claim `{name}` is not a time. {_NEW}.")
    return seconds
