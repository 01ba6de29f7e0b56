"""Write the locks in requirements/ from pyproject.toml, or check that they belong to it.

This needs only Python. uv, which resolves for all platforms at once, is installed into a temporary folder.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tomllib
import venv
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent

UV = "uv==0.13.9"

LOCKS: dict[str, tuple[str, ...]] = {"dev": ("dev",), "run": ("client", "mongod", "nats")}
"""The extras in each lock. The first lock is resolved first, and the others take its versions."""

BESIDE = ("tests/clients/ariadne-codegen",)
"""Packages that tests install into folders of their own: named in an `.in` file, locked in a `.txt` file."""

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = (
    *("x86_64-manylinux_2_34", "aarch64-manylinux_2_34"),
    *("x86_64-apple-darwin", "aarch64-apple-darwin"),
    "x86_64-pc-windows-msvc",
)
"""The platforms for which each locked package must have a wheel, so that installing never builds one."""


RESOLUTIONS = {"newest": "highest", "lowest": "lowest-direct"}
"""The ends of the version ranges in pyproject.toml, and the names of uv's strategies that resolve to them."""


def main() -> int:
    """Write or check the locks; return the exit code, which is 1 if they don't belong to pyproject.toml."""
    parser = argparse.ArgumentParser(prog="scripts/lock", description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that are allowed")
    parser.add_argument(
        "--check", action="store_true", help="only check that the locks belong to pyproject.toml"
    )
    for end in RESOLUTIONS:
        parser.add_argument(
            f"--{end}", type=Path, metavar="FILE", help=f"write the {end} versions, for scripts/test, to FILE"
        )
    options = parser.parse_args()
    if options.check:
        wrong = faults(PROJECT)
        print(*wrong, sep="\n", end="\n" if wrong else "")
        return 1 if wrong else 0
    with TemporaryDirectory() as scratch:
        ends = [(end, getattr(options, end)) for end in RESOLUTIONS if getattr(options, end)]
        for end, file in ends:
            resolve_end(Path(scratch), end, file)
        if not ends:
            lock(Path(scratch), upgrade=options.upgrade)
    return 0


def faults(project: Path) -> list[str]:
    """Return a sentence for each fault of the locks; read files only."""
    wrong = []
    supported = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "requires-python"
    ]
    if supported != f">={PYTHONS[0]}":
        wrong.append(
            f"The locks are for Python {PYTHONS[0]} and newer, but pyproject.toml requires {supported}: "
            "change one of them."
        )
    for path, wishes in _all(project):
        name = path.relative_to(project)
        if not path.exists():
            wrong.append(f"{name} is missing: run scripts/lock.")
            continue
        stamp, _, locked = path.read_text(encoding="utf-8").partition("\n")
        if stamp != _stamp(wishes, locked):
            source = path.with_suffix(".in").name if name.parent.name == "clients" else "pyproject.toml"
            wrong.append(f"{name} does not belong to {source}, or was edited by hand: run scripts/lock.")
    return wrong


def lock(scratch: Path, *, upgrade: bool) -> None:
    """Resolve and write the locks, and check that each platform has a wheel of every package."""
    uv = _uv(scratch)
    first: Path | None = None
    for path, wishes in _all(PROJECT):
        source = scratch / f"{path.stem}.in"
        source.write_text("".join(f"{wish}\n" for wish in wishes), encoding="utf-8")
        output = scratch / path.name
        if path.exists() and not upgrade:
            output.write_bytes(path.read_bytes())  # uv keeps the versions in an existing output file.
        same = () if first is None or path.parent != first.parent else ("--constraint", str(first))
        how = ("--universal", "--python-version", PYTHONS[0], "--generate-hashes")
        leave_out = ("--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links")
        compiling = (*_compiling(uv), *how, *leave_out, *same)
        subprocess.run((*compiling, str(source), "--output-file", str(output)), check=True)  # noqa: S603
        if same == ():  # The other locks have the same packages or fewer.
            _wheels_everywhere(uv, output)
        locked = output.read_text(encoding="utf-8")
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{_stamp(wishes, locked)}\n{locked}", encoding="utf-8")
        first = first or path
        print(f"{path.relative_to(PROJECT)}: {locked.count('==')} packages")


def resolve_end(scratch: Path, end: str, file: Path) -> None:
    """Write the versions at one end of the ranges, for this Python, and the newest tools for tests."""
    uv = _uv(scratch)
    wishes = {path.stem: wishes for path, wishes in _all(PROJECT)}
    runs, develops = scratch / "run.in", scratch / "dev.in"
    runs.write_text("".join(f"{wish}\n" for wish in wishes["run"]), encoding="utf-8")
    develops.write_text("".join(f"{wish}\n" for wish in wishes["dev"]), encoding="utf-8")
    resolved = scratch / "run.txt"
    at_the_end = (*_compiling(uv), "--resolution", RESOLUTIONS[end], "--output-file", str(resolved))
    subprocess.run((*at_the_end, str(runs)), check=True)  # noqa: S603
    with_tools = (*_compiling(uv), "--constraint", str(resolved), "--output-file", str(file))
    subprocess.run((*with_tools, str(develops)), check=True)  # noqa: S603


def _all(project: Path) -> list[tuple[Path, list[str]]]:
    """Return the path of each lock with the requirements that it is resolved from."""
    settings: dict[str, Any] = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    wanted: dict[str, Any] = settings["project"]
    own = f"{wanted['name']}["
    extras: dict[str, list[str]] = wanted["optional-dependencies"]

    def of(extra: str) -> list[str]:
        """Return the requirements of an extra, including those of extras that it names."""
        asked = []
        for wish in extras[extra]:
            if wish.startswith(own):
                asked += [each for name in wish[len(own) : -1].split(",") for each in of(name)]
            else:
                asked.append(wish)
        return asked

    build: list[str] = settings["build-system"]["requires"]
    locks = [
        (
            project / "requirements" / f"{name}.txt",
            sorted({*build, *wanted["dependencies"], *(wish for extra in chosen for wish in of(extra))}),
        )
        for name, chosen in LOCKS.items()
    ]
    for name in BESIDE:
        lines = (project / f"{name}.in").read_text(encoding="utf-8").splitlines()
        locks.append((project / f"{name}.txt", [line for line in lines if line and not line.startswith("#")]))
    return locks


def _stamp(wishes: Sequence[str], locked: str) -> str:
    """Return the first line of a lock, with a hash of the requirements and of the locked versions."""
    digest = hashlib.sha256(json.dumps([PYTHONS[0], *wishes, locked]).encode()).hexdigest()
    return f"# Made by scripts/lock, which can tell by this number whether it is still right: {digest}"


def _uv(scratch: Path) -> str:
    """Install uv in the folder, and return the path of the program."""
    venv.create(scratch / "uv", with_pip=True)
    folder = scratch / "uv" / ("Scripts" if sys.platform == "win32" else "bin")
    subprocess.run((folder / "python", "-m", "pip", "install", "--quiet", UV), check=True)  # noqa: S603
    return str(folder / "uv")


def _compiling(uv: str) -> tuple[str, ...]:
    # Without --python, uv searches for the Python that it resolves for, which takes seconds on some machines.
    return (uv, "pip", "compile", "--quiet", "--python", sys.executable)


def _wheels_everywhere(uv: str, locked: Path) -> None:
    for python in PYTHONS:
        for platform in PLATFORMS:
            there = ("--python-version", python, "--python-platform", platform, "--only-binary", ":all:")
            compiling = (*_compiling(uv), "--no-deps", *there, str(locked))
            subprocess.run(compiling, check=True, stdout=subprocess.DEVNULL)  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
