"""The context of an operation, which gives resolvers the circle and the operation's own reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from strawberry.types.info import Info as StrawberryInfo

from app.cqrs.circle import Circle
from app.cqrs.documents.days import Days
from app.cqrs.documents.store import Fields
from app.cqrs.freshness.tokens import Token
from app.cqrs.reading.cache import ReadCache
from app.cqrs.reading.reading import Reading
from app.cqrs.viewers import Viewer
from app.graphql.admission.budgets import Account, Caller, Throttled
from app.graphql.admission.cost import Cost
from app.graphql.admission.lists import MOST_TOKENS, refuse_more
from app.graphql.execution.operation import Operation
from app.graphql.execution.subscription_state import SubscriptionState
from app.graphql.internals.strawberry import resolve_info
from app.graphql.measured.measured import NOTHING_MEASURED, Measured

TOKEN_HEADER = "Consistency-Token"  # noqa: S105 - the name of a header


@dataclass(kw_only=True)
class SentCommand:
    """A command that a mutation has sent."""

    command_id: UUID
    accepted: bool = False
    """True if the command is known to have taken effect."""


class Context:
    """The context of one operation; each operation of a websocket gets its own."""

    def __init__(
        self,
        circle: Circle,
        viewer: Viewer,
        *,
        sent_tokens: str = "",
        over_http: bool = False,
        tells_token: bool = False,
        subscription: SubscriptionState | None = None,
        caller: Caller | None = None,
        measured: Measured = NOTHING_MEASURED,
    ) -> None:
        self._circle = circle
        self.measured = measured
        """The numbers about reads and subscribers, for operators."""
        self.caller = caller
        """The budgets and the client's address; `None` if there are no budgets."""
        self.account: Account | None = None
        """The spending of this operation, once it is known."""
        self.throttled: Throttled | None = None
        """The refusal of this operation, if the viewer has spent too much."""
        self.sent_tokens = sent_tokens
        """The tokens that came with the operation or with its connection, separated by commas; or empty."""
        self.over_http = over_http
        """True if the operation gets a single response, so that it can't be a subscription."""
        self.tells_token = tells_token
        """True if the answer has its token in the extensions, for a client that may see no headers."""
        self.viewer = viewer
        """The viewer; only those with the same scope may share an execution or an answer."""
        self.subscription = subscription or SubscriptionState()
        """The state of the subscription, which all its items share."""
        self.reading = Reading(
            reader=circle.documents,
            progress=circle.progress,
            patience=circle.read_patience,
            scope=viewer.scope,
        )
        self.written = 0
        """The position of the newest event of the commands whose receipts this operation shows; 0 if none."""
        self.sent: dict[str | int, SentCommand | Sequence[SentCommand]] = {}
        """The commands that this operation has sent, by the response key of their mutation fields."""
        self.cost: Cost | None = None
        """The cost of the operation, once it is known; `None` for a subscription."""
        self.fields_read: Sequence[str] = ()
        """The root fields of a query that strawberry has executed, to be counted."""
        self._read: dict[str, Token] = {}
        self._below: dict[str | int, Sequence[Token]] = {}
        self.cacheable = True
        """True while the answer is made only of documents that `reading` gave."""

    def uncached_circle(self) -> Circle:
        """Return the circle, for resolvers that need more than documents; the answer is not cached then.

        A cached answer is invalidated by changes of documents only, so such an answer would become stale.
        """
        self.cacheable = False
        return self._circle

    @property
    def days(self) -> Days:
        """The days of the shop, which never change while the service runs."""
        return self._circle.days

    @property
    def cache(self) -> ReadCache:
        """The cache of answers that are made of documents only."""
        return self._circle.cache

    def for_operation(self, subscription: SubscriptionState | None = None) -> "Context":
        """Return a new context for another operation with the same tokens from the same viewer."""
        return self._like_this(self.viewer, self.sent_tokens, subscription)

    def for_viewer(self, viewer: Viewer) -> "Context":
        """Return a new context for operations of another viewer with the same tokens."""
        return self._like_this(viewer, self.sent_tokens)

    def with_tokens_of(self, operation: Operation) -> "Context":
        """Return a context whose tokens are these and those in the operation itself."""
        if not operation.tokens:
            return self
        return self._like_this(self.viewer, operation.tokens_with(self.sent_tokens))

    def _like_this(
        self, viewer: Viewer, sent_tokens: str, subscription: SubscriptionState | None = None
    ) -> "Context":
        return Context(
            self._circle,
            viewer,
            sent_tokens=sent_tokens,
            over_http=self.over_http,
            tells_token=self.tells_token,
            subscription=subscription,
            caller=self.caller,
            measured=self.measured,
        )

    def charge(self, points: int, commands: int = 0) -> None:
        """Charge the viewer's budgets; raise `Throttled`, or the refusal of an operation beyond a budget."""
        if self.caller:
            self.account = account = Account(self.caller, self.viewer)
            try:
                account.charge(points, commands)
            except Throttled as refusal:
                self.throttled = refusal
                raise

    def refuse_if_spent(self) -> None:
        """Raise `Throttled` if the viewer has nothing left to spend."""
        if self.caller:
            Account(self.caller, self.viewer).refuse_if_spent()

    def charge_text(self, text: str) -> None:
        """Charge an operation that was refused by its text, unless it was refused by a budget."""
        if self.caller and not self.throttled:
            Account(self.caller, self.viewer).charge_text(text)

    def settle(self) -> int:
        """Give back what the execution did not take; return the points that it took."""
        if self.cost is None:
            return 0
        actual = self.cost.points_taken(self.reading.reads, self.reading.documents)
        if self.account:
            self.account.settle(actual)
        return actual

    async def demand_sent_tokens(self) -> None:
        """Have all reads wait for the sent tokens; raise `BadToken`, or the refusal of too many tokens."""
        if self.sent_tokens:
            place = f"{TOKEN_HEADER}, in headers, `connection_init` and `extensions` together,"
            refuse_more(place, self.sent_tokens.count(",") + 1, MOST_TOKENS)
            self.reading.demanded += await self.tokens([text.strip() for text in self.sent_tokens.split(",")])

    def demand_sent_tokens_at_once(self) -> bool:
        """Do the same without a look-up in the log; return false if a token needs one or is invalid."""
        if self.sent_tokens:
            texts = self.sent_tokens.split(",", MOST_TOKENS)
            if len(texts) > MOST_TOKENS:
                return False
            for text in texts:
                token = self._circle.tokens.read_at_once(text.strip())
                if token is None:
                    return False
                self.reading.demanded.append(token)
        return True

    async def tokens(self, texts: Sequence[str] | None) -> list[Token]:
        """Return the tokens of an `atLeast` argument; raise `BadToken`, or the refusal of too many tokens.

        A token is parsed once per operation, even if hundreds of fields have it as an argument.
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
        """The token that the client should send next: the latest that it wrote, saw or sent, if any."""
        position = max(self.written, self.reading.reflected)
        latest = max(self.reading.demanded, key=lambda token: token.position, default=None)
        if latest and latest.position >= position:
            return self._circle.tokens.again(latest)
        return self._circle.tokens.write(position) if position else None

    @property
    def token_to_tell(self) -> str | None:
        """The token in the extensions of an answer or item, if there is one.

        The token of an item does not depend on the tokens that were sent: subscribers who share an execution
        may have sent different ones.
        """
        if not self.tells_token:
            return None
        if (item := self.subscription.item) is None:
            return self.token_to_return
        position = max(item.position, self.reading.reflected)
        return self._circle.tokens.write(position) if position else None

    def demand_below(self, root_key: str | int, tokens: Sequence[Token]) -> None:
        """Have the objects below a root field reflect these tokens, and no longer those of its last item."""
        self._below[root_key] = tokens

    def demanded_below(self, root_key: str | int) -> Sequence[Token]:
        """Return the tokens that the objects below a root field must reflect."""
        return self._below.get(root_key, ())


class Info(StrawberryInfo[Context, None]):
    """The information that strawberry passes to every resolver, with this service's context."""

    async def tokens(self, at_least: Sequence[str] | None = None) -> Sequence[Token]:
        """Return the tokens that the reads of a field must reflect; raise `BadToken`.

        A root field has its own in `at_least`, which then apply to every object below it, too: an order that
        is read with the token of its command must not lead to a customer from before that command.
        """
        if not at_least:
            return self.context.demanded_below(self._root_key)
        tokens = await self.context.tokens(at_least)
        self.demand_below(tokens)
        return tokens

    def demand_below(self, tokens: Sequence[Token]) -> None:
        """Have all objects below the root field that is resolved reflect these tokens."""
        self.context.demand_below(self._root_key, tokens)

    @property
    def _root_key(self) -> str | int:
        path = self.path
        while path.prev:
            path = path.prev
        return path.key

    @property
    def shown(self) -> Fields:
        """The fields that the answer needs of the documents that the resolver reads; `None` for all."""
        fields: Fields = getattr(resolve_info(self), "shown", None)
        return fields
