"""Documents of an issuer, fetched over HTTP in threads, so that the event loop never waits for them."""

import asyncio
import threading
import time
from collections.abc import Callable
from http.client import HTTPException
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

import orjson

from app.access.keys import BadKey, KeySet, published_keys
from app.access.urls import is_loopback, is_safe

PATIENCE = 5.0
"""Seconds for one document."""

LARGEST = 512_000
"""Bytes of the largest document."""

T = TypeVar("T")


class NotFetched(Exception):
    """The issuer's keys could not be fetched; the message says from where and why."""


class NoRedirect(HTTPRedirectHandler):
    """A redirect is an answer like any other, because it could lead away from https."""

    def redirect_request(self, *_request: Any) -> None:
        """Follow no redirect."""


def keys_at(url: str) -> KeySet:
    """Return the keys at a URL; block, and raise `NotFetched`."""
    try:
        return published_keys(fetched(url))
    except BadKey as error:
        raise NotFetched(f"{url} can't be used: {error}") from error


def keys_of(issuer: str) -> KeySet:
    """Return the keys of an issuer, found by OpenID Connect discovery; block, and raise `NotFetched`."""
    url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    try:
        configuration = orjson.loads(fetched(url))
        named, keys = configuration["issuer"], configuration["jwks_uri"]
    except (orjson.JSONDecodeError, LookupError, TypeError) as error:
        raise NotFetched(f"{url} is no configuration of an OpenID provider") from error
    if named != issuer:
        raise NotFetched(f"the issuer at {url} calls itself {named}: set AUTH_ISSUER to that")
    if not isinstance(keys, str) or not is_safe(keys):
        raise NotFetched(f"{url} names the keys {keys}, which is not https")
    return keys_at(keys)


def fetched(url: str) -> bytes:
    """Return the document at a URL; block for at most about `PATIENCE` seconds, and raise `NotFetched`."""
    until = time.monotonic() + PATIENCE
    # A proxy from the environment is used as everywhere, but never for this machine.
    local = (ProxyHandler({}),) if is_loopback(urlsplit(url).hostname or "") else ()
    request = Request(url, headers={"Accept": "application/json"})  # noqa: S310 - the scheme was checked
    document = b""
    try:
        with build_opener(NoRedirect, *local).open(request, timeout=PATIENCE) as answer:
            while part := answer.read1(65_536):
                document += part
                if len(document) > LARGEST:
                    raise NotFetched(f"{url} sends more than {LARGEST:,} bytes")
                if time.monotonic() > until:
                    raise NotFetched(f"{url} takes more than {PATIENCE:g} seconds")
    except HTTPError as error:
        error.close()
        raise NotFetched(f"{url} answers with status {error.code}") from error
    except (OSError, HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        raise NotFetched(f"{url} gives no answer: {reason}") from error
    return document


async def in_thread(work: Callable[[], T]) -> T:
    """Return what `work` returns, and raise what it raises; a stop of the service does not wait for it."""
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def tell(result: T | None, error: Exception | None) -> None:
        if outcome.done():
            return
        if error:
            outcome.set_exception(error)
        else:
            outcome.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        try:
            told: tuple[T | None, Exception | None] = work(), None
        except Exception as error:
            told = None, error
        try:
            loop.call_soon_threadsafe(tell, *told)
        except RuntimeError:  # The service has stopped meanwhile.
            return

    threading.Thread(target=run, name="keys", daemon=True).start()
    return await outcome
