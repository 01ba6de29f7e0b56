"""Operations by their ids: trusted documents of a manifest, and automatic persisted queries.

A text that is found by an id is admitted like any other: no limit is left out for it.
"""

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from graphql import GraphQLError, parse

from app.cqrs.memory.bounded_cache import BoundedCache
from app.cqrs.memory.sizes import bytes_of

MOST_BYTES = 4_000_000
"""Bytes of all persisted queries together; the least recently used ones are forgotten."""

PER_TEXT = 200
"""Bytes that a persisted query takes besides its text."""

LARGEST_MANIFEST = 50_000_000
"""Bytes of a manifest."""

NOT_FOUND, NOT_TRUSTED = "PERSISTED_QUERY_NOT_FOUND", "DOCUMENT_NOT_TRUSTED"
"""The codes of ids that are not known, and of operations that are not accepted."""

_APOLLO = "apollo-persisted-query-manifest"


class BadManifest(Exception):
    """A manifest that can't be used; the message says which, why, and what to do."""


class NotAccepted(Exception):
    """An operation whose text is not known, or not accepted."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class Texts:
    """The texts of operations, as clients send them or by their ids."""

    def __init__(self, trusted: Mapping[str, str] | None = None, *, only_trusted: bool = False) -> None:
        """Take the texts of a manifest by their ids; with `only_trusted`, accept no other text."""
        self._trusted = dict(trusted or {})
        # The clients of Apollo compute the hash, whatever the ids of the manifest are.
        self._trusted |= {hash_of(text): text for text in self._trusted.values()}
        self._only_trusted = only_trusted
        self._persisted: BoundedCache[str, str] = BoundedCache(MOST_BYTES)

    def text_of(self, sent: Mapping[str, Any]) -> str:
        """Return the text of a client's operation, whose parts have valid types; raise `NotAccepted`."""
        text, id = sent.get("query"), id_in(sent)
        if id is not None and (known := self._trusted.get(id)) is not None:
            return known
        if self._only_trusted:
            raise _not_trusted(id)
        if id is None:
            assert isinstance(text, str)
            return text
        if isinstance(sent.get("documentId"), str):
            raise NotAccepted(
                f"No document has the id {_short(id)}. Send the text in query, or have the operator add the "
                "document to the manifest (DOCUMENTS_MANIFEST).",
                NOT_FOUND,
            )
        return self._persisted_text(id, text)

    def _persisted_text(self, id: str, text: str | None) -> str:
        if not text:
            if (known := self._persisted.get(id)) is None:
                # The message that clients of Apollo look for; they send the text with the hash then.
                raise NotAccepted("PersistedQueryNotFound", NOT_FOUND)
            return known
        if hash_of(text) != id:
            raise NotAccepted(
                f"extensions.persistedQuery.sha256Hash is {_short(id)}, and the hash of query is "
                f"{hash_of(text)}. Send the SHA-256 of the text, in hexadecimal digits.",
                "BAD_REQUEST",
            )
        self._persisted.put(id, text, PER_TEXT + bytes_of(text))
        return text


def hash_of(text: str) -> str:
    """Return the SHA-256 of a text in hexadecimal digits."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def id_in(sent: Mapping[str, Any]) -> str | None:
    """Return the id by which a client names its operation: `documentId`, or the hash of a persisted query."""
    if isinstance(id := sent.get("documentId"), str):
        return id.removeprefix("sha256:")
    persisted = (sent.get("extensions") or {}).get("persistedQuery")
    if isinstance(persisted, dict) and isinstance(id := persisted.get("sha256Hash"), str):
        return id.lower()
    return None


def problem_with_id(sent: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the id of an operation; `None` if it is valid, or if there is none."""
    if not isinstance(sent.get("documentId"), str | None):
        return "documentId must be a string or null."
    persisted = (sent.get("extensions") or {}).get("persistedQuery")
    if persisted is None:
        return None
    if not isinstance(persisted, dict) or not isinstance(persisted.get("sha256Hash"), str):
        return "extensions.persistedQuery must be an object with version 1 and a sha256Hash."
    if persisted.get("version") != 1:
        return "extensions.persistedQuery has an unknown version. Send the number 1."
    return None


def read_manifest(file: Path) -> Mapping[str, str]:
    """Return the texts of a manifest by their ids; raise `BadManifest`.

    relay-compiler and graphql-codegen write an object of ids and texts, Apollo a list of operations.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise BadManifest(f"DOCUMENTS_MANIFEST={file}: this file can't be read: {error.strerror}.") from error
    if len(data) > LARGEST_MANIFEST:
        raise BadManifest(f"DOCUMENTS_MANIFEST={file} has more than {LARGEST_MANIFEST:,} bytes. Split it.")
    try:
        found = json.loads(data)
    except ValueError as error:
        raise BadManifest(f"DOCUMENTS_MANIFEST={file} is not JSON: {error}.") from error
    texts: dict[str, str] = {}
    for id, text in _entries(found, file):
        if texts.setdefault(id, text) != text:
            raise BadManifest(f"DOCUMENTS_MANIFEST={file} has two texts with the id {id}. Make it anew.")
        _refuse_invalid(id, text, file)
    if not texts:
        raise BadManifest(f"DOCUMENTS_MANIFEST={file} has no operations. Make it anew.")
    return texts


def _entries(found: object, file: Path) -> Iterator[tuple[str, str]]:
    if isinstance(found, dict) and found.get("format") == _APOLLO:
        operations = found.get("operations")
        pairs = [
            (each.get("id"), each.get("body")) if isinstance(each, dict) else (None, None)
            for each in (operations if isinstance(operations, list) else [None])
        ]
    else:
        pairs = list(found.items()) if isinstance(found, dict) else [(None, None)]
    for id, text in pairs:
        if not isinstance(id, str) or not isinstance(text, str):
            raise BadManifest(
                f"DOCUMENTS_MANIFEST={file} is no manifest. Give one of relay-compiler or graphql-codegen "
                "(an object of ids and texts), or of Apollo (with format and operations)."
            )
        yield id.removeprefix("sha256:"), text


def _refuse_invalid(id: str, text: str, file: Path) -> None:
    try:
        parse(text, no_location=True)
    except GraphQLError as error:
        raise BadManifest(
            f"DOCUMENTS_MANIFEST={file}: the document {id} is not valid: {error.message}."
        ) from error


def _not_trusted(id: str | None) -> NotAccepted:
    if id is None:
        message = (
            "This service accepts trusted documents only. Send documentId, or "
            "extensions.persistedQuery.sha256Hash, of an operation in its manifest."
        )
    else:
        message = (
            f"No trusted document has the id {_short(id)}. Have the operator add it to the manifest "
            "(DOCUMENTS_MANIFEST), and restart the service."
        )
    return NotAccepted(message, NOT_TRUSTED)


def _short(id: str) -> str:
    return id if len(id) <= 100 else f"{id[:100]}…"
