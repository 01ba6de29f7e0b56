"""The embedded stores after somebody was forgotten: every byte of the data folder, and of the log."""

from pathlib import Path
from signal import SIGTERM

import httpx
import pytest

from app.config import Settings
from app.cqrs.commands.outcomes import Receipt
from app.cqrs.viewers import Scope, Sight, Viewer
from app.domain.customers.commands import UpdateCustomer
from app.halves.commanding import open_write_side
from schema.circle.ids import key_of
from tests.forgetting.people import files_below, lived, traces_in
from tests.schema.client import Client
from tests.schema.shop import Shop
from tests.service import running

pytestmark = pytest.mark.campaign

CLERK = "zephyrine, clerk"
FOUND = '{ customers(filter: {search: "zephyrine"}) { totalCount } orders { totalCount } }'


async def acted(settings: Settings, customer: str) -> None:
    """Somebody of the staff, who is forgotten at once, and the customer themselves act in another process."""
    key = key_of("Customer", customer)
    viewers = Scope(Sight.STAFF), Scope(Sight.CUSTOMER, str(key))
    async with open_write_side(settings) as write_side:
        for phone, scope in enumerate(viewers):
            viewer = Viewer(actor=CLERK if scope.customer is None else "quillfeather", scope=scope)
            command = UpdateCustomer(customer_id=key, phone=f"{phone}")
            assert isinstance(await write_side.commands.execute(command, viewer=viewer), Receipt)
        [_] = await write_side.log.forget_actor(CLERK, by="command line")


async def test_no_byte_of_the_data_folder_has_a_trace_once_documents_were_built_anew(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    async with running(data_dir, "--no-demo", SEARCH_ENGINE="fts5") as service:
        async with httpx.AsyncClient(timeout=20) as http:
            client = Client(service.url, http)
            ids = await lived(Shop(client))
            found = (await client.send(FOUND)).data
            assert found == {"customers": {"totalCount": 1}, "orders": {"totalCount": 2}}
            await acted(Settings(data_dir=data_dir), ids["customer"])
            forgotten = await client.mutate("forgetCustomer", "", customerId=ids["customer"])
            assert forgotten["errors"] == []
            found = (await client.send(FOUND)).data
            assert found == {"customers": {"totalCount": 0}, "orders": {"totalCount": 2}}
            # The write store, the keys and the search index, while they are open.
            stores = [each for each in files_below(data_dir) if "/mongo/" not in each[0]]
            assert {Path(name).name for name, _ in stores} >= {"write.db", "keys.db", "search.db"}
            assert [*traces_in(stores)] == []
        said = await service.stop(SIGTERM)
    assert [*traces_in([("the log of the service", said.encode())])] == []
    # MongoDB's oplog, journal and freed blocks have former documents until they are used again.
    (data_dir / "mongo").rename(tmp_path / "removed")
    async with running(data_dir, "--no-demo", SEARCH_ENGINE="fts5") as service:
        await service.ready()
        async with httpx.AsyncClient(timeout=20) as http:
            assert (await Client(service.url, http).send(FOUND)).data == found
        assert [*traces_in(files_below(data_dir))] == []
        await service.stop(SIGTERM)
    assert [*traces_in(files_below(data_dir))] == []
