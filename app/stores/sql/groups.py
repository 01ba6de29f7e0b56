"""Several commands in one transaction, with few statements for all of them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Delete, Executable, Result, Row, Select, Table, text
from sqlalchemy.sql import visitors

from app.cqrs.commands.outcomes import CommandKey, EventPlace, Receipt
from app.cqrs.commands.write_store import Cause
from app.cqrs.messages import Command
from app.stores.sql.codec import EventCodec, Newest, forgotten_in
from app.stores.sql.engines.opening import Rows
from app.stores.sql.pending_writes import (
    PendingWrites,
    Statement,
    Values,
    Write,
    gives_value,
    holder_among,
    key_of,
)
from app.stores.sql.transactions import (
    ACCEPT,
    APPEND,
    Listener,
    SqlWork,
    claimed,
    earlier_of,
    holder_of,
    note_forgotten,
)

MOST_EXPECTED = 1_000
"""Ids up to which rows are read for all commands of a group at once."""

_SAVE, _UNDO = text("SAVEPOINT command"), text("ROLLBACK TO SAVEPOINT command")


class ClaimedTables:
    """By type of command: the tables whose rows it claimed with ids from its own fields, in that order.

    A group of such commands reads these rows in one statement for each table, before the first command. It
    may read too much or too little, and the outcome is the same.
    """

    def __init__(self) -> None:
        self._tables: dict[type[Command], dict[Table, None]] = {}

    def note(self, command: Command, ids: Collection[UUID], table: Table, keys: Collection[UUID]) -> None:
        """Record that a command with these `ids` has claimed the rows of `table` with these `keys`."""
        tables = self._tables.setdefault(type(command), {})
        if table not in tables and keys and set(keys).issubset(ids):
            tables[table] = None

    def expected(self, commands: Iterable[tuple[Command, Collection[UUID]]]) -> Mapping[Table, set[UUID]]:
        """Return the keys that these commands, each with its ids, will most likely claim, by table."""
        found: dict[Table, set[UUID]] = {}
        for command, ids in commands:
            for table in self._tables.get(type(command), ()):
                found.setdefault(table, set()).update(ids)
        return found


class SqlGroup:
    """Several commands in one transaction, each undone without the others.

    A command's writes are kept until a command reads their tables, or until the commit, so that most groups
    send one statement for all rows of a table. A savepoint is only needed if a command reads what it has
    written itself. Claimed rows are locked until the commit: those that no command of the group has written
    are read once.
    """

    def __init__(
        self,
        rows: Rows,
        codec: EventCodec,
        tables: ClaimedTables | None = None,
        listener: Listener = lambda _appended: None,
    ) -> None:
        self._rows = rows
        self._listener = listener
        self._codec = codec
        self._tables = ClaimedTables() if tables is None else tables
        self._accepted: list[tuple[SqlWork, str]] = []
        self._pending = PendingWrites()
        """The writes of accepted commands."""
        self._own: list[Write] = []
        """The writes of the command that was begun last."""
        self._saved = False
        """True if a savepoint precedes the writes of that command that were sent."""
        self._claimed: dict[Table, dict[UUID, Row[Any] | None]] = {}
        self._earlier: dict[CommandKey, tuple[str, Receipt] | None] = {}
        self.forgets = False
        """True once the commit has recorded that somebody is forgotten."""
        self._commands: dict[CommandKey, tuple[Command, Collection[UUID]]] = {}

    async def expect(self, commands: Sequence[tuple[CommandKey, Command]]) -> None:
        """Read at once what these commands, which are going to begin, will most likely read."""
        self._commands = {key: (command, set(_ids_in(command))) for key, command in commands}
        self._earlier = await earlier_of(self._rows, list(self._commands), self._codec)
        fresh = [command for key, command in self._commands.items() if self._earlier[key] is None]
        for table, keys in self._tables.expected(fresh).items():
            if len(keys) <= MOST_EXPECTED:
                await self._read(table, keys)

    async def begin(self, cause: Cause) -> SqlWork:
        """Begin the next command; it sees the effects of those before it."""
        self._own, self._saved = [], False
        return _GroupedWork(self, cause, self._codec)

    async def undo(self) -> None:
        """Undo the command that was begun last, and no other."""
        self._own = []
        if self._saved:
            await self._rows.execute(_UNDO)
            self._claimed.clear()  # PostgreSQL has released the locks that were taken since the savepoint.
            self._saved = False

    def accept(self, work: SqlWork, fingerprint: str) -> None:
        """Have the command take effect when the group is committed."""
        self._accepted.append((work, fingerprint))
        for write in self._own:
            self._pending.add(write)
        self._own = []

    async def commit(self) -> list[Receipt]:
        """Commit the accepted commands, all or none; return their receipts in the same order.

        Raises `UndeclaredEvent`.
        """
        events, done, receipts = list[dict[str, Any]](), list[dict[str, Any]](), list[Receipt]()
        newest = Newest(0, None)
        await self._pending.send(self._rows)
        recorded = [event for work, _ in self._accepted for _, _, event in work.recorded]
        keys = await self._codec.keys_to_append(recorded)
        names: dict[str, str] = {}
        for work, _ in self._accepted:
            names |= await work.name_actor()
        if recorded:
            newest = await self._accepted[0][0].take_positions()
        # What a command found that changed nothing was there before the group, or an earlier command's doing.
        found = None if all(work.recorded for work, _ in self._accepted) else await self._newest()
        for work, fingerprint in self._accepted:
            marks, rows = work.lay_out(newest.position + len(events) + 1, keys)
            receipt, row = work.accepted(fingerprint, marks, found)
            found = receipt.newest
            events += rows
            done.append(row)
            receipts.append(receipt)
        if events:
            await self._rows.execute(APPEND, events)
            await note_forgotten(self._rows, forgotten_in(recorded))
        await self._rows.execute(ACCEPT, done)
        await self._rows.commit()
        self.forgets = bool(forgotten_in(recorded))
        if events:
            self._listener(self._codec.appended(newest, events, keys, names))
        return receipts

    async def _newest(self) -> EventPlace | None:
        return await self._accepted[0][0].newest() if self._accepted else None

    @property
    def forgotten(self) -> Collection[UUID]:
        """The people who are forgotten by accepted commands of the group."""
        return forgotten_in(event for work, _ in self._accepted for _, _, event in work.recorded)

    async def execute(self, statement: Executable, values: Any = None) -> Result[Any]:
        """Execute a statement of the current command, after all writes that it may have to see."""
        await self._send_writes(_tables_in(statement) if isinstance(statement, Select) else None)
        return await self._rows.execute(statement, values)

    def write(self, write: Write) -> None:
        """Keep a write of the current command."""
        self._own.append(write)
        if known := self._claimed.get(write.table):
            keys = [key_of(write.table, row) for row in write.rows]
            if None in keys:
                known.clear()
            for key in keys:
                known.pop(key, None)

    async def claim(self, cause: Cause, table: Table, keys: Collection[UUID]) -> Sequence[Row[Any]]:
        """Return the rows with these keys, in their order; each is read once unless it was written."""
        if of := self._commands.get(cause.key):
            self._tables.note(*of, table, keys)
        known = self._claimed.get(table, {})
        missing = [key for key in keys if key not in known]
        if missing:
            await self._send_writes({table})
            await self._read(table, missing)
        found = self._claimed.get(table, {})
        return [row for key in sorted(keys) if (row := found.get(key)) is not None]

    async def holder(self, column: Column[Any], value: Any) -> UUID | None:
        """Return the key of the row whose unique column has this value, without sending what is kept."""
        table, name = column.table, column.name
        assert isinstance(table, Table)
        kept = [*self._pending.of(table), *(each for each in self._own if each.table is table)]
        if any(isinstance(each.statement, Delete) for each in kept):
            await self._send_writes({table})
            kept = []
        written: UUID | None = holder_among(kept, name, value)
        if written is not None:
            return written
        found: UUID | None = (
            await self._rows.execute(holder_of(column), {"key": value})
        ).scalar_one_or_none()
        return None if found is not None and gives_value(kept, name, found) else found

    async def earlier(self, key: CommandKey) -> tuple[str, Receipt] | None:
        """Return what `expect` has found; look again from the second time on."""
        if key in self._earlier:
            return self._earlier.pop(key)
        return (await earlier_of(self._rows, [key], self._codec))[key]

    async def _read(self, table: Table, keys: Collection[UUID]) -> None:
        rows = (await self._rows.execute(claimed(table), {"keys": sorted(keys)})).all()
        [key] = table.primary_key.columns.keys()
        known = self._claimed.setdefault(table, {})
        known.update(dict.fromkeys(keys))
        known.update((getattr(row, key), row) for row in rows)

    async def _send_writes(self, tables: Collection[Table] | None) -> None:
        """Send all writes, if some are to one of `tables`; those of the current command after a savepoint."""
        if self._pending.concern(tables) or any(tables is None or each.table in tables for each in self._own):
            await self._pending.send(self._rows)
            if self._own:
                if not self._saved:
                    await self._rows.execute(_SAVE)
                    self._saved = True
                own, self._own = PendingWrites(self._own), []
                await own.send(self._rows)


class _GroupedWork(SqlWork):
    """The part of one command in the transaction of its group."""

    def __init__(self, group: SqlGroup, cause: Cause, codec: EventCodec) -> None:
        super().__init__(_GroupedRows(group), cause, codec)
        self._group = group

    async def claim(self, table: Table, keys: Collection[UUID]) -> Sequence[Row[Any]]:
        return await self._group.claim(self._cause, table, keys)

    async def holder(self, column: Column[Any], value: Any) -> UUID | None:
        return await self._group.holder(column, value)

    async def has_forgotten(self, person: UUID) -> bool:
        return person in self._group.forgotten or await super().has_forgotten(person)

    async def write(self, statement: Statement, *rows: Values) -> None:
        self._group.write(Write(statement, rows))

    async def earlier(self, key: CommandKey) -> tuple[str, Receipt] | None:
        return await self._group.earlier(key)


class _GroupedRows:
    """The rows of one command of a group."""

    def __init__(self, group: SqlGroup) -> None:
        self._group = group

    async def execute(self, statement: Executable, values: Any = None) -> Result[Any]:
        return await self._group.execute(statement, values)

    async def commit(self) -> None:
        raise TypeError("a command of a group is committed with the group")


@lru_cache
def _tables_in(statement: Select[Any]) -> frozenset[Table]:
    return frozenset(each for each in visitors.iterate(statement) if isinstance(each, Table))


def _ids_in(value: Any) -> Iterator[UUID]:
    if isinstance(value, UUID):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _ids_in(each)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _ids_in(getattr(value, field.name))
