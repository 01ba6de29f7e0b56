"""The lines by which the program takes the example in, and what is said where one is forgotten."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """A line that is added to a file, right before the line that begins like `before`."""

    file: str
    before: str
    added: str
    forgotten: str
    """What `check` says without it; empty for an import, which Python misses itself."""


REGISTRATION = (
    Line(
        "app/domain/contexts.py",
        "from app.domain.stock",
        "from app.domain.reviews.context import reviews",
        "",
    ),
    Line(
        "app/domain/contexts.py",
        ")",
        "    reviews,",
        "The context app.domain.reviews is not listed: add it to CONTEXTS in app/domain/contexts.py.",
    ),
    Line(
        "app/bootstrap.py",
        "from app.read_models.sales_by_day",
        "from app.read_models.product_reviews import product_reviews",
        "",
    ),
    Line(
        "app/bootstrap.py",
        "    sales_by_day,",
        "    product_reviews,",
        "The read model product_reviews of app.read_models.product_reviews is not listed: add it to "
        "READ_MODELS in app/bootstrap.py.",
    ),
    Line(
        "schema/circle/consistency.py",
        '    SALES_BY_DAY = "sales_by_day"',
        '    PRODUCT_REVIEWS = "product_reviews"',
        "The schema has no name for the read model product_reviews: add PRODUCT_REVIEWS to ReadModelName in "
        "schema/circle/consistency.py.",
    ),
    Line(
        "schema/circle/consistency.py",
        '        "SALES_BY_DAY": "What',
        '        "PRODUCT_REVIEWS": "What is said of a product, and how well is it liked?",',
        "The value PRODUCT_REVIEWS of ReadModelName has no description: add one where `describe` is called.",
    ),
    Line(
        "schema/errors.py", "from app.domain.stock", "from app.domain.reviews import refusals as reviews", ""
    ),
    Line(
        "schema/errors.py",
        '    READ_MODEL_FAILED = "READ_MODEL_FAILED"',
        '    REVIEW_FINAL = "REVIEW_FINAL"',
        "The code REVIEW_FINAL of ReviewIsFinal is missing: add it to CommandErrorCode in schema/errors.py.",
    ),
    Line(
        "schema/errors.py",
        '        "READ_MODEL_FAILED": "The',
        '        "REVIEW_FINAL": "The review is too old to be revised.",',
        "The value REVIEW_FINAL of CommandErrorCode has no description: add one where `describe` is called.",
    ),
    Line(
        "schema/errors.py",
        "SHOWN: dict",
        '@strawberry.type(description="The review is too old to be revised.")\n'
        "class ReviewIsFinal(CommandError):\n"
        '    """Write another one."""\n\n'
        '    review_id: strawberry.ID = strawberry.field(description="The review.")\n'
        '    since: datetime = strawberry.field(description="When it became final.")\n\n',
        "",
    ),
    Line("schema/errors.py", "from enum import Enum", "from datetime import datetime", ""),
    Line(
        "schema/errors.py",
        "    projections.ReadModelFailed:",
        "    reviews.ReviewIsFinal: ReviewIsFinal,",
        "The schema can't show the refusal ReviewIsFinal: add a type for it to SHOWN in schema/errors.py.",
    ),
    Line(
        "schema/root.py",
        "from schema.sales",
        "from schema.reviews import ReviewsMutation, ReviewsQuery, ReviewsSubscription",
        "",
    ),
    Line(
        "schema/root.py",
        "    CommandStatusQuery,",
        "    ReviewsQuery,",
        "ReviewsQuery of schema.reviews is left out: add it to Query in schema/root.py.",
    ),
    Line(
        "schema/root.py",
        "    RetryingMutation,",
        "    ReviewsMutation,",
        "ReviewsMutation of schema.reviews is left out: add it to Mutation in schema/root.py.",
    ),
    Line(
        "schema/root.py",
        "    CommandStatusSubscription,",
        "    ReviewsSubscription,",
        "ReviewsSubscription of schema.reviews is left out: add it to Subscription in schema/root.py.",
    ),
)
