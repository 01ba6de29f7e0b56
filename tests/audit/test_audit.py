"""The audit of the GraphQL over HTTP specification's own implementation, against our service."""

from pathlib import Path

import pytest

from app.config import Settings
from tests.inprocess import serving
from tests.node import installed

pytestmark = pytest.mark.campaign

CHECKS = 61


async def test_all_checks_of_graphql_over_http_are_met_without_a_warning(
    mongo_url: str, tmp_path: Path
) -> None:
    audit = await installed(Path(__file__).parent)
    settings = Settings(data_dir=tmp_path, mongodb_url=mongo_url, mongodb_database="audit")
    async with serving(settings) as service:
        said = await audit.run("audit.mjs", f"{service.client.url}/graphql")
    print(said)
    assert len([line for line in said.splitlines() if line.startswith("ok ")]) == CHECKS
