"""The authenticator: it verifies tokens once, and remembers their viewers until they expire."""

from collections.abc import Callable

from app.access.claims import ClaimNames
from app.access.fetched_keys import FetchedKeys
from app.access.keys import Keys
from app.access.remembered import RememberedViewers
from app.access.sessions import REVOKED, Sessions
from app.access.tokens import Expected, expiry_of, header_of, issued_at
from app.cqrs.revocations import Revocations
from app.cqrs.viewers import Unauthenticated, Viewer


class TokenAuthenticator:
    """Turns tokens into viewers, and ends the sockets and streams of tokens that are no longer valid."""

    def __init__(self, keys: Keys, expected: Expected, names: ClaimNames) -> None:
        self.keys = keys
        self._expected = expected
        self._names = names
        self.remembered = RememberedViewers()
        self.recall = self.remembered.get
        """Return the viewer of a token that was verified before and is still valid, without waiting."""
        self._revocations: Revocations | None = None
        self.sessions = Sessions()
        """The sockets and streams of all viewers that have a token."""

    def start(self, revocations: Revocations) -> None:
        """Obey these revocations, and fetch the keys before the first token comes."""
        self._revocations = revocations
        revocations.listen(self._revoked)
        if isinstance(self.keys, FetchedKeys):
            self.keys.start()

    def stop(self) -> None:
        """Fetch no more keys."""
        if isinstance(self.keys, FetchedKeys):
            self.keys.stop()

    async def verify(self, token: bytes) -> Viewer:
        """Return the viewer of a token; raise `Unauthenticated` or `NotVerifiable`."""
        header = header_of(token)
        key = await self.keys.find(header.algorithm, header.key_id)
        claims = self._expected.claims(token, key)
        viewer = self._names.viewer(claims, expires_at=expiry_of(claims), issued_at=issued_at(claims))
        if self._is_revoked(viewer):
            raise Unauthenticated(REVOKED)
        self.remembered.put(token, viewer)
        return viewer

    def watch(self, viewer: Viewer, ended: Callable[[str], None]) -> Callable[[], None]:
        """Call `ended` once with the reason when the viewer's token expires or is revoked.

        Return the function that ends the watch.
        """
        unwatch = self.sessions.watch(viewer, ended)
        if self._is_revoked(viewer):  # since the request came, whose stream begins only now
            unwatch()
            ended(REVOKED)
        return unwatch

    def forget(self) -> None:
        """Verify every token anew at its next use."""
        self.remembered.clear()

    def _is_revoked(self, viewer: Viewer) -> bool:
        return bool(self._revocations and self._revocations.is_revoked(viewer.actor, viewer.issued_at))

    def _revoked(self, actor: str) -> None:
        self.forget()
        self.sessions.revoke(actor)
