"""Calls of the command line, in this process."""

import asyncio

from typer.testing import CliRunner

from app.__main__ import command_line


async def diptych(*arguments: object, **environment: str) -> tuple[int, str]:
    """Run the command line in this process; return its exit code and what it said."""
    runner = CliRunner(env={"NO_COLOR": "1", "COLUMNS": "200", **environment})
    result = await asyncio.to_thread(runner.invoke, command_line, [*map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output
