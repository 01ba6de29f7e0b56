"""What resolvers are given: the circle, and the reads of their own operation."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from strawberry.types.info import Info as StrawberryInfo

from app.cqrs.circle import Circle
from app.cqrs.documents.store import Fields
from app.cqrs.freshness.tokens import Token
from app.cqrs.reading.cache import ReadCache
from app.cqrs.reading.reading import Reading
from app.graphql.admission.cost import Cost
from app.graphql.admission.lists import MOST_TOKENS, refuse_more
from app.graphql.execution.standing import Standing
from app.graphql.internals.strawberry import resolve_info

TOKEN_HEADER = "Consistency-Token"  # noqa: S105 - the name of a header

EVERYONE = "everyone"
"""The scope of a viewer; only viewers of one scope may share an execution or an answer."""


@dataclass(kw_only=True)
class SentCommand:
    """A command that a mutation has sent."""

    command_id: UUID
    accepted: bool = False
    """Whether it is known to have taken effect."""


class Context:
    """One operation's context; each operation of a websocket gets its own."""

    def __init__(
        self,
        circle: Circle,
        *,
        asked: str = "",
        over_http: bool = False,
        standing: Standing | None = None,
    ) -> None:
        self._circle = circle
        self.asked = asked
        """The tokens that the client sent beside the operation, separated by commas; empty without any."""
        self.over_http = over_http
        """Whether the operation has one response, so that it can't be a subscription."""
        self.viewer = EVERYONE
        """The scope of who asks."""
        self.standing = standing or Standing()
        """Of the subscription; its items are each read in the same one."""
        self.reading = Reading(
            reader=circle.documents, progress=circle.progress, patience=circle.read_patience
        )
        self.written = 0
        """The position of the newest event that this operation's own commands recorded."""
        self.sent: dict[str | int, SentCommand] = {}
        """The commands that this operation has sent, by the keys of their fields in the response."""
        self.cost: Cost | None = None
        """What the operation asks for, once it is known; `None` for a subscription."""
        self._read: dict[str, Token] = {}
        self.cacheable = True
        """Whether nothing but what `reading` gave has been used so far."""

    def uncached_circle(self) -> Circle:
        """Return all that resolvers may need beside documents, and keep no answer of this operation.

        No change of a document tells when an answer that is made of more than documents becomes stale.
        """
        self.cacheable = False
        return self._circle

    @property
    def cache(self) -> ReadCache:
        """For answers that are made of documents only."""
        return self._circle.cache

    def for_operation(self, standing: Standing | None = None) -> "Context":
        """A new context for an operation that came with the same tokens from the same viewer."""
        return Context(self._circle, asked=self.asked, over_http=self.over_http, standing=standing)

    async def demand_what_was_seen(self) -> None:
        """Have all reads wait for the tokens that were sent beside the operation.

        Raises `BadToken`, and the refusal of more tokens than a list may have.
        """
        if self.asked:
            place = f"The header {TOKEN_HEADER}, or its like in `connection_init`,"
            refuse_more(place, self.asked.count(",") + 1, MOST_TOKENS)
            self.reading.demanded += await self.tokens([text.strip() for text in self.asked.split(",")])

    def demand_at_once(self) -> bool:
        """Do the same where nobody has to be asked about the tokens; return whether it is done."""
        if self.asked:
            texts = self.asked.split(",", MOST_TOKENS)
            if len(texts) > MOST_TOKENS:
                return False
            for text in texts:
                token = self._circle.tokens.read_at_once(text.strip())
                if token is None:
                    return False
                self.reading.demanded.append(token)
        return True

    async def tokens(self, texts: Sequence[str] | None) -> list[Token]:
        """Return the tokens of an `atLeast` argument; raise `BadToken`, or the refusal of too many.

        A token is read once for an operation, even if it stands in the arguments of hundreds of fields.
        """
        if not texts:
            return []
        refuse_more("The argument `atLeast`", len(texts), MOST_TOKENS)
        for text in texts:
            if text not in self._read:
                self._read[text] = await self._circle.tokens.read(text)
        return [self._read[text] for text in texts]

    @property
    def token_to_return(self) -> str | None:
        """What the client should send next: the latest of what it wrote, saw and asked for."""
        position = max(self.written, self.reading.reflected)
        latest = max(self.reading.demanded, key=lambda token: token.position, default=None)
        if latest and latest.position >= position:
            return self._circle.tokens.again(latest)
        return self._circle.tokens.write(position) if position else None


class Info(StrawberryInfo[Context, None]):
    """What every resolver of this schema is given."""

    @property
    def shown(self) -> Fields:
        """The fields that are needed of the documents which the resolver reads; `None` for all."""
        fields: Fields = getattr(resolve_info(self), "shown", None)
        return fields
