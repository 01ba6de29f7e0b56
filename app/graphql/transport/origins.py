"""Which pages may use the API from a browser."""

from collections.abc import Mapping, Sequence

from strawberry.http.websocket_origin import is_same_origin, normalize_allowed_origins, normalize_origin


class Origins:
    """Our own pages, and those of the allowed origins."""

    def __init__(self, allowed: Sequence[str] = ()) -> None:
        self._allowed = normalize_allowed_origins(allowed)

    def welcome(self, headers: Mapping[str, str]) -> bool:
        """Whether a request with these headers is none of a page of elsewhere."""
        origin = headers.get("origin")
        if origin is None:  # no browser, or a page that wants no leave to read: browsers tell where it is
            return headers.get("sec-fetch-site", "none") in {"none", "same-origin"}
        if "*" in self._allowed or is_same_origin(origin, headers.get("host")):
            return True
        return normalize_origin(origin) in self._allowed
