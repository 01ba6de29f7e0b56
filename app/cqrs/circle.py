"""The wired service, from commands to documents and notices."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from app.cqrs.commands.bus import CommandBus
from app.cqrs.commands.forwarding.forwarded import ForwardedCommands
from app.cqrs.documents.days import Days
from app.cqrs.documents.store import DocumentReader
from app.cqrs.freshness.command_status import CommandStatuses
from app.cqrs.freshness.progress import Progress
from app.cqrs.freshness.tokens import Tokens
from app.cqrs.lists.effects import EventEffects
from app.cqrs.lists.following import LiveLists
from app.cqrs.live.following import Live
from app.cqrs.log.browsing import EventArchive
from app.cqrs.log.events import EventLog
from app.cqrs.log.relay import Relay
from app.cqrs.operating.read_models import OperatedReadModels
from app.cqrs.projecting.operating import Skipping
from app.cqrs.projecting.projections import Projections
from app.cqrs.reading.cache import ReadCache
from app.cqrs.rebuilding.rebuilds import Rebuilds
from app.cqrs.revocations import Revocations

READ_NODE = "node that documents are read from"
"""The name of the probe that only reads, in a process whose documents others write."""


@dataclass
class Restarts:
    """Restarts of parts of the service since it began."""

    mongod: int = 0
    """Restarts of the embedded mongod."""


@dataclass(frozen=True, kw_only=True)
class Circle:
    """All running parts, wired together: commands go in, documents and notices come out."""

    commands: CommandBus | ForwardedCommands
    log: EventLog
    archive: EventArchive
    """The same log, as operators search it."""
    relay: Relay
    days: Days
    """The days of the shop, in its time zone."""
    documents: DocumentReader
    cache: ReadCache
    """The cache of answers that depend on documents only."""
    progress: Mapping[str, Progress]
    projections: Projections
    skipping: Skipping
    """The events that operators have had read models skip."""
    rebuilds: Rebuilds
    operating: OperatedReadModels
    """The operations of operators on read models, whichever process projects them."""
    live: Live
    lists: LiveLists
    effects: EventEffects
    statuses: CommandStatuses
    tokens: Tokens
    revocations: Revocations
    """The actors whose tokens for access were revoked."""
    read_patience: float
    """Seconds that a read waits for the position of its consistency token."""
    stores: tuple[str, str]
    """The names of the write store and the read store, for people."""
    probes: Mapping[str, Callable[[], Awaitable[None]]]
    """For each store's name, a test write that leaves nothing behind. It raises `WriteStoreUnavailable` or
    `ReadStoreUnavailable` if the store accepts no writes. That of `READ_NODE` reads."""
    leases: Callable[[], int] | None = None
    """The number of read models that this process projects; `None` if no other process may."""
    reads_from: Callable[[], str | None] | None = None
    """The node that documents are read from, as HOST:PORT, `None` while there is none; or `None` if they are
    read where this process writes them."""
    waits_for: Callable[[], str | None] = lambda: None
    """The reason for which this process has begun without the write store, `None` as soon as it has it."""
    unprojected: Callable[[], Mapping[str, str]] = dict
    """The documents that wait for a projector which does not come, by the name of their read model."""
    restarts: Restarts = field(default_factory=Restarts)
