"""Lists that are kept by their updates alone never differ from fresh queries, whatever is commanded."""

import pytest

from tests.inprocess import Service
from tests.lists.campaign import campaign


@pytest.mark.campaign
@pytest.mark.parametrize("seed", [1, 2])
async def test_lists_equal_fresh_queries_after_every_burst(service: Service, seed: int) -> None:
    outcome = await campaign(service.client.url, seed, 400, name=f"C{seed}")
    assert outcome.differences == []
    assert set(outcome.kinds) == {"ENTERED", "CHANGED", "MOVED", "LEFT"}
    assert outcome.resumed
    assert outcome.pages > 16, "some lists were away for too long"
