from collections.abc import AsyncIterator

import pytest

from app.config import Settings
from tests.access.issuer import SECRET
from tests.inprocess import Service, serving
from tests.schema.shop import Shop
from tests.web.admin.window import token


@pytest.fixture(scope="package")
async def guarded(mongo_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    folder = tmp_path_factory.mktemp("admin")
    settings = Settings(
        data_dir=folder,
        mongodb_url=mongo_url,
        mongodb_database=folder.name,
        read_cache_mb=8,
        auth_secret=SECRET,
    )
    async with serving(settings) as running:
        running.client.http.headers["Authorization"] = f"Bearer {token('operator')}"
        yield running


@pytest.fixture(scope="package")
async def shop(guarded: Service) -> Shop:
    """A shop with a day's work behind it."""
    shop = Shop(guarded.client)
    products = [await shop.product(stock=500) for _ in range(3)]
    for number in range(12):
        customer = await shop.customer(name=f"Ondine {number}", email=f"ondine.{number}@maskenball.example")
        for product in products:
            await shop.order(customer=customer, product=product, quantity=1 + number)
    await guarded.client.mutate("receiveStock", "", productId=products[0], quantity=0)
    return shop
