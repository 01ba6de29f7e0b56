"""The tables of the store of keys, and all that it has in one value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    Boolean,
    Column,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from app.stores.sql.engines.opening import UtcDateTime, Uuid
from app.stores.sql.keys.actors import Actor

SCHEMA = "diptych_keys"
"""The schema of the keys' tables in PostgreSQL, so that they can lie in the database of the log."""

FINGERPRINTS, STORE = "fingerprints", "store"
"""The names of secrets: the key of commands' fingerprints, and the id of the store of keys."""


@dataclass(frozen=True, kw_only=True)
class KeysCopy:
    """All that a store of keys has, for its backup."""

    secrets: Mapping[str, bytes]
    keys: Mapping[UUID, bytes]
    forgotten: Mapping[UUID, datetime]
    actors: Mapping[str, Actor] = field(default_factory=dict)
    """The actors by their pseudonyms."""


class KeyTables:
    """The tables, in the schema that the database has them in."""

    def __init__(self, database: str) -> None:
        in_postgres = database == "postgresql"
        self.metadata = MetaData(schema=SCHEMA if in_postgres else None)
        self._insert = postgresql.insert if in_postgres else sqlite.insert
        self.keys = Table(
            "person_keys",
            self.metadata,
            Column("person", Uuid, primary_key=True),
            Column("key", LargeBinary, nullable=False),
        )
        self.forgotten = Table(
            "forgotten_people",
            self.metadata,
            Column("person", Uuid, primary_key=True),
            Column("forgotten_at", UtcDateTime, nullable=False),
        )
        self.secrets = Table(
            "key_secrets",
            self.metadata,
            Column("name", String(64), primary_key=True),
            Column("value", LargeBinary, nullable=False),
        )
        self.actors = Table(
            "actor_names",
            self.metadata,
            Column("pseudonym", String(64), primary_key=True),
            Column("person", Uuid, nullable=False, index=True),
            Column("name", String(200), nullable=False, index=True),
            Column("is_customer", Boolean, nullable=False),  # and `person` is the customer's id
        )
        people: BindParameter[Any] = bindparam("people", expanding=True)
        self.found = select(self.keys).where(self.keys.c.person.in_(people))
        self.gone = select(self.forgotten.c.person).where(self.forgotten.c.person.in_(people))
        self.destroy = self.keys.delete().where(self.keys.c.person.in_(people))
        self.destroy_names = self.actors.delete().where(self.actors.c.person.in_(people))
        self.of_people = select(self.actors).where(self.actors.c.person.in_(people))
        pseudonyms: BindParameter[Any] = bindparam("pseudonyms", expanding=True)
        self.named = select(self.actors).where(self.actors.c.pseudonym.in_(pseudonyms))
        names: BindParameter[Any] = bindparam("names", expanding=True)
        self.of_names = select(self.actors).where(self.actors.c.name.in_(names))
        # Whoever writes waits for it in PostgreSQL: no key is made for a person who is being forgotten.
        self.lock = select(self.secrets.c.name).where(self.secrets.c.name == STORE).with_for_update()

    def add(self, table: Table) -> Any:
        """Return the statement that inserts rows which are not there yet."""
        return self._insert(table).on_conflict_do_nothing()
