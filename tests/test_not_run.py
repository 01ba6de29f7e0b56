"""What `scripts/test` says at its end of what it could not run."""

import sys
from pathlib import Path

import pytest

from tests.programs import run
from tests.slow import noted

pytestmark = pytest.mark.campaign

BROWSER = "tests/web/test_status_in_a_browser.py"


async def test_the_end_says_what_was_not_run_and_how_to_have_it_run(tmp_path: Path) -> None:
    tests = (sys.executable, "-m", "pytest", "--numprocesses", "2", BROWSER)
    said = await run(
        *tests, cwd=Path(), PATH=str(tmp_path), PLAYWRIGHT_BROWSERS_PATH=str(tmp_path), PYTEST_ADDOPTS=""
    )
    *_, told, result = said.splitlines()
    assert "tests not run: Pages were not tested in a browser, for there is no Chromium" in told
    assert told.endswith("-m playwright install chromium")
    assert "skipped" in result
    assert "passed" not in result


@pytest.mark.parametrize("processes", [("--numprocesses", "2"), ("--numprocesses", "0")], ids=" ".join)
async def test_the_end_names_the_campaigns_that_were_left_out_and_how_to_run_them(
    processes: tuple[str, str],
) -> None:
    files = ("tests/test_values.py", "tests/faults/test_faults.py")
    said = await run(
        *(sys.executable, "-m", "pytest", *processes, *files, "-m", "not campaign"),
        cwd=Path(),
        PYTEST_ADDOPTS="",
    )
    *_, told, result = said.splitlines()
    assert told.endswith(
        f" tests not run, for they take long: {files[1]}. Run every test with scripts/test --all"
    )
    assert "passed" in result


def test_each_test_that_was_noted_as_slow_is_there() -> None:
    for test in sorted(noted()):
        file, _, function = test.partition("::")
        assert f"def {function}(" in Path(file).read_text(encoding="utf-8"), test
