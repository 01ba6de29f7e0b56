#!/usr/bin/env bash
# A resolver whose strawberry.Parent parameter is called `self` fails at each request, and no check says so before.
#
# Versions:  strawberry-graphql 0.341.2 (graphql-core 3.3.2)
# Guess:     The annotation strawberry.Parent[...] says which parameter takes the parent, so that its name is free; or a
#            name that is taken is refused when the class is decorated or the schema is built.
# Behaviour: The schema is built and printed as usual. Each request of the field ends in a TypeError, "got multiple values
#            for argument 'self'", because the parameter's name is passed to a method that has a `self` of its own.
# Matters:   Linters ask that a method's first parameter be called `self` (ruff N805, pylint no-self-argument) and fix it
#            on demand. A field that can be null then is null for everybody, with an error beside it. Exempt resolvers
#            from that rule, and ask for each field once in a test.
# Seen:
#   document: "Tea"
#   self: null, StrawberryResolver.__call__() got multiple values for argument 'self'
#   self, async: null, StrawberryResolver.__call__() got multiple values for argument 'self'
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check strawberry-graphql==0.341.2 graphql-core==3.3.2

"$folder/venv/bin/python" - <<'PYTHON' 2>"$folder/log"
import asyncio
import json
from typing import Any

import strawberry


@strawberry.type
class Product:
    @strawberry.field
    def document(document: strawberry.Parent[Any]) -> str | None:
        return document["name"]

    @strawberry.field(name="self")
    def named_self(self: strawberry.Parent[Any]) -> str | None:
        return self["name"]

    @strawberry.field(name="later")
    async def named_self_too(self: strawberry.Parent[Any]) -> str | None:
        return self["name"]


@strawberry.type
class Query:
    @strawberry.field
    def product(self) -> Product | None:
        return {"name": "Tea"}


schema = strawberry.Schema(Query)
assert "self: String" in schema.as_str(), "the schema shows nothing unusual"
seen = []
for label, name in (("document", "document"), ("self", "self"), ("self, async", "later")):
    result = asyncio.run(schema.execute(f"{{ product {{ {name} }} }}"))
    errors = [error.message for error in result.errors or []]
    seen.append(f"{label}: {', '.join([json.dumps(result.data['product'][name]), *errors])}")
print("\n".join(seen))
wrong = "null, StrawberryResolver.__call__() got multiple values for argument 'self'"
assert seen == ['document: "Tea"', f"self: {wrong}", f"self, async: {wrong}"], seen
PYTHON
