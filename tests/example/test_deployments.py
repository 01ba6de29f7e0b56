"""What programs that differ show of the same log: one after the other, and side by side."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGTERM

import httpx
import pytest

from tests.example.placing import PROJECT, placed
from tests.schema.client import Client
from tests.schema.shop import Shop
from tests.service import running

pytestmark = pytest.mark.campaign

WITH_LENGTH = [
    (
        "app/read_models/product_reviews.py",
        '"opinion": event.opinion or "",\n',
        '"opinion": event.opinion or "",\n            "length": len(event.opinion or ""),\n',
    ),
    (
        "schema/reviews.py",
        "    opinion: str = strawberry.field(d",
        '    length: int = strawberry.field(description="Characters of the opinion.")\n'
        "    opinion: str = strawberry.field(d",
    ),
]
"""A projection that is changed without another version, and a field that shows what it writes now."""

RATING = "query ($tea: ID!) { rating(productId: $tea) { reviews average } }"
TRAIL = "{ activity(first: 3) { nodes { type summary } } products { totalCount } }"


@asynccontextmanager
async def client_of(program: Path, data: Path, said: list[str], **environment: str) -> AsyncIterator[Client]:
    """A client of a program, whose output is in `said` when it has ended."""
    of_program = {"PYTHONPATH": str(program), "PYTHONSAFEPATH": "1"}
    async with (
        httpx.AsyncClient(timeout=30) as http,
        running(data, "--no-demo", **of_program, **environment) as service,
    ):
        yield Client(service.url, http)
        said.append(service.announced + await service.stop(SIGTERM))


async def test_a_changed_projection_makes_its_documents_anew(tmp_path: Path) -> None:
    before, after = placed(tmp_path / "before"), placed(tmp_path / "after", changed=WITH_LENGTH)
    data, said = tmp_path / "data", list[str]()
    async with client_of(before, data, said) as client:
        tea = await Shop(client).product()
        sent = await client.mutate("reviewProduct", "review { id }", productId=tea, stars=5, opinion="Fine.")
        seen = client.seen
    async with client_of(after, data, said) as client:
        query = "query ($id: ID!) { node(id: $id) { ... on Review { opinion length } } }"
        answer = await client.send(query, {"id": sent["review"]["id"]}, token=seen)
    assert answer.data["node"] == {"opinion": "Fine.", "length": 5}
    assert "read_model=product_reviews generation=product_reviews_" in said[1]
    assert "generation=order_list_" not in said[1], "where nothing differs, nothing is made anew"


async def test_an_older_and_a_newer_program_run_side_by_side(tmp_path: Path, mongo_url: str) -> None:
    newer, data, said = placed(tmp_path / "newer"), tmp_path / "data", list[str]()
    stores = {"MONGODB_URL": mongo_url, "MONGODB_DATABASE": tmp_path.name[:30]}
    async with (
        client_of(PROJECT, data, said, **stores) as old,
        client_of(newer, data, said, **stores) as new,
    ):
        tea = await Shop(old).product()
        for stars in (5, 2):
            await new.mutate("reviewProduct", "", productId=tea, stars=stars)
            await Shop(old).product(sku=f"BESIDE-{stars}")
        token = max(new.seen, old.seen)
        rating = await new.send(RATING, {"tea": tea}, token=token)
        shown = [(await client.send(TRAIL, token=token)).data for client in (old, new)]
    assert rating.data["rating"] == {"reviews": 2, "average": 3.5}
    assert shown[0] == shown[1]
    assert [entry["type"] for entry in shown[0]["activity"]["nodes"]] == [
        "ProductAdded",
        "ProductReviewed",
        "ProductAdded",
    ]
