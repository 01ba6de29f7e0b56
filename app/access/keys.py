"""The keys that verify tokens, each bound to the algorithm of its signatures."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt import PyJWK, PyJWTError, register_algorithm
from jwt.algorithms import OKPAlgorithm

from app.cqrs.viewers import Unauthenticated

with suppress(ValueError):  # A later PyJWT may know the new name of EdDSA (RFC 9864) by itself.
    register_algorithm("Ed25519", OKPAlgorithm())

HS256, RS256, ES256, EDDSA = ("HS256",), ("RS256",), ("ES256",), ("EdDSA", "Ed25519")

PUBLISHED = (*RS256, *ES256, *EDDSA)
"""The algorithms whose keys an issuer can publish."""

SHORTEST_RSA = 2048
"""Bits of the shortest RSA key that is accepted."""

MOST_KEYS = 100
"""Keys of one set; an issuer that rotates its keys publishes two or three."""


class BadKey(ValueError):
    """A key that can't be used; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key for verifying signatures."""

    algorithms: tuple[str, ...]
    """The names of its only algorithm: a token that names another one is not signed with this key."""
    material: Any


class Keys(Protocol):
    """The keys with which tokens may be signed."""

    async def find(self, algorithm: str, key_id: str | None) -> Key:
        """Return the key of a token whose header has these; raise `Unauthenticated` or `NotVerifiable`."""


@dataclass(frozen=True)
class OneKey:
    """A key from the settings, which signs every token."""

    key: Key

    async def find(self, algorithm: str, key_id: str | None) -> Key:  # noqa: ARG002 - it has no name
        """Return the key; raise `Unauthenticated` if the token names another algorithm."""
        if algorithm not in self.key.algorithms:
            raise wrong_algorithm(algorithm, self.key.algorithms)
        return self.key


class KeySet:
    """The published keys of an issuer."""

    def __init__(self, keys: Iterable[tuple[str | None, Key]] = ()) -> None:
        self.by_name: dict[tuple[str, str | None], list[Key]] = {}
        """The keys by algorithm and id, and all keys of each algorithm under the id `None`."""
        for key_id, key in keys:
            for algorithm in key.algorithms:
                self.by_name.setdefault((algorithm, key_id), []).append(key)
                if key_id is not None:
                    self.by_name.setdefault((algorithm, None), []).append(key)

    def find(self, algorithm: str, key_id: str | None) -> Key | None:
        """Return the key with an id; without an id, the only key of the algorithm."""
        found = self.by_name.get((algorithm, key_id), ())
        return found[0] if len(found) == 1 else None

    def has_all_of(self, other: "KeySet") -> bool:
        """Return whether every key of another set is in this one, under the same id."""
        return all(key in self.by_name.get(name, ()) for name, keys in other.by_name.items() for key in keys)


def wrong_algorithm(algorithm: str, expected: Sequence[str]) -> Unauthenticated:
    """Return the refusal of a token that names another algorithm than that of its key."""
    return Unauthenticated(
        f"The token is signed with {algorithm[:20]}, and must be with {' or '.join(expected)}. Get a new one."
    )


def public_key(pem: str) -> Key:
    """Return the key in PEM text; raise `BadKey`."""
    if "PRIVATE KEY" in pem:
        raise BadKey("it is a private key, which belongs to the issuer alone: give the public key")
    try:
        return _bound(load_pem_public_key(pem.encode()))
    except (ValueError, UnsupportedAlgorithm) as error:
        if isinstance(error, BadKey):
            raise
        raise BadKey("it is not a public key in PEM: it begins with -----BEGIN PUBLIC KEY-----") from error


def published_keys(document: bytes) -> KeySet:
    """Return the keys of a JSON Web Key Set that may sign tokens; raise `BadKey` if there is none.

    Keys of other kinds and for other purposes are ignored: an issuer may publish them in the same set.
    """
    try:
        entries = orjson.loads(document)["keys"]
    except (orjson.JSONDecodeError, LookupError, TypeError):
        entries = None
    if not isinstance(entries, list):
        raise BadKey("it is not a JSON Web Key Set: an object with the list `keys`")
    found = [(_name(entry), key) for entry in entries[:MOST_KEYS] if (key := _published(entry))]
    if not found:
        raise BadKey("it has no key for RS256, ES256 or EdDSA")
    return KeySet(found)


def _name(entry: dict[str, Any]) -> str | None:
    name = entry.get("kid")
    return name if isinstance(name, str) else None


def _published(entry: object) -> Key | None:
    if not isinstance(entry, dict) or entry.get("kty") not in {"RSA", "EC", "OKP"}:
        return None  # among them symmetric keys, which nobody can publish
    if entry.get("use", "sig") != "sig" or "verify" not in entry.get("key_ops", ["verify"]):
        return None
    try:
        key = _bound(PyJWK({name: value for name, value in entry.items() if name != "alg"}).key)
    except (PyJWTError, ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key if entry.get("alg", key.algorithms[0]) in key.algorithms else None


def _bound(material: object) -> Key:
    match material:
        case RSAPublicKey(key_size=size):
            if size < SHORTEST_RSA:
                raise BadKey(f"the RSA key has {size} bits: use one of at least {SHORTEST_RSA}")
            return Key(RS256, material)
        case EllipticCurvePublicKey(curve=SECP256R1()):
            return Key(ES256, material)
        case Ed25519PublicKey():
            return Key(EDDSA, material)
    raise BadKey("only RSA, P-256 and Ed25519 keys can verify tokens: use one of these")
