"""What settings come to where they depend on one another."""

import pytest

from app.config import Settings


@pytest.mark.parametrize(
    ("settings", "megabytes"),
    [
        (Settings(), 64),
        (Settings(mongodb_url="mongodb://there"), 0),
        (Settings(mongodb_url="mongodb://there", read_cache_mb=8), 8),
        (Settings(read_cache_mb=0), 0),
    ],
    ids=["embedded", "MONGODB_URL", "both", "off"],
)
def test_keeps_what_was_read_only_where_nobody_else_may_change_it(settings: Settings, megabytes: int) -> None:
    assert settings.read_cache == megabytes * 1_000_000
