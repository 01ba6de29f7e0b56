"""The form in which commands and their outcomes travel between processes.

Messages of the domain are JSON within MessagePack. JSON can express a lone surrogate, which a client may send
and which the handler refuses like any other bad text.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from app.cqrs.commands import outcomes
from app.cqrs.commands.carrying_out import Result
from app.cqrs.commands.lists import Entry
from app.cqrs.commands.outcomes import CommandError, EventPlace, InvalidInput, Receipt, Refused, refusals_in
from app.cqrs.commands.write_store import Conflict
from app.cqrs.impersonal import Impersonal
from app.cqrs.messages import Command, Message
from app.cqrs.unavailable import WriteStoreBusy, WriteStoreUnavailable
from app.cqrs.viewers import Viewer

COMPRESSED_FROM = 16_384
"""Bytes from which a message is compressed: a list of commands repeats itself."""

LARGEST = 64_000_000
"""Maximum bytes of a message that was compressed."""

_PLAIN, _COMPRESSED = b"\x00", b"\x01"

M = TypeVar("M", bound=Message)
T = TypeVar("T")


class Unreadable(Impersonal):
    """A request or an answer in another form, probably that of another version of the program."""


class UnknownCommand(Impersonal):
    """A command that the process that received it does not know; another one may."""


class CommandFailed(Impersonal):
    """A fault of the process that carried out a command, whose log describes it."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """Commands of one sender."""

    commands: Sequence[Entry]
    viewer: Viewer
    listed: bool = False
    """True for a list, whose commands each have an outcome, and false for a single command."""
    atomic: bool = False
    trace: str | None = None
    """The place in a trace that the commands continue; `None` if they are not traced."""


class _Named(msgspec.Struct, array_like=True):
    """A message with the name of its type."""

    type: str
    data: bytes


class _Sent(msgspec.Struct, array_like=True):
    """A command of a request, or the reasons why an input describes none."""

    id: UUID
    command: _Named | None
    errors: Sequence[_Named] = ()


class _Request(msgspec.Struct):
    commands: Sequence[_Sent]
    viewer: bytes
    listed: bool
    atomic: bool
    trace: str | None = None


class _Failure(msgspec.Struct):
    """An exception that the sender of a command is to get."""

    kind: str
    text: str
    wait: float = 0.0


class _Outcome(msgspec.Struct):
    """The outcome of a command: exactly one of the first three fields is set."""

    receipt: bytes | None = None
    errors: Sequence[_Named] | None = None
    failure: _Failure | None = None
    decided_after: EventPlace | None = None
    """The newest event when the `errors` were found."""


class _Answer(msgspec.Struct):
    outcomes: Sequence[_Outcome] = ()
    failure: _Failure | None = None
    """A failure of the whole request."""


class CommandEncoding:
    """The encoding of commands, and of the reasons why they are refused, by the names of their types.

    Raises `ValueError`, whose message says what to do, if two types have the same name, or one can't be read.
    """

    def __init__(self, commands: Iterable[type[Command]], errors: Iterable[type[CommandError]]) -> None:
        self._commands: dict[str, type[Command]] = _by_name(commands)
        self._errors: dict[str, type[CommandError]] = _by_name([*refusals_in(outcomes), *errors])
        if faults := [*problems([*self._commands.values(), *self._errors.values()])]:
            raise ValueError("\n".join(faults))

    def request(self, request: Request) -> bytes:
        """Return a request as bytes."""
        sent = [
            _Sent(entry.command_id, None, self._named_errors(entry.command))
            if isinstance(entry.command, Refused)
            else _Sent(entry.command_id, self._named(entry.command, self._commands))
            for entry in request.commands
        ]
        return _packed(
            _Request(sent, _as_json(request.viewer), request.listed, request.atomic, request.trace)
        )

    def requested(self, message: bytes) -> Request:
        """Return the request in a message; raise `UnknownCommand` and `Unreadable`."""
        found = _unpacked(message, _Request)
        entries = []
        for each in found.commands:
            if each.command is None:
                entries.append(Entry(self._refused(each.errors), each.id))
            elif kind := self._commands.get(each.command.type):
                entries.append(Entry(_from_json(each.command.data, kind), each.id))
            else:
                raise UnknownCommand(
                    f"No process that answers knows the command {each.command.type}. Update those that carry "
                    "out commands first."
                )
        viewer = _from_json(found.viewer, Viewer)
        return Request(
            commands=entries,
            viewer=viewer,
            listed=found.listed,
            atomic=found.atomic,
            trace=found.trace,
        )

    def answer(self, results: Sequence[Result]) -> bytes:
        """Return the outcomes of all commands of a request as bytes; raise `KeyError` for unknown errors."""
        return _packed(_Answer([self._outcome(each) for each in results]))

    def failure(self, error: Exception) -> bytes:
        """Return the answer that a request has failed as a whole."""
        return _packed(_Answer(failure=_failure(error)))

    def results(self, message: bytes, count: int) -> Sequence[Result]:
        """Return the outcomes in an answer, one for each of `count` commands.

        Raises what concerns the whole request, `UnknownCommand`, and `Unreadable`.
        """
        answer = _unpacked(message, _Answer)
        if answer.failure:
            raise _raised(answer.failure)
        if len(answer.outcomes) != count:
            raise Unreadable("An answer has another number of outcomes.")
        return [self._result(each) for each in answer.outcomes]

    def _outcome(self, result: Result) -> _Outcome:
        if isinstance(result, Receipt):
            return _Outcome(receipt=_as_json(result))
        if isinstance(result, Refused):
            return _Outcome(errors=self._named_errors(result), decided_after=result.decided_after)
        return _Outcome(failure=_failure(result))

    def _result(self, outcome: _Outcome) -> Result:
        if outcome.receipt is not None:
            return _from_json(outcome.receipt, Receipt)
        if outcome.errors:
            return replace(self._refused(outcome.errors), decided_after=outcome.decided_after)
        if outcome.failure is None:
            raise Unreadable("An outcome is neither a receipt nor a refusal nor a failure.")
        return _raised(outcome.failure)

    def _named_errors(self, refusal: Refused) -> Sequence[_Named]:
        return [self._named(error, self._errors) for error in refusal.errors]

    def _named(self, message: Message, known: "dict[str, type[M]]") -> _Named:
        name = type(message).__name__
        if known.get(name) is not type(message):
            raise KeyError(f"{name} is not declared by any context, so it can't be sent to another process")
        return _Named(name, _as_json(message))

    def _refused(self, errors: Sequence[_Named]) -> Refused:
        return Refused(errors=tuple(map(self._error, errors)))

    def _error(self, named: _Named) -> CommandError:
        if kind := self._errors.get(named.type):
            return _from_json(named.data, kind)
        # Another version refuses for a reason that this one does not know, but can show.
        general = _from_json(named.data, CommandError)
        return InvalidInput(message=general.message, path=general.path)


def problems(types: Iterable[type[Message]]) -> Iterator[str]:
    """Yield a sentence, with what to do, for each type of message that could not be read again."""
    for each in types:
        try:
            msgspec.json.schema(each)
        except TypeError:
            yield (
                f"{each.__module__}.{each.__name__} can't be sent to another process, because msgspec can't "
                "read the type of one of its fields: use a dataclass, an enum, or a type of Python's own."
            )


def _by_name(types: Iterable[type[M]]) -> dict[str, type[M]]:
    found: dict[str, type[M]] = {}
    for each in types:
        if found.setdefault(each.__name__, each) is not each:
            raise ValueError(
                f"{found[each.__name__].__module__} and {each.__module__} both declare {each.__name__}: "
                "rename one, since processes send each other the names."
            )
    return found


def _as_json(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value)
    except (UnicodeEncodeError, OverflowError):  # a lone surrogate, or more than 64 bits
        return json.dumps(msgspec.to_builtins(value)).encode()


def _from_json(data: bytes, kind: type[T]) -> T:
    def slowly() -> T:
        return msgspec.convert(json.loads(data), kind)

    return _read(lambda: msgspec.json.decode(data, type=kind), slowly)


def _read(*ways: Callable[[], T]) -> T:
    """Return what the first way gives that works; raise `Unreadable` if none does."""
    for way in ways:
        try:
            return way()
        except (msgspec.MsgspecError, ValueError, RecursionError):
            continue
    # Not the error itself, whose text may quote what was sent.
    raise Unreadable("A process of another version sends commands or outcomes in a form that is not known.")


def _packed(message: msgspec.Struct) -> bytes:
    packed = msgspec.msgpack.encode(message)
    if len(packed) < COMPRESSED_FROM:
        return _PLAIN + packed
    return _COMPRESSED + zlib.compress(packed, 1)


def _unpacked(message: bytes, kind: type[T]) -> T:
    form, packed = message[:1], message[1:]
    try:
        if form == _COMPRESSED:
            packed = zlib.decompressobj().decompress(packed, LARGEST)
    except zlib.error as error:
        raise Unreadable("A message is damaged.") from error
    return _read(lambda: msgspec.msgpack.decode(packed, type=kind))


def _failure(error: Exception) -> _Failure:
    if isinstance(error, WriteStoreBusy):
        return _Failure("busy", str(error), error.wait)
    for kind, name in _KINDS.items():
        if isinstance(error, kind):
            return _Failure(name, str(error))
    return _Failure(
        "failed",
        "The process that carried out the command has failed, and its log says more: "
        f"error={type(error).__name__}",
    )


def _raised(failure: _Failure) -> Exception:
    if failure.kind == "busy":
        return WriteStoreBusy(failure.wait)
    for kind, name in _KINDS.items():
        if failure.kind == name:
            return kind(failure.text)
    return CommandFailed(failure.text)


_KINDS: dict[type[Exception], str] = {
    WriteStoreUnavailable: "unavailable",
    Conflict: "conflict",
    UnknownCommand: "unknown",
    CommandFailed: "failed",
}
