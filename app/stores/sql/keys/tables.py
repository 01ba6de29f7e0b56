"""The tables of the write store that say who is forgotten, and how far the log is sealed."""

from sqlalchemy import BigInteger, Boolean, Column, Table

from app.stores.sql.engines.opening import Uuid, metadata

# The people who are forgotten, each from the transaction of the decision on.
forgotten = Table(
    "forgotten",
    metadata,
    Column("person", Uuid, primary_key=True),
    Column("done", Boolean, nullable=False),  # their keys are destroyed
)

# One row: how far the store was sealed, and with keys from where.
sealing = Table(
    "sealing",
    metadata,
    Column("keys_id", Uuid),  # the store of keys; NULL before it was opened with one
    Column("until", BigInteger, primary_key=True, autoincrement=False),  # events after it were never open
    Column("sealed_to", BigInteger, nullable=False),
    Column("fingerprints_keyed", Boolean, nullable=False),
)
