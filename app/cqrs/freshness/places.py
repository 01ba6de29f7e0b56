"""Places in the history of a read model: a position, and a document of those that changed there."""

from collections.abc import Mapping

Place = tuple[int, str]
"""Where in a read model's notices: a position, and a document within it."""

LAST = "\U0010ffff"
"""After every document of a position."""

Reached = Mapping[str, Place]
"""For each read model a place up to which there will be no more notices."""
