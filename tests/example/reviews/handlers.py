from uuid_utils.compat import uuid7

from app.cqrs.commands.aggregates import Aggregate
from app.cqrs.commands.outcomes import Refused, not_found, refused
from app.cqrs.contexts import context_of
from app.domain.catalog import published as catalog
from app.stores.sql.transactions import SqlWork
from tests.example.reviews import model, tables
from tests.example.reviews.commands import ReviewProduct, ReviseReview
from tests.example.reviews.model import Review

reviews = Aggregate(
    kind="review",
    evolve=model.evolve,
    load=tables.rows.load,
    save=tables.rows.save,
    ids=tables.rows.ids,
)


async def review_product(command: ReviewProduct, work: SqlWork) -> Refused | Review:
    """A review of a product that exists."""
    if not await catalog.offers(work, {command.product_id}):
        return refused(not_found("product", command.product_id, "product_id"))
    review_id = uuid7()
    return await reviews.create(work, review_id, model.review(command, review_id, work.now))


CONTEXT = context_of(
    __name__,
    handlers={
        ReviewProduct: review_product,
        ReviseReview: reviews.changed_by(model.revise),
    },
    aggregates=[reviews],
)
