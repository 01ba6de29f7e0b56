"""The GraphQL playground: GraphiQL from local files, under a strict Content-Security-Policy."""

import functools
import html
import os
from importlib.resources import files
from pathlib import Path
from string import Template

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_OWN = Path(__file__).parent / "static"
_GRAPHIQL = Path(str(files("graphene_django_graphiql_static"))) / "static" / "graphene_django_graphiql_static"

SERVED = {
    "access.js": _OWN,
    "diptych.svg": _OWN,
    "fetcher.js": _OWN,
    "operations.js": _OWN,
    "playground.css": _OWN,
    "playground.js": _OWN,
    "result.js": _OWN,
    "status.js": _OWN,
    "tabs.js": _OWN,
    "graphiql-plugin-explorer.umd.js": _GRAPHIQL,
    "graphiql.min.css": _GRAPHIQL,
    "graphiql.min.js": _GRAPHIQL,
    "graphql-ws.min.js": _GRAPHIQL,
    "react-dom.production.min.js": _GRAPHIQL,
    "react.production.min.js": _GRAPHIQL,
    "style.css": _GRAPHIQL,  # of the explorer plugin
}

# The style that react-remove-scroll, in graphiql.min.js, inserts while a dialog of GraphiQL is open.
_DIALOG_STYLE = "'sha256-Y/huXlwoYkVyQlxwSVcCi1RCDGDCSVBzDt0hYP9qlTc='"

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        f"style-src 'self' {_DIALOG_STYLE}",
        "connect-src 'self'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",  # Browsers revalidate each time, and get a 304 for unchanged files.
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # for browsers that do not know `frame-ancestors`
}


def prepared_tabs() -> list[dict[str, str]]:
    """Return the operations in `static/tabs` in the order of their names, as GraphiQL's `defaultTabs`."""
    tabs = []
    for operation in sorted((_OWN / "tabs").glob("*.graphql")):
        tab = {"query": operation.read_text("utf-8").rstrip()}
        variables = operation.with_suffix(".json")
        if variables.exists():
            tab["variables"] = variables.read_text("utf-8").rstrip()
        tabs.append(tab)
    return tabs


@functools.cache
def _page(*, takes_tokens: bool) -> str:
    tabs = html.escape(orjson.dumps(prepared_tabs()).decode())
    return Template((_OWN / "playground.html").read_text("utf-8")).substitute(
        tabs=tabs, access="" if takes_tokens else " hidden"
    )


async def playground(_request: Request) -> Response:
    """Return the page, which sends operations to the GraphQL endpoint at its own address."""
    return HTMLResponse(_page(takes_tokens=False), headers={**_HEADERS, "Vary": "Accept"})


async def playground_with_token(_request: Request) -> Response:
    """Return the page with a field for the viewer's token."""
    return HTMLResponse(_page(takes_tokens=True), headers={**_HEADERS, "Vary": "Accept"})


class _PlaygroundFiles(StaticFiles):
    """The static files in `SERVED`, each from its folder, and no others."""

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        if folder := SERVED.get(path):
            return str(folder / path), (folder / path).stat()
        return "", None

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(_HEADERS)
        return response


routes: list[BaseRoute] = [Mount("/playground/static", _PlaygroundFiles(), name="playground-static")]
