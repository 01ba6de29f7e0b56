"""The rows of reviews."""

from sqlalchemy import Column, Integer, Table, Text, Uuid

from app.stores.sql.aggregate_rows import AggregateRows
from app.stores.sql.engines.opening import UtcDateTime, metadata
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

rows = AggregateRows(reviews, Review)
