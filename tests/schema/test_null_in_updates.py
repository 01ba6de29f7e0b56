"""Null in an update removes a value, or is refused: it is never accepted to change nothing."""

from typing import Any

import pytest
from graphql import GraphQLNonNull

from app.graphql.internals.strawberry import core_schema
from schema.root import schema
from tests.schema.client import Client
from tests.schema.shop import Shop
from tests.schema.test_mutations import ADDRESS, happened, refusals

NULLS: dict[str, dict[str, Any]] = {
    "updateProduct": {"name": ..., "category": ..., "description": "", "packaging": ""},
    "updateCustomer": {"name": ..., "company": None, "email": None, "phone": None, "address": None},
}
"""What null makes of each field of an update; an ellipsis for what can't be removed."""


@pytest.mark.parametrize("mutation", NULLS)
async def test_null_in_an_update_removes_the_value_or_is_refused(
    client: Client, shop: Shop, mutation: str
) -> None:
    kind = mutation.removeprefix("update")
    fields = core_schema(schema).type_map[f"Update{kind}Input"].fields  # type: ignore[attr-defined]
    nullable = {name for name, field in fields.items() if not isinstance(field.type, GraphQLNonNull)}
    assert nullable - {"commandId", "expectedVersion"} == NULLS[mutation].keys()
    described: dict[str, Any] = {
        "name": "Tea",
        "category": "Tea",
        "description": "Green",
        "packaging": "1 box",
    }
    details: dict[str, Any] = {
        "name": "Ada",
        "company": "Co",
        "email": "null@mut.example",
        "phone": "1",
        "address": ADDRESS,
    }
    shown = " ".join(name if name != "address" else "address { city }" for name in NULLS[mutation])
    entity = kind.lower()
    id = await (shop.product(**described) if entity == "product" else shop.customer(**details))
    for name, then in NULLS[mutation].items():
        sent = await client.mutate(mutation, f"{entity} {{ {shown} }}", **{f"{entity}Id": id, name: None})
        if then is ...:
            assert refusals(sent, entity) == [("InvalidInput", "INVALID_INPUT", ["input", name])]
            assert sent["errors"][0]["message"] == f"{name.capitalize()} must not be empty."
        else:
            assert happened(sent) == [f"{kind}Updated"]
            assert sent[entity][name] == then
    kept = await client.mutate(mutation, f"{entity} {{ name }}", **{f"{entity}Id": id})
    assert (happened(kept), kept[entity]["name"]) == ([], described["name"] if kind == "Product" else "Ada")


def test_every_update_is_tried_with_null() -> None:
    updates = {name for name in core_schema(schema).type_map if name.startswith("Update")}
    assert updates - {f"U{name[1:]}Payload" for name in NULLS} == {f"U{name[1:]}Input" for name in NULLS}
