"""What resolvers are given: the circle, and the reads of their own operation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.responses import Response
from strawberry.types.info import Info as StrawberryInfo

from app.cqrs.circle import Circle
from app.cqrs.reading import Reading
from app.cqrs.tokens import Token

TOKEN_HEADER = "Consistency-Token"  # noqa: S105 - the name of a header


@dataclass(kw_only=True)
class Context:
    """One operation's context; a websocket's operations each get their own copy."""

    circle: Circle
    headers: Mapping[str, str]
    response: Response | None = None
    connection_params: dict[str, Any] | None = None
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
        params = self.connection_params or {}
        if asked := self.headers.get(TOKEN_HEADER) or params.get(TOKEN_HEADER):
            self.reading.demanded += self.tokens([text.strip() for text in str(asked).split(",")])

    def tokens(self, texts: Sequence[str] | None) -> list[Token]:
        """The tokens of an `atLeast` argument; raises `BadToken`."""
        return [self.circle.tokens.read(text) for text in texts or ()]

    @property
    def token_to_return(self) -> str | None:
        """What the client should send next: the latest of what it wrote, saw and asked for."""
        asked = (token.position for token in self.reading.demanded)
        position = max((self.written, self.reading.reflected, *asked))
        return self.circle.tokens.write(position) if position else None


Info = StrawberryInfo[Context, None]
"""What every resolver of this schema is given."""
