"""Sealing of the personal part of an event, with AES-256-GCM and a key of the person.

A sealed part begins with the names of its fields, each with `null`: only they remain without the key.
"""

import os
from secrets import token_bytes
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.cqrs.impersonal import Impersonal
from app.cqrs.log.personal import erased

KEY_BYTES = 32
"""The length of a key."""

_NONCE = 12
_LENGTH = 2
"""Bytes of the length of the part that stays readable."""


class WrongKey(Impersonal):
    """A sealed part that was sealed with another key, or for another event, or that is damaged."""


class DataKey:
    """The key of one person."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    @staticmethod
    def generated() -> bytes:
        """Return a new key."""
        return token_bytes(KEY_BYTES)

    def encrypted(self, personal: bytes, owner: UUID) -> bytes:
        """Return a personal part in a form that only this key opens, and only for the same owner."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, personal, owner.bytes)

    def decrypted(self, stored: bytes, owner: UUID) -> bytes:
        """Return what was encrypted; raise `WrongKey`."""
        try:
            return self._cipher.decrypt(stored[:_NONCE], stored[_NONCE:], owner.bytes)
        except (InvalidTag, ValueError) as error:
            raise WrongKey("its personal data was sealed with another key, or is damaged") from error


def sealed(personal: bytes, key: DataKey | None, event_id: UUID) -> bytes:
    """Return the personal part of an event as it is stored; without a key only the names of its fields."""
    names = erased(personal)
    head = len(names).to_bytes(_LENGTH) + names
    return head + key.encrypted(personal, event_id) if key else head


def unsealed(stored: bytes, key: DataKey | None, event_id: UUID) -> bytes:
    """Return the personal part of an event, with `null` for each field without a key; raise `WrongKey`."""
    start = _LENGTH + int.from_bytes(stored[:_LENGTH])
    if key is None or len(stored) == start:
        return stored[_LENGTH:start]
    return key.decrypted(stored[start:], event_id)
