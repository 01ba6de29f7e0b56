"""The states of one list: its newest page, and the rows of those before it."""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from collections.abc import Collection as AnyCollection
from dataclasses import dataclass
from hashlib import blake2b
from itertools import count
from typing import Any

import msgspec

from app.cqrs.documents.read_model import Collection, Document
from app.cqrs.freshness.document_positions import AFTER_ALL_DOCUMENTS, DocumentPosition
from app.cqrs.freshness.progress import Freshness
from app.cqrs.freshness.tokens import Token
from app.cqrs.lists.differences import ListChange, Row, differences
from app.cqrs.lists.windows import Window
from app.cqrs.reading.pages import Listing, Page, PageArguments, page_find
from app.cqrs.reading.recent_changes import ChangeWithIds
from app.cqrs.reading.sources import Source
from app.cqrs.viewers import Scope

REMEMBERED = 16
"""States of a list whose rows are remembered, for followers that were slow or away."""

MOST_PENDING = 100
"""Changed documents from which a list is read as a whole again."""

_serials = count(1)


@dataclass(frozen=True, eq=False, kw_only=True)
class KnownState:
    """The part of a list's state that tells what a later state has changed."""

    number: int
    """The number of the state in its list, rising."""
    rows: Sequence[Row]


@dataclass(frozen=True, eq=False, kw_only=True)
class ListState(KnownState):
    """A state of a list."""

    page: Page
    digest: str
    """A text that no other state of any list has."""
    position: int
    """The highest position that the page may show."""
    freshness: Freshness
    """The freshness of the read model when the page was read."""

    @property
    def document_position(self) -> DocumentPosition:
        """The position for a cursor: after all documents of its event, with the digest of the state."""
        return self.position, AFTER_ALL_DOCUMENTS + self.digest


def digest_in(token: Token | None, read_model: str) -> str | None:
    """Return the digest of the state of a list that a cursor names; `None` if it is of anything else."""
    _, text = token.document_position_in(read_model) if token else (0, "")
    return text.removeprefix(AFTER_ALL_DOCUMENTS) or None if text.startswith(AFTER_ALL_DOCUMENTS) else None


class LiveList:
    """The first documents of a listing as viewers of one scope see them, kept for all who follow them."""

    def __init__(
        self,
        key: Hashable,
        listing: Listing,
        size: int,
        scope: Scope,
        refresh: Callable[["LiveList"], None],
    ) -> None:
        """Make a list that was not read yet; `refresh` has it read once it is stale."""
        self.key = key
        self.listing = listing
        self.size = size
        self.scope = scope
        self.find = page_find(listing, PageArguments(first=size))
        """The find of the page."""
        self._refresh = refresh
        self.serial = next(_serials)
        """A number that no other list has."""
        self.followers = 0
        self.sources: Sequence[Source] = ()
        """The sources of the newest page, by which changes find the list."""
        self.window: Window | None = None
        """The documents of the newest page and some more; `None` if changes can't be applied to them."""
        self.stale = True
        """True if a change may have made another page of it since the newest read began."""
        self.pending: set[str] | None = None
        """The documents whose changes are not in the window yet; `None` if the list must be read again."""
        self.met: list[ChangeWithIds] | None = None
        """The changes that documents may have shown since the read under way began; `None` between reads."""
        self.met_before = 0
        """The number of these that were under way when the read began."""
        self.incomplete = False
        """True if the documents may be incomplete until the read model is live."""
        self.set_backs = 0
        """The number of times that the log was set back."""
        self.reading: asyncio.Task[None] | None = None
        """The task that reads the list until it is not stale; `None` once it is not."""
        self.reads_with_others = False
        """True if that task is one for several lists."""
        self.torn = 0
        """The number of attempts in a row to read changed documents while they changed again."""
        self.reads_begun = self.reads_done = 0
        self.error: Exception | None = None
        """The reason for which the list is no longer kept."""
        self.newest: ListState | None = None
        self._remembered: dict[str, KnownState] = {}
        """The newest states, by digest; the documents of older ones are not kept."""
        self._must_be_new = False
        """True if the next page is a new state even if it looks like the newest one."""
        self._news = asyncio.Event()
        identity = (self.collection.stored_as, listing.filter, listing.search, listing.order, size)
        self._identity = blake2b(repr(identity).encode(), digest_size=12)

    @property
    def collection(self) -> Collection:
        """The collection of the documents."""
        return self.listing.collection

    @property
    def last(self) -> Document | None:
        """The document after which nothing is kept of the list; `None` if nothing comes after it."""
        return self.window.bound if self.window else None

    def show(self, page: Page, position: int, freshness: Freshness) -> None:
        """Take over a page that was read; it is a new state unless it equals the newest one."""
        rows = tuple((document["_id"], document["position"]) for document in page.documents)
        digest = self._digest(rows, page.has_next)
        if self.newest is None or self._must_be_new or digest != self.newest.digest:
            self._must_be_new = False
            number = self.newest.number + 1 if self.newest else 1
            self.newest = ListState(
                number=number, page=page, rows=rows, digest=digest, position=position, freshness=freshness
            )
            self._remembered.pop(digest, None)
            self._remembered[digest] = KnownState(number=number, rows=rows)
            while len(self._remembered) > REMEMBERED:
                del self._remembered[next(iter(self._remembered))]

    def has_changed(self, ids: AnyCollection[str] | None) -> None:
        """Have the list show a change of these documents; of any document if `ids` is `None`."""
        self.stale = True
        self.expect(ids)
        self._refresh(self)

    def expect(self, ids: AnyCollection[str] | None) -> None:
        """Record that changes of these documents are not in the window yet."""
        if ids is None or self.pending is None or len(self.pending) + len(ids) > MOST_PENDING:
            self.pending = None
        else:
            self.pending.update(ids)

    def was_rebuilt(self, *, log_set_back: bool) -> None:
        """Have the list read once the read model is live, because its documents are others now."""
        if log_set_back:
            self.set_backs += 1
            self._remembered.clear()
            self._must_be_new = True
        self.incomplete = True
        self.has_changed(None)

    def known(self, digest: str | None) -> KnownState | None:
        """Return the state with a digest, if it is remembered."""
        return self._remembered.get(digest) if digest else None

    def fail(self, error: Exception) -> None:
        """End the list, with an error for all who follow it."""
        self.error = error
        self.tell()

    def tell(self) -> None:
        """Wake all who wait for news."""
        self._news.set()
        self._news = asyncio.Event()

    async def news(self) -> None:
        """Wait until a read has ended; raise the error that ended the list."""
        if self.error is None:
            await self._news.wait()
        if self.error:
            raise self.error

    def _digest(self, rows: Sequence[Row], has_next: bool) -> str:
        state = self._identity.copy()
        state.update(msgspec.msgpack.encode((has_next, rows)))
        return state.hexdigest()


@dataclass(frozen=True, kw_only=True)
class ListItem:
    """An item for one who follows a list: a state, whole or as what has changed since another one."""

    state: ListState
    changes: Sequence[ListChange] | None
    """The changes since the follower's last state; `None` if the whole page replaces it."""
    lagged: int = 0
    """The number of states that the follower has missed in between."""
    reset: bool = False
    """True if the log was set back: the page does not continue earlier states."""
    step: Any = None
    """Followers of the same list at the same step receive the same items from then on."""


def item_after(live: LiveList, before: KnownState | None, state: ListState, *, reset: bool) -> ListItem:
    """Return the item that brings a follower from one state, or from none, to another."""
    changes = None if before is None or reset else differences(before.rows, state.rows)
    return ListItem(
        state=state,
        changes=changes,
        lagged=max(0, state.number - before.number - 1) if before and not reset else 0,
        reset=reset,
        step=(live.serial, state.number),
    )
