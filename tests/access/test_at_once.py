"""A signed-in viewer is answered from memory at once; a token that is not known is verified first."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import orjson
import pytest
from starlette.applications import Starlette

from app.config import Settings
from app.main import create_app
from app.web.at_once import AtOnce
from tests.access.issuer import SECRET, signed
from tests.graphql.transport.identity import bearer
from tests.inprocess import serving_app

BODY = orjson.dumps({"query": "{ products(first: 5) { nodes { name } totalCount } }"})
JSON = {"Content-Type": "application/json"}
CLIENT = ("127.0.0.1", 5000)


@pytest.fixture
async def app(mongo_url: str, tmp_path: Path) -> AsyncIterator[Starlette]:
    settings = Settings(
        data_dir=tmp_path,
        mongodb_url=mongo_url,
        mongodb_database=tmp_path.name,
        auth_secret=SECRET,
        read_cache_mb=8,
    )
    served = create_app(settings)
    async with serving_app(served) as port, httpx.AsyncClient(timeout=20) as http:
        served.state.post = lambda headers: http.post(
            f"http://127.0.0.1:{port}/graphql", content=BODY, headers={**JSON, **headers}
        )
        yield served


def at_once(app: Starlette, headers: dict[str, str]) -> bytes | None:
    """The answer at once, if there is one."""
    sent = {"Host": "localhost", **JSON, **headers}
    raw = [(name.lower().encode(), value.encode()) for name, value in sent.items()]
    at_once: AtOnce = app.at_once  # type: ignore[attr-defined]
    read = at_once.read(raw)
    answer = at_once.answer(read, BODY, CLIENT) if read else None
    return answer[1] if answer else None


async def until_kept(app: Starlette, headers: dict[str, str]) -> bytes:
    while True:
        response = await app.state.post(headers)
        assert response.status_code == 200, response.text
        if answer := at_once(app, headers):
            return answer


async def test_a_known_token_is_answered_at_once_and_an_unknown_one_is_not(app: Starlette) -> None:
    anonymous = await until_kept(app, {})
    token = bearer(signed(SECRET, "HS256"))
    assert at_once(app, token) is None, "it has to be verified"
    assert orjson.loads(await until_kept(app, token))["data"] == orjson.loads(anonymous)["data"]
    assert at_once(app, {"Authorization": token["Authorization"].replace("Bearer", "bearer")})
    for changed in (
        token["Authorization"][:-1],
        token["Authorization"].replace("Bearer ", "Bearer  "),
        token["Authorization"].replace("Bearer", "Basic"),
        token["Authorization"].replace("Bearer", "Foobar"),
        "Bearer",
        "",
    ):
        assert at_once(app, {"Authorization": changed}) is None, changed
    assert at_once(app, {"Cookie": "diptych-token=x"}) is None
    assert at_once(app, {"Cookie": "theme=dark"})


async def test_an_expired_token_is_not_answered_at_once(app: Starlette) -> None:
    token = bearer(signed(SECRET, "HS256", exp=int(time.time()) - 3))  # It lives for two seconds of leeway.
    await until_kept(app, token)
    while at_once(app, token):
        await app.state.post({})
    assert (await app.state.post(token)).status_code == 401
