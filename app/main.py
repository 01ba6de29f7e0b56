"""Start here: the ASGI application, its lifespan and its routes.

A mutation goes `schema/` → `app/cqrs/commands/bus.py` → a context's handler in `app/domain/` → the write
store. From there the relay takes its events to the projectors of `app/read_models/`, which queries and
subscriptions in `schema/` read.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from app.access.configured import authenticator_of
from app.bootstrap import Filling, open_circle
from app.completeness import require_complete
from app.config import Settings
from app.counting import counting
from app.cqrs.circle import Circle
from app.graphql.admission.persisted import Texts, read_manifest
from app.graphql.execution.context import TOKEN_HEADER
from app.graphql.transport.http import GraphQLEndpoint, ReadHeaders
from app.graphql.transport.preflights import Preflights
from app.graphql.transport.responses.refused import refused
from app.graphql.transport.senders.authentication import Authenticator
from app.graphql.transport.senders.callers import Client
from app.graphql.transport.senders.cookie_exchange import CookieExchange
from app.graphql.transport.traced import TracedEndpoint
from app.hosts import Hosts
from app.roles import Role
from app.tracing.configured import tracing_of
from app.web import admin, command_line, elsewhere, health, held_loop, playground
from app.web.at_once import AtOnce, Headers
from app.web.held_loop import HeldLoop
from app.web.metrics.route import Metrics
from schema.root import schema

GRAPHQL = "/graphql"


def create_app(
    settings: Settings,
    fill: Filling | None = None,
    held: HeldLoop | None = None,
    *,
    authenticator: Authenticator | None = None,
) -> Starlette:
    """Return the application, whose lifespan opens the stores and calls `fill` before it serves requests.

    A server that stops sets `app.state.leaving` first, which ends responses that would otherwise never end.
    If `held` is given, `/health/loop` shows how long the event loop was held. Tokens are verified by the
    authenticator of the settings, unless another one is given. Raise `Incomplete`, `BadManifest`, `BadKey`,
    `TracesUnavailable`, and `WriteStoreUnavailable` if there is no development secret.
    """
    require_complete()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        sending = tracing.sending() if tracing else nullcontext()
        async with sending, open_circle(settings, fill, tracing) as circle:
            app.state.circle = circle
            if own:
                own.start(circle.revocations)
            try:
                yield
            finally:
                if own:
                    own.stop()

    def opened_circle() -> Circle:
        circle: Circle = app.state.circle
        return circle

    own = None if authenticator else authenticator_of(settings, settings.data_dir)
    takes_tokens = bool(authenticator or own)
    leaving, hosts = asyncio.Event(), settings.hosts
    tracing = tracing_of(settings)
    page = playground.playground_with_token if takes_tokens else playground.playground
    endpoint_of: Callable[..., GraphQLEndpoint] = GraphQLEndpoint
    if tracing:  # Without traces, no operation asks whether it is traced.
        endpoint_of = partial(TracedEndpoint, tracing=tracing)
    graphql: GraphQLEndpoint = endpoint_of(
        schema,
        opened_circle,
        page,
        authenticator=authenticator or own,
        texts=_texts(settings),
        caller=counting(settings, has_viewers=bool(authenticator or own)),
        allowed_origins=settings.origins,
        leaving=leaving,
    )
    serves = Role.QUERY in settings.held_roles
    endpoint: ASGIApp = graphql if serves else elsewhere.elsewhere(settings.held_roles)
    if settings.origins:
        endpoint = _for_pages_of(settings.origins, endpoint)
    endpoint = Preflights(endpoint, settings.origins)

    def read(headers: Headers) -> ReadHeaders | None:
        first = dict(headers)
        if len(first) != len(headers) or (settings.origins and b"origin" in first):
            return None
        return graphql.read_at_once(first) if hosts.serves(first.get(b"host", b"")) else None

    def at_once(headers: ReadHeaders, body: bytes, client: Client) -> tuple[Headers, bytes] | None:
        answer = graphql.answer_at_once(headers, body, client)
        if answer is None:
            return None
        return _varying(answer.headers) if settings.origins else answer.headers, answer.body

    metrics = Metrics(
        lambda: app.state.circle,
        graphql.operations.compiled,
        graphql.traffic,
        data_dir=settings.data_dir,
        clients=settings.scrapers,
    )
    own_routes: list[BaseRoute] = [
        Route("/", lambda _request: RedirectResponse(GRAPHQL)),
        Route(GRAPHQL, endpoint),
        WebSocketRoute(GRAPHQL, endpoint),
        *playground.routes,
        *admin.routes(takes_tokens=takes_tokens),
    ]
    if takes_tokens:
        exchange: ASGIApp = CookieExchange(graphql.authentication, GRAPHQL)
        if settings.origins:
            exchange = _for_pages_of(settings.origins, exchange)
        exchange = Preflights(exchange, settings.origins)
        own_routes.append(Route(f"{GRAPHQL}/session", exchange))
    app = _GraphQLFirst(
        endpoint,
        hosts,
        lifespan=lifespan,
        routes=[
            *(own_routes if serves else ()),
            *health.routes(lambda: app.state.circle),
            *metrics.routes,
            *(held_loop.routes(held) if held else ()),
        ],
        exception_handlers={HTTPException: _refuse},
    )
    if serves:
        app.at_once = AtOnce(GRAPHQL.encode(), read, at_once)
    app.state.leaving = leaving
    app.state.operations = graphql.operations
    return app


def _texts(settings: Settings) -> Texts:
    """Return the texts that the settings accept, and those of operators' tools; raise `BadManifest`."""
    file = settings.documents_manifest
    manifest = read_manifest(file) if file else {}
    known = {**admin.DOCUMENTS, **command_line.DOCUMENTS, **manifest}
    return Texts(known, only_trusted=settings.documents == "trusted")


class _GraphQLFirst(Starlette):
    """An application that dispatches GraphQL requests itself: routing takes longer than a cached answer.

    It refuses requests for foreign hosts, except health checks. Probes may use any host, such as a pod's
    address, and health checks have nothing that a foreign web page could change or learn.
    """

    def __init__(self, endpoint: ASGIApp, hosts: Hosts, **options: Any) -> None:
        super().__init__(**options)
        self._endpoint = endpoint
        self._hosts = hosts
        self.at_once: AtOnce | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request or a websocket, or run the lifespan."""
        path = scope.get("path")  # `None` for the lifespan
        refusal = None
        if path and path not in health.PATHS:
            refusal = self._hosts.refusal(scope["headers"], scope["http_version"])
        if refusal:
            await refused(HTTPException(*refusal))(scope, receive, send)
        elif path == GRAPHQL:
            await self._endpoint(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


async def _refuse(request: Request, refusal: Exception) -> Response:
    if not isinstance(refusal, HTTPException):
        raise refusal
    if refusal.status_code == 404:
        refusal = HTTPException(404, f"There is nothing at {request.url.path}. GraphQL is at /graphql.")
    return refused(refusal)


def _varying(headers: Headers) -> Headers:
    """Return the headers as CORS has them for a request that comes from no page of elsewhere."""
    return [(name, value + b", Origin" if name == b"vary" else value) for name, value in headers]


def _for_pages_of(origins: Sequence[str], endpoint: ASGIApp) -> ASGIApp:
    return CORSMiddleware(
        endpoint,
        allow_origins=origins,
        allow_methods=["GET", "POST", "DELETE"],
        allow_credentials="*" not in origins,  # for the cookie, which counts for origins that are named
        allow_headers=[
            "Authorization",
            "Content-Type",
            "Last-Event-ID",
            "If-None-Match",
            "Traceparent",
            TOKEN_HEADER,
        ],
        expose_headers=[TOKEN_HEADER, "ETag", "Retry-After"],
        max_age=600,
    )
