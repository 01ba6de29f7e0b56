"""Lists of commands: in their order, each once, and in few transactions; atomic ones whole or not at all."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import pytest

from app.cqrs.commands import lane
from app.cqrs.commands.carrying_out import Result
from app.cqrs.commands.lists import Entry
from app.cqrs.commands.outcomes import (
    CommandIdReused,
    InvalidInput,
    NotAllowed,
    Receipt,
    Refused,
    RolledBack,
    refused,
)
from app.cqrs.commands.write_store import Conflict
from app.cqrs.messages import Command
from app.cqrs.unavailable import WriteStoreBusy, WriteStoreUnavailable
from app.cqrs.viewers import OPEN
from app.stores.sql.groups import SqlGroup
from app.stores.sql.transactions import SqlWork
from tests.cqrs.commands.test_lane import Office, WriteLetter, office

__all__ = ["office"]


def letters(*texts: str) -> list[Entry]:
    return [Entry(WriteLetter(text=text), uuid4()) for text in texts]


async def send(office: Office, entries: Sequence[Entry], *, atomic: bool = False) -> Sequence[Result]:
    return await office.bus.execute_all(entries, viewer=OPEN, atomic=atomic)


def told(results: Sequence[Result]) -> list[type | None]:
    """Return the type of the first refusal or of the exception of each command; `None` if it was accepted."""
    return [
        type(each.errors[0])
        if isinstance(each, Refused)
        else (None if isinstance(each, Receipt) else type(each))
        for each in results
    ]


async def test_a_list_is_carried_out_in_its_order_in_one_transaction(office: Office) -> None:
    entries = letters(*(str(number) for number in range(100)))
    results = await send(office, entries)
    assert office.store.transactions == 1
    assert await office.texts() == [str(number) for number in range(100)]
    assert [each.command_id for each in results if isinstance(each, Receipt)] == [id for _, id in entries]
    assert [each.position for each in results if isinstance(each, Receipt)] == list(range(1, 101))
    assert office.committed == list(results)
    assert await send(office, []) == []


@pytest.mark.parametrize("atomic", [False, True])
async def test_a_repeated_list_changes_nothing_and_returns_the_same_receipts(
    office: Office, atomic: bool
) -> None:
    entries = letters("a", "b", "c")
    first = await send(office, entries, atomic=atomic)
    assert await send(office, entries, atomic=atomic) == first
    assert (
        await office.bus.execute(WriteLetter(text="b"), viewer=OPEN, command_id=entries[1].command_id)
        == (first[1])
    )
    assert await office.texts() == ["a", "b", "c"]


async def test_a_list_of_which_a_part_was_carried_out_is_continued_by_sending_it_again(
    office: Office,
) -> None:
    entries = letters("a", "b", "c", "d")
    half = await send(office, entries[:2])
    whole = await send(office, entries)
    assert whole[:2] == half
    assert await office.texts() == ["a", "b", "c", "d"]


async def test_a_refusal_and_a_failure_in_a_list_undo_their_own_command_and_no_other(office: Office) -> None:
    results = await send(office, letters("a", "refused", "b", "fails", "c"))
    assert told(results) == [None, InvalidInput, None, ZeroDivisionError, None]
    assert await office.texts() == ["a", "b", "c"]


async def test_one_refusal_rolls_back_a_whole_atomic_list_and_all_reasons_are_told(office: Office) -> None:
    entries = letters("a", "refused", "b", "refused")
    results = await send(office, entries, atomic=True)
    assert told(results) == [RolledBack, InvalidInput, RolledBack, InvalidInput]
    assert (await office.texts(), office.committed) == ([], [])
    assert told(await send(office, letters("a", "fails"), atomic=True)) == [RolledBack, ZeroDivisionError]
    accepted = await send(office, [entries[0], entries[2]], atomic=True)
    assert told(accepted) == [None, None], "the id of a command that was rolled back may be used again"
    assert await office.texts() == ["a", "b"]


async def test_a_command_that_was_accepted_before_keeps_its_receipt_when_its_atomic_list_is_rolled_back(
    office: Office,
) -> None:
    entries = letters("a", "b", "refused")
    [receipt] = await send(office, entries[:1])
    results = await send(office, entries, atomic=True)
    assert results[0] == receipt
    assert told(results[1:]) == [RolledBack, InvalidInput]
    assert await office.texts() == ["a"]


@pytest.mark.parametrize("atomic", [False, True])
async def test_an_entry_that_describes_no_command_or_may_not_be_sent_is_refused_as_data(
    office: Office, atomic: bool
) -> None:
    class BurnLetter(Command):
        text: str

    bad = Entry(refused(InvalidInput(message="This is no letter.")), uuid4())
    entries = [*letters("a"), bad, Entry(BurnLetter(text="a"), uuid4()), *letters("refused")]
    results = await send(office, entries, atomic=atomic)
    assert told(results) == [RolledBack if atomic else None, InvalidInput, NotAllowed, InvalidInput]
    assert await office.texts() == ([] if atomic else ["a"])
    assert told(await send(office, [bad], atomic=atomic)) == [InvalidInput]


@pytest.mark.parametrize("atomic", [False, True])
async def test_the_same_id_twice_in_a_list_is_a_repetition(office: Office, atomic: bool) -> None:
    id = uuid4()
    [entry] = letters("a")
    results = await send(office, [entry, *letters("b"), entry], atomic=atomic)
    assert results[0] == results[2]
    assert await office.texts() == ["a", "b"]
    other = [Entry(WriteLetter(text=text), id) for text in ("c", "d")]
    assert told(await send(office, other, atomic=atomic)) == [RolledBack if atomic else None, CommandIdReused]
    again = [Entry(WriteLetter(text=text), uuid4()) for text in ("refused", "e")]
    same_id = [again[0], again[1]._replace(command_id=again[0].command_id)]
    assert told(await send(office, same_id)) == [InvalidInput, None], "a refused command does not use it up"


async def test_a_long_list_gives_others_their_turns(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "LONGEST_GROUP", 0.0)
    monkeypatch.setattr(lane, "MOST_TOGETHER", 2)
    listed = asyncio.create_task(send(office, letters("first", "a", "b", "c", "d", "e")))
    await office.begun.wait()
    other = asyncio.create_task(office.bus.execute(WriteLetter(text="other"), viewer=OPEN))
    await asyncio.sleep(0)
    office.held.set()
    assert isinstance(await other, Receipt)
    assert told(await listed) == [None] * 6
    assert await office.texts() == ["first", "a", "other", "b", "c", "d", "e"]
    assert office.store.transactions == 4


async def test_an_atomic_list_shares_its_transaction_with_nobody(office: Office) -> None:
    [first, a] = await office.send("a")
    listed = asyncio.create_task(send(office, letters("b", "refused"), atomic=True))
    await asyncio.sleep(0)
    c = asyncio.create_task(office.bus.execute(WriteLetter(text="c"), viewer=OPEN))
    await asyncio.sleep(0)
    office.held.set()
    await asyncio.gather(first, a, c)
    assert told(await listed) == [RolledBack, InvalidInput]
    assert await office.texts() == ["first", "a", "c"]


async def test_a_client_that_leaves_while_its_list_waits_takes_it_along(office: Office) -> None:
    [first] = await office.send()
    listed = asyncio.create_task(send(office, letters("a", "b")))
    await asyncio.sleep(0)
    listed.cancel()
    office.held.set()
    await first
    assert isinstance(await office.bus.execute(WriteLetter(text="c"), viewer=OPEN), Receipt)
    assert await office.texts() == ["first", "c"]


async def test_a_command_that_spoils_the_transaction_of_its_list_fails_alone(office: Office) -> None:
    entries = letters("a", "half a \ud83d pair", "b")
    results = await send(office, entries)
    assert [isinstance(each, Receipt) for each in results] == [True, False, True]
    assert await office.texts() == ["a", "b"]
    with pytest.raises(Exception, match="surrogate"):
        await send(office, entries, atomic=True)
    assert await office.texts() == ["a", "b"]


@pytest.mark.parametrize("atomic", [False, True])
async def test_a_list_that_loses_a_race_is_carried_out_again(
    office: Office, monkeypatch: pytest.MonkeyPatch, atomic: bool
) -> None:
    commit, lost = SqlGroup.commit, 0

    async def loses(group: SqlGroup) -> list[Receipt]:
        nonlocal lost
        lost += 1
        if lost == 1:
            raise Conflict
        return await commit(group)

    monkeypatch.setattr(SqlGroup, "commit", loses)
    assert told(await send(office, letters("a", "refused", "b")[:: 2 if atomic else 1], atomic=atomic)) == (
        [None, None] if atomic else [None, InvalidInput, None]
    )
    assert await office.texts() == ["a", "b"]


async def test_a_list_stops_where_the_store_falls_silent_and_is_continued_later(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "LONGEST_GROUP", 0.0)
    monkeypatch.setattr(lane, "MOST_TOGETHER", 2)
    commit, commits = SqlGroup.commit, 0

    async def loses_the_second_answer(group: SqlGroup) -> list[Receipt]:
        nonlocal commits
        commits += 1
        receipts = await commit(group)
        if commits == 2:
            raise ConnectionResetError
        return receipts

    entries = letters("a", "b", "c", "d", "e", "f")
    with monkeypatch.context() as patch:
        patch.setattr(SqlGroup, "commit", loses_the_second_answer)
        results = await send(office, entries)
    assert told(results) == [None, None, *[WriteStoreUnavailable] * 4]
    assert await office.texts() == ["a", "b", "c", "d"], "the second answer was lost after its commit"
    again = await send(office, entries)
    assert told(again) == [None] * 6
    assert again[:2] == results[:2]
    assert await office.texts() == ["a", "b", "c", "d", "e", "f"]


async def test_a_command_that_goes_on_losing_races_is_not_overtaken_by_those_after_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cqrs.commands.bus.ATTEMPTS", 2)

    async def loses(_group: SqlGroup) -> list[Receipt]:
        raise Conflict

    commit = SqlWork.commit

    async def loses_too(work: SqlWork, fingerprint: str) -> Receipt:
        if "text='b'" in str(work.recorded):
            raise Conflict
        return await commit(work, fingerprint)

    entries = letters("a", "b", "c")
    with monkeypatch.context() as patch:
        patch.setattr(SqlGroup, "commit", loses)
        patch.setattr(SqlWork, "commit", loses_too)
        results = await send(office, entries)
        assert told(results) == [None, Conflict, Conflict]
        assert str(entries[1].command_id) in str(results[1])
        assert str(entries[1].command_id) not in str(results[2])
        with pytest.raises(Conflict, match="faster 2 times in a row"):
            await send(office, entries[2:], atomic=True)
    assert told(await send(office, entries)) == [None, None, None]
    assert await office.texts() == ["a", "b", "c"]


async def test_a_list_is_not_begun_where_too_many_commands_wait(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "NEVER_REFUSED", 2)
    monkeypatch.setattr(lane, "LONGEST_QUEUE", 0.0)
    assert isinstance(await office.bus.execute(WriteLetter(text="before"), viewer=OPEN), Receipt)
    tasks = await office.send()
    listed = asyncio.create_task(send(office, letters("a", "b")))
    await asyncio.sleep(0)
    with pytest.raises(WriteStoreBusy):
        await send(office, letters("c"))
    with pytest.raises(WriteStoreBusy):
        await office.bus.execute(WriteLetter(text="d"), viewer=OPEN)
    office.held.set()
    await asyncio.gather(*tasks, listed)
    assert await office.texts() == ["before", "first", "a", "b"]
