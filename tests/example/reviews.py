"""The write side of an example: a product is reviewed. In the shop this would be `app/domain/reviews/`."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Column, Integer, MetaData, Table, Text, Uuid
from uuid_utils.compat import uuid7

from app.cqrs.aggregates import Aggregate
from app.cqrs.command_bus import Handler
from app.cqrs.commands import Decision, NotFound, Refused, invalid, refused
from app.cqrs.messages import Command, Event
from app.domain.catalog import published as catalog
from app.stores.write_store import SqlWork
from app.values import text

# commands.py


class ReviewProduct(Command):
    """Says what one thinks of a product."""

    product_id: UUID
    stars: int
    opinion: str = ""


# events.py


class ProductReviewed(Event):
    """Someone said what they think of a product."""

    review_id: UUID
    product_id: UUID
    stars: int
    opinion: str


# model.py: pure, so that its rules are tested without any store


@dataclass(frozen=True, kw_only=True)
class Review:
    """A review, which never changes."""

    id: UUID
    version: int
    product_id: UUID
    stars: int
    opinion: str


def stars(number: int) -> int:
    """From 1 to 5."""
    if not 1 <= number <= 5:
        raise ValueError("must be between 1 and 5")
    return number


def review(command: ReviewProduct, review_id: UUID) -> Decision:
    """A review with one to five stars and at most 1,000 characters."""
    opinion = text(1000)
    problems = (*invalid("stars", stars, command.stars), *invalid("opinion", opinion, command.opinion))
    if problems:
        return refused(*problems)
    said = opinion(command.opinion)
    return (
        ProductReviewed(
            review_id=review_id, product_id=command.product_id, stars=command.stars, opinion=said
        ),
    )


def evolve(_review: Review | None, event: Event) -> Review:
    """The review after `event`."""
    assert isinstance(event, ProductReviewed)
    return Review(
        id=event.review_id, version=1, product_id=event.product_id, stars=event.stars, opinion=event.opinion
    )


# tables.py: the rows; in the shop they belong to `app.stores.sql.metadata`, and a migration makes them

reviews = Table(
    "reviews",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("product_id", Uuid, nullable=False),
    Column("stars", Integer, nullable=False),
    Column("opinion", Text, nullable=False),
)


async def load(_work: SqlWork, _review_id: UUID) -> Review | None:
    """Nothing is done to a review that is there."""
    return None


async def save(work: SqlWork, _before: Review | None, after: Review) -> None:
    """Writes the review's row."""
    row = {"id": after.id, "product_id": after.product_id, "stars": after.stars, "opinion": after.opinion}
    await work.rows.execute(reviews.insert(), row)


# handlers.py: load, decide, save and record, in one transaction

all_reviews = Aggregate(kind="review", evolve=evolve, load=load, save=save)


async def review_product(command: ReviewProduct, work: SqlWork) -> Refused | Review:
    """A review of a product that exists."""
    if not await catalog.offers(work, {command.product_id}):
        message = "There is no such product."
        return refused(NotFound(message=message, kind="product", id=command.product_id, path=("product_id",)))
    review_id = uuid7()
    return await all_reviews.create(work, review_id, review(command, review_id))


HANDLERS: Mapping[type[Command], Handler] = {ReviewProduct: review_product}
