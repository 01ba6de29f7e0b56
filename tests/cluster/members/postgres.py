"""PostgreSQL as a member of a cluster."""

from asyncio.subprocess import Process
from pathlib import Path
from signal import SIGINT

from tests.cluster.members.member import Member
from tests.postgres import Postgres, hand_to_owner

DATABASE = "diptych"


class PostgresServer(Member):
    """The server of the write store: over a unix socket in a short `sockets` folder, with data elsewhere."""

    def __init__(self, name: str, data: Path, sockets: Path) -> None:
        self._sockets = sockets
        self._data = data
        self._server = Postgres(sockets, durable=True, data=data)
        super().__init__(name, sockets / "log")

    _stopping = SIGINT  # a fast shutdown: SIGTERM would wait until clients have gone

    @property
    def address(self) -> str:
        return f"{self._sockets}/.s.PGSQL.5432"

    @property
    def url(self) -> str:
        """The SQLAlchemy URL of the write store."""
        return self._server.url(DATABASE)

    async def prepare(self) -> None:
        """Make the data folder unless it is there, start the server, and create the database."""
        if not self._data.exists():
            self._data.mkdir(mode=0o700)
            hand_to_owner(self._data)
            await self._server.initialize()
        await self.start()
        await self._server.create_database(DATABASE)

    async def _launch(self) -> Process:
        await self._server.start()
        assert self._server.process
        return self._server.process

    async def answers(self) -> bool:
        """Return whether it takes connections."""
        return await self._server.answers()
