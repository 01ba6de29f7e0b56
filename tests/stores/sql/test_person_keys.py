"""Keys of persons in memory: whose key exists is never read as forgotten, and who was forgotten has none."""

from collections.abc import AsyncIterator, Collection, Mapping
from pathlib import Path
from uuid import UUID

import pytest

from app.stores.sql.keys import person_keys
from app.stores.sql.keys.actors import Actor
from app.stores.sql.keys.person_keys import PersonKeys
from app.stores.sql.keys.store import KeyStore, open_keys

ADA, BEA, CIS, DAN, EVE = (UUID(int=number) for number in range(1, 6))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[KeyStore]:
    async with open_keys(tmp_path / "keys.db") as store:
        yield store


@pytest.fixture(autouse=True)
def few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(person_keys, "MOST_KEPT", 3)


async def test_everybody_has_a_key_even_if_more_are_asked_for_than_are_kept(store: KeyStore) -> None:
    everybody = {ADA, BEA, CIS, DAN, EVE}
    keys = await PersonKeys.read(store)
    assert set(await keys.made(everybody)) == everybody
    later = await PersonKeys.read(store)
    assert set(await later.of({ADA, BEA})) == {ADA, BEA}
    # Two are kept and three are read, which leaves no room for the two.
    assert set(await later.of(everybody)) == everybody
    assert set(await later.of({ADA, EVE})) == {ADA, EVE}


async def test_every_actor_has_a_name_even_if_more_are_asked_for_than_are_kept(store: KeyStore) -> None:
    keys = await PersonKeys.read(store)
    names = {await keys.pseudonym(Actor(name, None)): name for name in ("Ada", "Bea", "Cis", "Dan", "Eve")}
    later = await PersonKeys.read(store)
    await later.names([*names][:2])
    assert await later.names([*names]) == names


async def test_who_is_forgotten_while_their_key_is_read_has_none_then_and_later(
    store: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await (await PersonKeys.read(store)).made({ADA, BEA})
    keys = await PersonKeys.read(store)
    find = store.find

    async def forget_meanwhile(people: Collection[UUID]) -> Mapping[UUID, bytes]:
        found = await find(people)
        keys.drop(ADA)
        return found

    monkeypatch.setattr(store, "find", forget_meanwhile)
    assert set(await keys.of({ADA, BEA})) == {BEA}
    assert set(await keys.of({ADA, BEA})) == {BEA}
