"""The callers that are remembered take little memory, whatever clients send."""

import tracemalloc

import pytest

from app.config import Settings
from app.counting import MOST_CALLERS, counting

CLIENT = ("127.0.0.1", 4711)


@pytest.mark.parametrize("proxies", ["", "127.0.0.1"])
def test_long_headers_are_not_remembered(proxies: str) -> None:
    caller = counting(Settings(points_per_minute=100, trusted_proxies=proxies), has_viewers=True)
    tracemalloc.start()
    try:
        for number in range(MOST_CALLERS):
            found = caller(CLIENT, b"%d" % number + b"x" * 50_000 + b", 203.0.113.%d" % (number % 200))
            assert found
            assert found.address == (f"203.0.113.{number % 200}" if proxies else CLIENT[0])
        assert tracemalloc.get_traced_memory()[0] < 3_000_000
    finally:
        tracemalloc.stop()
