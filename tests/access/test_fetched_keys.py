"""Keys of an issuer are fetched seldom, in threads, and are kept while the issuer is down."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from app.access.authenticator import TokenAuthenticator
from app.access.configured import authenticator_of
from app.access.fetched_keys import MOST_WAITING, FetchedKeys
from app.access.fetching import LARGEST, NotFetched, keys_at, keys_of
from app.config import Settings
from app.cqrs.viewers import NotVerifiable, Unauthenticated
from tests.access.issuer import AUDIENCE, SigningKey, key_set, signing_key
from tests.service import running

FIRST, SECOND = signing_key("ES256"), signing_key("ES256", "second")


class Issuer:
    """An issuer in threads of its own: the documents that it serves, and when they were fetched."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.configuration: dict[str, object] = {"issuer": url, "jwks_uri": f"{url}/jwks"}
        self.keys: list[SigningKey] = [FIRST]
        self.raw: bytes | None = None
        self.status = 200
        self.location: str | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.fetched_at: list[float] = []
        self.asked = threading.Event()

    def document(self, path: str) -> bytes:
        if path == "/.well-known/openid-configuration":
            return httpx.Request("POST", self.url, json=self.configuration).content
        self.fetched_at.append(time.monotonic())
        self.asked.set()
        self.gate.wait(20)
        return key_set(*self.keys) if self.raw is None else self.raw

    def token(self, key: SigningKey = FIRST, **headers: str) -> bytes:
        return key.token(iss=self.url, headers=headers).encode()


@contextmanager
def issuing() -> Iterator[Issuer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            document = served.document(self.path)
            self.send_response(served.status)
            self.send_header("Content-Length", str(len(document)))
            if served.location:
                self.send_header("Location", served.location)
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(document)

        def log_message(self, *_said: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served = Issuer(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield served
        finally:
            served.gate.set()
            server.shutdown()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as issuer:
        yield issuer


@pytest.fixture(params=["discovery", "key set"])
def settings(request: pytest.FixtureRequest, issuer: Issuer) -> Settings:
    url = None if request.param == "discovery" else f"{issuer.url}/jwks"
    return Settings(auth_issuer=issuer.url, auth_audience=AUDIENCE, auth_jwks_url=url)


@pytest.fixture
async def authenticator(settings: Settings) -> AsyncIterator[TokenAuthenticator]:
    made = authenticator_of(settings, Path())
    assert made
    yield made
    made.stop()


def often(authenticator: TokenAuthenticator, seconds: float = 0.01) -> FetchedKeys:
    """Have keys be fetched more often than a service does."""
    keys = authenticator.keys
    assert isinstance(keys, FetchedKeys)
    keys.seldom = seconds
    return keys


async def test_keys_are_found_by_discovery_or_at_their_url(
    authenticator: TokenAuthenticator, issuer: Issuer
) -> None:
    assert (await authenticator.verify(issuer.token())).actor == "clerk"
    assert len(issuer.fetched_at) == 1


async def test_many_tokens_wait_for_one_fetch(authenticator: TokenAuthenticator, issuer: Issuer) -> None:
    issuer.gate.clear()
    waiting = [asyncio.create_task(authenticator.verify(issuer.token())) for _ in range(100)]
    assert await asyncio.to_thread(issuer.asked.wait, 20)
    issuer.gate.set()
    assert {viewer.actor for viewer in await asyncio.gather(*waiting)} == {"clerk"}
    assert len(issuer.fetched_at) == 1


@pytest.mark.campaign
async def test_a_key_that_is_published_before_its_use_is_never_refused(
    authenticator: TokenAuthenticator, issuer: Issuer
) -> None:
    """10,000 tokens of ten keys, while made-up keys have the key set fetched all the time."""
    often(authenticator, 0.05)
    done = asyncio.Event()

    async def make_up() -> None:
        while not done.is_set():
            with pytest.raises(Unauthenticated):
                await authenticator.verify(issuer.token(kid=str(time.monotonic())))

    noise = [asyncio.create_task(make_up()) for _ in range(3)]
    verified = 0
    for number in range(10):
        key = signing_key("ES256", f"key {number}")
        issuer.keys = [*issuer.keys[-1:], key]
        of_this_key = [key.token(iss=issuer.url, sub=f"{number} {count}").encode() for count in range(1_000)]
        viewers = await asyncio.gather(*(authenticator.verify(token) for token in of_this_key))
        verified += len(viewers)
    done.set()
    await asyncio.gather(*noise)
    assert verified == 10_000


async def test_a_withdrawn_key_counts_no_more(authenticator: TokenAuthenticator, issuer: Issuer) -> None:
    often(authenticator)
    token = issuer.token()
    await authenticator.verify(token)
    assert authenticator.recall(token)
    issuer.keys = [SECOND]
    await authenticator.verify(issuer.token(SECOND))
    assert authenticator.recall(token) is None
    with pytest.raises(Unauthenticated, match="does not publish"):
        await authenticator.verify(token)


async def test_the_last_keys_are_kept_while_the_issuer_is_down(
    authenticator: TokenAuthenticator, issuer: Issuer
) -> None:
    often(authenticator)
    await authenticator.verify(issuer.token())
    for issuer.status, issuer.raw in ((500, None), (200, b"<html>"), (200, b'{"keys": []}')):
        with pytest.raises(NotVerifiable, match="can't be fetched"):
            await authenticator.verify(issuer.token(SECOND))
        assert (await authenticator.verify(issuer.token())).actor == "clerk"
    issuer.status, issuer.raw, issuer.keys = 200, None, [FIRST, SECOND]
    assert (await authenticator.verify(issuer.token(SECOND))).actor == "clerk"


async def test_before_the_first_keys_nobody_is_refused_but_asked_to_try_again(issuer: Issuer) -> None:
    issuer.status = 503
    authenticator = authenticator_of(Settings(auth_issuer=issuer.url, auth_audience=AUDIENCE), Path())
    assert authenticator
    with pytest.raises(NotVerifiable, match="Try again in 5 seconds"):
        await authenticator.verify(issuer.token())
    authenticator.stop()


async def test_a_fetch_that_hangs_does_not_hold_the_loop_or_its_end(
    authenticator: TokenAuthenticator, issuer: Issuer
) -> None:
    issuer.gate.clear()
    waiting = asyncio.create_task(authenticator.verify(issuer.token()))
    began = time.monotonic()
    assert await asyncio.to_thread(issuer.asked.wait, 20)
    assert time.monotonic() - began < 15
    waiting.cancel()
    with suppress(asyncio.CancelledError):
        await waiting
    authenticator.stop()


async def test_only_so_many_tokens_wait_for_unknown_keys(
    authenticator: TokenAuthenticator, issuer: Issuer
) -> None:
    keys = often(authenticator)
    issuer.gate.clear()
    waiting = [asyncio.create_task(keys.find("ES256", str(number))) for number in range(MOST_WAITING)]
    assert await asyncio.to_thread(issuer.asked.wait, 20)
    with pytest.raises(NotVerifiable, match="Too many tokens"):
        await keys.find("ES256", "one more")
    issuer.gate.set()
    assert {type(error) for error in await asyncio.gather(*waiting, return_exceptions=True)} == {
        Unauthenticated
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"status": 404}, "answers with status 404"),
        ({"status": 302, "location": "https://elsewhere.example/jwks"}, "answers with status 302"),
        ({"raw": b"x" * (LARGEST + 1)}, f"sends more than {LARGEST:,} bytes"),
        ({"raw": b'{"keys": 7}'}, "it is not a JSON Web Key Set"),
        ({"raw": b'{"keys": [{"kty": "oct", "k": "AAAA", "alg": "HS256"}, 7, {}]}'}, "no key for RS256"),
    ],
)
def test_trouble_with_a_key_set_is_described(issuer: Issuer, change: dict[str, object], said: str) -> None:
    for name, value in change.items():
        setattr(issuer, name, value)
    with pytest.raises(NotFetched) as trouble:
        keys_at(f"{issuer.url}/jwks")
    assert said in str(trouble.value)


@pytest.mark.parametrize(
    ("configuration", "said"),
    [
        ({"issuer": "https://other.example", "jwks_uri": "https://a"}, "calls itself https://other.example"),
        ({"jwks_uri": "http://issuer.example/jwks"}, "http://issuer.example/jwks, which is not https"),
        ({"jwks_uri": "file:///etc/passwd"}, "which is not https"),
        ({"jwks_uri": 7}, "which is not https"),
        ({"issuer": None}, "calls itself None"),
    ],
)
def test_trouble_with_discovery_is_described(
    issuer: Issuer, configuration: dict[str, object], said: str
) -> None:
    issuer.configuration |= configuration
    with pytest.raises(NotFetched) as trouble:
        keys_of(issuer.url)
    assert said in str(trouble.value)


def test_nobody_there_is_described() -> None:
    with pytest.raises(NotFetched, match="gives no answer"):
        keys_at("http://127.0.0.1:1/jwks")


@pytest.mark.campaign
async def test_ten_thousand_made_up_keys_lead_to_one_fetch_in_five_seconds_and_hold_nobody_up(
    issuer: Issuer, mongo_url: str, tmp_path: Path
) -> None:
    body = b'{"query":"{__typename}"}'
    environment = {
        "AUTH_ISSUER": issuer.url,
        "AUTH_JWKS_URL": f"{issuer.url}/jwks",
        "AUTH_AUDIENCE": AUDIENCE,
        "LOOP_LIMIT_MS": "10",
        "MONGODB_URL": mongo_url,
        "MONGODB_DATABASE": tmp_path.name,
    }
    tokens = [issuer.token(kid=f"made up {number}") for number in range(200)]
    statuses: dict[bytes, int] = {}
    left = iter(range(10_000))

    async def attack(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number in left:
            token = tokens[number % len(tokens)]
            writer.write(
                b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Authorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b" % (token, len(body), body)
            )
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            status = answer.split(b" ", 2)[1]
            statuses[status] = statuses.get(status, 0) + 1
        writer.close()

    async with running(tmp_path, "--no-demo", **environment) as service, httpx.AsyncClient() as http:
        port = int(service.url.rpartition(":")[2])
        opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2_200)]
        await http.delete(f"{service.url}/health/loop")
        began = time.monotonic()
        async with asyncio.TaskGroup() as attackers:
            for streams in opened:
                attackers.create_task(attack(*streams))
        took = time.monotonic() - began
        held = (await http.get(f"{service.url}/health/loop")).json()
    print(f"{statuses}, {len(issuer.fetched_at)} fetches in {took:.0f} s, held {held['longestMs']} ms")
    assert sum(statuses.values()) == 10_000
    assert statuses.keys() <= {b"401", b"503"}
    gaps = [after - before for before, after in zip(issuer.fetched_at, issuer.fetched_at[1:], strict=False)]
    assert min(gaps) > 4, "a busy machine delays the one or the other"
    assert len(issuer.fetched_at) <= took / 5 + 2
    assert held["longestMs"] < 50, held  # below 10 on a machine that is not busy
