"""The campaign's own mongod: it outlives the service, and can be killed by itself."""

from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from app.stores.mongo.embedded.mongod import Mongod, embedded_mongod


class OwnMongod:
    """A mongod on one folder and at one URL, whether it runs or not."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened = AsyncExitStack()
        self._mongod: Mongod | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._opened.aclose()

    async def start(self) -> None:
        """Starts it, or starts it again on the same data; returns once it takes writes."""
        await self._opened.aclose()
        self._mongod = await self._opened.enter_async_context(embedded_mongod(self._folder))
        assert self.url in {"", self._mongod.url}, "the folder's path is too long for its socket"
        self.url = self._mongod.url

    async def kill(self) -> None:
        """Ends it without a warning."""
        assert self._mongod
        self._mongod.process.kill()
        await self._mongod.process.wait()
