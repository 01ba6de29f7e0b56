"""Whatever a token contains, it is refused like any other bad one."""

import base64
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import orjson
import pytest
from websockets import ConnectionClosed

from app.config import Settings
from tests.access.issuer import SECRET
from tests.graphql.transport.identity import bearer, over_socket, post
from tests.inprocess import serving


@pytest.fixture
async def url(tmp_path: Path, mongo_url: str) -> AsyncIterator[str]:
    """The address, without the scheme, of a service that takes tokens with a shared secret."""
    settings = Settings(
        data_dir=tmp_path, mongodb_url=mongo_url, mongodb_database=tmp_path.name, auth_secret=SECRET
    )
    async with serving(settings) as service:
        yield f"{service.client.url.removeprefix('http://')}/graphql"


def unsigned(algorithm: str) -> str:
    """A token that anybody can make."""
    parts = ({"alg": algorithm}, {"sub": "clerk"}, "signature")
    return ".".join(base64.urlsafe_b64encode(orjson.dumps(part)).decode().rstrip("=") for part in parts)


def signed(**claims: Any) -> str:
    return jwt.encode({"sub": "clerk", "exp": int(time.time()) + 60, **claims}, SECRET, algorithm="HS256")


@pytest.mark.parametrize(
    "token",
    [
        *map(unsigned, ["A\r\nX: 1", "A\r\n\r\nB", "\0", "\x7f", "\u2028", 'é"\\', ""]),
        *(signed(exp=each) for each in (10**400, "9" * 400)),
        *(signed(iat=each) for each in (-(10**400), "-" + "9" * 400)),
    ],
)
async def test_a_strange_token_is_refused_over_every_transport(url: str, token: str) -> None:
    for accept in ("application/json", "text/event-stream"):
        refused = await post(url, Accept=accept, **bearer(token))
        assert refused.status_code == 401
        assert [error["extensions"]["code"] for error in refused.json()["errors"]] == ["UNAUTHENTICATED"]
        assert refused.headers["WWW-Authenticate"].startswith('Bearer error="invalid_token"')
        assert "X" not in refused.headers
    with pytest.raises(ConnectionClosed) as closed:
        await over_socket(url, bearer(token))
    assert closed.value.rcvd
    assert closed.value.rcvd.code == 4403
