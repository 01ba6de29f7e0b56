"""The GraphQL playground: GraphiQL from local files, under a strict Content-Security-Policy."""

import functools
import html
from importlib.resources import files
from pathlib import Path
from string import Template

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount

from app.web.page_files import OWN, PageFiles, headers_of

_GRAPHIQL = Path(str(files("graphene_django_graphiql_static"))) / "static" / "graphene_django_graphiql_static"

SERVED = {
    "access.js": OWN,
    "diptych.svg": OWN,
    "fetcher.js": OWN,
    "operations.js": OWN,
    "playground.css": OWN,
    "playground.js": OWN,
    "result.js": OWN,
    "status.js": OWN,
    "tabs.js": OWN,
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

_HEADERS = headers_of(
    "script-src 'self'",
    f"style-src 'self' {_DIALOG_STYLE}",
    "connect-src 'self'",
    "img-src 'self' data:",
    "font-src 'self' data:",
)


def prepared_tabs() -> list[dict[str, str]]:
    """Return the operations in `static/tabs` in the order of their names, as GraphiQL's `defaultTabs`."""
    tabs = []
    for operation in sorted((OWN / "tabs").glob("*.graphql")):
        tab = {"query": operation.read_text("utf-8").rstrip()}
        variables = operation.with_suffix(".json")
        if variables.exists():
            tab["variables"] = variables.read_text("utf-8").rstrip()
        tabs.append(tab)
    return tabs


@functools.cache
def _page(*, takes_tokens: bool) -> str:
    tabs = html.escape(orjson.dumps(prepared_tabs()).decode())
    return Template((OWN / "playground.html").read_text("utf-8")).substitute(
        tabs=tabs, access="" if takes_tokens else " hidden"
    )


async def playground(_request: Request) -> Response:
    """Return the page, which sends operations to the GraphQL endpoint at its own address."""
    return HTMLResponse(_page(takes_tokens=False), headers={**_HEADERS, "Vary": "Accept"})


async def playground_with_token(_request: Request) -> Response:
    """Return the page with a field for the viewer's token."""
    return HTMLResponse(_page(takes_tokens=True), headers={**_HEADERS, "Vary": "Accept"})


routes: list[BaseRoute] = [Mount("/playground/static", PageFiles(SERVED, _HEADERS), name="playground-static")]
