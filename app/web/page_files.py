"""The files of pages, and the headers that keep a page to itself."""

import os
from collections.abc import Mapping
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

OWN = Path(__file__).parent / "static"
"""The folder of the files that were written for this service."""


def headers_of(*policy: str) -> Mapping[str, str]:
    """Return the headers of a page and its files, whose Content-Security-Policy has these directives, too."""
    directives = (
        "default-src 'none'",
        *policy,
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    return {
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-cache",  # Browsers revalidate each time, and get a 304 for unchanged files.
        "Content-Security-Policy": "; ".join(directives),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",  # for browsers that do not know `frame-ancestors`
    }


class PageFiles(StaticFiles):
    """The static files of one page, each from its folder, and no others."""

    def __init__(self, served: Mapping[str, Path], headers: Mapping[str, str]) -> None:
        super().__init__()
        self._served = served
        self._headers = headers

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """Return the whole path of a file, and what the file system says of it."""
        if folder := self._served.get(path):
            return str(folder / path), (folder / path).stat()
        return "", None

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the response with the file."""
        response = await super().get_response(path, scope)
        response.headers.update(self._headers)
        return response
