"""All that Diptych uses of pymongo which pymongo keeps private, with the reason.

`tests/stores/mongo/internals/test_pymongo.py` names the release that has changed it.
"""

from typing import Any

from pymongo import MongoClient


def forget_connections(client: MongoClient[Any]) -> None:
    """Have a client open new connections from now on.

    A connection to a mongod that was not ready yet says for as long as it lives that the server has no
    sessions. The public ways to end it are to close the client, which can't be used after that, and to wait
    until the server ends it.
    """
    for server in list(client._topology._servers.values()):  # which the monitor's thread may change
        server.pool.reset_without_pause()
