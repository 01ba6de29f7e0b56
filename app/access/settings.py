"""The settings of access: whose tokens the service takes, and what their claims mean."""

from collections.abc import Mapping
from functools import cached_property
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings

from app.access.urls import is_safe
from app.cqrs.viewers import Sight

SHORTEST_SECRET = 32
"""Bytes of the shortest secret: as many as its signatures have."""

SECRET = frozenset({"auth_secret"})
"""Settings whose values no message shows."""

SOURCES = ("auth_issuer", "auth_jwks_url", "auth_public_key", "auth_secret")
"""Settings each of which says how tokens are verified."""

MEANINGS = ("auth_roles", "auth_roles_claim", "auth_customer_claim")
"""Settings each of which says what is in tokens."""


class AccessSettings(BaseSettings):
    """The settings that begin with AUTH."""

    auth: Literal["none", "development"] | None = Field(
        default=None,
        description="`none`: everybody may do everything, also from elsewhere; "
        "`development`: tokens of `python -m app token`",
    )
    auth_issuer: str | None = Field(
        default=None, description="the `iss` of tokens; without keys given, OpenID discovery finds them there"
    )
    auth_audience: str | None = Field(default=None, description="the `aud` of tokens for this service")
    auth_jwks_url: str | None = Field(default=None, description="URL of the issuer's JSON Web Key Set")
    auth_public_key: str | None = Field(default=None, description="the issuer's public key: PEM, or its file")
    auth_secret: str | None = Field(default=None, description="secret shared with the issuer, for HS256")
    auth_roles_claim: str = Field(default="roles", min_length=1, description="claim with the viewer's roles")
    auth_customer_claim: str = Field(
        default="customer", min_length=1, description="claim with the id of the customer that the viewer is"
    )
    auth_roles: str = Field(
        default="customer=customer,staff=staff,operator=operator",
        description="the issuer's roles and what they may see: customer, staff or operator",
    )

    @field_validator("auth", "auth_audience", *SOURCES, mode="before")
    @classmethod
    def _is_filled(cls, value: object) -> object:
        # An empty value may be a variable that was left unfilled: the service must not be open by mistake.
        if value == "":
            raise PydanticCustomError("empty", "It is empty. Give it a value, or leave it unset")
        return value

    @field_validator("auth_issuer", "auth_jwks_url")
    @classmethod
    def _can_be_trusted(cls, url: str) -> str:
        if url is not None and not is_safe(url):
            raise PydanticCustomError("url", "It is not an https URL. Only on loopback it may be http")
        return url

    @field_validator("auth_secret")
    @classmethod
    def _is_long(cls, secret: str) -> str:
        if secret is not None and "-----BEGIN" in secret:
            raise PydanticCustomError("secret", "It is a key in PEM. Give a public key as AUTH_PUBLIC_KEY")
        if secret is not None and len(secret.encode()) < SHORTEST_SECRET:
            raise PydanticCustomError(
                "secret",
                "It has fewer than {least} bytes. Make one with `openssl rand -base64 32`",
                {"least": SHORTEST_SECRET},
            )
        return secret

    @field_validator("auth_roles")
    @classmethod
    def _are_sights(cls, roles: str) -> str:
        try:
            _sights(roles)
        except ValueError:
            raise PydanticCustomError(
                "roles",
                "It is not a list like clerk=staff,admin=operator. A role is customer, staff or operator",
            ) from None
        return roles

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if problem := self._problem():
            raise PydanticCustomError("access", "{problem}", {"problem": problem})
        return self

    def _problem(self) -> str | None:
        """Return why the settings contradict each other or are incomplete, and what to do."""
        given = [name.upper() for name in SOURCES if getattr(self, name) is not None]
        keys = [name for name in given if name != "AUTH_ISSUER"]
        if self.auth and (given or self.auth_audience):
            others = ", ".join(given or ["AUTH_AUDIENCE"])
            return f"AUTH={self.auth} contradicts {others}. Remove one of them"
        if (meant := self._meanings()) and not given and self.auth != "development":
            names = " and ".join(meant)
            return (
                f"Nothing says whose tokens are taken, so everybody could do everything in spite of {names}. "
                f"Add AUTH_ISSUER or another source of tokens, or remove {names}"
            )
        if len(keys) > 1:
            return f"{' and '.join(keys)} each say how tokens are verified. Keep one of them"
        if self.auth_audience and not given:
            return "AUTH_AUDIENCE says for whom tokens are, and nothing says whose. Add AUTH_ISSUER"
        if given and not self.auth_audience and not self.auth_secret:
            return (
                f"{given[-1]} is set, and AUTH_AUDIENCE is not, so tokens for other services would be taken. "
                "Add AUTH_AUDIENCE"
            )
        if self.auth_jwks_url and not self.auth_issuer:
            return "AUTH_JWKS_URL is set, and AUTH_ISSUER is not. Add the `iss` of the tokens as AUTH_ISSUER"
        return None

    def _meanings(self) -> list[str]:
        """Return the names of the settings about claims of tokens that differ from their defaults."""
        fields = type(self).model_fields
        return [each.upper() for each in MEANINGS if getattr(self, each) != fields[each].default]

    @cached_property
    def takes_tokens(self) -> bool:
        """True if viewers are told apart by tokens."""
        return self.auth == "development" or any(getattr(self, name) is not None for name in SOURCES)

    @cached_property
    def signs_tokens(self) -> bool:
        """True if the service's operator has the secret with which its tokens are signed."""
        return self.auth == "development" or self.auth_secret is not None

    @cached_property
    def is_open_on_purpose(self) -> bool:
        """True if everybody who reaches the service may do everything, and the operator wants that."""
        return self.auth == "none"

    @cached_property
    def sights(self) -> Mapping[str, Sight]:
        """The sights of roles, by the names that the issuer gives to roles."""
        return _sights(self.auth_roles)


def _sights(roles: str) -> Mapping[str, Sight]:
    sights = {}
    for entry in roles.split(","):
        role, _, sight = entry.strip().partition("=")
        if not role or sight == Sight.ANONYMOUS:
            raise ValueError(entry)
        sights[role.strip()] = Sight(sight.strip())
    return sights
