"""What the clients know for certain: each command before it is sent, and each answer when it is there."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID

JsonObject = Mapping[str, Any]


@dataclass(frozen=True)
class Acknowledged:
    receipt: JsonObject

    @property
    def subjects(self) -> list[str]:
        """The ids of the nodes that it changed."""
        return [event["subject"] for event in self.receipt["events"]]

    @property
    def position(self) -> int:
        """Of its last event; 0 when it changed nothing."""
        return int(self.receipt["events"][-1]["position"]) if self.receipt["events"] else 0


@dataclass(frozen=True)
class Refused:
    codes: tuple[str, ...]


@dataclass(frozen=True)
class Unknown:
    """The connection was lost, or the answer was an error that says nothing of the command's fate."""

    why: str
    """The codes of the answer, or what happened to the connection."""
    said: str = ""
    """The answer's message."""


Outcome = Acknowledged | Refused | Unknown


@dataclass(frozen=True)
class Entry:
    """A command, and all answers to it in the order in which they came."""

    id: UUID
    mutation: str
    input: JsonObject
    at_once: bool
    """Whether several copies of it were under way at the same time."""
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def receipts(self) -> list[JsonObject]:
        return [outcome.receipt for outcome in self.outcomes if isinstance(outcome, Acknowledged)]


class Journal:
    """Kept in memory for the checks, and in a file for who looks for the cause of what they find."""

    def __init__(self, file: Path) -> None:
        self.others = set[UUID]()
        """Commands that were sent past the API, and that nobody waits for."""
        self.entries: dict[UUID, Entry] = {}
        self.acknowledged: list[Entry] = []
        self.sent = 0
        self.longest_wait = 0.0
        """Seconds of the longest wait for an answer, since somebody has set it to zero."""
        self._sent_at: dict[UUID, float] = {}
        self._file = file.open("a", buffering=1)
        self._told = asyncio.Event()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, id: UUID, mutation: str, input: JsonObject, *, at_once: bool = False) -> Entry:
        """Notes a command that is about to be sent."""
        entry = Entry(id, mutation, input, at_once)
        self.entries[id] = entry
        self._line(command=str(id), mutation=mutation, input=input)
        return entry

    def sends(self, entry: Entry) -> None:
        """Notes that it is sent now, for the first time or once more."""
        self.sent += 1
        self._sent_at[entry.id] = monotonic()
        self._line(command=str(entry.id), sent=self.sent)

    def answered(self, entry: Entry, outcome: Outcome) -> None:
        """Notes what came of it."""
        entry.outcomes.append(outcome)
        self.longest_wait = max(self.longest_wait, monotonic() - self._sent_at.pop(entry.id, monotonic()))
        self._line(command=str(entry.id), outcome=type(outcome).__name__, **vars(outcome))
        if isinstance(outcome, Acknowledged):
            if len(entry.receipts) == 1:
                self.acknowledged.append(entry)
            self._told.set()

    async def next_acknowledgement(self) -> float:
        """Returns when the next command is acknowledged: the moment, as `monotonic` has it."""
        self._told.clear()
        await self._told.wait()
        return monotonic()

    def _line(self, **what: Any) -> None:
        self._file.write(json.dumps(what) + "\n")
