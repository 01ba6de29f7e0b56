"""The transactions in which commands are carried out: of one command, or of several in their order."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from app.cqrs.commands.asked import Asked, Outcome
from app.cqrs.commands.outcomes import CommandKey, EventPlace, Receipt, Refused, RolledBack, refused
from app.cqrs.commands.write_store import Group, Transaction, WriteStore
from app.cqrs.measured import logged
from app.cqrs.unavailable import WriteStoreUnavailable

Committed = Callable[[Receipt, str], None]
"""A function that is called with the receipt of each accepted command, and the command's actor."""

Decide = Callable[[Asked, Transaction], Awaitable[Outcome | None]]
"""A function that carries out a command; returns `None` if it is accepted, and must be committed."""

Result = Outcome | Exception
"""The outcome of a command, or the exception of its handler."""

ROLLED_BACK = (
    "The command could be carried out, but was rolled back, because another one of its list was refused."
)


class _Repetition(NamedTuple):
    """A command that repeats an accepted one of the same transaction, whose receipt is not known yet."""

    of: int


class CarryingOut:
    """The carrying out of commands in transactions of the write store."""

    def __init__(self, store: WriteStore, decide: Decide, committed: Committed) -> None:
        self._store = store
        self._decide = decide
        self._committed = committed

    async def alone(self, asked: Asked) -> Outcome:
        """Carry out one command; raise `Conflict` and `WriteStoreUnavailable`."""
        async with self._store.begin(asked.cause) as work:
            if outcome := await self._decide(asked, work):
                return outcome
            receipt = await work.commit(asked.fingerprint)
        self._committed(receipt, asked.cause.actor)
        return receipt

    async def together(
        self, group: Sequence[Asked], *, atomic: bool = False, doomed: bool = False
    ) -> list[Result]:
        """Carry out commands in one transaction, and return their outcomes in the same order.

        A refusal or a failure undoes that command and no other. If the group is atomic, one of them undoes
        all; if it is doomed, none takes effect in any case. Raises what an error of the database means: it
        ends the transaction.
        """
        results: dict[int, Result | _Repetition] = {}
        accepted: dict[CommandKey, int] = {}
        async with self._store.begin_group() as transaction:
            await transaction.expect([(asked.cause.key, asked.command) for asked in group])
            for number, asked in enumerate(group):
                if (first := accepted.get(asked.cause.key)) is not None:
                    repeated = asked.is_repeated_by(group[first].fingerprint)
                    results[number] = _Repetition(first) if repeated else asked.id_reused()
                elif result := await self._in_group(asked, transaction):
                    results[number] = result
                else:
                    accepted[asked.cause.key] = number
                await asyncio.sleep(0)  # A group takes long, and no other task would run meanwhile.
            logged.done()  # The rest concerns all of them.
            failed = any(isinstance(result, Refused | Exception) for result in results.values())
            rolled_back = doomed or (atomic and failed)
            receipts = await transaction.commit() if accepted and not rolled_back else []
        if rolled_back:
            refusals = (each for each in results.values() if isinstance(each, Refused))
            undone = refused(RolledBack(message=ROLLED_BACK))
            undone = replace(undone, decided_after=_newest(each.newest for each in refusals))
            results |= dict.fromkeys(accepted.values(), undone)
        for number, receipt in zip(accepted.values(), receipts, strict=False):
            results[number] = receipt
            self._committed(receipt, group[number].cause.actor)
        resolved = [_resolved(results[number], results) for number in range(len(group))]
        return _covering_those_before(resolved)

    async def _in_group(self, asked: Asked, transaction: Group[Transaction]) -> Result | None:
        asked.name_in_log()
        work = await transaction.begin(asked.cause)
        result = await self._decided(asked, work)
        if result is None:
            transaction.accept(work, asked.fingerprint)
        else:
            await transaction.undo()
        return result

    async def _decided(self, asked: Asked, work: Transaction) -> Result | None:
        """Return the outcome of the command, or the exception of its handler.

        Raises what an error of the database means: it ends the transaction, and each command is tried alone.
        """
        try:
            return await self._decide(asked, work)
        except Exception as error:
            meaning = self._store.meaning_of(error)
            if meaning is not error or isinstance(meaning, WriteStoreUnavailable):
                raise meaning from error
            return meaning


def _covering_those_before(results: Sequence[Result]) -> list[Result]:
    """Return the results; each refusal covers the commands before it, which may be the reason."""
    newest, covering = None, list[Result]()
    for result in results:
        if isinstance(result, Refused):
            covering.append(replace(result, decided_after=_newest([newest, result.newest])))
        else:
            covering.append(result)
            newest = _newest([newest, result.newest]) if isinstance(result, Receipt) else newest
    return covering


def _newest(places: Iterable[EventPlace | None]) -> EventPlace | None:
    return max(filter(None, places), key=lambda place: place.position, default=None)


def _resolved(result: "Result | _Repetition", results: "dict[int, Result | _Repetition]") -> Result:
    if isinstance(result, _Repetition):
        first = results[result.of]
        assert not isinstance(first, _Repetition)
        return first
    return result
