"""What surrounds every operation: here the names that its errors suggest."""

import pytest
import strawberry
from strawberry.extensions import DisableIntrospection

from schema.context import Context
from schema.root import Query, schema
from tests.inprocess import Service
from tests.schema.client import Client

MISSPELT = {
    "produckts": "{ produckts { totalCount } }",
    "frist": "{ products(frist: 1) { totalCount } }",
    "prcie": "query ($filter: ProductFilter) { products(filter: $filter) { totalCount } }",
}


@pytest.mark.parametrize("name", MISSPELT)
async def test_a_misspelt_name_is_met_with_the_one_that_was_meant(client: Client, name: str) -> None:
    assert (await client.send("{ __schema { queryType { name } } }")).data, "introspection is answered, too"
    answer = await client.send(MISSPELT[name], {"filter": {"prcieFrom": "1"}})
    [error] = answer.body["errors"]
    assert name in error["message"]
    assert "Did you mean" in error["message"]


@pytest.mark.parametrize("name", MISSPELT)
async def test_no_name_is_suggested_where_introspection_is_refused(service: Service, name: str) -> None:
    closed = strawberry.Schema(
        query=Query, extensions=[*schema.extensions, DisableIntrospection], config=schema.config
    )
    for query in ("{ __schema { queryType { name } } }", MISSPELT[name]):
        result = await closed.execute(query, {"filter": {"prcieFrom": "1"}}, Context(service.circle))
        assert result.errors
        messages = [error.message for error in result.errors]
        assert not [message for message in messages if "Did you mean" in message]
    assert name in messages[0]
