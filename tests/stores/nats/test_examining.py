"""The doctor's look at NATS."""

import pytest

from app.command_line.examinations import Diagnosis, Verdict, nats_diagnosis
from app.stores.nats.away import NatsAway
from app.stores.nats.examining import examine
from tests.nats import NatsServer
from tests.ports import free_port


async def diagnosis(url: str) -> Diagnosis:
    return await nats_diagnosis(url, "examined")


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
