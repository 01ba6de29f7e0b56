"""A token in a cookie serves pages of this service, and no others."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from http.cookies import SimpleCookie
from pathlib import Path

import httpx
import pytest
from websockets import ConnectionClosed, InvalidStatus

from app.config import Settings
from tests.access.issuer import SECRET, signed
from tests.graphql.transport.identity import FOLLOW, ME, bearer, over_socket, post, serving_identity
from tests.inprocess import Service, serving
from tests.known_tokens import STAFF, KnownTokens

WELCOME, FOREIGN = "http://shop.example", "http://evil.example"
SAME = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(params=[(WELCOME,), (WELCOME, "*")], ids=["named", "all"])
async def url(service: Service, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    viewer = replace(STAFF, expires_at=time.time() + 600)
    tokens = KnownTokens({"good": viewer, "x" * 3_801: viewer})
    async with serving_identity(service, tokens, *request.param) as address:
        yield address


async def exchanged(url: str, method: str = "POST", **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(timeout=20) as http:
        return await http.request(method, f"http://{url}/session", headers=headers)


def cookie(value: str = "good") -> dict[str, str]:
    return {"Cookie": f"theme=dark; diptych-token={value}; x=y"}


async def test_a_token_is_exchanged_for_a_cookie_that_scripts_and_other_sites_do_not_get(url: str) -> None:
    answer = await exchanged(url, **bearer("good"))
    assert (answer.status_code, answer.headers["Cache-Control"]) == (204, "no-store")
    set_cookie = SimpleCookie(answer.headers["Set-Cookie"])["diptych-token"]
    assert set_cookie.value == "good"
    assert (set_cookie["httponly"], set_cookie["samesite"], set_cookie["path"]) == (
        True,
        "strict",
        "/graphql",
    )
    assert 590 < int(set_cookie["max-age"]) <= 600, "it does not outlive the token"
    assert not set_cookie["secure"]


@pytest.mark.parametrize("headers", [{"Origin": "https://shop.example"}, {"X-Forwarded-Proto": "https"}])
async def test_the_cookie_is_secure_where_the_page_is(url: str, headers: dict[str, str]) -> None:
    answer = await exchanged(url, **bearer("good"), **headers)
    assert "; Secure" in answer.headers["Set-Cookie"]


async def test_no_cookie_is_given_for_a_bad_token_or_none(url: str) -> None:
    for headers, status in ((bearer("bad"), 401), ({}, 401), (cookie() | SAME, 401)):
        answer = await exchanged(url, **headers)
        assert (answer.status_code, "Set-Cookie" in answer.headers) == (status, False)
    assert (await exchanged(url, "GET", **bearer("good"))).status_code == 405
    long = await exchanged(url, **bearer("x" * 3_801))
    assert long.status_code == 413
    assert "header Authorization" in long.text


async def test_the_cookie_is_removed_on_demand(url: str) -> None:
    answer = await exchanged(url, "DELETE")
    assert "diptych-token=" in answer.headers["Set-Cookie"]
    assert "Max-Age=0" in answer.headers["Set-Cookie"]


def own(url: str) -> dict[str, str]:
    return {"Origin": f"http://{url.partition('/')[0]}"}


@pytest.mark.parametrize("how", ["same-origin", "own origin", "welcome origin"])
async def test_the_cookie_counts_for_the_services_own_and_welcome_pages(url: str, how: str) -> None:
    headers = {"same-origin": SAME, "own origin": own(url), "welcome origin": {"Origin": WELCOME}}[how]
    assert (await post(url, ME, **cookie(), **headers)).json()["data"] == {"me": "clerk staff"}
    async with httpx.AsyncClient(timeout=20) as http:
        stream = await http.get(
            f"http://{url}",
            params={"query": FOLLOW},
            headers={"Accept": "text/event-stream", **cookie(), **headers},
        )
    assert '"me":"clerk staff"' in stream.text
    assert (await over_socket(url, None, **cookie(), **headers))["payload"]["data"] == {"me": "clerk staff"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": FOREIGN},
        {"Origin": "null"},
        {"Origin": FOREIGN, **SAME},
    ],
)
async def test_the_cookie_is_refused_from_anywhere_else(url: str, headers: dict[str, str]) -> None:
    answer = await post(url, ME, **cookie(), **headers)
    assert answer.status_code == 401
    assert "Send the token in the header Authorization" in answer.text


async def test_a_socket_of_a_foreign_page_gets_nothing_by_the_cookie(url: str) -> None:
    with pytest.raises((ConnectionClosed, InvalidStatus)):
        await over_socket(url, None, **cookie(), Origin=FOREIGN)


async def test_pages_of_allowed_origins_may_send_tokens_and_cookies(mongo_url: str, tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path,
        mongodb_url=mongo_url,
        mongodb_database=tmp_path.name,
        auth_secret=SECRET,
        allowed_origins=WELCOME,
    )
    asked = {
        "Origin": WELCOME,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    async with serving(settings) as service, httpx.AsyncClient(timeout=20) as http:
        for path in ("/graphql", "/graphql/session"):
            answer = await http.options(f"{service.client.url}{path}", headers=asked)
            assert answer.status_code == 200
            assert "authorization" in answer.headers["Access-Control-Allow-Headers"].lower()
            assert answer.headers["Access-Control-Allow-Origin"] == WELCOME
            assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        foreign = await http.options(f"{service.client.url}/graphql", headers={**asked, "Origin": FOREIGN})
        assert foreign.status_code == 403
        headers = {"Origin": WELCOME, **bearer(signed(SECRET, "HS256"))}
        exchanged = await http.post(f"{service.client.url}/graphql/session", headers=headers)
        assert exchanged.status_code == 204


async def test_a_bad_cookie_is_refused_and_a_header_counts_before_it(url: str) -> None:
    assert (await post(url, ME, **cookie("bad"), **SAME)).status_code == 401
    answer = await post(url, ME, **cookie("bad"), **bearer("good"))
    assert answer.json()["data"] == {"me": "clerk staff"}


async def test_a_cookie_with_a_similar_name_is_none(url: str) -> None:
    answer = await post(url, ME, Cookie="my-diptych-token=good; diptych-token-2=good", **SAME)
    assert answer.json()["data"] == {"me": "anonymous anonymous"}
