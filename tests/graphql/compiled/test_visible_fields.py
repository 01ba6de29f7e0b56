"""Fields that a viewer may not ask for are null with an error, to the letter as graphql-core says it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import pytest
import strawberry
from strawberry.schema.config import StrawberryConfig

from app.cqrs.viewers import Scope, Sight, Viewer
from app.graphql.compiled.operations import CompiledOperation
from app.graphql.compiled.shapes import Leaves
from app.graphql.execution.visibility import NotVisible, guard_fields, visible_to
from app.graphql.internals.strawberry import core_schema
from schema.circle.scalars import read_field


@strawberry.interface
class Thing:
    name: str
    cost: int | None = visible_to(Sight.STAFF)(strawberry.field())

    @classmethod
    def is_type_of(cls, source: Any, _info: object) -> bool:
        return bool(source["__typename"] == cls.__name__)


@strawberry.type
class Lid(Thing):
    handle: str | None = visible_to(Sight.CUSTOMER)(strawberry.field())


@strawberry.type
class Box(Thing):
    lid: Lid | None
    lids: list[Lid] | None = visible_to(Sight.STAFF)(strawberry.field())
    mark: str = visible_to(Sight.STAFF, otherwise="")(strawberry.field())

    @visible_to(Sight.OPERATOR)
    @strawberry.field
    def secret(document: strawberry.Parent[Any]) -> str | None:  # noqa: N805
        return f"of {document['name']}"

    @visible_to(Sight.STAFF)
    @strawberry.field
    async def counted(self, by: int = 1) -> int | None:
        return by


LID = {"__typename": "Lid", "name": "L", "cost": 2, "handle": "brass"}
BOX = {"__typename": "Box", "name": "B", "cost": 1, "lid": LID, "lids": [LID, LID], "mark": "#"}
UNSHUT = {**BOX, "name": "U", "lid": None, "lids": []}


@strawberry.type
class Query:
    @strawberry.field
    async def boxes(self) -> list[Box | None]:
        return cast("list[Box | None]", [BOX, None, UNSHUT])

    @strawberry.field
    def things(self) -> list[Thing]:
        return cast("list[Thing]", [BOX, LID])

    @visible_to(Sight.STAFF)
    @strawberry.field
    async def kept(self, name: str = "B") -> Box | None:
        return cast("Box", {**BOX, "name": name})


@pytest.fixture(scope="module")
def schema() -> strawberry.Schema:
    made = strawberry.Schema(Query, types=[Lid, Box], config=StrawberryConfig(default_resolver=read_field))
    guard_fields(made)
    return made


@dataclass(frozen=True)
class Context:
    viewer: Viewer


CASES = [
    "{ boxes { name } }",
    "{ boxes { name cost } }",
    "{ boxes { secret name lid { name cost handle } lids { name cost } } }",
    "{ boxes { a: counted(by: 3) counted } }",
    "{ things { __typename name cost ... on Lid { handle } ... on Box { secret lid { cost } } } }",
    "{ kept { name secret lids { handle } } boxes { name } }",
    "query ($n: String) { kept(name: $n) { name } other: kept { cost } }",
    "query ($b: Boolean = false) { boxes { name cost @include(if: $b) } kept @skip(if: $b) { name } }",
]


NEEDED = {
    "cost": Sight.STAFF,
    "handle": Sight.CUSTOMER,
    "lids": Sight.STAFF,
    "secret": Sight.OPERATOR,
    "counted": Sight.STAFF,
    "a": Sight.STAFF,
    "kept": Sight.STAFF,
    "other": Sight.STAFF,
}
"""The sights of the fields with a rule, by response key."""


@pytest.mark.parametrize("text", CASES)
async def test_every_sight_is_answered_alike_by_both_ways(schema: strawberry.Schema, text: str) -> None:
    operation = await CompiledOperation.create(schema, Leaves(), text, None)
    for sight in (*Sight, *reversed(Sight)):
        context = Context(Viewer(actor="viewer", scope=Scope(sight)))
        usual = await schema.execute(text, context_value=context)
        compiled = await operation.execute({}, context, sight=sight)
        assert str(compiled.data) == str(usual.data)
        assert sorted(map(str, compiled.errors or [])) == sorted(map(str, usual.errors or []))
        for error in usual.errors or []:
            assert isinstance(error.original_error, NotVisible)
            assert error.path
            assert not sight.includes(NEEDED[str(error.path[-1])])
        for key in shown(usual.data):
            assert sight.includes(NEEDED.get(key, Sight.ANONYMOUS))
    assert bool(usual.errors) is (text != CASES[0]), "the last of them is the anonymous"


async def test_a_field_that_can_t_be_null_is_empty_for_those_who_may_not_see_it(
    schema: strawberry.Schema,
) -> None:
    text = "{ boxes { name mark } }"
    operation = await CompiledOperation.create(schema, Leaves(), text, None)
    for sight in (*Sight, *reversed(Sight)):
        context = Context(Viewer(actor="viewer", scope=Scope(sight)))
        mark = "#" if sight.includes(Sight.STAFF) else ""
        for result in (
            await schema.execute(text, context_value=context),
            await operation.execute({}, context, sight=sight),
        ):
            assert not result.errors
            assert result.data == {"boxes": [{"name": "B", "mark": mark}, None, {"name": "U", "mark": mark}]}
    assert len(set(operation._plans.values())) == 2


def shown(data: Any) -> Iterator[str]:
    """Yield each key with a value."""
    for key, value in data.items() if isinstance(data, dict) else enumerate(data or []):
        if value is not None:
            yield str(key)
            if isinstance(value, dict | list):
                yield from shown(value)


@pytest.mark.parametrize(
    ("text", "plans"),
    [
        ("{ boxes { name } }", 1),
        ("{ boxes { name cost } }", 2),
        ("{ boxes { cost lid { handle } } }", 3),
        ("{ boxes { cost secret lid { handle } } }", 4),
        ("{ kept { secret } }", 3),
    ],
)
async def test_viewers_who_may_ask_for_the_same_fields_share_a_plan(
    schema: strawberry.Schema, text: str, plans: int
) -> None:
    operation = await CompiledOperation.create(schema, Leaves(), text, None)
    for sight in [*Sight] * 2:
        await operation.execute({}, Context(Viewer(actor="viewer", scope=Scope(sight))), sight=sight)
    assert len(set(operation._plans.values())) == plans


async def test_a_field_that_may_be_asked_for_is_compiled(schema: strawberry.Schema) -> None:
    text = "{ boxes { name cost lid { handle } } }"
    operation = await CompiledOperation.create(schema, Leaves(), text, None)
    for sight, functions in ((Sight.STAFF, True), (Sight.ANONYMOUS, False)):
        plan = await operation._plan(operation._variables.coerced({}), sight)
        [(boxes, details)] = plan._root_fields.items()
        assert boxes == "boxes"
        whole = any(key == id(details) for key, _ in plan._executor.functions.values)
        assert whole is functions


def test_the_sdl_says_who_may_ask(schema: strawberry.Schema) -> None:
    sdl = schema.as_str()
    assert "directive @visibleTo(sight: Sight!) on FIELD_DEFINITION" in sdl
    assert '"""Only staff and operators may ask."""\n  cost: Int @visibleTo(sight: STAFF)' in sdl
    assert '"""Only operators may ask."""\n  secret: String @visibleTo(sight: OPERATOR)' in sdl
    assert '"""Only customers, staff and operators may ask."""\n  handle: String @visible' in sdl
    described = core_schema(schema).type_map["Box"].fields["cost"].description  # type: ignore[attr-defined]
    assert described == "Only staff and operators may ask.", "which introspection shows"


def test_only_fields_are_declared() -> None:
    with pytest.raises(TypeError, match=r"put it above strawberry\.field, or around it"):
        visible_to(Sight.STAFF)(lambda: None)
