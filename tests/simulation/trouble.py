"""Every kind of trouble that a service can be in, a few at random, one after the other."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from tests.simulation.models import NoteCursed
from tests.simulation.process import Process
from tests.simulation.servers import SLOW, Network

if TYPE_CHECKING:
    from tests.simulation.world import World


class Trouble:
    """Kills, stops, cuts off, slows down and curses what is in a world."""

    most = 7
    """Troubles in one world."""

    def __init__(self, world: "World") -> None:
        self._world, self._random, self._witness = world, world.random, world.witness
        self._ambush = False
        world.store.applied = self._applied

    async def make(self) -> None:
        kinds = self.kinds()
        for _ in range(self._random.randint(1, self.most)):
            await asyncio.sleep(self._random.random() ** 2 * 2)
            await self._random.choice(kinds)()
        self._ambush = False

    def kinds(self) -> list[Callable[[], Awaitable[None]]]:
        return [
            self._kill_a_process,
            self._kill_a_process,
            self._kill_a_process_in_a_while,
            self._kill_a_process_once_it_applied,
            self._stop_a_process,
            self._roll_over,
            self._cut_a_network,
            self._lose_answers,
            self._slow_a_network,
            self._kill_the_store,
            self._curse_a_read_model,
            self._retry,
        ]

    def _a_network(self, trouble: str) -> Network:
        log, store = self._world.log.network, self._world.store.network
        chosen = self._random.choice([log, store])
        self._witness.saw(trouble, "log" if chosen is log else "store")
        return chosen

    def _someone(self) -> Process | None:
        return self._random.choice(self._world.processes) if self._world.processes else None

    async def _kill_a_process(self) -> None:
        if process := self._someone():
            process.die()

    async def _kill_a_process_in_a_while(self) -> None:
        """Between any two steps of something that is under way."""
        if process := self._someone():
            await self._work(self._random.randint(1, 60))
            process.die()

    async def _work(self, steps: int) -> None:
        self._world.commit(told=True)
        for _ in range(steps):
            await asyncio.sleep(0)

    async def _kill_a_process_once_it_applied(self) -> None:
        """After the documents, before the answer."""
        self._ambush = True

    def _applied(self) -> None:
        if self._ambush and self._world.processes:
            self._ambush = False
            self._witness.saw("ambushed")
            for process in self._world.processes:
                process.die()

    async def _stop_a_process(self) -> None:
        if process := self._someone():
            if self._random.random() < 0.7:  # under load
                await self._work(self._random.randint(0, 9))
            await process.stop()

    async def _roll_over(self) -> None:
        """Two processes project at once for a while."""
        self._witness.saw("rolled over")
        self._world.start()
        await asyncio.sleep(self._random.random() * 3)
        if self._random.random() < 0.7 and self._world.processes:
            await self._world.processes[0].stop()

    async def _cut_a_network(self) -> None:
        network = self._a_network("cut off")
        network.down = True
        await asyncio.sleep(self._random.random() * 4)
        network.down = False

    async def _lose_answers(self) -> None:
        network = self._a_network("loses answers")
        network.loses = self._random.random()
        await asyncio.sleep(self._random.random() * 2)
        network.loses = 0

    async def _slow_a_network(self) -> None:
        self._a_network("slow").slowest = SLOW

    async def _kill_the_store(self) -> None:
        self._witness.saw("store died")
        self._world.store.network.down = True
        await asyncio.sleep(self._random.random() * 2)
        self._world.store.network.down = False

    async def _curse_a_read_model(self) -> None:
        if self._world.curse:
            return
        self._world.curse = self._world.log.append(NoteCursed()).last
        self._witness.saw("cursed", self._world.curse)
        await asyncio.sleep(self._random.random() * 6)
        if self._random.random() < 0.5:
            await self._world.find_cure()

    async def _retry(self) -> None:
        if process := self._someone():
            process.spawn(process.retry())
