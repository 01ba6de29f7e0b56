"""The rows of reviews, and how they are loaded and saved."""

from typing import Any
from uuid import UUID

from sqlalchemy import Column, Integer, Row, Table, Text, Uuid, bindparam, select

from app.stores.sql.engines import UtcDateTime, metadata
from app.stores.sql.write_store import SqlWork
from tests.example.reviews.model import Review

reviews = Table(
    "reviews",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("product_id", Uuid, nullable=False),
    Column("stars", Integer, nullable=False),
    Column("opinion", Text, nullable=False),
    Column("written_at", UtcDateTime, nullable=False),
)

_WITH_ID = select(reviews).where(reviews.c.id == bindparam("key"))
_INSERT = reviews.insert()
_UPDATE = reviews.update().where(reviews.c.id == bindparam("key"))


async def load(work: SqlWork, review_id: UUID) -> Review | None:
    """The review with this id, to change it."""
    row = (await work.claim(_WITH_ID, key=review_id)).one_or_none()
    return _review(row) if row else None


async def save(work: SqlWork, before: Review | None, review: Review) -> None:
    """Writes the review's row."""
    row = dict(vars(review))
    if before is None:
        await work.rows.execute(_INSERT, row)
    else:
        await work.rows.execute(_UPDATE, {"key": review.id, **row})


def _review(row: Row[Any]) -> Review:
    return Review(**row._mapping)
