"""Who may send a command, as contexts declare it; the shop's own rules are in `tests/domain/`."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID, uuid4

import pytest

from app.cqrs.commands.bus import CommandBus
from app.cqrs.commands.outcomes import (
    CommandError,
    InvalidInput,
    NotAllowed,
    NotFound,
    Receipt,
    Refused,
    refused,
)
from app.cqrs.commands.rules import (
    EVERYBODY,
    NOBODY,
    NamingTheir,
    Rule,
    Rules,
    customers_or,
    naming_themselves,
    only,
)
from app.cqrs.log.events import EventTypes
from app.cqrs.message_fields import Id
from app.cqrs.messages import Command, Event
from app.cqrs.viewers import Sight, Viewer
from app.stores.sql.engines.opening import open_database
from app.stores.sql.transactions import SqlWork
from app.stores.sql.write_store import SqlWriteStore
from tests import viewers

ADA, BOB = uuid4(), uuid4()
LETTERS = {uuid4(): ADA, uuid4(): BOB}
[ADAS, BOBS] = LETTERS


class BurnLetter(Command):
    letter_id: Annotated[UUID, Id("letter")]


class LetterBurned(Event): ...


class StampIsTaken(CommandError):
    code = "STAMP_TAKEN"
    letter_id: Annotated[UUID, Id("letter")]


class Hearth:
    """A bus with one command, which everything stands against except a rule."""

    def __init__(self, store: SqlWriteStore, rule: Rule | None) -> None:
        rules: Rules = {BurnLetter: rule} if rule else {}
        self.burned: list[UUID] = []
        self.refusal: Refused | None = None
        self.bus = CommandBus(
            store,
            {BurnLetter: self.burn},
            rules,
            customers_of={"letter": customer_of},
            committed=lambda *_: None,
        )

    async def burn(self, command: BurnLetter, work: SqlWork) -> "Refused | Hearth":
        self.burned.append(command.letter_id)
        return self.refusal or self

    id, version = uuid4(), 1

    async def outcome(self, viewer: Viewer, letter: UUID) -> Receipt | Refused:
        return await self.bus.execute(BurnLetter(letter_id=letter), viewer=viewer)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlWriteStore]:
    types = EventTypes()
    types.add(LetterBurned)
    async with open_database(database_url) as engines:
        yield SqlWriteStore(engines, types)


async def customer_of(_work: SqlWork, letter: UUID) -> UUID | None:
    return LETTERS.get(letter)


THEIRS = customers_or(Sight.STAFF, NamingTheir("letter"))


@pytest.mark.parametrize(
    ("rule", "permitted"),
    [
        (None, []),
        (NOBODY, []),
        (EVERYBODY, [viewers.NOBODY, viewers.customer(ADA), viewers.BEA, viewers.OPAL]),
        (only(Sight.CUSTOMER), [viewers.customer(ADA), viewers.BEA, viewers.OPAL]),
        (only(Sight.STAFF), [viewers.BEA, viewers.OPAL]),
        (only(Sight.OPERATOR), [viewers.OPAL]),
        (THEIRS, [viewers.customer(ADA), viewers.BEA, viewers.OPAL]),
    ],
    ids=["none", "nobody", "everybody", "customers", "staff", "operators", "theirs"],
)
async def test_a_command_is_sent_by_those_who_may(
    store: SqlWriteStore, rule: Rule | None, permitted: list[Viewer]
) -> None:
    hearth = Hearth(store, rule)
    for viewer in (viewers.NOBODY, viewers.customer(ADA), viewers.BEA, viewers.OPAL):
        outcome = await hearth.outcome(viewer, ADAS)
        if viewer in permitted:
            assert isinstance(outcome, Receipt), viewer
        else:
            assert isinstance(outcome, Refused), viewer
            assert [type(error) for error in outcome.errors] == [NotAllowed]
    assert len(hearth.burned) == len(permitted)


async def test_what_may_not_be_sent_says_by_whom_it_may(store: SqlWriteStore) -> None:
    hearth = Hearth(store, only(Sight.STAFF))
    for viewer, message in (
        (viewers.NOBODY, "Only staff and operators may send BurnLetter. Sign in first."),
        (viewers.customer(ADA), "Only staff and operators may send BurnLetter."),
    ):
        outcome = await hearth.outcome(viewer, ADAS)
        assert isinstance(outcome, Refused)
        assert outcome.errors[0].message == message


async def test_what_is_somebody_elses_is_refused_like_what_does_not_exist(store: SqlWriteStore) -> None:
    hearth, nothing = Hearth(store, THEIRS), uuid4()
    refusals = [await hearth.outcome(viewers.customer(ADA), letter) for letter in (BOBS, nothing)]
    for outcome, letter in zip(refusals, (BOBS, nothing), strict=True):
        assert isinstance(outcome, Refused)
        message = "There is no letter with this id."
        assert outcome.errors == (NotFound(message=message, kind="letter", id=letter, path=("letter_id",)),)
    assert hearth.burned == []


@pytest.mark.parametrize("customer", ["", "None", str(BOB)], ids=["empty", "None", "another"])
async def test_a_customer_who_is_not_the_one_owns_nothing(store: SqlWriteStore, customer: str) -> None:
    hearth = Hearth(store, THEIRS)
    for letter in (ADAS, uuid4()):
        assert isinstance(await hearth.outcome(viewers.customer(customer), letter), Refused)


async def test_a_refusal_names_no_object_that_its_reader_did_not_name(store: SqlWriteStore) -> None:
    hearth = Hearth(store, THEIRS)
    taken = StampIsTaken(message=f"The letter {BOBS} has it.", letter_id=BOBS, path=("stamp",))
    known = StampIsTaken(message="This letter has it.", letter_id=ADAS, path=("stamp",))
    hearth.refusal = refused(taken, known)
    assert await hearth.outcome(viewers.BEA, ADAS) == hearth.refusal
    reticent = InvalidInput(message="Stamp can't be used. Choose another.", path=("stamp",))
    assert await hearth.outcome(viewers.customer(ADA), ADAS) == refused(reticent, known)


async def test_a_rule_that_compares_what_a_command_does_not_name_is_a_mistake(store: SqlWriteStore) -> None:
    hearth = Hearth(store, customers_or(Sight.STAFF, naming_themselves("customer")))
    with pytest.raises(TypeError, match="BurnLetter names no customer"):
        await hearth.outcome(viewers.customer(ADA), ADAS)


def test_a_rule_reads_as_documentation_has_it() -> None:
    assert [str(each) for each in (EVERYBODY, only(Sight.STAFF), THEIRS, NOBODY)] == [
        "Everybody may send it.",
        "Only staff and operators may send it.",
        "Customers may send it for themselves, staff and operators for all.",
        "Nobody may send it.",
    ]
