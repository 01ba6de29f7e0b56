"""Tokens of every algorithm are verified, and forged ones never."""

import base64
import hashlib
import hmac
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.access.authenticator import TokenAuthenticator
from app.access.configured import authenticator_of
from app.access.fetched_keys import FetchedKeys
from app.access.keys import published_keys
from app.access.tokens import LEEWAY
from app.config import Settings
from app.cqrs.viewers import Scope, Sight, Unauthenticated
from tests.access.issuer import AUDIENCE, ISSUER, SECRET, SigningKey, key_set, signed, signing_key

ASYMMETRIC = ("RS256", "ES256", "EdDSA")
KEYS = {algorithm: signing_key(algorithm) for algorithm in ASYMMETRIC}
FOREIGN = {algorithm: signing_key(algorithm) for algorithm in ASYMMETRIC}


def by_public_key(key: SigningKey, **more: Any) -> TokenAuthenticator:
    settings = Settings(auth_public_key=key.pem, auth_issuer=ISSUER, auth_audience=AUDIENCE, **more)
    made = authenticator_of(settings, Path())
    assert made
    return made


def by_secret(**more: Any) -> TokenAuthenticator:
    made = authenticator_of(Settings(auth_secret=SECRET, **more), Path())
    assert made
    return made


def by_key_set(*keys: SigningKey) -> TokenAuthenticator:
    settings = Settings(
        auth_jwks_url="https://issuer.example/jwks", auth_issuer=ISSUER, auth_audience=AUDIENCE
    )
    made = authenticator_of(settings, Path())
    assert made
    made.keys = FetchedKeys(lambda: published_keys(key_set(*keys)), seldom=0.001)
    return made


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).rstrip(b"=").decode()


async def refused(authenticator: TokenAuthenticator, token: str | bytes) -> str:
    token = token if isinstance(token, bytes) else token.encode()
    with pytest.raises(Unauthenticated) as refusal:
        await authenticator.verify(token)
    assert authenticator.recall(token) is None
    return str(refusal.value)


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
async def test_a_token_is_verified_once_and_then_remembered(algorithm: str) -> None:
    authenticator, token = by_public_key(KEYS[algorithm]), KEYS[algorithm].token().encode()
    assert authenticator.recall(token) is None
    viewer = await authenticator.verify(token)
    assert (viewer.actor, viewer.scope) == ("clerk", Scope(Sight.STAFF))
    assert viewer.roles == {"staff"}
    assert authenticator.recall(token) is viewer


async def test_a_token_with_the_new_name_of_eddsa_is_verified() -> None:
    token = signed(KEYS["EdDSA"].private, "Ed25519")
    assert (await by_public_key(KEYS["EdDSA"]).verify(token.encode())).actor == "clerk"


async def test_a_shared_secret_verifies_hs256() -> None:
    token = signed(SECRET, "HS256").encode()
    assert (await by_secret().verify(token)).actor == "clerk"


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
async def test_the_published_key_with_the_tokens_id_verifies_it(algorithm: str) -> None:
    second = signing_key(algorithm, "second")
    authenticator = by_key_set(*KEYS.values(), second)
    assert (await authenticator.verify(second.token().encode())).actor == "clerk"


async def test_without_an_id_the_only_key_of_the_algorithm_is_meant() -> None:
    token = signed(KEYS["ES256"].private, "ES256").encode()
    assert (await by_key_set(*KEYS.values()).verify(token)).actor == "clerk"
    ambiguous = by_key_set(*KEYS.values(), signing_key("ES256", "second"))
    assert "does not publish" in await refused(ambiguous, token)


def hs256_with(secret: bytes, headers: dict[str, Any], claims: dict[str, Any]) -> str:
    """A token that the library itself refuses to sign."""
    head = f"{part({'alg': 'HS256', 'typ': 'JWT', **headers})}.{part(claims)}"
    signature = hmac.digest(secret, head.encode(), hashlib.sha256)
    return f"{head}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def forged(algorithm: str) -> dict[str, str]:
    """By what is wrong with it: tokens for this issuer and audience that nobody with its key has signed."""
    key, foreign = KEYS[algorithm], FOREIGN[algorithm]
    claims = {"sub": "clerk", "iss": ISSUER, "aud": AUDIENCE, "roles": ["operator"], "exp": time.time() + 600}
    elsewhere = "https://evil.example/jwks"
    good = key.token()
    head, body, signature = good.split(".")
    return {
        "no algorithm": f"{part({'alg': 'none'})}.{part(claims)}.",
        "no algorithm, with the key's id": f"{part({'alg': 'none', 'kid': 'first'})}.{part(claims)}.",
        "no algorithm in capitals": f"{part({'alg': 'NONE', 'kid': 'first'})}.{part(claims)}.",
        "no algorithm, and a signature": f"{part({'alg': 'none'})}.{part(claims)}.{signature}",
        "the public key as the secret": hs256_with(key.pem.encode(), {"kid": "first"}, claims),
        "the public key as the secret, stripped": hs256_with(key.pem.strip().encode(), {}, claims),
        "an empty secret": hs256_with(b"", {}, claims),
        "an embedded key": foreign.token(headers={"jwk": foreign.jwk}),
        "an embedded key without an id": foreign.token(headers={"jwk": foreign.jwk, "kid": None}),
        "keys from elsewhere": foreign.token(headers={"jku": elsewhere}),
        "a certificate from elsewhere": foreign.token(headers={"x5u": elsewhere}),
        "an embedded certificate": foreign.token(headers={"x5c": ["MIIB"]}),
        "another key under the same id": foreign.token(),
        "another key's id": foreign.token(headers={"kid": "../first"}),
        "the claims of another token": f"{head}.{part(claims)}.{signature}",
        "no signature": f"{head}.{body}.",
        "no third part": f"{head}.{body}",
        "another issuer": key.token(iss="https://evil.example"),
        "the issuer with a slash": key.token(iss=f"{ISSUER}/"),
        "another audience": key.token(aud="https://other.example"),
        "other audiences": key.token(aud=["https://other.example", f"{AUDIENCE}/"]),
        "no audience": key.token(aud=None),
        "no issuer": key.token(iss=None),
        "no expiry": key.token(exp=None),
        "an expiry in the past": key.token(exp=int(time.time()) - LEEWAY - 1),
        "an expiry that is a text": f"{head}.{part({**claims, 'exp': 'never'})}.{signature}",
        "valid later": key.token(nbf=int(time.time()) + LEEWAY + 60),
        "issued later": key.token(iat=int(time.time()) + LEEWAY + 60),
        "critical headers": key.token(headers={"crit": ["exp"], "exp": 1}),
        "nobody": key.token(sub=None),
        "an empty name": key.token(sub=""),
        "everybody's name": key.token(sub="anonymous"),
        "a name with a control character": key.token(sub="clerk\n"),
        "roles that are a number": key.token(roles=7),
        "a customer without an id": key.token(roles=["customer"]),
    }


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
@pytest.mark.parametrize("source", [by_public_key, by_key_set])
async def test_no_forged_token_is_accepted(algorithm: str, source: Any) -> None:
    authenticator = source(KEYS[algorithm])
    accepted = []
    for name, token in forged(algorithm).items():
        try:
            await authenticator.verify(token.encode())
        except Unauthenticated:
            continue
        accepted.append(name)
    assert accepted == []
    assert (await authenticator.verify(KEYS[algorithm].token().encode())).actor == "clerk"


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
async def test_no_forged_token_is_accepted_with_a_shared_secret(algorithm: str) -> None:
    authenticator = by_secret(auth_issuer=ISSUER, auth_audience=AUDIENCE)
    for token in (*forged(algorithm).values(), KEYS[algorithm].token()):
        await refused(authenticator, token)


@pytest.mark.parametrize(
    "token",
    [
        *(b"", b".", b"..", b"...", b"a.b.c", b"\xff\xfe", b"e30.e30.e30", b"null.null.null"),
        f"{part('text')}.{part({})}.".encode(),
        f"{part({'alg': ['RS256']})}.{part({})}.".encode(),
        f"{part({'alg': 'RS256', 'kid': {}})}.{part({})}.".encode(),
        base64.urlsafe_b64encode(b"[" * 9_000) + b".e30.e30",
        b"a" * 20_000,
    ],
)
async def test_what_is_no_token_is_refused(token: bytes) -> None:
    for authenticator in (by_public_key(KEYS["RS256"]), by_key_set(KEYS["RS256"]), by_secret()):
        await refused(authenticator, token)


@pytest.mark.parametrize("claims", [{"exp": float("inf")}, {"exp": -1}, {"exp": "soon"}, {"iat": "then"}])
async def test_times_that_are_none_are_refused(claims: dict[str, Any]) -> None:
    good = {"sub": "clerk", "exp": time.time() + 600}
    body = (
        orjson.dumps({**good, **claims})
        if float("inf") not in claims.values()
        else b'{"sub":"a","exp":1e999}'
    )
    head = f"{part({'alg': 'HS256'})}.{base64.urlsafe_b64encode(body).rstrip(b'=').decode()}"
    signature = base64.urlsafe_b64encode(hmac.digest(SECRET.encode(), head.encode(), "sha256"))
    await refused(by_secret(), f"{head}.{signature.rstrip(b'=').decode()}")


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"exp": 1}, "expired"),
        ({"aud": "other"}, "another audience"),
        ({"iss": "https://other.example"}, "another issuer"),
        ({"exp": None}, "no claim `exp`"),
        ({"nbf": int(time.time()) + 900}, "not valid yet"),
    ],
)
async def test_a_refusal_says_what_is_wrong_and_what_to_do(claims: dict[str, Any], said: str) -> None:
    message = await refused(by_public_key(KEYS["ES256"]), KEYS["ES256"].token(**claims))
    assert said in message
    assert "Get a new one" in message or "Compare the clocks" in message


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
async def test_a_remembered_token_is_recalled_by_every_byte_of_it(algorithm: str) -> None:
    authenticator, token = by_public_key(KEYS[algorithm]), KEYS[algorithm].token().encode()
    await authenticator.verify(token)
    other = KEYS[algorithm].token(roles=["operator"]).encode()
    assert authenticator.recall(other.rpartition(b".")[0] + b"." + token.rpartition(b".")[2]) is None
    for place in range(0, len(token), 7):
        changed = bytearray(token)
        changed[place] ^= 1
        assert authenticator.recall(bytes(changed)) is None
    for cut in (token[:-1], token[1:], token + b"A", b""):
        assert authenticator.recall(cut) is None
