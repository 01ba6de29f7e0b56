"""Parsing of web origins into the form in which browsers send them."""

from urllib.parse import SplitResult, urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def origin_of(text: str) -> str:
    """Return the origin in `text` in lower case, without default port or slash.

    Raise `ValueError`, whose message says what is wrong and what to write instead.
    """
    if text == "*":
        return text
    if text.lower() == "null":
        raise ValueError("null is the origin of every sandboxed page and local file: remove it")
    if "*" in text:
        raise ValueError("an origin can't contain a wildcard: list each origin, or allow all with a single *")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError(
            f"it is not a URL ({error}): write scheme, host and port, such as http://localhost:5173"
        ) from None
    scheme, _, rest = text.partition("://")
    if not rest.strip("/") and scheme != text:
        raise ValueError("the host is missing: write it after the scheme, such as http://localhost:5173")
    if not parts.hostname or not parts.scheme:
        bare = text.strip("/")
        raise ValueError(f"the scheme is missing: write http://{bare} or https://{bare}")
    origin = _written(parts, port)
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"an origin is scheme, host and port only: write {origin}")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("browsers send a host in ASCII: write that form, which begins with xn--")
    return origin


def _written(parts: SplitResult, port: int | None) -> str:
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + (
        "" if port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f":{port}"
    )
