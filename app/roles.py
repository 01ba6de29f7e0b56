"""The roles that a process may have, and what it needs to leave the others to other processes."""

from enum import StrEnum
from functools import cached_property

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from app.access.settings import AccessSettings


class Role(StrEnum):
    """A part of the service that a process may have alone."""

    COMMAND = "command"
    """Carries out commands, its own and those of other processes."""
    QUERY = "query"
    """Serves GraphQL: queries, subscriptions, and mutations, whose commands it may pass on."""
    PROJECTOR = "projector"
    """Turns events into documents."""


class RoleSettings(AccessSettings):
    """The settings that say what a process does, and how it hears of others."""

    nats_url: str | None = Field(
        default=None,
        description="URL of a NATS server with JetStream, for several processes on the same stores",
    )
    roles: str = Field(
        default="command,query,projector",
        description="roles of this process, separated by commas: command, query, projector. Fewer than all "
        "need NATS_URL",
    )

    mongodb_read_from: str | None = Field(
        default=None,
        description="node of the replica set that queries read from: nearest, primary, or HOST:PORT as the "
        "replica set names it; another one while it is away. By default nearest with NATS_URL, else primary",
    )

    @field_validator("nats_url", mode="before")
    @classmethod
    def _names_a_server(cls, value: object) -> object:
        if value == "":
            raise PydanticCustomError("empty", "It is empty. Give it a value, or leave it unset")
        return value

    @field_validator("roles")
    @classmethod
    def _are_roles(cls, roles: str) -> str:
        known = ", ".join(Role)
        if not (named := _named(roles)):
            raise PydanticCustomError("roles", "It names no role. The roles are {known}", {"known": known})
        for each in named:
            if each not in {*Role}:
                raise PydanticCustomError(
                    "roles", "{role} is no role. The roles are {known}", {"role": repr(each), "known": known}
                )
        return roles

    @field_validator("mongodb_read_from")
    @classmethod
    def _is_a_node(cls, where: str | None) -> str | None:
        if where is None or where in ("nearest", "primary"):
            return where
        host, _, port = where.rpartition(":")
        if not host.strip("[]") or not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
            raise PydanticCustomError(
                "node",
                "{where} names no node. Set it to nearest, primary, or HOST:PORT, such as mongo-1:27017",
                {"where": repr(where)},
            )
        return where

    @cached_property
    def read_from(self) -> str:
        """The node that documents are read from, if other processes may change them."""
        default = "nearest" if Role.QUERY in self.held_roles else "primary"
        return self.mongodb_read_from or default

    @cached_property
    def held_roles(self) -> frozenset[Role]:
        """The roles of this process."""
        return frozenset(Role(each) for each in _named(self.roles))

    @cached_property
    def is_one_of_several(self) -> bool:
        """True if other processes may work on the same stores, and all hear of one another."""
        return self.nats_url is not None


def refuse_misfits(
    settings: RoleSettings, database_url: str | None, mongodb_url: str | None, search_engine: str
) -> None:
    """Raise `PydanticCustomError` for settings with which several processes would not work together."""
    if settings.nats_url is None:
        if settings.held_roles != {*Role}:
            raise PydanticCustomError(
                "roles",
                "ROLES={roles} leaves work to other processes, which need NATS to hear of one another. Set "
                "NATS_URL, or let this process have all roles",
                {"roles": settings.roles},
            )
        if settings.mongodb_read_from not in (None, "primary"):
            raise PydanticCustomError(
                "node",
                "MONGODB_READ_FROM={where} is for processes that hear of changes by NATS: a process alone "
                "reads from the primary, which it writes to. Set NATS_URL, or leave it unset",
                {"where": settings.mongodb_read_from},
            )
    elif not (database_url or "").startswith("postgresql"):
        raise PydanticCustomError(
            "nats",
            "NATS_URL is for several processes, which need a write store that takes them all. Set "
            "DATABASE_URL to a PostgreSQL",
        )
    elif not mongodb_url:
        raise PydanticCustomError(
            "nats",
            "NATS_URL is for several processes, which an embedded mongod can't serve. Set MONGODB_URL to a "
            "replica set",
        )
    elif settings.auth == "development":
        raise PydanticCustomError(
            "nats",
            "AUTH=development signs tokens with a secret in the data folder of one process, and with "
            "NATS_URL the others refuse them. Remove it, and give all processes the same AUTH_SECRET, which "
            "signs the tokens of `python -m app token`, too",
        )
    elif search_engine != "mongodb":
        raise PydanticCustomError(
            "nats",
            "SEARCH_ENGINE={engine} keeps its index in the data folder of one process. With NATS_URL, leave "
            "it at mongodb",
            {"engine": search_engine},
        )


def _named(roles: str) -> list[str]:
    return [role.strip() for role in roles.split(",") if role.strip()]
