"""A process of Diptych in a cluster: the same program as ever, with its roles in its environment."""

import sys
from asyncio.subprocess import Process
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.cluster.members.member import Member


class ServiceProcess(Member):
    """`python -m app serve` on a port and a data folder of its own."""

    def __init__(
        self, name: str, roles: str, folder: Path, port: int, environment: Mapping[str, str], log: Path
    ) -> None:
        super().__init__(name, log)
        self.roles = roles
        """Its roles, separated by commas."""
        self.port = port
        self.arguments: tuple[str, ...] = ("--no-demo",)
        """What it is started with, besides its port and folder."""
        self.module = "app"
        self._folder = folder
        self._environment = {"PYTHONUNBUFFERED": "1", **environment, "ROLES": roles}

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The URL of this very process."""
        return f"http://{self.address}"

    def set(self, **environment: str) -> None:
        """Change settings, which count from the next start on."""
        self._environment |= environment

    def leave_out(self, setting: str) -> None:
        """Remove a setting, from the next start on."""
        self._environment.pop(setting, None)

    async def _launch(self) -> Process:
        return await self._spawn(
            *(sys.executable, "-m", self.module, "serve", *self.arguments),
            *("--host", "127.0.0.1", "--port", str(self.port), "--data-dir", self._folder),
            environment=self._environment,
        )

    async def answers(self) -> bool:
        """Return whether it responds."""
        return await self.asked("/health/live") is not None

    async def detail(self) -> Mapping[str, Any]:
        """Return what it says of its stores and read models; nothing if it does not respond."""
        said = await self.asked("/health/detail")
        return {} if said is None else said.json()

    async def asked(self, path: str) -> httpx.Response | None:
        """Return its answer, with any status; `None` if there is none within a second."""
        if not self.runs or self.paused:
            return None
        try:
            async with httpx.AsyncClient(timeout=1) as http:
                return await http.get(f"{self.url}{path}")
        except httpx.HTTPError:
            return None
