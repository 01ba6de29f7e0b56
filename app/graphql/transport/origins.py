"""The origins of pages that may use the API from a browser."""

from collections.abc import Mapping, Sequence

from strawberry.http.websocket_origin import is_same_origin, normalize_allowed_origins, normalize_origin


class Origins:
    """The service's own origin and the allowed origins."""

    def __init__(self, allowed: Sequence[str] = ()) -> None:
        self._allowed = normalize_allowed_origins(allowed)

    def allow(self, headers: Mapping[str, str]) -> bool:
        """Return whether a request with these headers may be answered: no page of another origin sent it."""
        origin = headers.get("origin")
        if origin is None:  # no browser, or a request without CORS, for which browsers send this header
            return headers.get("sec-fetch-site", "none") in {"none", "same-origin"}
        if "*" in self._allowed or is_same_origin(origin, headers.get("host")):
            return True
        return normalize_origin(origin) in self._allowed

    def vouch_for(self, headers: Mapping[str, str]) -> bool:
        """Return whether a page of this service, or of an origin that is allowed by name, sent the request.

        Other than for `allow`, a request without these headers may be anybody's.
        """
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site") == "same-origin"
        return is_same_origin(origin, headers.get("host")) or normalize_origin(origin) in self._allowed
