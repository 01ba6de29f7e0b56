"""Start here: the ASGI application, its lifespan and its routes.

A mutation goes `schema/` → `app/cqrs/command_bus.py` → a context's handler in `app/domain/` → the write
store. From there the relay takes its events to the projectors of `app/read_models/`, which queries and
subscriptions in `schema/` read.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import RedirectResponse
from starlette.routing import Route, WebSocketRoute

from app.bootstrap import Filling, open_circle
from app.config import Settings
from app.web import health, playground
from schema.context import TOKEN_HEADER
from schema.http import GraphQLEndpoint


def create_app(settings: Settings, fill: Filling | None = None) -> Starlette:
    """The application; its stores are open while its lifespan lasts, filled by `fill` before anyone looks."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_circle(settings, fill) as circle:
            app.state.circle = circle
            yield

    endpoint = GraphQLEndpoint(
        lambda: app.state.circle, playground.playground, allowed_origins=settings.origins
    )
    app = Starlette(
        lifespan=lifespan,
        middleware=[_for_pages_of(settings.origins)] if settings.origins else [],
        routes=[
            Route("/", lambda _request: RedirectResponse("/graphql")),
            Route("/graphql", endpoint, methods=["GET", "POST"]),
            WebSocketRoute("/graphql", endpoint),
            *playground.routes,
            *health.routes,
        ],
    )
    return app


def _for_pages_of(origins: Sequence[str]) -> Middleware:
    return Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=["Content-Type", TOKEN_HEADER],
        expose_headers=[TOKEN_HEADER],
        max_age=600,
    )
