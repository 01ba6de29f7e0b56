"""Lists of commands: each one is carried out as if it had been sent alone, but they share transactions."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from app.cqrs.commands.asked import Asked, Listed, Outcome
from app.cqrs.commands.carrying_out import Result
from app.cqrs.commands.lane import Lane
from app.cqrs.commands.outcomes import Refused
from app.cqrs.commands.write_store import Conflict
from app.cqrs.messages import Command
from app.cqrs.unavailable import WriteStoreUnavailable
from app.cqrs.viewers import Viewer

PREPARED_AT_ONCE = 32
"""Commands that are prepared for the store without a pause; a command takes some 50 microseconds."""

AGAIN = "With their commandIds the commands take effect once, however often they are sent."


class Entry(NamedTuple):
    """A command of a list with its id, or the refusal of an input that describes no command."""

    command: Command | Refused
    command_id: UUID


Ask = Callable[[Command, Viewer, UUID], Asked | Refused]
Raced = Callable[[Callable[[datetime], Awaitable[Any]], str, str], Awaitable[Any]]
"""A function that repeats a transaction while it loses races, given what to call the commands in messages."""


class ListOfCommands:
    """The execution of a list; the results of its commands are found by their numbers."""

    def __init__(
        self, lane: Lane, ask: Ask, carry_out: Callable[[Asked], Awaitable[Outcome]], raced: Raced
    ) -> None:
        self._lane = lane
        self._ask = ask
        self._carry_out = carry_out
        self._raced = raced
        self._results: dict[int, Result] = {}

    async def execute(self, entries: Sequence[Entry], viewer: Viewer, *, atomic: bool) -> Sequence[Result]:
        """Return the outcomes of the commands, in their order; see `CommandBus.execute_all`."""
        self._lane.refuse_if_crowded()
        numbered = list(enumerate(entries))
        if atomic:
            await self._all_or_none(await self._prepared(numbered, viewer))
        else:
            while numbered:
                part = numbered[: self._lane.most_of_a_list]
                del numbered[: len(part)]
                if error := await self._part(await self._prepared(part, viewer)):
                    self._results |= {number: error for number, _ in numbered}
                    break
        return [self._results[number] for number in range(len(entries))]

    async def _prepared(self, part: Sequence[tuple[int, Entry]], viewer: Viewer) -> Mapping[int, Asked]:
        """Return the commands that need the store, by their numbers; refuse the others."""
        asked: dict[int, Asked] = {}
        for number, entry in part:
            if len(asked) % PREPARED_AT_ONCE == PREPARED_AT_ONCE - 1:
                await asyncio.sleep(0)  # No other task would run meanwhile.
            given = entry.command
            prepared = given if isinstance(given, Refused) else self._ask(given, viewer, entry.command_id)
            if isinstance(prepared, Refused):
                self._results[number] = prepared
            else:
                asked[number] = prepared
        return asked

    async def _all_or_none(self, asked: Mapping[int, Asked]) -> None:
        async def carry_out(moment: datetime) -> Sequence[Result]:
            commands = [each.at(moment) for each in asked.values()]
            return await self._lane.carry_out_list(Listed(commands, atomic=True, doomed=bool(self._results)))

        if asked:
            found = await self._raced(carry_out, f"An atomic list of {len(asked)} commands", AGAIN)
            self._results |= zip(asked, found, strict=True)

    async def _part(self, asked: Mapping[int, Asked]) -> Exception | None:
        """Carry out commands in one transaction; return the error because of which the list can't go on.

        Commands that share a transaction share the races that it loses, and the errors of the database that
        end it. They are carried out one by one then, each with its own attempts.
        """
        if not asked:
            return None
        try:
            found = await self._lane.carry_out_list(Listed([*asked.values()]))
        except WriteStoreUnavailable as silence:
            self._results |= dict.fromkeys(asked, silence)
            return silence
        except Exception:
            return await self._one_by_one(asked)
        self._results |= zip(asked, found, strict=True)
        return None

    async def _one_by_one(self, asked: Mapping[int, Asked]) -> Exception | None:
        stopped: Exception | None = None
        for number, each in asked.items():
            try:
                self._results[number] = stopped or await self._carry_out(each)
            except (Conflict, WriteStoreUnavailable) as error:
                self._results[number] = error
                # Those after it must not overtake it: the list is continued by sending it again.
                stopped = _without_id(error)
            except Exception as fault:
                self._results[number] = fault
        return stopped


def _without_id(error: Exception) -> Exception:
    """Return the error as it was before the id of one command was added to its message."""
    return error.__cause__ if isinstance(error.__cause__, Conflict | WriteStoreUnavailable) else error
