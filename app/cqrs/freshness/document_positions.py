"""Positions of changed documents in a read model's stream of notices."""

from collections.abc import Mapping

DocumentPosition = tuple[int, str]
"""The position of an event, and the collection and id of a document that it changed."""

AFTER_ALL_DOCUMENTS = "\U0010ffff"
"""A text that sorts after every document of a position."""

ReachedPositions = Mapping[str, DocumentPosition]
"""For each read model, the document position up to which all notices were published."""
