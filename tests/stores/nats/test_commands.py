"""Commands that are passed on over NATS, and carried out once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from uuid_utils.compat import uuid7

from app.cqrs import contexts
from app.cqrs.commands.bus import CommandBus
from app.cqrs.commands.forwarding.answering import Answering
from app.cqrs.commands.forwarding.carrier import CommandCarrier, NoAnswer
from app.cqrs.commands.forwarding.forwarded import ForwardedCommands
from app.cqrs.commands.lists import Entry
from app.cqrs.commands.outcomes import InvalidInput, NotAllowed, Receipt, Refused, RolledBack, refused
from app.cqrs.unavailable import WriteStoreBusy, WriteStoreUnavailable
from app.cqrs.viewers import ANONYMOUS, OPEN
from app.domain.catalog.refusals import DuplicateSku
from app.domain.contexts import CONTEXTS
from app.stores.nats.opening import open_nats
from app.stores.nats.parts import Nats
from tests.domain.shop import Shop, open_shop
from tests.domain.wanted import product
from tests.nats import NatsServer
from tests.stores.nats.pages import PATIENCE, a_name

ENCODING = contexts.encoding(CONTEXTS)


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as shop:
        yield shop


@asynccontextmanager
async def carrying_out(url: str, database: str, commands: CommandBus) -> AsyncIterator[Nats]:
    """A process that carries out commands of others."""
    async with (
        open_nats(url, "commands", database=database) as nats,
        nats.commands.answering(Answering(commands, ENCODING, largest=lambda: nats.commands.largest).answer),
    ):
        yield nats


class Watched:
    """A carrier of which it is known how often it was asked, and whether nobody was there to answer."""

    def __init__(self, carrier: CommandCarrier) -> None:
        self._carrier = carrier
        self._moved = asyncio.Condition()
        self.asked = self.unanswered = 0

    @property
    def largest(self) -> int:
        return self._carrier.largest

    async def ask(self, request: bytes, patience: float) -> bytes:
        await self._count("asked")
        try:
            return await self._carrier.ask(request, patience)
        except NoAnswer:
            await self._count("unanswered")
            raise

    async def until(self, met: Callable[["Watched"], bool]) -> None:
        """Return once a condition is met."""
        async with asyncio.timeout(PATIENCE), self._moved:
            await self._moved.wait_for(lambda: met(self))

    async def _count(self, what: str) -> None:
        async with self._moved:
            setattr(self, what, getattr(self, what) + 1)
            self._moved.notify_all()


@asynccontextmanager
async def watched(
    url: str, database: str, *, patience: float = 2.0
) -> AsyncIterator[tuple[ForwardedCommands, Watched]]:
    """A process that passes commands on, and its carrier."""
    async with open_nats(url, "queries", database=database) as nats:
        carrier = Watched(nats.commands)
        yield ForwardedCommands(carrier, ENCODING, patience=patience), carrier


@asynccontextmanager
async def forwarding(url: str, database: str, *, patience: float = 2.0) -> AsyncIterator[ForwardedCommands]:
    """A process that passes commands on."""
    async with watched(url, database, patience=patience) as (commands, _):
        yield commands


async def until_nobody_answers(carrier: CommandCarrier) -> None:
    """Return once no process takes requests any more."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await carrier.ask(b"Is anybody there?", 0.05)
            except NoAnswer as reason:
                if "nobody" in str(reason):
                    return


async def test_a_command_is_carried_out_by_another_process(nats: NatsServer, shop: Shop) -> None:
    name, id, tea = a_name(), uuid4(), product()
    async with carrying_out(nats.url, name, shop.bus), forwarding(nats.url, name) as commands:
        receipt = await commands.execute(tea, viewer=OPEN, command_id=id)
        assert isinstance(receipt, Receipt)
        assert receipt == await shop.bus.execute(tea, viewer=OPEN, command_id=id), "the same one"
        assert isinstance(await commands.execute(product(), viewer=OPEN), Receipt)
        again = await commands.execute(tea, viewer=OPEN)
        assert isinstance(again, Refused)
        assert isinstance(again.errors[0], DuplicateSku)
        assert again.errors[0].sku == tea.sku
        forbidden = await commands.execute(product(), viewer=ANONYMOUS)
        assert isinstance(forbidden, Refused)
        assert isinstance(forbidden.errors[0], NotAllowed)
        counted = {outcome: each.count for (_, outcome), each in commands.measured.durations.items()}
        assert counted == {"ACCEPTED": 2, "DUPLICATE_SKU": 1, "NOT_ALLOWED": 1}


async def test_a_list_is_carried_out_by_another_process(nats: NatsServer, shop: Shop) -> None:
    name, tea, twice = a_name(), product(), product()
    async with carrying_out(nats.url, name, shop.bus), forwarding(nats.url, name) as commands:
        nonsense = refused(InvalidInput(message="It is no id.", path=("product_id",)))
        entries = [Entry(each, uuid7()) for each in (tea, nonsense, twice, twice)]
        first, second, third, fourth = await commands.execute_all(entries, viewer=OPEN)
        assert isinstance(first, Receipt)
        assert second == nonsense
        assert isinstance(third, Receipt)
        assert isinstance(fourth, Refused)
        assert await commands.execute_all(entries, viewer=OPEN) == [first, nonsense, third, fourth]
        atomic = [Entry(each, uuid7()) for each in (product(), tea)]
        undone, refusal = await commands.execute_all(atomic, viewer=OPEN, atomic=True)
        assert isinstance(undone, Refused)
        assert isinstance(undone.errors[0], RolledBack)
        assert isinstance(refusal, Refused)
    assert (
        len([each for each in await shop.store.read(after=0, limit=100) if each.type == "ProductAdded"]) == 2
    )


class Failing:
    """A command bus that always fails."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def execute(self, *_: object, **__: object) -> Receipt:
        raise self.error

    async def execute_all(self, *_: object, **__: object) -> Sequence[Receipt]:
        raise self.error


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (WriteStoreBusy(3.5), "Send it again in 3.5 seconds"),
        (WriteStoreUnavailable("The write store does not answer. Try again."), "does not answer"),
    ],
)
async def test_what_the_other_process_raises_is_raised_here(
    nats: NatsServer, error: Exception, text: str
) -> None:
    name, entry = a_name(), Entry(product(), uuid7())
    async with (
        open_nats(nats.url, "commands", database=name) as answering,
        answering.commands.answering(
            Answering(Failing(error), ENCODING, largest=lambda: answering.commands.largest).answer
        ),
        forwarding(nats.url, name) as commands,
    ):
        with pytest.raises(type(error), match=text):
            await commands.execute(product(), viewer=OPEN)
        with pytest.raises(type(error), match=text):
            await commands.execute_all([entry], viewer=OPEN)


async def test_nobody_there_is_said_with_the_id_to_send_again(nats: NatsServer) -> None:
    id = uuid4()
    async with forwarding(nats.url, a_name(), patience=0.1) as commands:
        with pytest.raises(WriteStoreUnavailable, match=f"answers. Try again. With the commandId {id} the "):
            await commands.execute(product(), viewer=OPEN, command_id=id)
        with pytest.raises(WriteStoreUnavailable, match="With their commandIds the commands take effect"):
            await commands.execute_all([Entry(product(), id)], viewer=OPEN)


async def test_a_command_waits_for_a_process_that_starts(nats: NatsServer, shop: Shop) -> None:
    name = a_name()
    async with watched(nats.url, name) as (commands, carrier):
        waiting = asyncio.create_task(commands.execute(product(), viewer=OPEN))
        await carrier.until(lambda seen: seen.unanswered > 0)
        async with carrying_out(nats.url, name, shop.bus):
            assert isinstance(await waiting, Receipt)


async def test_a_command_whose_answer_is_lost_takes_effect_once(nats: NatsServer, shop: Shop) -> None:
    name, calls, over = a_name(), list[bytes](), asyncio.Event()
    async with open_nats(nats.url, "commands", database=name) as answering:
        answer_of = Answering(shop.bus, ENCODING, largest=lambda: answering.commands.largest).answer

        async def forgetful(request: bytes) -> bytes:
            calls.append(request)
            answer = await answer_of(request)
            if len(calls) == 1:
                await over.wait()
            return answer

        async with (
            answering.commands.answering(forgetful),
            forwarding(nats.url, name, patience=0.5) as commands,
        ):
            assert isinstance(await commands.execute(product(), viewer=OPEN), Receipt)
            over.set()
    assert len(calls) == 2
    assert calls[0] == calls[1]
    assert [each.type for each in await shop.history()].count("ProductAdded") == 1


async def test_a_process_that_ends_finishes_what_it_has_begun(nats: NatsServer, shop: Shop) -> None:
    name, begun, go_on = a_name(), asyncio.Event(), asyncio.Event()

    async def end() -> None:
        async with open_nats(nats.url, "commands", database=name) as answering:
            answer_of = Answering(shop.bus, ENCODING, largest=lambda: answering.commands.largest).answer

            async def slowly(request: bytes) -> bytes:
                begun.set()
                await go_on.wait()
                return await answer_of(request)

            async with answering.commands.answering(slowly):
                await begun.wait()

    async with watched(nats.url, name) as (commands, carrier):
        ending = asyncio.create_task(end())
        waiting = asyncio.create_task(commands.execute(product(), viewer=OPEN))
        await begun.wait()
        await until_nobody_answers(carrier)
        async with carrying_out(nats.url, name, shop.bus):
            async with asyncio.timeout(PATIENCE):
                assert isinstance(await commands.execute(product(), viewer=OPEN), Receipt)
            go_on.set()
            assert isinstance(await waiting, Receipt)
        await ending


async def test_commands_go_on_after_nats_was_killed(own_nats: NatsServer, shop: Shop) -> None:
    name = a_name()
    async with (
        carrying_out(own_nats.url, name, shop.bus),
        watched(own_nats.url, name) as (commands, carrier),
    ):
        assert isinstance(await commands.execute(product(), viewer=OPEN), Receipt)
        await own_nats.kill()
        waiting = [asyncio.create_task(commands.execute(product(), viewer=OPEN)) for _ in range(5)]
        await carrier.until(lambda seen: seen.asked >= 6)
        await own_nats.start()
        async with asyncio.timeout(PATIENCE):
            assert all(isinstance(each, Receipt) for each in await asyncio.gather(*waiting))
    assert [each.type for each in await shop.history()].count("ProductAdded") == 6


async def test_a_request_that_is_too_large_is_refused(nats: NatsServer) -> None:
    vast = product(name="".join(chr(0x4E00 + each * 7919 % 20_000) for each in range(600_000)))
    async with forwarding(nats.url, a_name()) as commands:
        outcome = await commands.execute(vast, viewer=OPEN)
    assert isinstance(outcome, Refused)
    assert "more than 1,047,552" in outcome.errors[0].message
