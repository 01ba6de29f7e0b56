"""Whatever is commanded: a list records the events and makes the documents of as many single commands."""

import re
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.bootstrap import open_circle
from app.config import Settings
from app.cqrs.circle import Circle
from app.cqrs.commands.carrying_out import Result
from app.cqrs.commands.lists import Entry
from app.cqrs.commands.outcomes import Receipt, Refused, RolledBack
from app.cqrs.messages import Command
from app.cqrs.viewers import OPEN
from app.declared import READ_MODELS
from app.stores.mongo.store import MongoReadStore, open_read_store
from tests.faults.dying import AT, POINT
from tests.schema.client import Client
from tests.service import running
from tests.test_rebuild import SETUP, WISHES, Known, Wish

pytestmark = pytest.mark.campaign

numbers = st.integers(0, 12)
wishes = st.lists(st.tuples(st.sampled_from(WISHES), numbers, numbers), min_size=1, max_size=25)
lists = st.lists(st.tuples(wishes, st.booleans()), min_size=1, max_size=3)
"""Lists with what their commands are about, and whether each list is atomic."""

Wanted = list[tuple[list[tuple[Wish, int, int]], bool]]

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=lists)
async def test_a_list_does_what_its_commands_do_one_by_one(mongo_url: str, wanted: Wanted) -> None:
    wanted = [(SETUP[:3], False), (SETUP[3:], False), *wanted]
    async with (
        open_read_store(mongo_url, "listed") as listed,
        open_read_store(mongo_url, "single") as single,
    ):
        outcomes: list[list[Result]] = []
        seen = [
            await _seen(mongo_url, "listed", listed, wanted, outcomes, in_lists=True),
            await _seen(mongo_url, "single", single, wanted, outcomes, in_lists=False),
        ]
        assert seen[0] == seen[1]


async def _seen(
    mongo_url: str,
    name: str,
    store: MongoReadStore,
    wanted: Wanted,
    outcomes: list[list[Result]],
    *,
    in_lists: bool,
) -> Any:
    """Return outcomes, events and documents with numbers for their ids, and without their times."""
    for model in READ_MODELS:
        await store.clear(model)
    with TemporaryDirectory() as folder:
        stores = Settings(data_dir=Path(folder), mongodb_url=mongo_url, mongodb_database=name)
        async with open_circle(stores) as circle:
            known, found = Known(), []
            for number, (wishes, atomic) in enumerate(wanted):
                commands = [wish(known, a, b) for wish, a, b in wishes]
                if in_lists:
                    outcomes.append(await _listed(circle, commands, atomic=atomic))
                    done = outcomes[-1]
                elif any(isinstance(each, Refused) for each in outcomes[number]) and atomic:
                    continue  # It was rolled back, so that nothing of it may be seen.
                else:
                    done = [await circle.commands.execute(each, viewer=OPEN) for each in commands]
                for outcome in done:
                    if isinstance(outcome, Receipt):
                        known.learn(outcome)
                if not (atomic and any(isinstance(each, Refused) for each in done)):
                    found.append([_told(each) for each in done])
            head = await circle.log.head()
            for progress in circle.progress.values():
                await progress.wait_for(head, seconds=20)
            log = await circle.log.read(after=0, limit=10_000)
        events = [(each.type, each.stream, each.stream_version, repr(each.event)) for each in log]
        documents = {
            collection.name: await store.find(collection, {}, sort=[("position", 1), ("_id", 1)])
            for model in READ_MODELS
            for collection in model.collections
        }
    ids: dict[str, str] = {}
    return [_canonical(each, ids) for each in (found, events)], _documents(documents, ids)


async def _listed(circle: Circle, commands: list[Command], *, atomic: bool) -> list[Result]:
    """Send a list twice: the second time it changes nothing."""
    entries, before = [Entry(each, uuid4()) for each in commands], await circle.log.head()
    results = list(await circle.commands.execute_all(entries, viewer=OPEN, atomic=atomic))
    refusals = [each for each in results if isinstance(each, Refused)]
    if atomic and refusals:
        assert len(refusals) == len(results)
        assert not all(isinstance(each.errors[0], RolledBack) for each in refusals)
        assert await circle.log.head() == before
    else:
        again = await circle.commands.execute_all(
            [entry for entry, each in zip(entries, results, strict=True) if isinstance(each, Receipt)],
            viewer=OPEN,
        )
        assert list(again) == [each for each in results if isinstance(each, Receipt)]
    return results


def _told(outcome: Result) -> Any:
    if isinstance(outcome, Refused):
        return repr(outcome)
    assert isinstance(outcome, Receipt), outcome
    return [(mark.type, mark.stream, mark.position) for mark in outcome.events]


_VARYING = re.compile(r"datetime\.datetime\([^)]*(\([^)]*\))?[^)]*\)|\d{4}-\d\d-\d\d[T ][\d:.+Z]*")


def _canonical(value: Any, ids: dict[str, str]) -> str:
    text = _VARYING.sub("<time>", repr(value))
    return _ID.sub(lambda found: ids.setdefault(found[0], f"<{len(ids)}>"), text)


def _documents(documents: Any, ids: dict[str, str]) -> dict[str, list[str]]:
    """Return the documents of each collection in an order in which equal ones are at the same place."""
    return {name: sorted(_canonical(each, ids) for each in found) for name, found in documents.items()}


POINTS = {
    "inside a group, when a command has begun": 70,
    "before the commit": 2,
    "after the commit, before it is published": 2,
    "after the documents, before the notice": 1,
}


@pytest.mark.parametrize("point", POINTS)
async def test_a_list_whose_service_is_killed_meanwhile_is_continued_by_sending_it_again(
    tmp_path: Path, point: str
) -> None:
    price = {"amount": "1.00"}
    commands = [
        {
            "addProduct": {
                "commandId": str(UUID(int=number)),
                "sku": f"K-{number}",
                "name": "Kettle",
                "category": "Kitchen",
                "unitPrice": price,
            }
        }
        for number in range(1, 61)
    ]
    query = """mutation ($c: [CommandInput!]!) { sendCommands(input: {commands: $c}) {
        token results { receipt { token events { subject } } errors { code } } } }"""
    async with httpx.AsyncClient(timeout=60) as http:
        dying = {POINT: point, AT: str(POINTS[point])}
        async with running(tmp_path, "--no-demo", module="tests.faults.dying", **dying) as service:
            with suppress(httpx.TransportError):
                for part in (commands[:20], commands, commands):
                    await Client(service.url, http).send(query, {"c": part})
            assert await service.process.wait() == -SIGKILL
        async with running(tmp_path, "--no-demo") as service:
            client = Client(service.url, http)
            first, again = [(await client.send(query, {"c": commands})).data for _ in range(2)]
            assert first == again
            results = first["sendCommands"]["results"]
            assert [each["errors"] for each in results] == [[]] * 60
            assert len({each["receipt"]["events"][0]["subject"] for each in results}) == 60
            shown = await client.send("{ products(first: 0) { totalCount } }")
            assert shown.data["products"]["totalCount"] == 60
