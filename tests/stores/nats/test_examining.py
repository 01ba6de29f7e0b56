"""The doctor's look at NATS."""

import asyncio
from uuid import uuid4

import pytest

from app.command_line.diagnoses import Diagnosis, Verdict
from app.command_line.nats import nats_diagnoses
from app.stores.nats.away import NatsAway
from app.stores.nats.examining import examine
from app.stores.nats.opening import open_nats
from app.stores.nats.presence import Present
from tests.nats import NatsServer
from tests.ports import free_port


async def diagnosis(url: str) -> Diagnosis:
    [found] = await nats_diagnoses(url, "examined")
    return found


async def test_a_server_without_a_stream_is_fit(nats: NatsServer) -> None:
    found = await diagnosis(nats.url)
    assert found.verdict is Verdict.OK
    assert "has no stream yet" in found.found
    assert (await examine(nats.url, "examined")).has_streams


async def test_a_server_that_does_not_answer_is_a_problem_with_advice() -> None:
    url = f"nats://127.0.0.1:{free_port()}"
    with pytest.raises(NatsAway):
        await examine(url, "examined")
    found = await diagnosis(url)
    assert found.verdict is Verdict.PROBLEM
    assert "Start it, or correct NATS_URL" in found.advice


async def test_a_url_of_something_else_is_a_problem_that_does_not_show_it() -> None:
    found = await diagnosis("http://ada:secret@there")
    assert found.verdict is Verdict.PROBLEM
    assert "secret" not in found.found + found.advice


async def test_the_streams_of_two_write_stores_are_told_apart_and_their_processes_listed(
    nats: NatsServer,
) -> None:
    own, other = uuid4(), uuid4()
    async with (
        open_nats(nats.url, "one", database="shared", store=own) as one,
        open_nats(nats.url, "two", database="shared", store=other) as two,
    ):
        for each in (one, two):
            await each.events.make()
        described = Present(name="one", roles=["query"], reads_from="mongo-2:27017")
        with one.present(lambda: described), two.present(lambda: described):
            heard: list[bytes] = []
            with one.announcements.hear(heard.append):
                two.announcements.tell(b"of another shop", kept=False)
                one.announcements.tell(b"own", kept=False)
                async with asyncio.timeout(20):
                    while not heard:  # noqa: ASYNC110
                        await asyncio.sleep(0)
            found = await nats_diagnoses(nats.url, "shared", own)
    assert heard == [b"own"]
    assert [each.subject for each in found] == ["NATS", "NATS", "process"]
    assert f"diptych-shared-{other.hex[:12]}-events" in found[1].found
    assert found[2].found == "one has the roles query, and reads from mongo-2:27017."
