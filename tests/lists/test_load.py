"""The measurement of lists measures what it says, tried with a small crowd."""

import pytest

from tests.inprocess import Service
from tests.lists.load import measure

pytestmark = pytest.mark.campaign


async def test_a_small_crowd_is_measured(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    await measure(service.client.url, subscribers=10, count=5, rate=5, seconds=4)
    told = capsys.readouterr().out
    assert "a single subscriber" in told
    assert "10 subscribers to 5 lists" in told
    assert told.count("p99") == 2
