"""graphql-transport-ws to the letter: one table of cases, played against Diptych and the reference server."""

import asyncio
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.inprocess import Service
from tests.node import NpmProject, installed
from tests.protocol.cases import CASES, Case
from tests.protocol.conftest import sockets
from tests.protocol.player import play

REFERENCE = Path(__file__).parent / "reference"
SCHEMA = Path(__file__).parents[2] / "schema" / "schema.graphql"
SOON = timedelta(milliseconds=200)

all_cases = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


@pytest.fixture(scope="module")
async def urls(service: Service) -> AsyncIterator[dict[bool, str]]:
    """Where Diptych is served, by whether it is impatient."""
    async with (
        sockets(service.circle) as patient,
        sockets(service.circle, init_patience=SOON) as impatient,
    ):
        yield {False: patient, True: impatient}


@pytest.fixture(scope="module")
async def reference_urls() -> AsyncIterator[dict[bool, str]]:
    """Where the reference server is served, by whether it is impatient."""
    npm = await installed(REFERENCE)
    async with reference(npm, timedelta(seconds=10)) as patient, reference(npm, SOON) as impatient:
        yield {False: patient, True: impatient}


@asynccontextmanager
async def reference(npm: NpmProject, init_patience: timedelta) -> AsyncIterator[str]:
    milliseconds = str(init_patience // timedelta(milliseconds=1))
    command = npm.command("server.js", str(SCHEMA), milliseconds)
    server = await asyncio.create_subprocess_exec(*command, cwd=npm.folder, stdout=PIPE, stderr=PIPE)
    assert server.stdout
    try:
        yield f"ws://127.0.0.1:{int(await server.stdout.readline())}/graphql"
    finally:
        server.kill()
        await server.communicate()


@all_cases
async def test_diptych_keeps_to_the_protocol(case: Case, urls: dict[bool, str]) -> None:
    await play(case, case.steps, urls[case.impatient])


@all_cases
async def test_the_cases_are_what_the_reference_server_does(
    case: Case, reference_urls: dict[bool, str]
) -> None:
    steps = case.reference.steps if case.reference else case.steps
    await play(case, steps, reference_urls[case.impatient])
