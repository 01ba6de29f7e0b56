"""Two customers ask the same, while both of them buy."""

import asyncio
from contextlib import AsyncExitStack

import httpx

from tests.faults.campaign import Run
from tests.faults.crossed.askers import QUANTITIES, Answers, keep_asking
from tests.faults.crossed.buying import Buying
from tests.faults.crossed.following import keep_following
from tests.faults.crossed.questions import Known
from tests.faults.findings import wrong
from tests.faults.registry import fault
from tests.service import running
from tests.viewing.roles import ADA, ANONYMOUS, BOB, CUSTOMERS, ROLES, SECRET, Books, opened

ANSWERS = 10_000
"""In a round."""

CONNECTIONS = {ADA: 3, BOB: 3, ANONYMOUS: 1}

STOCK = 1_000_000

SETTINGS = {"AUTH_SECRET": SECRET, "POINTS_PER_MINUTE": "0", "COMMANDS_PER_MINUTE": "0"}


@fault("access", rounds=100, short=1, stores=("sqlite",))
async def access(run: Run) -> None:
    """Two customers ask the same, with ids, cursors and tokens of either, and buy: nothing is crossed."""
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(running(run.folder, "--no-demo", **SETTINGS))
        http = {role: await stack.enter_async_context(httpx.AsyncClient(timeout=120)) for role in ROLES}
        quantities = (QUANTITIES[ADA], QUANTITIES[BOB])
        books = await opened(service.url, http, stock=STOCK, quantities=quantities)
        known, answers = Known(books, run.chance("questions")), Answers(books)
        buying = Buying(books, known, run.chance("commands"))
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        beside = [tasks.create_task(buying.go_on())]
        beside += [tasks.create_task(keep_following(name, books, answers)) for name in CUSTOMERS]
        stack.callback(_tell, run, answers, buying)  # also of a run that breaks off
        while run.goes_on():
            await _round(run, books, known, answers)
            run.done += 1
        for task in beside:
            task.cancel()
    if unseen := [name for name in CUSTOMERS if not answers.own[name]]:
        run.found(wrong(f"{' and '.join(unseen)} saw nothing of their own, so this shows nothing"))


async def _round(run: Run, books: Books, known: Known, answers: Answers) -> None:
    until = answers.total + ANSWERS
    async with asyncio.TaskGroup() as asking:
        for role, connections in CONNECTIONS.items():
            for _ in range(connections):
                asking.create_task(keep_asking(role, books, known, answers, until))
    run.found(*(wrong(crossed) for crossed in answers.crossed))


def _tell(run: Run, answers: Answers, buying: Buying) -> None:
    """Note what the run came to."""
    run.commands = run.sent = buying.counts.total()
    run.acknowledged = buying.counts["accepted"]
    run.notes.append(
        f"{answers.total:,} answers, {len(answers.crossed)} of them crossed: {dict(answers.counts)}"
    )
    run.notes.append(f"{answers.own.total():,} showed something own; errors: {dict(answers.codes) or 'none'}")
