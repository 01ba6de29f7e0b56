"""A process that answers queries begins while PostgreSQL is away, and only then."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from app.config import Settings
from app.cqrs.log.known_log import KnownLog
from app.cqrs.revocations import Revocations
from app.cqrs.unavailable import WriteStoreUnavailable
from app.halves.awaiting import Awaited, open_awaited
from app.halves.commanding import WriteSide, open_write_side
from app.roles import Role
from app.stores.mongo.store import MongoReadStore


def settings_of(folder: Path, database_url: str, *roles: Role) -> Settings:
    return Settings(
        data_dir=folder,
        database_url=database_url,
        mongodb_url="mongodb://127.0.0.1:1",
        nats_url="nats://127.0.0.1:1",
        roles=",".join(roles),
    )


@pytest.fixture
async def opened() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


async def begin(opened: AsyncExitStack, settings: Settings) -> tuple[WriteSide, Awaited]:
    return await open_awaited(opened, settings, lambda _receipt, _actor: None, lambda _appended: None)


async def waiting(opened: AsyncExitStack, settings: Settings) -> tuple[WriteSide, Awaited]:
    """A process that has begun while a store was away which is back now."""
    write_side = await opened.enter_async_context(open_write_side(settings, may_be_away=True))
    return write_side, Awaited(write_side, WriteStoreUnavailable("It was away."))


async def test_only_a_process_that_answers_queries_begins_without_a_store(
    opened: AsyncExitStack, tmp_path: Path
) -> None:
    away = f"postgresql+asyncpg://postgres@/none?host={tmp_path}"
    _, awaited = await begin(opened, settings_of(tmp_path, away, Role.QUERY))
    assert awaited.is_away
    for roles in ([Role.COMMAND], [Role.PROJECTOR], [Role.QUERY, Role.PROJECTOR]):
        with pytest.raises(WriteStoreUnavailable, match="Can't open the write store"):
            await begin(opened, settings_of(tmp_path, away, *roles))


async def test_a_store_that_answers_and_refuses_is_not_waited_for(
    opened: AsyncExitStack, tmp_path: Path, postgres_url: str
) -> None:
    with pytest.raises(WriteStoreUnavailable, match="does not exist"):
        await begin(opened, settings_of(tmp_path, postgres_url.replace("@/", "@/no"), Role.QUERY))


async def test_without_a_copy_a_process_says_why_it_can_not_begin(
    opened: AsyncExitStack, tmp_path: Path, read_store: MongoReadStore
) -> None:
    away = f"postgresql+asyncpg://postgres@/none?host={tmp_path}"
    write_side, awaited = await begin(opened, settings_of(tmp_path, away, Role.QUERY))
    with pytest.raises(WriteStoreUnavailable, match="MongoDB has no copy of what it must know"):
        await awaited.known(read_store.known_logs, Revocations(write_side.log))


async def test_a_store_that_was_replaced_while_it_was_away_is_not_used(
    opened: AsyncExitStack, tmp_path: Path, copied_postgres_url: str
) -> None:
    write_side, awaited = await waiting(opened, settings_of(tmp_path, copied_postgres_url, Role.QUERY))
    former = KnownLog(store_id=uuid4(), token_key=b"key", revocation_key=b"", revoked={})
    await awaited.probe()
    using = asyncio.create_task(awaited.answered(former, write_side.log.head))
    async with asyncio.timeout(20):
        while "Start the process again" not in str(awaited.waits_for()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    with pytest.raises(WriteStoreUnavailable, match="is another one, or was restored"):
        await awaited.probe()
    assert not using.done()
    using.cancel()


async def test_a_store_that_is_back_is_migrated_and_its_events_can_be_read(
    opened: AsyncExitStack, tmp_path: Path, postgres_url: str
) -> None:
    write_side, awaited = await waiting(opened, settings_of(tmp_path, postgres_url, Role.QUERY))
    with pytest.raises(WriteStoreUnavailable, match="has not answered yet"):
        await write_side.log.decoded([])
    await write_side.begin()
    log = write_side.log
    known = KnownLog(
        store_id=await log.store_id(), token_key=await log.token_key(), revocation_key=b"", revoked={}
    )
    assert await awaited.answered(known, log.head) == 0
    assert await log.decoded([]) == []
    assert awaited.waits_for() is None
