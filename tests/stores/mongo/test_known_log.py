"""The copy of what processes must know of the log never goes back, unless the log is another one."""

from dataclasses import replace
from uuid import uuid4

from app.cqrs.log.known_log import KnownLog
from app.stores.mongo.store import MongoReadStore


async def test_a_copy_is_replaced_by_later_revocations_and_by_another_store_only(
    read_store: MongoReadStore,
) -> None:
    copies = read_store.known_logs
    assert await copies.known_log() is None
    first = KnownLog(
        store_id=uuid4(),
        token_key=b"\0key",
        revocations=2,
        revocation_key=b"\1key",
        revoked={"k1:01": 1.5},
    )
    await copies.keep(first)
    assert await copies.known_log() == first
    later = replace(first, revocations=3, revoked={"k1:01": 1.5, "k1:02": 2.0})
    await copies.keep(later)
    await copies.keep(first)
    assert await copies.known_log() == later, "a process that has read fewer came last"
    restored = replace(first, store_id=uuid4(), revocations=0, revoked={})
    await copies.keep(restored)
    assert await copies.known_log() == restored
