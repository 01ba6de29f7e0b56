"""What is kept of answers, over HTTP, in a service that keeps them: what would be read again, and no more."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.config import Settings
from tests.inprocess import Service, serving
from tests.schema.shop import Shop

PRODUCT = "query ($id: ID!) { product(id: $id) { name onHand } }"
PRODUCTS = '{ products(filter: { categories: ["Kept"] }, first: 5) { nodes { name onHand } totalCount } }'


@pytest.fixture
async def service(mongo_url: str, tmp_path: Path) -> AsyncIterator[Service]:
    settings = Settings(
        data_dir=tmp_path, mongodb_url=mongo_url, mongodb_database=tmp_path.name, read_cache_mb=1
    )
    async with serving(settings) as running:
        yield running


async def recalled(service: Service, query: str, times: int = 4, /, **variables: object) -> int:
    """How often the same question was answered with what was kept; all answers are the same."""
    written = await service.circle.log.head()
    for progress in service.circle.progress.values():
        await progress.wait_for(written, 20)
    before = service.operations.compiled.recalled
    answers = [await service.client.send(query, variables) for _ in range(times)]
    assert all(answer.body["data"] == answers[0].body["data"] for answer in answers)
    assert all(answer.codes == [] for answer in answers)
    return service.operations.compiled.recalled - before


async def test_an_answer_is_kept_until_a_change_concerns_it(service: Service) -> None:
    shop = Shop(service.client)
    kept, other = [await shop.product(category="Kept", stock=5) for _ in range(2)]
    assert await recalled(service, PRODUCT, id=kept) == 2
    assert await recalled(service, PRODUCTS) == 2
    await service.client.mutate("receiveStock", "", productId=other, quantity=1)
    assert await recalled(service, PRODUCT, 1, id=kept) == 1
    assert await recalled(service, PRODUCTS, 2) == 1
    await service.client.mutate("receiveStock", "", productId=kept, quantity=1)
    answer = await service.client.send(PRODUCT, {"id": kept})
    assert answer.data["product"]["onHand"] == 6
    await shop.product(category="Others")
    assert await recalled(service, PRODUCTS, 3) == 2
    await shop.product(category="Kept")
    assert (await service.client.send(PRODUCTS)).data["products"]["totalCount"] == 3


BY_SKU = "query ($sku: String) { product(sku: $sku) { name } }"


async def test_what_was_found_by_a_unique_key_is_kept_until_the_key_is_anothers(service: Service) -> None:
    shop = Shop(service.client)

    async def name_of(sku: str) -> str | None:
        product = (await service.client.send(BY_SKU, {"sku": sku})).data["product"]
        return product and str(product["name"])

    await shop.product()
    assert (await recalled(service, BY_SKU, sku="kept-1"), await name_of("kept-1")) == (2, None)
    await shop.product(sku="OTHER-1")
    assert await recalled(service, BY_SKU, 1, sku="kept-1") == 1
    keyed = await shop.product(sku="KEPT-1", name="Keyed")
    assert (await recalled(service, BY_SKU, 2, sku="kept-1"), await name_of("kept-1")) == (1, "Keyed")
    await service.client.mutate("updateProduct", "", productId=keyed, name="Renamed")
    assert await name_of("kept-1") == "Renamed"
    by_email = "query ($email: String) { customer(email: $email) { name } }"
    customer = await shop.customer(email="kept@example.com", name="Ada")
    assert await recalled(service, by_email, email="kept@example.com") == 2
    await service.client.mutate("updateCustomer", "", customerId=customer, email="other@example.com")
    answer = await service.client.send(by_email, {"email": "kept@example.com"})
    assert answer.data == {"customer": None}


BY_PRODUCT = """query ($id: ID!) { orders(filter: { productId: $id, status: [PLACED, PAID] }) {
    nodes { orderId } } }"""
OF_CUSTOMER = """query ($id: ID!, $product: ID) { customer(id: $id) {
    orders(filter: { productId: $product, status: [PLACED] }, orderBy: { field: TOTAL }) {
        nodes { id } } } }"""


async def test_lists_of_a_products_orders_are_kept_until_one_comes_or_goes(service: Service) -> None:
    shop = Shop(service.client)
    kept, other = [await shop.product(stock=9) for _ in range(2)]
    customer = await shop.customer()
    asked = {"id": customer, "product": kept}
    assert await recalled(service, BY_PRODUCT, id=kept) == 2
    assert await recalled(service, OF_CUSTOMER, 4, **asked) == 2
    await shop.order(product=other)
    assert await recalled(service, BY_PRODUCT, 1, id=kept) == 1
    order = await shop.order(product=kept, customer=customer)
    expected: list[tuple[str, list[str], list[str]]] = [
        ("", [order], [order]),
        ("pay", [order], []),
        ("ship", [], []),
    ]
    for step, of_product, of_customer in expected:
        if step:
            await service.client.mutate(f"{step}Order", "", orderId=order)
        rows = (await service.client.send(BY_PRODUCT, {"id": kept})).data["orders"]["nodes"]
        assert [row["orderId"] for row in rows] == of_product
        orders = (await service.client.send(OF_CUSTOMER, asked)).data["customer"]["orders"]["nodes"]
        assert [each["id"] for each in orders] == of_customer


async def test_what_a_search_found_is_kept_until_another_product_is_found(service: Service) -> None:
    found = '{ products(filter: { search: "kettle" }) { nodes { name } } }'
    shop = Shop(service.client)
    await shop.product(name="Kettle")
    assert await recalled(service, found) == 2
    await shop.product(name="Blue kettle")
    assert await recalled(service, found, 3) == 2
    nodes = (await service.client.send(found)).data["products"]["nodes"]
    assert [each["name"] for each in nodes] == ["Blue kettle", "Kettle"]


async def test_a_kept_answer_tells_its_cost_as_it_did_before(service: Service) -> None:
    product = await Shop(service.client).product()
    written = await service.circle.log.head()
    for progress in service.circle.progress.values():
        await progress.wait_for(written, 20)
    before = service.operations.compiled.recalled
    answers = [await service.client.send(PRODUCT, {"id": product}) for _ in range(4)]
    assert service.operations.compiled.recalled >= before + 2
    cost = {"reads": 1, "nodes": 1, "fields": 3}
    assert [answer.body["extensions"]["cost"] for answer in answers] == [cost] * 4


async def test_a_kept_answer_says_how_fresh_it_is_now(service: Service) -> None:
    shop = Shop(service.client)
    product = await shop.product()
    await recalled(service, PRODUCT, id=product)
    await shop.customer()
    answer = await service.client.send(PRODUCT, {"id": product})
    assert answer.freshness["PRODUCT_LISTING"]["position"] == "2"
    assert answer.token == service.circle.tokens.write(2)


async def test_what_is_not_made_of_documents_is_asked_each_time(service: Service) -> None:
    await Shop(service.client).product()
    progress = "{ freshness(readModels: [ACTIVITY]) { readModel } products { totalCount } }"
    assert await recalled(service, progress) == 0
    command = "query ($id: UUID!) { commandStatus(commandId: $id) { state } }"
    assert await recalled(service, command, id="0190a5ac-6fd4-7c07-8fb5-35ac4b2e8e4f") == 0


async def test_variables_that_nobody_asked_for_take_no_room_beyond_the_cache(service: Service) -> None:
    for number in range(6):
        await service.client.send("{ __typename }", {"nonsense": f"{number}" + "x" * 400_000})
    cache = service.circle.cache
    assert (len(cache), cache.bytes > 800_000) == (2, True)
