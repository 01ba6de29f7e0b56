"""Lines through samples."""

import pytest

from tests.faults.trend import trend


def test_what_grew_at_first_and_is_flat_now_does_not_grow() -> None:
    samples = [(float(t), min(t, 50) * 10.0) for t in range(100)]
    assert trend(samples).growth == pytest.approx(0)
    assert trend(samples).last == pytest.approx(500)


def test_what_leaks_slowly_under_noise_grows() -> None:
    samples = [(float(t), 200 + 0.1 * t + 3 * (t % 2)) for t in range(1000)]
    assert trend(samples).growth == pytest.approx(50, abs=1)


def test_too_few_samples_show_nothing() -> None:
    with pytest.raises(ValueError, match="4 samples are too few"):
        trend([(0, 1), (1, 1), (2, 1), (3, 1)])
