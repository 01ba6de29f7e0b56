"""Settings of access that contradict each other or leave something open are refused, with what to do."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from app.access.configured import authenticator_of
from app.access.keys import BadKey
from app.config import Settings
from app.cqrs.viewers import Sight
from tests.access.issuer import AUDIENCE, ISSUER, SECRET, signing_key

ES256 = signing_key("ES256")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"auth": "none", "auth_secret": SECRET}, "AUTH=none contradicts AUTH_SECRET. Remove one of them"),
        ({"auth": "development", "auth_issuer": ISSUER}, "AUTH=development contradicts AUTH_ISSUER"),
        ({"auth": "none", "auth_audience": AUDIENCE}, "AUTH=none contradicts AUTH_AUDIENCE"),
        ({"auth": "open"}, "'none' or 'development'"),
        ({"auth": ""}, "It is empty"),
        ({"auth_issuer": ""}, "It is empty"),
        ({"auth_secret": ""}, "It is empty"),
        ({"auth_issuer": ISSUER}, "AUTH_AUDIENCE is not, so tokens for other services would be taken"),
        ({"auth_audience": AUDIENCE}, "Add AUTH_ISSUER"),
        ({"auth_jwks_url": ISSUER, "auth_audience": AUDIENCE}, "Add the `iss` of the tokens as AUTH_ISSUER"),
        ({"auth_public_key": ES256.pem}, "AUTH_PUBLIC_KEY is set, and AUTH_AUDIENCE is not"),
        (
            {"auth_public_key": ES256.pem, "auth_secret": SECRET},
            "AUTH_PUBLIC_KEY and AUTH_SECRET each say how tokens are verified. Keep one of them",
        ),
        ({"auth_issuer": "http://issuer.example", "auth_audience": AUDIENCE}, "It is not an https URL"),
        ({"auth_issuer": "issuer.example", "auth_audience": AUDIENCE}, "It is not an https URL"),
        ({"auth_issuer": "https://[1/", "auth_audience": AUDIENCE}, "It is not an https URL"),
        ({"auth_issuer": "file:///etc/keys", "auth_audience": AUDIENCE}, "It is not an https URL"),
        ({"auth_secret": "short"}, "It has fewer than 32 bytes"),
        ({"auth_secret": ES256.pem}, "Give a public key as AUTH_PUBLIC_KEY"),
        ({"auth_roles": "clerk=staff"}, "could do everything in spite of AUTH_ROLES. Add AUTH_ISSUER"),
        (
            {"auth": "none", "auth_roles_claim": "groups", "auth_customer_claim": "sub"},
            "in spite of AUTH_ROLES_CLAIM and AUTH_CUSTOMER_CLAIM",
        ),
        ({"auth_roles": "clerk"}, "clerk=staff"),
        ({"auth_roles": "clerk=boss"}, "A role is customer, staff or operator"),
        ({"auth_roles": "guest=anonymous"}, "A role is customer, staff or operator"),
    ],
)
def test_contradictions_are_refused(given: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        Settings(**given)  # type: ignore[arg-type]
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("/nowhere/key.pem", "AUTH_PUBLIC_KEY=/nowhere/key.pem: this file can't be read: No such file"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "it is not a public key in PEM"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "give the public key"),
    ],
)
def test_a_key_that_can_not_be_used_is_refused(given: str, said: str) -> None:
    settings = Settings(auth_public_key=given, auth_audience=AUDIENCE)
    with pytest.raises(BadKey) as refusal:
        authenticator_of(settings, Path())
    assert said in str(refusal.value)


@pytest.mark.parametrize("given", ["in a file", "in one line"])
async def test_a_public_key_is_read_from_a_file_or_from_one_line(tmp_path: Path, given: str) -> None:
    path = tmp_path / "key.pem"
    path.write_text(ES256.pem)
    key = str(path) if given == "in a file" else ES256.pem.replace("\n", "\\n")
    made = authenticator_of(Settings(auth_public_key=key, auth_audience=AUDIENCE), tmp_path)
    assert made
    assert (await made.verify(ES256.token().encode())).actor == "clerk"


def test_without_settings_and_with_none_everybody_may_do_everything(tmp_path: Path) -> None:
    for settings in (Settings(), Settings(auth="none")):
        assert authenticator_of(settings, tmp_path) is None
        assert not settings.takes_tokens
    assert Settings(auth="none").is_open_on_purpose
    assert not Settings().is_open_on_purpose


def test_http_is_accepted_on_loopback_only() -> None:
    for host in ("localhost", "127.0.0.1", "[::1]", "issuer.localhost"):
        assert Settings(auth_issuer=f"http://{host}:8080", auth_audience="a").takes_tokens


def test_roles_of_the_issuer_get_their_sights() -> None:
    settings = Settings(
        auth_secret=SECRET, auth_roles="shop:clerk=staff, https://shop.example/admin=operator"
    )
    assert settings.sights == {
        "shop:clerk": Sight.STAFF,
        "https://shop.example/admin": Sight.OPERATOR,
    }
