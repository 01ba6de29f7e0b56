"""The closed circle, as those see it who send commands and read documents."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from app.cqrs.commands.bus import CommandBus
from app.cqrs.documents.store import DocumentReader
from app.cqrs.freshness.command_status import CommandStatuses
from app.cqrs.freshness.progress import Progress
from app.cqrs.freshness.tokens import Tokens
from app.cqrs.live.following import Live
from app.cqrs.log.events import EventLog
from app.cqrs.projecting.projections import Projections
from app.cqrs.reading.cache import ReadCache


@dataclass(frozen=True, kw_only=True)
class Circle:
    """Everything that runs, wired together: commands in, documents and notices out."""

    commands: CommandBus
    log: EventLog
    documents: DocumentReader
    cache: ReadCache
    """For answers that are made of documents only."""
    progress: Mapping[str, Progress]
    projections: Projections
    live: Live
    statuses: CommandStatuses
    tokens: Tokens
    read_patience: float
    """Seconds a read waits for what its token asks for."""
    stores: tuple[str, str]
    """In words: which write store and which read store it uses."""
    probes: Mapping[str, Callable[[], Awaitable[None]]]
    """By a store's name: a write that leaves nothing behind. It raises `WriteStoreUnavailable` or
    `ReadStoreUnavailable` where the store takes none."""
