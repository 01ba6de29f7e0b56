"""The stores in a data folder are backed up under the service, and replaced when it has stopped."""

from pathlib import Path
from signal import SIGTERM

import httpx
import pytest

from app.backups.restoring import CannotRestore, restore
from app.backups.taking import back_up
from app.config import Settings
from tests.backups.stores import ASK
from tests.schema.client import Client
from tests.schema.shop import Shop
from tests.service import running

pytestmark = pytest.mark.campaign


async def test_a_data_folder_is_restored_with_its_documents_or_without(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    async with running(settings.data_dir, "--no-demo", SEARCH_ENGINE="fts5") as service:
        async with httpx.AsyncClient(timeout=20) as http:
            shop = Shop(Client(service.url, http))
            await shop.order()
            await service.ready()
            for name, documents in (("with", True), ("without", False)):
                await back_up(settings, tmp_path / name, documents=documents)
            await shop.order()
        with pytest.raises(CannotRestore, match="A service runs on the data folder"):
            await restore(settings, tmp_path / "with", overwrite=True)
        await service.stop(SIGTERM)
    for name in ("with", "without"):
        await restore(settings, tmp_path / name, overwrite=True)
        async with running(settings.data_dir, "--no-demo", SEARCH_ENGINE="fts5") as service:
            await service.ready()
            async with httpx.AsyncClient(timeout=20) as http:
                client = Client(service.url, http)
                found = (await client.send(ASK)).data
                assert found["orders"]["totalCount"] == 1
                assert {each["state"] for each in found["freshness"]} == {"LIVE"}
                search = '{ products(filter: {search: "thing"}) { totalCount } }'
                assert (await client.send(search)).data["products"]["totalCount"] == 1
                await Shop(client).order()  # So that the next restore finds documents to drop.
                assert (await client.send(ASK)).data["orders"]["totalCount"] == 2
            await service.stop(SIGTERM)
