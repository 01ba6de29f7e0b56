"""The servers of NATS as a setting names them, and its errors; all without the driver."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from app.cqrs.impersonal import Impersonal

_SCHEMES = ("nats", "tls")


class NatsAway(Impersonal):
    """NATS does not answer at the moment; the caller may try again."""


class NatsError(Impersonal):
    """A setting with which NATS can't be used; the message says what to change."""


@dataclass(frozen=True, kw_only=True)
class Servers:
    """The servers of one NATS, and how a process proves to them that it belongs to the cluster."""

    urls: Sequence[str]
    """Their URLs without secrets."""
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    """The text in the place of the user, if there is no password."""


def servers_in(url: str) -> Servers:
    """Return the servers in a setting, which has commas between several; raise `NatsError`.

    All get the user and password, or token, of the first that has any.
    """
    urls, secrets = list[str](), list[tuple[str, str | None]]()
    for each in [part.strip() for part in url.split(",") if part.strip()] or [""]:
        try:
            parts = urlsplit(each)
            port = parts.port or 4222
        except ValueError:
            raise _useless() from None
        if parts.scheme not in _SCHEMES or not parts.hostname:
            raise _useless()
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        urls.append(f"{parts.scheme}://{host}:{port}")
        if parts.username:
            secrets.append((unquote(parts.username), parts.password and unquote(parts.password)))
    if not secrets:
        return Servers(urls=urls)
    user, password = secrets[0]
    if password is None:
        return Servers(urls=urls, token=user)
    return Servers(urls=urls, user=user, password=password)


def _useless() -> NatsError:
    return NatsError(
        "NATS_URL is not the URL of a NATS server (it is not shown, because it may contain a password).\n"
        "Set it to a URL like nats://host:4222 or tls://user:password@host:4222; of a cluster, to several "
        "with commas between them. Write special characters in a password as %XX."
    )
