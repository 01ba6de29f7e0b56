"""The projectors of one read model in a process, one for each generation that is wanted."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from app.cqrs.documents.generations import Generation
from app.cqrs.documents.read_model import ReadModel
from app.cqrs.freshness.progress import Progress
from app.cqrs.projecting.generations import UNREAD_AFTER, Generations
from app.cqrs.projecting.projector import Projector

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Running:
    projector: Projector
    task: "asyncio.Task[None] | None"


class RunningGenerations:
    """The generations of a read model that are projected: the one that serves, and those beside it."""

    def __init__(
        self,
        projector: Projector,
        model: ReadModel,
        *,
        beside: Callable[[ReadModel], Projector],
        store: Generations,
        moved: Callable[[Progress], None],
        apart: Callable[[Projector], Awaitable[None]],
    ) -> None:
        """Begin with the serving `projector`, and make those of other generations of `model` with `beside`.

        Their documents are built `apart` before that, as far as it goes. If another program has made the
        documents that serve, they stand still until others serve. `moved` is called with the progress of a
        generation that does not serve, whenever it may have changed.
        """
        self.model = model
        self.serving = projector.model.generation
        self._running = {self.serving: _Running(projector, None)}
        self._beside = beside
        self._store = store
        self._moved = moved
        self._apart = apart
        self._served_until: dict[Generation, float] = {}
        """The times at which generations stopped to serve in this process, by the event loop's clock."""
        self._leftovers = True
        """True if the store may have generations that are not wanted."""

    def of(self, generation: Generation | None) -> Projector | None:
        """Return the projector of a generation; `None` if it is not projected."""
        running = self._running.get(generation) if generation else None
        return running.projector if running else None

    @property
    def projectors(self) -> list[Projector]:
        """All projectors."""
        return [each.projector for each in self._running.values()]

    def start(self, group: asyncio.TaskGroup, wanted: Collection[Generation] = ()) -> None:
        """Run the serving projector, and those of all wanted generations, unless they run already."""
        for generation in dict.fromkeys((self.serving, *wanted)):
            projector = self.of(generation)
            if projector is None:
                projector = self._beside(self.model.of(generation))
                projector.progress.watch(self._moved)
            elif self._running[generation].task:
                continue
            is_own = generation.is_of_same_code(self.model.generation)
            work = self._build(projector) if is_own else projector.stand_still()
            task = group.create_task(work, name=f"projector {generation.key}")
            self._running[generation] = _Running(projector, task)

    async def _build(self, projector: Projector) -> None:
        if projector.model.generation != self.serving:
            await self._apart(projector)
        await projector.run()

    async def stop(self, wanted: Collection[Generation]) -> None:
        """Stop the projectors of all generations that are not wanted."""
        for generation in self._running.keys() - {self.serving, *wanted}:
            task = self._running.pop(generation).task
            self._leftovers = True
            if task:
                task.cancel()
                await asyncio.wait([task])

    def serve(self, generation: Generation) -> None:
        """Record that another generation serves from now on."""
        self._served_until[self.serving] = asyncio.get_running_loop().time()
        self.serving, self._leftovers = generation, True

    async def drop_leftovers(self) -> float | None:
        """Drop the stored generations of this code that are not projected.

        Returns the seconds until another one may be dropped, because reads may be under way in it; `None` if
        there is none.
        """
        if not self._leftovers:
            return None
        now, waits = asyncio.get_running_loop().time(), list[float]()
        for stored in await self._store.generations(self.model):
            generation = stored.generation
            if generation in self._running or not generation.is_of_same_code(self.model.generation):
                continue
            unread = self._served_until.get(generation, now - UNREAD_AFTER) + UNREAD_AFTER
            if unread > now:
                waits.append(unread - now)
                continue
            await self._store.drop(generation)
            self._served_until.pop(generation, None)
            logger.info("A generation was dropped: generation=%s", generation.key)
        self._leftovers = bool(waits)
        return min(waits, default=None)
