"""What is traced is chosen as OpenTelemetry's samplers choose it, before anything is done for a trace."""

import random

import pytest
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased

from app.cqrs.measured.sampling import Sampler, place_in, span_of, trace_of

SPAN = "00f067aa0ba902b7"


def place(trace: int, flags: str = "01") -> str:
    return f"00-{trace:032x}-{SPAN}-{flags}"


def test_a_place_in_a_trace_is_read_as_w3c_has_it() -> None:
    text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    found = place_in(f" {text} ".encode())
    assert found == text
    assert trace_of(found) == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert span_of(found) == SPAN
    assert place_in(f"cc{text[2:]}-what-comes-later".encode()) == f"cc{text[2:]}"


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"00",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        b"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        b"00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        b"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01, 00-4bf92f3577b34da6a3ce929d0e0e4736",
        "00-4bf92f3577b34da6a3ce929d0e0e473६-00f067aa0ba902b7-01".encode(),
    ],
)
def test_what_is_no_place_in_a_trace_is_none(header: bytes) -> None:
    assert place_in(header) is None


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.0, range(1)), (0.01, range(50, 150)), (0.5, range(4_700, 5_300)), (1.0, [10_000])],
)
def test_without_a_caller_chance_decides(share: float, expected: range | list[int]) -> None:
    random.seed(7)
    for follows in (True, False):
        sampler = Sampler(share=share, follows_caller=follows)
        assert sum(sampler.samples(None) for _ in range(10_000)) in expected


@pytest.mark.parametrize("share", [0.01, 0.5, 1.0])
def test_gaps_between_traced_operations_are_as_chance_has_them(share: float) -> None:
    random.seed(7)
    gaps = [Sampler(share=share, follows_caller=True).gap() for _ in range(10_000)]
    assert min(gaps) == 1
    assert sum(gaps) / len(gaps) == pytest.approx(1 / share, rel=0.05)
    assert gaps.count(1) / len(gaps) == pytest.approx(share, rel=0.2)
    assert Sampler(share=0.0, follows_caller=True).gap() > 10**15


def test_a_callers_decision_is_followed() -> None:
    for share in (0.0, 0.5, 1.0):
        sampler = Sampler(share=share, follows_caller=True)
        assert sampler.samples(place(7, "01"))
        assert sampler.samples(place(7, "03"))
        assert not sampler.samples(place(7, "00"))
        assert not sampler.samples(place(7, "02"))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 1.0])
def test_by_ratio_the_same_traces_are_chosen_as_everywhere_else(share: float) -> None:
    chance, theirs = random.Random(7), TraceIdRatioBased(share)
    ours = Sampler(share=share, follows_caller=False)
    for trace in [1, (1 << 128) - 1, *(chance.getrandbits(128) or 1 for _ in range(1_000))]:
        expected = theirs.should_sample(None, trace, "").decision is not Decision.DROP
        assert ours.samples(place(trace)) == expected
