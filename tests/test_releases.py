"""A release that takes a private name away is named by the test that fails."""

import re
from importlib.metadata import version

import pytest

from tests.releases import still_there


def test_names_the_library_its_release_the_file_and_the_missing_name() -> None:
    told = rf"^pytest {re.escape(version('pytest'))} has changed what tests/x.py uses of it: .* '_gone'\."
    with pytest.raises(pytest.fail.Exception, match=told), still_there("pytest", "tests/x.py"):
        _ = pytest._gone  # type: ignore[attr-defined]


def test_says_nothing_while_all_is_there() -> None:
    with still_there("pytest", "tests/x.py"):
        assert pytest.fail
