"""The table of revocations of tokens."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Column, Integer, String, Table, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.cqrs.revocations import Revocation
from app.stores.sql.engines.opening import Rows, UtcDateTime, metadata
from app.stores.sql.transactions import HOLD

revocations = Table(
    "revocations",
    metadata,
    # Given by the statement below, not by a sequence: numbers must rise in the order of the commits.
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("actor", String(200), nullable=False),
    Column("revoked_at", UtcDateTime, nullable=False),
    Column("revoked_by", String(200), nullable=False),
)

_NEXT = select(func.coalesce(func.max(revocations.c.number), 0) + 1).scalar_subquery()
_REVOKE = (
    revocations.insert()
    .values(number=_NEXT, actor=bindparam("a"), revoked_at=bindparam("at"), revoked_by=bindparam("b"))
    .returning(revocations.c.number)
)
_FORGET = (
    revocations.update().where(revocations.c.actor == bindparam("n")).values(actor=bindparam("d")),
    revocations.update().where(revocations.c.revoked_by == bindparam("n")).values(revoked_by=bindparam("s")),
)
_LATER = select(revocations).where(revocations.c.number > bindparam("after")).order_by(revocations.c.number)


async def revoke(rows: Rows, actor: str, by: str) -> Revocation:
    """Insert and commit a revocation.

    It takes the lock under which events are numbered, so that a reader never misses one that commits late.
    """
    await rows.execute(HOLD)
    at = datetime.now(UTC)
    number = (await rows.execute(_REVOKE, {"a": actor, "at": at, "b": by})).scalar_one()
    await rows.commit()
    return Revocation(number=number, actor=actor, at=at, by=by)


async def forget(rows: Rows, name: str, *, digest: str, shown: str) -> None:
    """Replace an actor's name: by a digest if it was revoked, and else by what is shown for it."""
    by_name, by_revoker = _FORGET
    await rows.execute(by_name, {"n": name, "d": digest})
    await rows.execute(by_revoker, {"n": name, "s": shown})


async def later(connection: AsyncConnection, after: int) -> Sequence[Revocation]:
    """Return the revocations with greater numbers, in order."""
    found = (await connection.execute(_LATER, {"after": after})).all()
    return [
        Revocation(number=row.number, actor=row.actor, at=row.revoked_at, by=row.revoked_by) for row in found
    ]
