from datetime import datetime
from uuid import UUID

from app.cqrs.commands.outcomes import CommandError


class ReviewIsFinal(CommandError):
    """The review is too old to be revised."""

    code = "REVIEW_FINAL"
    review_id: UUID
    since: datetime
