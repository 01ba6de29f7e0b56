"""Commands and outcomes are the same after their way to another process, whatever is in them."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from msgspec import UNSET, UnsetType

from app.cqrs.commands import outcomes
from app.cqrs.commands.fingerprints import fingerprint
from app.cqrs.commands.forwarding.encoding import (
    COMPRESSED_FROM,
    CommandEncoding,
    CommandFailed,
    Request,
    UnknownCommand,
    Unreadable,
)
from app.cqrs.commands.lists import Entry
from app.cqrs.commands.outcomes import (
    CommandError,
    EventMark,
    EventPlace,
    InvalidInput,
    NotFound,
    Receipt,
    Refused,
    refusals_in,
    refused,
)
from app.cqrs.commands.write_store import Conflict
from app.cqrs.messages import Command
from app.cqrs.unavailable import WriteStoreBusy, WriteStoreUnavailable
from app.cqrs.viewers import ANONYMOUS, OPEN, Scope, Sight, Viewer
from app.domain.contexts import CONTEXTS

COMMANDS = [command for context in CONTEXTS for command in context.command_types]
OWN_ERRORS = [error for context in CONTEXTS for error in context.refusal_types]
ERRORS: Sequence[type[CommandError]] = [*refusals_in(outcomes), *OWN_ERRORS]
ENCODING = CommandEncoding(COMMANDS, OWN_ERRORS)

TEXT = some.text(some.characters(exclude_categories=()), max_size=20)
"""Text with lone surrogates, too, which clients can send."""

SIMPLE: dict[Any, some.SearchStrategy[Any]] = {
    str: TEXT,
    bool: some.booleans(),
    int: some.integers(),
    UUID: some.uuids(),
    Decimal: some.decimals(allow_nan=False),
    datetime: some.datetimes(timezones=some.sampled_from([UTC, timezone(timedelta(hours=-9, minutes=-30))])),
    NoneType: some.none(),
    UnsetType: some.just(UNSET),
}


def values_of(hint: Any) -> some.SearchStrategy[Any]:
    """Return a strategy for all values of a type."""
    if get_origin(hint) is Annotated:
        return values_of(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        return some.one_of([values_of(each) for each in get_args(hint)])
    if get_origin(hint) is tuple:
        return some.lists(values_of(get_args(hint)[0]), max_size=3).map(tuple)
    if is_dataclass(hint):
        assert isinstance(hint, type)
        hints = get_type_hints(hint, include_extras=True)
        return some.builds(hint, **{each.name: values_of(hints[each.name]) for each in fields(hint)})
    if isinstance(hint, type) and issubclass(hint, Enum):
        return some.sampled_from(hint)
    return SIMPLE[hint]


VIEWERS = some.builds(
    Viewer,
    actor=TEXT,
    scope=some.builds(Scope, some.sampled_from(Sight), some.none() | TEXT),
    roles=some.frozensets(TEXT, max_size=3),
    expires_at=some.none() | some.floats(allow_nan=False, allow_infinity=False),
    issued_at=some.none() | some.floats(allow_nan=False, allow_infinity=False),
)


def sent(request: Request) -> Request:
    return ENCODING.requested(ENCODING.request(request))


def returned(*results: outcomes.Receipt | Refused | Exception) -> Sequence[Any]:
    return ENCODING.results(ENCODING.answer(results), len(results))


@pytest.mark.parametrize("kind", COMMANDS)
@settings(max_examples=30, deadline=None)
@given(data=some.data(), viewer=VIEWERS, id=some.uuids())
def test_a_command_arrives_as_it_was_sent(
    data: some.DataObject, kind: type[Command], viewer: Viewer, id: UUID
) -> None:
    command = data.draw(values_of(kind))
    request = Request(commands=[Entry(command, id)], viewer=viewer)
    arrived = sent(request)
    assert arrived == request
    assert arrived.viewer.spender == viewer.spender
    assert isinstance(there := arrived.commands[0].command, Command)
    assert fingerprint(there) == fingerprint(command), "1.0 is not 1.00"


@pytest.mark.parametrize("kind", ERRORS)
@settings(max_examples=30, deadline=None)
@given(data=some.data())
def test_a_refusal_arrives_as_it_was_returned(data: some.DataObject, kind: type[CommandError]) -> None:
    hints = get_type_hints(kind, include_extras=True)
    paths = some.lists(TEXT | some.integers(0, 2**40), max_size=3).map(tuple)
    given = {each.name: values_of(hints[each.name]) for each in fields(kind) if each.name != "path"}
    refusal = refused(*data.draw(some.lists(some.builds(kind, path=paths, **given), min_size=1, max_size=2)))
    assert returned(refusal) == [refusal]
    assert [type(each) for each in returned(refusal)[0].errors] == [kind] * len(refusal.errors)


def test_a_list_arrives_in_order_with_what_describes_no_command() -> None:
    nonsense = refused(InvalidInput(message="It is empty.", path=("lines", 0, "sku")))
    entries = [
        Entry(nonsense, uuid4()),
        *(Entry(COMMANDS[0](sku="A", name="B", category="C", unit_price=Decimal("1.50")), uuid4()),) * 3,  # type: ignore[call-arg]
    ]
    request = Request(commands=entries, viewer=OPEN, listed=True, atomic=True)
    assert sent(request) == request


def test_receipts_and_failures_arrive_as_they_were_returned() -> None:
    mark = EventMark(event_id=uuid4(), type="OrderPlaced", stream="order-1", position=2**40)
    receipt = Receipt(command_id=uuid4(), events=(mark, mark))
    missing = replace(
        refused(NotFound(message="There is no order with this id.", kind="order", id=uuid4())),
        decided_after=EventPlace(event_id=uuid4(), position=2**41),
    )
    away, lost, fault = WriteStoreUnavailable("away"), Conflict("lost"), KeyError("ada@x")
    found = returned(receipt, missing, away, lost, WriteStoreBusy(1.25), fault)
    assert found[:2] == [receipt, missing]
    assert found[1].covered == 2**41
    assert [(type(each), str(each)) for each in found[2:4]] == [
        (WriteStoreUnavailable, "away"),
        (Conflict, "lost"),
    ]
    assert isinstance(found[4], WriteStoreBusy)
    assert found[4].wait == 1.25
    assert isinstance(found[5], CommandFailed)
    assert "KeyError" in str(found[5])
    assert "ada@x" not in str(found[5]), "which may be personal"


@pytest.mark.parametrize("error", [WriteStoreUnavailable("away"), Conflict("lost"), WriteStoreBusy(0.5)])
def test_a_failure_of_all_is_raised(error: Exception) -> None:
    with pytest.raises(type(error), match=str(error)):
        ENCODING.results(ENCODING.failure(error), 2)


def test_a_long_list_is_compressed() -> None:
    product = COMMANDS[0](sku="A", name="B", category="C", unit_price=Decimal("1.50"))  # type: ignore[call-arg]
    request = Request(commands=[Entry(product, uuid4()) for _ in range(500)], viewer=ANONYMOUS, listed=True)
    assert len(ENCODING.request(request)) < 500 * len(msgspec.json.encode(product)) / 2 > COMPRESSED_FROM / 2
    assert sent(request) == request


def test_a_refusal_that_only_another_version_knows_is_shown_with_its_message() -> None:
    class OutOfCredit(CommandError):
        """The customer has no credit left."""

        code = "OUT_OF_CREDIT"
        limit: int

    newer = CommandEncoding(COMMANDS, [*OWN_ERRORS, OutOfCredit])
    answer = newer.answer([refused(OutOfCredit(message="No credit is left.", path=("lines",), limit=3))])
    assert ENCODING.results(answer, 1) == [
        refused(InvalidInput(message="No credit is left.", path=("lines",)))
    ]


def test_a_command_that_only_another_version_knows_is_named() -> None:
    class GiveCredit(Command):
        """Gives a customer credit."""

        limit: int

    newer = CommandEncoding([*COMMANDS, GiveCredit], OWN_ERRORS)
    request = newer.request(Request(commands=[Entry(GiveCredit(limit=3), uuid4())], viewer=OPEN))
    with pytest.raises(UnknownCommand, match="GiveCredit"):
        ENCODING.requested(request)


@given(some.binary(max_size=200))
def test_what_nobody_has_encoded_is_refused(message: bytes) -> None:
    with pytest.raises(Unreadable):
        ENCODING.requested(message)
    with pytest.raises(Unreadable):
        ENCODING.results(message, 1)


def test_a_command_that_was_not_registered_is_not_sent() -> None:
    class GiveCredit(Command):
        """Gives a customer credit."""

        limit: int

    with pytest.raises(KeyError, match="GiveCredit"):
        ENCODING.request(Request(commands=[Entry(GiveCredit(limit=3), uuid4())], viewer=OPEN))


def test_types_that_could_not_be_read_again_are_refused_at_the_start() -> None:
    class Stranger:
        pass

    class Borrow(Command):
        """Borrows something."""

        what: Stranger

    with pytest.raises(ValueError, match="Borrow can't be sent to another process"):
        CommandEncoding([Borrow], [])


def test_two_types_with_one_name_are_refused_at_the_start() -> None:
    other = type("AddProduct", (Command,), {"__module__": "app.domain.elsewhere.commands"})
    with pytest.raises(ValueError, match=r"elsewhere.commands both declare AddProduct: rename one"):
        CommandEncoding([*COMMANDS, other], [])
