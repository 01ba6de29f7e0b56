"""What is remembered of headers, whatever clients send there."""

import tracemalloc

from app.graphql.transport.media_types import GRAPHQL_JSON, JSON, Accepted


def test_a_header_that_comes_again_is_read_once() -> None:
    header = f"{GRAPHQL_JSON}, {JSON};q=0.9".encode()
    assert Accepted.by(header) is Accepted.by(bytes(bytearray(header)))


def test_long_headers_leave_nothing() -> None:
    def read(number: int) -> None:
        header = ",".join([JSON, *(f"a/{number}-{each}" for each in range(1_000))]).encode()
        assert Accepted.by(header).quality(JSON) == 1

    read(0)
    tracemalloc.start()
    try:
        for number in range(1, 50):
            read(number)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 100_000
