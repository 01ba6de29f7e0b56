"""What is used of pymongo's private names: the release that fails here has changed them."""

from pymongo import MongoClient
from pymongo.monitoring import (
    ConnectionCheckedInEvent,
    ConnectionCheckedOutEvent,
    ConnectionCheckOutFailedEvent,
    ConnectionCheckOutStartedEvent,
    ConnectionClosedEvent,
    ConnectionCreatedEvent,
    ConnectionPoolListener,
    ConnectionReadyEvent,
    PoolClearedEvent,
    PoolClosedEvent,
    PoolCreatedEvent,
    PoolReadyEvent,
)

from app.cqrs.documents.read_model import Document
from app.stores.mongo.internals.pymongo import forget_connections
from tests.releases import still_there


class Connections(ConnectionPoolListener):
    """Counts the connections that are opened."""

    opened = 0

    def connection_created(self, event: ConnectionCreatedEvent) -> None:
        self.opened += 1

    def pool_created(self, event: PoolCreatedEvent) -> None: ...
    def pool_ready(self, event: PoolReadyEvent) -> None: ...
    def pool_cleared(self, event: PoolClearedEvent) -> None: ...
    def pool_closed(self, event: PoolClosedEvent) -> None: ...
    def connection_ready(self, event: ConnectionReadyEvent) -> None: ...
    def connection_closed(self, event: ConnectionClosedEvent) -> None: ...
    def connection_check_out_started(self, event: ConnectionCheckOutStartedEvent) -> None: ...
    def connection_check_out_failed(self, event: ConnectionCheckOutFailedEvent) -> None: ...
    def connection_checked_out(self, event: ConnectionCheckedOutEvent) -> None: ...
    def connection_checked_in(self, event: ConnectionCheckedInEvent) -> None: ...


def test_a_client_that_forgets_its_connections_opens_a_new_one(mongo_url: str) -> None:
    connections = Connections()
    client: MongoClient[Document] = MongoClient(mongo_url, event_listeners=[connections])
    with client:
        for _ in range(2):
            client.admin.command("ping")
        assert connections.opened == 1
        with still_there("pymongo", "app/stores/mongo/internals/pymongo.py"):
            forget_connections(client)
            client.admin.command("ping")
            assert connections.opened == 2, "a client goes on with the connections that it had"
