"""All private names of pymongo that Diptych uses, with the reason.

`tests/stores/mongo/internals/test_pymongo.py` fails with the release that has changed one of them.
"""

from typing import Any

from pymongo import MongoClient


def forget_connections(client: MongoClient[Any]) -> None:
    """Make a client replace its connections by new ones.

    A connection that was opened before mongod was ready reports until its end that the server has no
    sessions. There are two public ways to end it: to close the client, which is unusable after that, and to
    wait until the server ends it.
    """
    for server in list(client._topology._servers.values()):  # A copy: the monitor's thread may change it.
        server.pool.reset_without_pause()
