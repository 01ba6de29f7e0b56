"""Headers by name, for requests and handshakes."""

from collections.abc import Sequence

from app.graphql.execution.context import TOKEN_HEADER

_JOINED = {
    b"accept": b", ",
    b"authorization": b", ",
    b"cookie": b"; ",
    b"if-none-match": b", ",
    TOKEN_HEADER.lower().encode(): b", ",
}
"""Headers whose values are joined if there are several of them, each with its separator."""


def by_name(headers: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return the headers by their names in lower case; of each name the first one, or all of them joined.

    Of several tokens none counts: joined they are no token.
    """
    found = dict(reversed(headers))
    if len(found) != len(headers):  # A list may be split over several headers.
        for name, separator in _JOINED.items():
            if name in found:
                found[name] = separator.join(value for each, value in headers if each == name)
    return found
