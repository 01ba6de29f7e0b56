#!/usr/bin/env bash
# strawberry.type on a class that is a type already takes its resolvers, names and descriptions away, without a word.
#
# Versions:  strawberry-graphql 0.341.2 (graphql-core 3.3.2)
# Guess:     Decorating a class a second time, say to give it another name or description, changes this and keeps the
#            fields; or else it is refused.
# Behaviour: The second call builds the fields from the class's annotations alone. Fields with a resolver are gone, and
#            those with an annotation lose their GraphQL name, description and deprecation. strawberry.input does the
#            same: a renamed input field gets its Python name back. Only if nothing is left does the schema complain
#            ("must define one or more fields"), and it says nothing of the cause.
# Matters:   A helper that decorates classes ("every type of this module", "add our directive") and meets one that is
#            decorated already publishes a schema without half of its fields; the clients find out. Test for
#            `__strawberry_definition__` first.
# Seen (the same class, before and after strawberry.type(Product, description="Again.")):
#   before: id: ID! | "As printed." label: String! @deprecated | price: Int!
#   after: id: ID! | title: String!
#   input before: most: Int!
#   input after: limit: Int!
#   resolvers only: Type Totals must define one or more fields.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check strawberry-graphql==0.341.2 graphql-core==3.3.2

"$folder/venv/bin/python" - <<'PYTHON'
import graphql
import strawberry


def fields(kind):
    """Return the fields that the SDL of a schema shows for this class."""

    @strawberry.type
    class Query:
        if kind is Filter:

            @strawberry.field
            def count(self, matching: Filter) -> int:
                return 0
        else:
            it: kind

    printed = graphql.build_schema(strawberry.Schema(Query).as_str())
    shown = []
    for name, field in printed.type_map[kind.__name__].fields.items():
        text = f'"{field.description}" ' if field.description else ""
        text += f"{name}: {field.type}"
        shown.append(text + (" @deprecated" if field.deprecation_reason else ""))
    return " | ".join(shown)


@strawberry.type
class Product:
    id: strawberry.ID
    title: str = strawberry.field(name="label", description="As printed.", deprecation_reason="Ask for the id.")

    @strawberry.field
    def price(self) -> int:
        return 1


@strawberry.input
class Filter:
    limit: int = strawberry.field(name="most")


@strawberry.type
class Totals:
    @strawberry.field
    def orders(self) -> int:
        return 1


seen = {"before": fields(Product)}
strawberry.type(Product, description="Again.")
seen["after"] = fields(Product)
seen["input before"] = fields(Filter)
strawberry.input(Filter)
seen["input after"] = fields(Filter)
strawberry.type(Totals)
try:
    seen["resolvers only"] = fields(Totals)
except ValueError as error:
    seen["resolvers only"] = next(line[2:] for line in str(error).splitlines() if "must define" in line)
for what, shown in seen.items():
    print(f"{what}: {shown}")
assert seen == {
    "before": 'id: ID! | "As printed." label: String! @deprecated | price: Int!',
    "after": "id: ID! | title: String!",
    "input before": "most: Int!",
    "input after": "limit: Int!",
    "resolvers only": "Type Totals must define one or more fields.",
}, seen
PYTHON
