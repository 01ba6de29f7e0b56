"""The audit of the GraphQL over HTTP specification's own implementation, against our service."""

import asyncio
import shutil
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

from app.config import Settings
from tests.inprocess import serving

HERE = Path(__file__).parent
CHECKS = 61


async def run(*command: str) -> str:
    """Runs a command in this folder; returns what it says."""
    process = await asyncio.create_subprocess_exec(*command, cwd=HERE, stdout=PIPE, stderr=STDOUT)
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()


@pytest.mark.skipif(not shutil.which("npm"), reason="the audit of GraphQL over HTTP needs node and npm")
async def test_all_checks_of_graphql_over_http_are_met_without_a_warning(
    mongo_url: str, tmp_path: Path
) -> None:
    if not (HERE / "node_modules").exists():
        await run("npm", "ci")
    settings = Settings(data_dir=tmp_path, mongodb_url=mongo_url, mongodb_database="audit")
    async with serving(settings) as service:
        said = await run("node", "audit.mjs", f"{service.client.url}/graphql")
    print(said)
    assert len([line for line in said.splitlines() if line.startswith("ok ")]) == CHECKS
