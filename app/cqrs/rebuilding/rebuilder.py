"""The generations of one read model in a process: the one that serves, and those that are built or kept."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from app.cqrs.documents.generations import Generation
from app.cqrs.documents.read_model import ReadModel
from app.cqrs.documents.store import CheckpointMoved
from app.cqrs.freshness.progress import Progress, ReadModelState
from app.cqrs.impersonal import outline
from app.cqrs.projecting.generations import Generations
from app.cqrs.projecting.projector import Projector
from app.cqrs.rebuilding.pace import Pace
from app.cqrs.rebuilding.parts import PartialRebuilds, Partly, PartProgress
from app.cqrs.rebuilding.records import (
    GenerationRecord,
    GenerationRecords,
    NotPossible,
    RebuildState,
    RecordMoved,
)
from app.cqrs.rebuilding.running import RunningGenerations
from app.cqrs.rebuilding.selection import Selection
from app.cqrs.rebuilding.switching import NotReady, Readers, Switching
from app.cqrs.rebuilding.verifying import Verifying
from app.cqrs.unavailable import ReadStoreUnavailable

PAUSE = 1.0
"""Seconds before the next attempt after the store did not answer, or another process was faster."""
NOTED_EVERY = 5.0
"""Seconds between two notes of a rebuild's position in the store, for those who look at it from outside."""
ROLLBACK_PATIENCE = 5.0
"""Seconds to wait until the former documents have reached the position of those that serve."""

logger = logging.getLogger(__name__)


class Rebuilder:
    """Runs the projectors that the record of a read model asks for, and moves a rebuild to its end.

    The record in the store decides: whoever changes it, also another process, is followed.
    """

    def __init__(
        self,
        projector: Projector,
        *,
        record: GenerationRecord,
        beside: Callable[[ReadModel], Projector],
        records: GenerationRecords,
        store: Generations,
        readers: Readers,
        poll: float | None,
        partly: Partly,
        apart: Callable[[Projector], Awaitable[None]],
        moved: Callable[[], None] = lambda: None,
    ) -> None:
        """Begin with the serving `projector`, and make those of other generations with `beside`.

        Their documents are built `apart` first, and some are made anew with `partly`. The record is read
        every `poll` seconds, if other processes may change it; `moved` is called at each progress.
        """
        self.model = projector.model.of(record.own)
        self.progress: Progress = projector.progress
        """The progress of the documents that serve, whatever generation they are."""
        self.pace = Pace()
        self.record = record
        self._generations = RunningGenerations(
            projector, self.model, beside=beside, store=store, moved=self._other_moved, apart=apart
        )
        self._records = records
        self._switching = Switching(readers, records)
        self._verifying = Verifying(records, self._wake)
        self._parts = PartialRebuilds(partly)
        self._poll = poll
        self._moved = moved
        self._turn = asyncio.Lock()
        self._woken = asyncio.Event()
        self._built_state = ReadModelState.CATCHING_UP
        self._noted = 0.0
        self._group = asyncio.TaskGroup()

    @property
    def serving(self) -> Projector:
        """The projector of the documents that serve."""
        return self._projector_of(self._generations.serving)

    @property
    def projectors(self) -> list[Projector]:
        """The projectors of all generations."""
        return self._generations.projectors

    @property
    def built(self) -> Projector | None:
        """The projector of the generation that is built; `None` if no rebuild is under way."""
        return self._generations.of(self.record.building)

    @property
    def switch_seconds(self) -> float:
        """The duration of the last switch by this process, in which no event was applied; 0 before one."""
        return self._switching.seconds

    async def run(self) -> None:
        """Project all generations until cancelled."""
        async with self._group:
            self._generations.start(self._group)
            try:
                while True:
                    self._woken.clear()
                    await self._until_woken(await self._step_or_pause())
            finally:
                self._verifying.stop()

    async def begin(self, *, keep: timedelta, verify: bool, accept: bool) -> None:
        """Begin a rebuild; or retry the one that has failed, or switch although documents differ.

        Raises `NotPossible`, `RecordMoved` and `ReadStoreUnavailable`.
        """
        async with self._turn:
            await self._read_record()
            state = self.record.rebuild.state if self.record.rebuild else None
            if state is RebuildState.FAILED and self.built:
                await self._save(
                    self.record.noted(_now(), RebuildState.BUILDING, self.built.progress.position)
                )
                await self.built.retry(0)
            elif accept:
                await self._save(self.record.accepted(_now()))
            else:
                await self._save(self.record.begun(_now(), keep=keep, verify=verify))
                self.pace = Pace()
            self._generations.start(self._group, self.record.wanted)
        self._wake()

    async def rebuild_some(self, selection: Selection, patience: float) -> PartProgress:
        """Make some documents anew; see `PartialRebuilds.ask`."""
        if not self.record.serving.is_of_same_code(self.record.own):
            raise NotPossible(
                f"The documents of {self.model.name} that serve were made by another version. Wait until "
                "those of this version are built."
            )
        return await self._parts.ask(self._group, lambda: self.serving, selection, patience)

    async def abort(self) -> None:
        """End a rebuild before its switch; raise as `begin` does."""
        async with self._turn:
            await self._read_record()
            await self._save(self.record.aborted(_now()))
            self._verifying.stop()
        self._wake()

    async def roll_back(self) -> None:
        """Serve the former documents again, which are kept up to date; raise as `begin` does."""
        async with self._turn:
            await self._read_record()
            record = self.record.rolled_back(_now())
            self._generations.start(self._group, self.record.wanted)
            try:
                await self._switch_to(self._projector_of(record.serving), record, ROLLBACK_PATIENCE)
            except (NotReady, CheckpointMoved) as reason:
                raise NotPossible(f"The former documents can't serve now: {reason}. Try again.") from reason
        self._wake()

    async def _step_or_pause(self) -> float | None:
        """Do what is due; return the seconds until the next step, `None` without limit."""
        try:
            async with self._turn:
                return await self._step()
        except (RecordMoved, NotReady, CheckpointMoved, ReadStoreUnavailable) as reason:
            logger.info(
                "The generations are looked at again: read_model=%s error=%s",
                self.model.name,
                outline(reason),
            )
        except Exception as reason:  # It must not end the service, whose documents serve.
            logger.warning(
                "The generations are looked at again: read_model=%s error=%s",
                self.model.name,
                outline(reason),
            )
        return PAUSE

    async def _step(self) -> float | None:
        await self._read_record()
        self._generations.start(self._group, self.record.wanted)
        if self.record.serving != self._generations.serving:
            # Another process has switched, or this one did not get the store's answer.
            await self._switch_to(self._projector_of(self.record.serving), None, PAUSE)
        if self.record.is_over(_now()):
            await self._save(self.record.without_kept(_now()))
        if self.built:
            await self._advance(self.built)
        await self._generations.stop(self.record.wanted)
        waits = [self._poll, await self._generations.drop_leftovers()]
        if self.record.kept_until:
            waits.append(max(0.0, (self.record.kept_until - _now()).total_seconds()))
        if self.record.building:
            waits.append(NOTED_EVERY)
        return min((each for each in waits if each is not None), default=None)

    async def _advance(self, built: Projector) -> None:
        """Bring the rebuild to its next state."""
        rebuild, progress = self.record.rebuild, built.progress
        if rebuild is None:
            return
        position, state = progress.position, rebuild.state
        if progress.state is ReadModelState.FAILED:
            if state is not RebuildState.FAILED:
                await self._save(self.record.noted(_now(), RebuildState.FAILED, position, progress.reason))
        elif state is RebuildState.DIFFERENT:
            return
        elif progress.state is ReadModelState.CATCHING_UP:
            now = asyncio.get_running_loop().time()
            if state is RebuildState.FAILED or (position != rebuild.position and now >= self._noted):
                self._noted = now + NOTED_EVERY
                await self._save(self.record.noted(_now(), RebuildState.BUILDING, position))
        elif not rebuild.verify:
            await self._switch_to(built, self.record.switched(_now(), position), PAUSE)
        elif (report := self._verifying.result()) is not None:
            if report.is_clean:
                await self._switch_to(built, self.record.switched(_now(), position), PAUSE)
            else:
                state = RebuildState.DIFFERENT
                await self._save(self.record.noted(_now(), state, position, str(report)))
        elif not self._verifying.is_under_way:
            await self._save(self.record.noted(_now(), RebuildState.VERIFYING, position))
            self._verifying.start(self.serving, built)

    async def _switch_to(self, other: Projector, record: GenerationRecord | None, patience: float) -> None:
        """Serve other documents, with a changed record unless the store has it already; raise `NotReady`."""
        former = self.serving
        saved = await self._switching.switch(former, other, record, patience)
        self._generations.serve(other.model.generation)
        if saved:
            self._take(saved)
        self._moved()
        logger.info(
            "Other documents serve: read_model=%s generation=%s former=%s position=%d milliseconds=%.1f",
            self.model.name,
            other.model.key,
            former.model.key,
            self.progress.position,
            self._switching.seconds * 1000,
        )

    async def _read_record(self) -> None:
        found = await self._records.record(self.model)
        if not found.revision and self.record.revision:  # The whole database was dropped.
            found = await self._records.save(replace(self.record, revision=0))
        self._take(found)

    async def _save(self, record: GenerationRecord) -> None:
        self._take(await self._records.save(record))

    def _take(self, record: GenerationRecord) -> None:
        changed, self.record = record != self.record, record
        if changed:
            self._moved()

    def _projector_of(self, generation: Generation) -> Projector:
        projector = self._generations.of(generation)
        if projector is None:
            raise RuntimeError(f"{generation.key} is not projected")
        return projector

    def _other_moved(self, progress: Progress) -> None:
        """Note the pace of the rebuild, and look at it again when its state changes."""
        if self.built and progress is self.built.progress:
            self.pace.note(asyncio.get_running_loop().time(), progress.position)
            if progress.state is not self._built_state:
                self._built_state = progress.state
                self._wake()
        self._moved()

    def _wake(self) -> None:
        self._woken.set()

    async def _until_woken(self, seconds: float | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()


def _now() -> datetime:
    """Return the time in whole milliseconds, as stores keep it."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
