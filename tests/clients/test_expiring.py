"""A client of graphql-ws as it is goes on when its token has expired."""

from pathlib import Path

import pytest

from app.config import Settings
from tests.access.issuer import SECRET
from tests.inprocess import serving
from tests.node import NpmProject

pytestmark = pytest.mark.campaign

EXPIRIES = 3


async def test_graphql_ws_reconnects_with_a_new_token(
    node: NpmProject, mongo_url: str, tmp_path: Path
) -> None:
    settings = Settings(
        data_dir=tmp_path,
        mongodb_url=mongo_url,
        mongodb_database=tmp_path.name,
        auth_secret=SECRET,
        heartbeat=0.2,
    )
    async with serving(settings) as service:
        url = f"{service.client.url.replace('http', 'ws')}/graphql"
        said = await node.run("javascript/expiring.js", url, SECRET, str(EXPIRIES))
    assert said.split()[: EXPIRIES + 1] == ["expired"] * EXPIRIES + ["received"]
