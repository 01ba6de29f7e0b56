"""The npm package with answers and options that the service does not give, or need, at will."""

import pytest

from tests.node import NpmProject

pytestmark = pytest.mark.campaign


@pytest.mark.parametrize("case", ["apollo", "relay", "sockets", "token"])
async def test_the_npm_package_keeps_what_its_comments_promise(npm_package: NpmProject, case: str) -> None:
    """Each file has its cases as sentences."""
    said = await npm_package.run(f"javascript/library/cases/{case}.js")
    assert "fail 0" in said
