from datetime import datetime
from typing import Annotated
from uuid import UUID

from app.cqrs.commands.outcomes import CommandError
from app.cqrs.message_fields import Id


class ReviewIsFinal(CommandError):
    """The review is too old to be revised."""

    code = "REVIEW_FINAL"
    review_id: Annotated[UUID, Id("review"), "The review."]
    since: Annotated[datetime, "When it became final."]
