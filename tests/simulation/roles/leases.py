"""The store of leases, beyond the same network as the documents, with the clock of the server."""

from collections.abc import Collection, Sequence

from tests.simulation.loop import VirtualLoop
from tests.simulation.servers import Network
from tests.simulation.witness import Witness


class DistantLeases:
    """Who holds which lease until when; a holder has no other way to know."""

    def __init__(self, loop: VirtualLoop, network: Network, witness: Witness) -> None:
        self._loop, self._network, self._witness = loop, network, witness
        self._held: dict[str, tuple[str, float]] = {}

    async def take(self, names: Sequence[str], holder: str, seconds: float) -> Collection[str]:
        return await self._network.ask(lambda: self._take(names, holder, seconds))

    async def give_back(self, holder: str) -> None:
        await self._network.ask(lambda: self._give_back(holder))

    async def free(self, names: Sequence[str]) -> Collection[str]:
        return await self._network.ask(lambda: [name for name in names if self._is_free(name)])

    def tear(self) -> None:
        """Takes all leases from under their holders, who go on until they look again."""
        self._witness.saw("leases torn")
        self._held.clear()

    def _take(self, names: Sequence[str], holder: str, seconds: float) -> Collection[str]:
        taken = []
        for name in names:
            if self._is_free(name) or self._held[name][0] == holder:
                if self._held.get(name, ("", 0))[0] != holder:
                    self._witness.saw("lease taken", name, holder)
                self._held[name] = holder, self._loop.time() + seconds
                taken.append(name)
        return taken

    def _give_back(self, holder: str) -> None:
        self._held = {name: held for name, held in self._held.items() if held[0] != holder}

    def _is_free(self, name: str) -> bool:
        return name not in self._held or self._held[name][1] <= self._loop.time()
