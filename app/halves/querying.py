"""The half of the circle that answers queries and serves subscribers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.cqrs.announcing.announcer import Announcer
from app.cqrs.announcing.heard_model import HeardModel
from app.cqrs.announcing.hearing import Hearer
from app.cqrs.announcing.recent_events import RecentEvents
from app.cqrs.announcing.transport import Announcements
from app.cqrs.documents.own_documents import OwnDocuments
from app.cqrs.documents.read_model import ReadModel
from app.cqrs.freshness.progress import Progress
from app.cqrs.lists.concerned import ConcernedLists
from app.cqrs.live.notices import Notices
from app.cqrs.reading.cache import ReadCache
from app.stores.mongo.pinned.node import PinnedNode


@dataclass(frozen=True, kw_only=True)
class QueryingHalf:
    """All that is told of changes in this process: kept answers, lists, waiting reads, and subscribers."""

    cache: ReadCache
    progress: Mapping[str, Progress]
    notices: Notices = field(default_factory=Notices)
    lists: ConcernedLists = field(default_factory=ConcernedLists)

    def hearer(
        self,
        models: Sequence[ReadModel],
        served: Sequence[ReadModel],
        transport: Announcements,
        node: PinnedNode,
        events: RecentEvents,
        readers: OwnDocuments,
    ) -> Hearer:
        """Return the hearer that passes on what the projectors of other processes announce.

        It begins with the documents of `served`, which may be those of earlier code than that of `models`, as
        `node` shows them.
        """
        return Hearer(
            [
                HeardModel(
                    model,
                    Announcer(
                        model.key,
                        progress=self.progress[model.name],
                        notices=self.notices,
                        cache=self.cache,
                        lists=self.lists,
                    ),
                    own=own.generation,
                    notices=self.notices,
                    events=events,
                    serve=readers.serve,
                    node=node,
                )
                for own, model in zip(models, served, strict=True)
            ],
            transport=transport,
            positions=node.positions,
            cache=self.cache,
        )
