"""Questions of the command line to a running service, over its GraphQL endpoint."""

import json
import os
import ssl
from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus
from http.client import HTTPException
from typing import Annotated, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

import typer

from app.command_line.terminal import BAD_SETTING, FAILED, settings_of, stop
from app.cqrs.impersonal import outline
from app.cqrs.viewers import Sight

_REACHED_AT = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - an address that stands for all of them
TOKEN = "DIPTYCH_TOKEN"  # noqa: S105 - the name of a variable
"""The environment variable with an operator's token, for a service that takes tokens."""

ENDPOINT = "/graphql"
"""The path of the GraphQL endpoint."""

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"

PATIENCE = 10
"""Seconds to wait for an answer; retrying a read model takes some."""

_ADVICE = {
    "FORBIDDEN": f" Set {TOKEN} to a token of an operator.",
    "DOCUMENT_NOT_TRUSTED": " Or call this command in the version that the service has, which it trusts.",
}
"""More advice, by the code of an error."""

Url = Annotated[
    str | None,
    typer.Option(
        help="URL of the running service, or of its GraphQL endpoint.", show_default="at HOST and PORT"
    ),
]


def chosen(context: typer.Context, url: str | None) -> str:
    """Return the URL that was given here or before the command, or that of a service with these settings."""
    given: str | None = url or context.obj
    return at_endpoint(given) if given else _own_url()


def at_endpoint(url: str) -> str:
    """Return the URL of a service's endpoint; one without a path is that of the service."""
    try:
        parts = urlsplit(url)
    except ValueError:  # The request says what is wrong with it.
        return url
    return urlunsplit(parts._replace(path=ENDPOINT)) if parts.netloc and parts.path in ("", "/") else url


def _own_url() -> str:
    """Return the URL of the GraphQL endpoint of a service with these settings."""
    settings = settings_of()
    host = _REACHED_AT.get(settings.host, settings.host)
    scheme = "https" if settings.ssl_certfile else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.port}{ENDPOINT}"


def _trusted(url: str) -> ssl.SSLContext:
    """Return what an encrypted service must show: a certificate that is valid for the host of the URL.

    A service with these settings shows the one that they name, for whatever host it was issued.
    """
    certificate = settings_of().ssl_certfile
    if certificate is None or url != _own_url():
        return ssl.create_default_context()
    try:
        chain = certificate.read_text("ascii")
        end = chain.index(_END) + len(_END)
        own = ssl.create_default_context(cadata=chain[chain.index(_BEGIN) : end])
    except (OSError, ValueError, ssl.SSLError) as error:
        stop(f"SSL_CERTFILE={certificate} can't be read: {outline(error)}.", BAD_SETTING)
    own.check_hostname = False
    own.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # It need not be an authority's.
    return own


def _authorization(url: str) -> Mapping[str, str]:
    """Return the header with the operator's token: the one in the environment, or one that is made here.

    A token is made only for the service that has the same settings, and so the same secret.
    """
    token = os.environ.get(TOKEN)
    if token is None and url == _own_url() and (settings := settings_of()).signs_tokens:
        from app.access.development import FILE, development_token

        if settings.auth == "development" and not (settings.data_dir / FILE).exists():
            stop(
                f"No service has made a secret in {settings.data_dir}. Set DATA_DIR to the data folder of "
                f"the service, or {TOKEN} to a token of an operator.",
                BAD_SETTING,
            )
        token = development_token(settings, settings.data_dir, Sight.OPERATOR, "command line", hours=0.1)
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def ask(url: str, query: str, *, may_be_hidden: bool = False, **variables: object) -> dict[str, Any]:
    """Return the data of the answer; end the program with a message if there is none.

    Fields that only others may see are null if they `may_be_hidden`.
    """
    from app.access.fetching import NoRedirect

    # The hash is for a service of trusted documents, and the text for an older one that does not know it.
    persisted = {"version": 1, "sha256Hash": sha256(query.encode()).hexdigest()}
    sent = {"query": query, "variables": variables, "extensions": {"persistedQuery": persisted}}
    try:
        question = Request(  # noqa: S310 - the operator chose the URL
            url,
            json.dumps(sent).encode(),
            {"Content-Type": "application/json", "Accept": "application/json", **_authorization(url)},
        )
        # The service runs on this host or at the operator's URL, so a proxy from the environment is not used,
        # and no redirect is followed: it would take the operator's token elsewhere.
        handlers = (NoRedirect, ProxyHandler({}), HTTPSHandler(context=_trusted(url)))
        with build_opener(*handlers).open(question, timeout=PATIENCE) as response:
            answer = json.load(response)
        if answer.get("errors"):
            if may_be_hidden and _code_in(answer) == "FORBIDDEN":
                return dict(answer["data"])
            stop(_refusal(url, answer), FAILED)
        data: dict[str, Any] = answer["data"]
    except HTTPError as error:
        stop(_reason(url, error), FAILED)
    except (HTTPException, OSError, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        stop(
            f"No Diptych service answers at {url}: {reason}.\n"
            "Start one with `serve`, or give its URL with --url.",
            FAILED,
        )
    except (AttributeError, LookupError, TypeError):
        stop(f"The service at {url} is not Diptych. Give the right URL with --url.", FAILED)
    return data


def _reason(url: str, error: HTTPError) -> str:
    """Return why a service has answered with an HTTP error, and what to do; close the answer."""
    with error:
        if error.code == HTTPStatus.UNAUTHORIZED:
            return (
                f"{url} refused the token. Set {TOKEN} to a valid token of an operator, or DATA_DIR to the "
                "data folder of a service with AUTH=development."
            )
        try:
            return _refusal(url, json.load(error))
        except (AttributeError, HTTPException, LookupError, OSError, TypeError, ValueError):
            return (
                f"{url} answered with HTTP status {error.code}, so it is not Diptych's GraphQL endpoint. "
                "Give the right URL with --url."
            )


def _refusal(url: str, answer: Mapping[str, Any]) -> str:
    """Return what the first error of an answer says; raise `LookupError` or the like if there is none."""
    advice = _ADVICE.get(_code_in(answer), "")
    return f"{url} refused the request: {answer['errors'][0]['message']}{advice}"


def _code_in(answer: Mapping[str, Any]) -> str:
    return str(answer["errors"][0].get("extensions", {}).get("code"))
