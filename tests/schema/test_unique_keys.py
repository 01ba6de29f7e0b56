"""A product is found by its SKU, and a customer by their e-mail address."""

from typing import Any

import pytest

from tests.schema.client import Client
from tests.schema.shop import Shop

PRODUCT = "query ($id: ID, $sku: String) { product(id: $id, sku: $sku) { id sku } }"
CUSTOMER = "query ($id: ID, $email: String) { customer(id: $id, email: $email) { id email } }"


async def test_a_product_is_found_by_its_sku_in_any_case(client: Client, shop: Shop) -> None:
    product = await shop.product(sku="uniq/1-a")
    for sku in ("UNIQ/1-A", "uniq/1-a", " Uniq/1-a "):
        found = (await client.send(PRODUCT, {"sku": sku})).data["product"]
        assert found == {"id": product, "sku": "UNIQ/1-A"}


@pytest.mark.parametrize("sku", ["UNIQ", "", "!", "a\u0000b", "x" * 5000, {"$gt": ""}])
async def test_no_product_is_found_by_another_sku(client: Client, sku: Any) -> None:
    answer = await client.send(PRODUCT, {"sku": sku})
    assert answer.codes == ["BAD_USER_INPUT"] if isinstance(sku, dict) else answer.data == {"product": None}


async def test_a_discontinued_product_is_found_by_its_sku(client: Client, shop: Shop) -> None:
    product = await shop.product(sku="UNIQ-OLD")
    await client.mutate("discontinueProduct", "", productId=product)
    assert (await client.send(PRODUCT, {"sku": "UNIQ-OLD"})).data["product"]["id"] == product


async def test_a_customer_is_found_by_any_spelling_of_the_address(client: Client, shop: Shop) -> None:
    customer = await shop.customer(email="Grace@B\u00fccher.example")
    for email in ("grace@b\u00fccher.example", " GRACE@xn--bcher-kva.example", "grace@bu\u0308cher.example"):
        found = (await client.send(CUSTOMER, {"email": email})).data["customer"]
        assert found == {"id": customer, "email": "Grace@B\u00fccher.example"}


async def test_an_address_leads_to_its_holder_only(client: Client, shop: Shop) -> None:
    customer = await shop.customer(email="first@example.com")
    await client.mutate("updateCustomer", "", customerId=customer, email="second@example.com")
    for email, found in {"first@example.com": None, "second@example.com": customer}.items():
        answer = (await client.send(CUSTOMER, {"email": email})).data["customer"]
        assert (answer and answer["id"]) == found
    await client.mutate("closeCustomer", "", customerId=customer)
    assert (await client.send(CUSTOMER, {"email": "second@example.com"})).data == {"customer": None}
    assert (await client.send(CUSTOMER, {"id": customer})).data["customer"]["email"] is None


async def test_customers_without_an_address_are_not_found_by_an_empty_one(client: Client, shop: Shop) -> None:
    await shop.customer()
    for email in ("", "nobody", "@"):
        assert (await client.send(CUSTOMER, {"email": email})).data == {"customer": None}


@pytest.mark.parametrize(("query", "other"), [(PRODUCT, "sku"), (CUSTOMER, "email")])
async def test_exactly_one_key_is_given(client: Client, query: str, other: str) -> None:
    for variables, reason in (
        ({}, f"Neither id nor {other} is given."),
        ({"id": None, other: None}, f"Neither id nor {other} is given."),
        ({"id": "x", other: "x"}, f"Both id and {other} are given."),
    ):
        answer = await client.send(query, variables)
        assert answer.codes == ["BAD_USER_INPUT"]
        assert answer.body["errors"][0]["message"] == f"{reason} Send exactly one of them."
