"""What a context forgets is said in one sentence, which says where it goes."""

from dataclasses import replace
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any
from uuid import UUID

import pytest

from app.cqrs.commands.aggregates import Aggregate
from app.cqrs.commands.outcomes import CommandError
from app.cqrs.commands.rules import EVERYBODY, NamingTheir, customers_or
from app.cqrs.contexts import Context, context_of, event_types, handlers, problems, rules
from app.cqrs.log.upcasting import Upcasters
from app.cqrs.messages import Command, Event
from app.cqrs.viewers import Sight

NUMBERS = count()


class Package:
    """The modules of a context, in a package that no other test has."""

    def __init__(self) -> None:
        self.name = f"shop.guests{next(NUMBERS)}"
        self.event = named("GuestSeated", Event)
        self.event.personal_fields = ()

    def module(self, name: str, *classes: type, **other: object) -> ModuleType:
        """A module in which these classes are defined."""
        made = ModuleType(f"{self.name}.{name}")
        for each in classes:
            each.__module__ = made.__name__
            setattr(made, each.__name__, each)
        vars(made).update(other)
        return made

    def context(self, **given: Any) -> Context:
        order: Any = named("SeatGuest", Command)
        parts: dict[str, Any] = {
            "commands": self.module("commands", order),
            "events": self.module("events", self.event),
            "refusals": self.module("refusals", named("TableTaken", CommandError)),
            "tables": self.module("tables"),
            "handlers": {order: seat},
            "rules": {order: EVERYBODY},
            "aggregates": [],
        }
        return Context(**parts | given)


@pytest.fixture
def package() -> Package:
    return Package()


def named(name: str, kind: type) -> type[Any]:
    return type(name, (kind,), {"__doc__": "Seats or takes something."})


async def seat(_command: Any, _work: Any) -> Any: ...


def test_a_context_takes_in_what_its_modules_define(package: Package) -> None:
    upcasters = Upcasters()
    upcasters.step(("GuestArrived", 1), ("GuestSeated", 1))(lambda data: data)
    given = package.context(events=package.module("events", package.event, upcasters=upcasters, Any=Event))
    assert given.package == package.name
    assert [each.__name__ for each in given.command_types] == ["SeatGuest"]
    assert [each.__name__ for each in given.event_types] == ["GuestSeated"]
    assert [each.__name__ for each in given.refusal_types] == ["TableTaken"]
    assert [each.__name__ for each in event_types([given])] == ["GuestSeated"]
    assert [*event_types([given]).upcasters.steps] == [("GuestArrived", 1)]
    assert [*handlers([given]).values()] == [seat]
    assert [*rules([given]).values()] == [EVERYBODY]
    assert list(problems([given])) == []


def test_a_context_is_the_modules_beside_its_handlers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "parlour").mkdir()
    for name in ("__init__", "commands", "events", "tables"):
        (tmp_path / "parlour" / f"{name}.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    given = context_of("parlour.handlers", handlers={}, aggregates=[])
    assert (given.package, given.commands.__name__) == ("parlour", "parlour.commands")
    assert list(given.refusal_types) == []


def test_a_command_without_a_handler_is_said_so(package: Package) -> None:
    assert list(problems([package.context(handlers={})])) == [
        f"SeatGuest has no handler: add one to `handlers` of the CONTEXT in {package.name}.handlers."
    ]


def test_a_command_without_a_rule_about_who_may_send_it_is_said_so(package: Package) -> None:
    assert list(problems([package.context(rules={})])) == [
        f"SeatGuest has no rule about who may send it: add one to RULES in {package.name}.rules, such as "
        "`only(Sight.STAFF)`."
    ]


def test_a_rule_for_a_command_of_another_context_is_said_so(package: Package) -> None:
    strange: Any = named("EatGuest", Command)
    given = package.context()
    assert list(problems([replace(given, rules={**given.rules, strange: EVERYBODY})])) == [
        f"{package.name}.rules has a rule for EatGuest, which is none of its commands: move the rule to the "
        "context of the command.",
    ]


def test_a_rule_about_owners_that_nobody_knows_is_said_so(package: Package) -> None:
    given = package.context()
    [command] = given.command_types
    theirs = customers_or(Sight.STAFF, NamingTheir("table"))
    assert list(problems([replace(given, rules={command: theirs})])) == [
        "The rule of SeatGuest asks to whom a table belongs: give its Aggregate in "
        f"{package.name}.handlers a `customer_of`."
    ]


def test_an_event_that_does_not_say_which_fields_are_personal_is_said_so(package: Package) -> None:
    given = package.context()
    package.event.personal_fields = None
    assert list(problems([given])) == [
        "GuestSeated does not say which of its fields are personal: set `personal_fields` to their names in "
        f"{package.name}.events, or to `()`."
    ]
    package.event.personal_fields, package.event.person_field = ("nmae",), "guest_id"
    assert list(problems([given])) == [
        "GuestSeated has no field nmae, which its `personal_fields` name: correct the spelling in "
        f"{package.name}.events.",
        "GuestSeated has no field guest_id of the type UUID, which its `person_field` names: correct it in "
        f"{package.name}.events.",
    ]


class _Greeted(Event):
    guest_id: UUID
    name: str
    personal_fields = ("name",)


def test_an_event_whose_personal_data_could_not_be_forgotten_is_said_so(package: Package) -> None:
    package.event = type("GuestGreeted", (_Greeted,), {"__doc__": "A guest was greeted."})
    given = package.context()
    assert list(problems([given])) == [
        "GuestGreeted does not say whose its personal fields are: set `person_field` to the name of the "
        f"field with the person's id in {package.name}.events.",
        "GuestGreeted.name can't be forgotten, because it can't be None: add `| None` to its type in "
        f"{package.name}.events.",
    ]
    package.event.personal_fields, package.event.person_field = (), "guest_id"
    package.event.forgets = True
    assert list(problems([given])) == [
        "GuestGreeted forgets people, and nothing forgets them again after a restore: give the CONTEXT in "
        f"{package.name}.handlers a `forgetting`."
    ]


def test_what_clients_are_shown_without_a_description_is_said_so(package: Package) -> None:
    nameless: Any = type("TableTaken", (CommandError,), {"__annotations__": {"table": int}})
    given = package.context(refusals=package.module("refusals", nameless))
    home = f"{package.name}.refusals.TableTaken"
    assert list(problems([given]))[:2] == [
        f"{home} has no docstring, which clients read as its description: write one.",
        f"The field table of {home} has no description: write it beside the type, as in "
        'Annotated[int, "From 1 to 5."].',
    ]


def test_a_command_with_two_handlers_is_said_so(package: Package) -> None:
    given = package.context()
    assert "SeatGuest has 2 handlers: keep the one in its own CONTEXT, and remove the others." in problems(
        [given, given]
    )


@pytest.mark.parametrize(
    ("kind", "home"), [(Event, "events"), (Command, "commands"), (CommandError, "refusals")]
)
def test_a_message_that_is_defined_elsewhere_in_the_context_is_said_so(
    package: Package, kind: type, home: str
) -> None:
    stray = named("Stray", kind)
    package.module("model", stray)
    assert list(problems([package.context()])) == [
        f"{package.name}.model.Stray is not registered: move it to {package.name}.{home}."
    ]


def test_two_aggregates_of_one_kind_are_said_so(package: Package) -> None:
    async def nothing(*_: Any) -> None: ...

    kind: Aggregate[Any, Any] = Aggregate(kind="guest", evolve=lambda *_: None, load=nothing, save=nothing)
    assert list(problems([package.context(aggregates=[kind, kind])])) == [
        "2 aggregates have the kind guest, so their streams would mix: rename one."
    ]


def test_two_events_of_one_name_are_refused(package: Package) -> None:
    with pytest.raises(ValueError, match="two event types are called GuestSeated"):
        event_types([package.context(), Package().context()])


def test_a_command_that_another_process_could_not_read_is_named(package: Package) -> None:
    class Table:
        pass

    class SeatGuest(Command):
        """Seats a guest."""

        table: Annotated[Table, "The table of the guest."]

    commands = package.module("commands", SeatGuest)
    context = package.context(commands=commands, handlers={SeatGuest: seat}, rules={SeatGuest: EVERYBODY})
    [problem] = [each for each in problems([context]) if "another process" in each]
    assert problem.startswith(f"{package.name}.commands.SeatGuest can't be sent to another process, because")
    assert problem.endswith("use a dataclass, an enum, or a type of Python's own.")


def test_two_commands_with_one_name_are_named(package: Package) -> None:
    other = Package()
    other.event = named("GuestLeft", Event)
    other.event.personal_fields = ()
    contexts = [package.context(), replace(other.context(), refusals=None)]
    assert [each for each in problems(contexts) if "TableTaken" not in each] == [
        f"{package.name}.commands and {other.name}.commands both declare SeatGuest: rename one, since "
        "processes send each other the names."
    ]
