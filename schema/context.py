"""What resolvers are given: the circle, and the reads of their own operation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.responses import Response
from strawberry.types.info import Info as StrawberryInfo

from app.cqrs.circle import Circle
from app.cqrs.documents import Fields
from app.cqrs.reading import Reading
from app.cqrs.tokens import Token
from schema.standing import Standing

TOKEN_HEADER = "Consistency-Token"  # noqa: S105 - the name of a header


@dataclass(kw_only=True)
class Context:
    """One operation's context; a websocket's operations each get their own copy."""

    circle: Circle
    headers: Mapping[str, str]
    response: Response | None = None
    connection_params: dict[str, Any] | None = None
    standing: Standing = field(default_factory=Standing)
    """Of the subscription; its items are each read in the same one."""
    reading: Reading = field(init=False)
    written: int = 0
    """The position of the newest event that this operation's own commands recorded."""

    def __post_init__(self) -> None:
        self.reading = Reading(
            reader=self.circle.documents,
            progress=self.circle.progress,
            patience=self.circle.read_patience,
        )

    def for_operation(self) -> "Context":
        """A context for one operation."""
        return replace(self)

    def demand_what_was_seen(self) -> None:
        """Has all reads wait for the tokens of the client's header; raises `BadToken`."""
        if asked := self.asked:
            self.reading.demanded += self.tokens([text.strip() for text in asked.split(",")])

    @property
    def asked(self) -> str:
        """The tokens of the client's header, separated by commas; empty where there are none."""
        params = self.connection_params or {}
        return str(self.headers.get(TOKEN_HEADER) or params.get(TOKEN_HEADER) or "")

    def tokens(self, texts: Sequence[str] | None) -> list[Token]:
        """The tokens of an `atLeast` argument; raises `BadToken`."""
        return [self.circle.tokens.read(text) for text in texts or ()]

    @property
    def token_to_return(self) -> str | None:
        """What the client should send next: the latest of what it wrote, saw and asked for."""
        asked = (token.position for token in self.reading.demanded)
        position = max((self.written, self.reading.reflected, *asked))
        return self.circle.tokens.write(position) if position else None

    def return_token(self) -> None:
        """Puts that token into the response's header."""
        if self.response is not None and (token := self.token_to_return):
            self.response.headers[TOKEN_HEADER] = token


class Info(StrawberryInfo[Context, None]):
    """What every resolver of this schema is given."""

    @property
    def shown(self) -> Fields:
        """The fields that are needed of the documents which the resolver reads; `None` for all."""
        fields: Fields = getattr(self._raw_info, "shown", None)
        return fields
