"""The operators' page: the circle at work, from GraphQL alone.

The page itself has no data. It sends its operations by their ids, with the token that its viewer has given.
"""

from collections.abc import Mapping
from string import Template

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from app.web.page_files import OWN, PageFiles, headers_of

PATH = "/admin"

_PAGE, _LIBRARIES = OWN / "admin", OWN / "vendor"

SERVED = {
    "access.js": OWN,
    "diptych.svg": OWN,
    "admin.css": _PAGE,
    "admin.js": _PAGE,
    "event.js": _PAGE,
    "events.js": _PAGE,
    "models.js": _PAGE,
    "samples.js": _PAGE,
    "service.js": _PAGE,
    "shown.js": _PAGE,
    "skipped.js": _PAGE,
    "summary.js": _PAGE,
    "hooks.umd.js": _LIBRARIES,
    "htm.umd.js": _LIBRARIES,
    "preact.min.js": _LIBRARIES,
}

_HEADERS = headers_of(
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self'",
    "require-trusted-types-for 'script'",  # No text becomes markup or code, whatever an event holds.
    "trusted-types 'none'",
)

DOCUMENTS: Mapping[str, str] = {
    f"admin-{file.stem}": file.read_text("utf-8") for file in sorted((_PAGE / "documents").glob("*.graphql"))
}
"""The operations of the page by their ids, which the service trusts, because it has brought them itself."""


def routes(*, takes_tokens: bool) -> list[BaseRoute]:
    """Return the routes of the page and its files; it has a field for a token if the service takes any."""
    page = Template((_PAGE / "admin.html").read_text("utf-8")).substitute(
        access="" if takes_tokens else " hidden"
    )

    async def admin(_request: Request) -> Response:
        return HTMLResponse(page, headers=_HEADERS)

    return [Route(PATH, admin), Mount(f"{PATH}/static", PageFiles(SERVED, _HEADERS), name="admin-static")]
