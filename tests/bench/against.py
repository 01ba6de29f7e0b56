"""Another revision in a checkout and an environment of its own, to be measured beside this one."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.shop import PROJECT


class NoSuchRevision(Exception):
    """The revision can't be checked out or installed; the message says why."""


@contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """Check out a revision and install it; remove it when the block ends. Raises `NoSuchRevision`."""
    with TemporaryDirectory(prefix="bench-", dir="/tmp") as folder:
        checkout = Path(folder) / "checkout"
        git = ("git", "-C", str(PROJECT), "worktree")
        _run(*git, "add", "--detach", str(checkout), revision)
        try:
            print(f"Installing {revision} in {checkout}", flush=True)
            _run(str(checkout / "scripts" / "install"), "run")
            yield checkout
        finally:
            _run(*git, "remove", "--force", str(checkout))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise NoSuchRevision(f"{' '.join(command)} has failed:\n{done.stderr.strip()}")
