#!/usr/bin/env bash
# A variable that is not given, inside a literal of a custom scalar, reaches the resolver as the object Undefined.
#
# Versions:  strawberry-graphql 0.341.2 (scalar JSON), graphql-core 3.3.2
# Guess:     It is as in input types: {size: $size} leaves the key out, and [$size, 1] becomes [None, 1]. In any case
#            the resolver gets plain JSON, as the scalar's name says.
# Behaviour: graphql-core puts its marker Undefined into the value: {'size': Undefined}, [Undefined, 1]. It is
#            no None, it is false, and neither json nor orjson can encode it. Input types do it as expected.
# Matters:   A nullable variable that a client leaves out is the most usual thing; the resolver stores or hashes the
#            value and fails, "Object of type UndefinedType is not JSON serializable". Whole values in one variable
#            never do it, so the tests don't. Walk through literals of scalars in parse_literal.
# Seen:
#   list: [$size, 1]              [None, 1]
#   filter: {size: $size, n: 1}   {'n': 1}
#   json: {size: $size, n: 1}     {'size': Undefined, 'n': 1}
#   json: [$size, 1]              [Undefined, 1]
#   json.dumps:                   Object of type UndefinedType is not JSON serializable
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check strawberry-graphql==0.341.2 graphql-core==3.3.2

"$folder/venv/bin/python" - <<'PYTHON'
import dataclasses
import json

import strawberry
from graphql import Undefined
from strawberry.scalars import JSON

received = []


@strawberry.input
class Filter:
    size: int | None = strawberry.UNSET
    n: int = 0


@strawberry.type
class Query:
    @strawberry.field
    def find(
        self, json: JSON | None = None, filter: Filter | None = None, list: list[int | None] | None = None
    ) -> bool:
        if filter:
            value = {k: v for k, v in dataclasses.asdict(filter).items() if v is not strawberry.UNSET}
        else:
            value = list or json
        received.append(value)
        return True


schema = strawberry.Schema(Query)
expected = {
    "list: [$size, 1]": [None, 1],
    "filter: {size: $size, n: 1}": {"n": 1},
    "json: {size: $size, n: 1}": {"size": Undefined, "n": 1},
    "json: [$size, 1]": [Undefined, 1],
}
for argument, value in expected.items():
    result = schema.execute_sync(f"query ($size: Int) {{ find({argument}) }}")
    assert result.errors is None, result.errors
    print(f"{argument:29} {received[-1]}")
    assert received[-1] == value, received[-1]
try:
    json.dumps(received[-1])
except TypeError as error:
    failure = str(error)
print(f"{'json.dumps:':29} {failure}")
assert failure == "Object of type UndefinedType is not JSON serializable", failure
PYTHON
