"""What the shop's schema has none of is answered as by graphql-core too."""

import asyncio
import dataclasses
import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, cast

import orjson
import pytest
import strawberry
from strawberry.extensions import FieldExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.utils.str_converters import to_camel_case

from app.cqrs.viewers import Sight
from app.graphql.compiled.operations import CompiledOperation
from app.graphql.compiled.parsed import NotCovered
from app.graphql.compiled.shapes import Leaves
from schema.circle.scalars import SCALARS, read_field

ALL = Sight.OPERATOR


@strawberry.enum
class Colour(Enum):
    RED = 1
    GREEN = 2


@strawberry.interface
class Shape:
    colour: Colour
    area: float


@strawberry.type
class Circle(Shape):
    radius: float

    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        return isinstance(source, Circle)


@strawberry.type
class Square(Shape):
    side: int | None


@strawberry.type
class Text:
    said: str


class Shouting(FieldExtension):
    def resolve(self, next_: Any, source: Any, info: strawberry.Info, **arguments: Any) -> Any:
        return next_(source, info, **arguments).upper()


@strawberry.input
class Wanted:
    colours: list[Colour] | None = None
    most: int = 2


@strawberry.type
class Box:
    name: str
    numbers: list[list[int | None]]
    shapes: list[Shape]
    things: list[Annotated[Circle | Text, strawberry.union("Thing")] | None]

    @strawberry.field
    def doubled(self, by: int = 2) -> int:
        return len(self.name) * by

    @strawberry.field(extensions=[Shouting()])  # type: ignore[untyped-decorator]
    def loud(self) -> str:
        return self.name

    @strawberry.field
    async def later(self, wait: bool = False) -> str:
        await asyncio.sleep(0)
        if wait:
            raise ValueError("too late")
        return self.name

    @strawberry.field
    def sooner(self) -> "Box":
        return self

    @strawberry.field
    def failing(self) -> int:
        raise ValueError("never")


def box(name: str = "A") -> Box:
    shapes: list[Shape] = [
        Circle(colour=Colour.RED, area=3.0, radius=1.0),
        Square(colour=Colour.GREEN, area=4, side=None),
    ]
    return Box(
        name=name,
        numbers=[[1, None, 0], [], [2]],
        shapes=shapes,
        things=[Text(said="hello"), None, Circle(colour=Colour.RED, area=1, radius=0.5)],
    )


@strawberry.type
class Loose:
    """Shows whatever it is given; each field is there twice, for nulls have their own rules."""

    number: int | None
    text: str | None
    truth: bool | None
    key: strawberry.ID | None
    share: float | None
    colour: Colour | None
    amount: Decimal | None
    at: datetime | None
    numbers: list[int] | None
    inner: Text | None
    shape: Circle | None
    sure_number: int
    sure_text: str
    sure_amount: Decimal
    sure_colour: Colour
    sure_inner: Text


@strawberry.type
class Query:
    @strawberry.field
    def loose(self, info: strawberry.Info, sure: bool = False) -> list[Loose | None]:
        fields = [each.name for each in dataclasses.fields(Loose) if sure or not each.name.startswith("sure")]
        return [cast("Loose", dict.fromkeys(fields, info.context))]

    @strawberry.field
    async def boxes(self, names: list[str], wanted: Wanted | None = None) -> list[Box | None]:
        if wanted and wanted.colours == [Colour.RED]:
            raise ValueError("none is red")
        return [None if name == "-" else box(name) for name in names][: wanted.most if wanted else 9]

    @strawberry.field
    def round(self) -> Circle | None:
        return cast("Circle", Square(colour=Colour.RED, area=1, side=1))

    @strawberry.field
    def now(self) -> Box:
        return box("now")

    @strawberry.field
    async def odd(self, kind: str) -> Box | None:
        odd: dict[str, Any] = {"text": "a box", "error": ValueError("no box"), "nothing": None}
        return odd[kind]  # type: ignore[no-any-return]


schema = strawberry.Schema(
    Query, types=[Circle, Square], config=StrawberryConfig(default_resolver=read_field, scalar_map=SCALARS)
)

EVERYTHING = """{ __typename name numbers
    shapes { __typename colour area ... on Circle { radius } ... on Square { side } }
    things { __typename ... on Text { said } ... on Circle { colour } }"""


@dataclass(frozen=True)
class Case:
    text: str
    variables: dict[str, Any]


CASES = [
    Case(f'{{ boxes(names: ["A", "-", "B"]) {EVERYTHING} }} }}', {}),
    Case(
        f"query ($n: [String!]!) {{ boxes(names: $n) {EVERYTHING} doubled a: doubled(by: 3) loud later }} }}",
        {"n": ["x"]},
    ),
    Case("query ($n: [String!]!) { boxes(names: $n) { name } }", {"n": "one"}),
    Case('query ($w: Wanted) { boxes(names: ["A"], wanted: $w) { name } }', {"w": {"colours": ["RED"]}}),
    Case('query ($w: Wanted) { boxes(names: ["A", "B"], wanted: $w) { name } }', {"w": {"most": 1}}),
    Case('query ($m: Int = 1) { boxes(names: ["A", "B"], wanted: { most: $m }) { name } }', {}),
    Case('query ($m: Int!) { boxes(names: ["A", "B"], wanted: { most: $m }) { name } }', {"m": 0}),
    Case('query ($w: Boolean!) { boxes(names: ["A", "B"]) { name later(wait: $w) } }', {"w": True}),
    Case("{ now { sooner { sooner { name shapes { area } } } } }", {}),
    Case("{ now { name failing } }", {}),
    Case("{ round { __typename colour } now { name } }", {}),
    Case('{ odd(kind: "text") { __typename } }', {}),
    Case('{ odd(kind: "error") { __typename } }', {}),
    Case('{ odd(kind: "nothing") { __typename name } }', {}),
    Case('{ odd(kind: "unknown") { __typename } other: odd(kind: "nothing") { name } }', {}),
    Case(
        """query ($b: Boolean!) { now { name @skip(if: $b) ...More @include(if: $b) } }
        fragment More on Box { numbers }""",
        {"b": True},
    ),
    Case("query ($b: Boolean!) { now { name @skip(if: $b) } }", {"b": True}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.text[:60])
async def test_is_answered_alike(case: Case) -> None:
    operation = await CompiledOperation.create(schema, Leaves(), case.text, None)
    usual = await schema.execute(case.text, case.variables)
    for _ in range(2):  # the second time with what was remembered
        compiled = await operation.execute(case.variables, None, sight=ALL)
        assert compiled.data == usual.data
        assert str(compiled.data) == str(usual.data)  # in the same order
        assert [each.formatted for each in compiled.errors or []] == [
            each.formatted for each in usual.errors or []
        ]


REPEATED = [
    (
        'query ($n: String = "text") { odd(kind: $n) { name } }',
        [{"n": "nothing"}, {"n": None}, {}, {"n": "nothing"}],
    ),
    (
        "query ($m: Int!, $n: [String!]!) { boxes(names: $n, wanted: { most: $m }) { name } }",
        [
            {"m": 1, "n": ["A", "B"]},
            {"m": 2, "n": ["A", "B"]},
            {"m": 1, "n": ["C"]},
            {"m": 1, "n": ["A", "B"]},
        ],
    ),
]


@pytest.mark.parametrize(("text", "several"), REPEATED)
async def test_what_is_remembered_of_arguments_is_for_the_same_variables(
    text: str, several: list[dict[str, Any]]
) -> None:
    operation = await CompiledOperation.create(schema, Leaves(), text, None)
    for variables in several:
        assert shown(await operation.execute(variables, None, sight=ALL)) == shown(
            await schema.execute(text, variables)
        )


VALUES = [
    *(None, True, False, 0, 5, -5, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**64),
    *(1.5, -0.0, math.inf, math.nan, "", "text", "RED", Colour.RED, 1, 3),
    *([], [1], [None], ["1"], [2**40], (1, 2), {}, {"said": "x"}, {"said": None}, Text(said="x")),
    *(
        Decimal("1.50"),
        Decimal("NaN"),
        datetime(2026, 1, 31, 12, 0, 0, 5, UTC),
        datetime.fromisoformat("0001-01-01T00:00:00"),
        date.min,
    ),
    *(ValueError("no value"), object, Square(colour=Colour.GREEN, area=1, side=2), b"bytes", range(3)),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
async def test_whatever_is_found_is_shown_alike(value: Any) -> None:
    inner = {"inner": " { said }", "sureInner": " { __typename }", "shape": " { __typename colour }"}
    names = [to_camel_case(each.name) for each in dataclasses.fields(Loose)]
    asked = [f"{name}{inner.get(name, '')}" for name in names]
    nullable = " ".join(each for each in asked if not each.startswith("sure"))
    sure = [f"{{ loose(sure: true) {{ {each} }} }}" for each in asked if each.startswith("sure")]
    for text in (f"{{ loose {{ {nullable} }} }}", *sure):
        usual = await schema.execute(text, context_value=value)
        compiled = await (await CompiledOperation.create(schema, Leaves(), text, None)).execute(
            {}, value, sight=ALL
        )
        assert shown(compiled) == shown(usual)


def shown(result: Any) -> bytes:
    errors = [error.formatted for error in result.errors or []]
    return orjson.dumps({"data": result.data, "errors": errors}, default=repr)


REFUSED = [
    ("{ __schema { queryType { name } } }", {}),
    ("{ now { nothing } }", {}),
    ("{ now { name }", {}),
    ("query ($m: Int!) { boxes(names: [], wanted: { most: $m }) { name } }", {}),
    ("query ($m: Int!) { boxes(names: [], wanted: { most: $m }) { name } }", {"m": 2**31}),
    ("query ($m: Int!) { boxes(names: [], wanted: { most: $m }) { name } }", {"m": True}),
    ("query ($b: Boolean = true) { now { name @skip(if: $b) } }", {"b": None}),
    ("query A { __typename } query B { __typename }", {}),
]


@pytest.mark.parametrize(("text", "variables"), REFUSED)
async def test_is_left_to_strawberry(text: str, variables: dict[str, Any]) -> None:
    with pytest.raises(NotCovered):
        await (await CompiledOperation.create(schema, Leaves(), text, None)).execute(
            variables, None, sight=ALL
        )


async def test_no_more_shapes_are_made_of_an_operation_than_memory_is_for() -> None:
    names = [f"v{number}" for number in range(6)]
    head = ", ".join(f"${name}: Boolean!" for name in names)
    fields = " ".join(f"{name}: name @include(if: ${name})" for name in names)
    operation = await CompiledOperation.create(
        schema, Leaves(), f"query ({head}) {{ now {{ name {fields} }} }}", None
    )
    answered = 0
    for number in range(64):
        try:
            conditions = {name: bool(number >> bit & 1) for bit, name in enumerate(names)}
            await operation.execute(conditions, None, sight=ALL)
        except NotCovered:
            continue
        answered += 1
    assert answered == 16
