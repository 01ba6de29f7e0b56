"""Tokens that stand for viewers, without signatures: for tests of what a viewer may see and do."""

from collections.abc import Mapping

from app.access.sessions import Sessions
from app.cqrs.viewers import NotVerifiable, Scope, Sight, Unauthenticated, Viewer


class KnownTokens:
    """An authenticator that knows its tokens by heart, and has to verify each of them at its first use."""

    def __init__(self, viewers: Mapping[str, Viewer]) -> None:
        self.viewers = dict(viewers)
        self.verified: set[str] = set()
        self.is_down = False
        self.sessions = Sessions()
        self.watch = self.sessions.watch

    def recall(self, token: bytes) -> Viewer | None:
        text = token.decode()
        return self.viewers.get(text) if text in self.verified else None

    async def verify(self, token: bytes) -> Viewer:
        text = token.decode()
        if self.is_down:
            raise NotVerifiable("The keys can't be fetched. Try again.")
        if text not in self.viewers:
            raise Unauthenticated("The token is of nobody. Send a new one.")
        self.verified.add(text)
        return self.viewers[text]


STAFF = Viewer(actor="clerk", scope=Scope(Sight.STAFF), roles=frozenset({"staff"}))
OPERATOR = Viewer(actor="admin", scope=Scope(Sight.OPERATOR), roles=frozenset({"operator"}))


def customer(id: str) -> Viewer:
    return Viewer(actor=f"customer-{id}", scope=Scope(Sight.CUSTOMER, id), roles=frozenset({"customer"}))
