"""The rebuilds of all read models of a process, as operators start, watch and end them."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.cqrs.commands.outcomes import CommandError
from app.cqrs.projecting.projector import Projector
from app.cqrs.rebuilding.parts import PartProgress
from app.cqrs.rebuilding.rebuilder import Rebuilder
from app.cqrs.rebuilding.records import GenerationRecord, NotPossible, RebuildState, RecordMoved
from app.cqrs.rebuilding.selection import Selection

KEEP = timedelta(hours=1)
"""The time for which former documents are kept up to date by default."""
LONGEST_KEEP = timedelta(days=7)
"""The longest time for which they may be kept: they take room, and every change is written twice."""
BATCH = 200
"""Events that a rebuild applies at once: fewer than a projector with nobody beside it, for readers wait."""
BETWEEN_REPORTS = 0.5
"""Seconds between two reports of the progress to the same listener, at least."""


class RebuildRefused(CommandError):
    """A rebuild can't be started, aborted or rolled back now."""

    code = "REBUILD_REFUSED"


@dataclass(frozen=True, kw_only=True)
class RebuildProgress:
    """The progress of the newest rebuild of a read model."""

    read_model: str
    state: RebuildState
    position: int
    """The position up to which the new documents are complete; the last known one after its end."""
    head: int
    events_per_second: float
    """The events that were applied per second lately; 0 after the end."""
    seconds_left: float | None
    """The seconds until the new documents have reached the head; `None` if that is not known, or not due."""
    started_at: datetime
    kept_until: datetime | None
    """The time until which a rollback is possible; `None` if it is not."""
    reason: str | None
    """The reason for a failure, or the differences that were found."""


class Rebuilds:
    """The rebuilds, by read model."""

    def __init__(self, forget: Callable[[], None] = lambda: None) -> None:
        """Call `forget` before events are read again that an operator may have corrected in the log."""
        self._forget = forget
        self._under_way = set[asyncio.Task[None]]()
        self._rebuilders: dict[str, Rebuilder] = {}
        self._noted: dict[str, GenerationRecord] = {}
        """The records of read models that other processes may project."""
        self.changed = asyncio.Event()
        """Set at the next progress of any rebuild, and then replaced by another event."""

    def add(self, rebuilder: Rebuilder) -> None:
        """Add the generations of a read model."""
        self._rebuilders[rebuilder.model.name] = rebuilder

    def __contains__(self, read_model: str) -> bool:
        return read_model in self._rebuilders

    def note(self, record: GenerationRecord) -> None:
        """Note the record of a read model that another process may project."""
        if self._noted.get(record.own.read_model) != record:
            self._noted[record.own.read_model] = record
            self.moved()

    def remove(self, read_model: str) -> None:
        """Remove the generations of a read model, which another process projects now."""
        self._rebuilders.pop(read_model, None)
        self.moved()

    @property
    def serving(self) -> Mapping[str, Projector]:
        """The projectors of the documents that serve, by read model, whichever they are at a look-up."""
        return _Serving(self._rebuilders)

    def moved(self) -> None:
        """Wake all who watch the progress."""
        self.changed.set()
        self.changed = asyncio.Event()

    def doubt(self) -> None:
        """Compare all documents with the log as soon as possible: one of them may have been set back."""
        for rebuilder in self._rebuilders.values():
            for projector in rebuilder.projectors:
                projector.doubt()

    async def begin(
        self, read_model: str, *, keep: timedelta = KEEP, verify: bool = False, accept: bool = False
    ) -> RebuildRefused | None:
        """Begin a rebuild, retry one that has failed, or `accept` differences; return why it is refused.

        The former documents are kept for `keep` after the switch. Raises `ReadStoreUnavailable`.
        """
        if not timedelta() <= keep <= LONGEST_KEEP:
            longest = int(LONGEST_KEEP.total_seconds())
            return RebuildRefused(
                message=f"The former documents can't be kept for {keep.total_seconds():.0f} seconds. "
                f"Choose 0 to {longest:,}.",
                path=("keep_seconds",),
            )
        self._forget()
        rebuilder = self._rebuilders[read_model]
        return await self._carried_out(rebuilder.begin(keep=keep, verify=verify, accept=accept))

    async def rebuild_some(
        self, read_model: str, selection: Selection, patience: float
    ) -> PartProgress | RebuildRefused:
        """Make some documents anew in the place of those that serve; return why it is refused.

        Wait at most `patience` seconds; repeat the call to wait on. Raises `ReadStoreUnavailable` and
        `WriteStoreUnavailable`.
        """
        self._forget()
        try:
            return await self._rebuilders[read_model].rebuild_some(selection, patience)
        except NotPossible as reason:
            return RebuildRefused(message=f"{reason}", path=(reason.argument,))

    async def abort(self, read_model: str) -> RebuildRefused | None:
        """End a rebuild before its switch; return why that is refused."""
        return await self._carried_out(self._rebuilders[read_model].abort())

    async def roll_back(self, read_model: str) -> RebuildRefused | None:
        """Serve the former documents again; return why that is refused."""
        return await self._carried_out(self._rebuilders[read_model].roll_back())

    async def _carried_out(self, work: Coroutine[Any, Any, None]) -> RebuildRefused | None:
        """Carry out `work` to its end, also if the client who asks for it goes away; return a refusal."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        try:
            await asyncio.shield(task)
        except NotPossible as reason:
            return RebuildRefused(message=f"{reason}", path=(reason.argument,))
        except RecordMoved as reason:
            return RebuildRefused(message=f"{reason}", path=("read_model",))
        return None

    def of(self, read_model: str) -> RebuildProgress | None:
        """Return the progress of the newest rebuild of a read model; `None` if it was never rebuilt."""
        rebuilder = self._rebuilders.get(read_model)
        if rebuilder is None:
            return _recorded(self._noted.get(read_model))
        rebuild, built = rebuilder.record.rebuild, rebuilder.built
        if rebuild is None:
            return None
        now = asyncio.get_running_loop().time()
        head = max(rebuilder.progress.head.position, rebuilder.progress.position)
        is_catching_up = built is not None and rebuild.state is RebuildState.BUILDING
        return RebuildProgress(
            read_model=read_model,
            state=rebuild.state,
            position=built.progress.position if built else rebuild.position,
            head=head,
            events_per_second=rebuilder.pace.events_per_second(now) if is_catching_up else 0.0,
            seconds_left=(
                rebuilder.pace.seconds_left(now, head - built.progress.position)
                if built and is_catching_up
                else None
            ),
            started_at=rebuild.started_at,
            kept_until=rebuilder.record.kept_until,
            reason=rebuild.reason,
        )

    def switch_seconds(self, read_model: str) -> float:
        """Return the duration of the last switch of a read model by this process; 0 if there was none."""
        rebuilder = self._rebuilders.get(read_model)
        return rebuilder.switch_seconds if rebuilder else 0.0

    def progress(self) -> Sequence[RebuildProgress]:
        """Return the progress of the newest rebuild of each read model that was ever rebuilt."""
        names = dict.fromkeys((*self._rebuilders, *self._noted))
        return [found for name in names if (found := self.of(name))]

    async def follow(self) -> AsyncGenerator[Sequence[RebuildProgress], None]:
        """Yield the progress of all rebuilds, now and after each change of it."""
        last: Sequence[RebuildProgress] | None = None
        while True:
            changed, found = self.changed, self.progress()
            if found != last:
                yield found
                last = found
            moves = any(each.state is RebuildState.BUILDING for each in found)
            await asyncio.sleep(BETWEEN_REPORTS)
            # The pace of a rebuild that stands still falls, though nothing moves.
            with suppress(TimeoutError):
                async with asyncio.timeout(BETWEEN_REPORTS if moves else None):
                    await changed.wait()


def _recorded(record: GenerationRecord | None) -> RebuildProgress | None:
    """Return the progress that the process noted which builds the documents."""
    if record is None or record.rebuild is None:
        return None
    rebuild = record.rebuild
    return RebuildProgress(
        read_model=record.own.read_model,
        state=rebuild.state,
        position=rebuild.position,
        head=rebuild.position,
        events_per_second=0.0,
        seconds_left=None,
        started_at=rebuild.started_at,
        kept_until=record.kept_until,
        reason=rebuild.reason,
    )


class _Serving(Mapping[str, Projector]):
    def __init__(self, rebuilders: Mapping[str, Rebuilder]) -> None:
        self._rebuilders = rebuilders

    def __getitem__(self, read_model: str) -> Projector:
        return self._rebuilders[read_model].serving

    def __iter__(self) -> Iterator[str]:
        return iter(self._rebuilders)

    def __len__(self) -> int:
        return len(self._rebuilders)
