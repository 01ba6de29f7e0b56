"""Who may send the commands of reviews."""

from app.cqrs.commands.rules import Rules, only
from app.cqrs.viewers import Sight
from tests.example.reviews.commands import ReviewProduct, ReviseReview

RULES: Rules = {
    ReviewProduct: only(Sight.CUSTOMER),
    ReviseReview: only(Sight.STAFF),
}
