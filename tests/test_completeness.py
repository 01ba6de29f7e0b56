"""The shop forgets nothing. What a context can forget is shown by the example."""

from typer.testing import CliRunner

from app.__main__ import command_line
from app.completeness import problems


def test_nothing_that_is_written_is_left_out() -> None:
    assert problems() == []


def test_the_command_says_so() -> None:
    result = CliRunner().invoke(command_line, ["check"])
    assert result.output == "Every context, read model, migration and part of the schema is connected.\n"
    assert result.exit_code == 0
