import os
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase

from app.config import Settings
from app.cqrs.documents.read_model import Document
from app.stores.mongo.embedded.mongod import embedded_mongod
from app.stores.mongo.store import MongoReadStore, open_read_store
from tests import slow
from tests.empty_stores import copied_database, copied_file, migrated_database, migrated_file
from tests.inprocess import Service as InProcess
from tests.inprocess import serving
from tests.postgres import Postgres, postgres
from tests.schema.client import Client
from tests.schema.shop import Shop
from tests.service import Service, running

DATABASE = "test"


LEFT_OUT = pytest.StashKey[Counter[str]]()
SLOW_ONES = "slow ones of many files"


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LEFT_OUT] = Counter()
    # A read that waits for its position fails after this many seconds, in every service that a test starts
    # and does not set it for: the default would fail tests while a disk or a core is taken away.
    os.environ.setdefault("READ_PATIENCE", "20")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--note-slow", action="store_true", help="note the tests that are slow in tests/slow.txt"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow tests before others are chosen by their marks."""
    slow.mark(items)


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Count the slow tests and campaigns that were not asked for; campaigns by their files."""
    for item in items:
        if item.get_closest_marker("campaign"):
            item.config.stash[LEFT_OUT][item.location[0]] += 1
        elif item.get_closest_marker("slow"):
            item.config.stash[LEFT_OUT][SLOW_ONES] += 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Have the process that prints the result know of them: with several processes it collects no tests."""
    left_out = session.config.stash[LEFT_OUT]
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = {**left_out}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a process has left out; each of them leaves out the same."""
    left_out: Counter[str] = node.config.stash[LEFT_OUT]
    left_out |= Counter[str](getattr(node, "workeroutput", {}).get("left_out", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say at the end which tests did not run; the reasons say how to have them run."""
    if config.getoption("--note-slow"):
        reports = (each for kind in ("passed", "") for each in terminalreporter.getreports(kind))
        slow.note(each for each in reports if isinstance(each, pytest.TestReport))
    if left_out := config.stash[LEFT_OUT]:
        terminalreporter.write_line(
            f"{left_out.total()} tests not run, for they take long: {', '.join(sorted(left_out))}. "
            "Run every test with scripts/test --all",
            yellow=True,
        )
    skipped = (
        report.longrepr[2].removeprefix("Skipped: ") for report in terminalreporter.getreports("skipped")
    )
    for reason, tests in Counter(skipped).items():
        terminalreporter.write_line(
            f"{tests} {'test' if tests == 1 else 'tests'} not run: {reason}", yellow=True
        )


@pytest.fixture(scope="session")
async def mongo_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    async with embedded_mongod(tmp_path_factory.mktemp("mongo")) as mongod:
        yield mongod.url


@pytest.fixture(scope="session")
async def postgres_server() -> AsyncIterator[Postgres]:
    async with postgres() as server:
        yield server


@pytest.fixture
async def postgres_url(postgres_server: Postgres) -> str:
    """A new, empty database."""
    return await postgres_server.database()


@pytest.fixture(scope="session")
async def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return await migrated_file(tmp_path_factory.mktemp("migrated"))


@pytest.fixture(scope="session")
async def migrating_server(postgres_server: Postgres) -> Postgres:
    """The server, with a migrated database."""
    await migrated_database(postgres_server)
    return postgres_server


@pytest.fixture
async def copied_postgres_url(migrating_server: Postgres) -> str:
    return await copied_database(migrating_server)


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty write store of each kind, after its migrations: what is shown on it is shown on both."""
    if request.param == "sqlite":
        return copied_file(request.getfixturevalue("migrated"), tmp_path / "write.db")
    url: str = request.getfixturevalue("copied_postgres_url")
    return url


@pytest.fixture(params=["sqlite", "postgres"])
def new_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of each kind before any migration."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/write.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(scope="session")
async def running_service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """A service with the demo shop, as `scripts/serve` starts it; its read models show the whole shop."""
    async with running(tmp_path_factory.mktemp("service")) as service:
        await service.ready()
        yield service


@pytest.fixture(scope="session")
async def mongo(mongo_url: str) -> AsyncIterator[AsyncIOMotorDatabase[Document]]:
    """The driver itself, to look behind the read store."""
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(mongo_url)
    yield client[DATABASE]
    client.close()


@pytest.fixture(scope="session")
async def opened_read_store(mongo_url: str) -> AsyncIterator[MongoReadStore]:
    async with open_read_store(mongo_url, DATABASE) as store:
        yield store


@pytest.fixture
async def read_store(
    opened_read_store: MongoReadStore, mongo: AsyncIOMotorDatabase[Document]
) -> MongoReadStore:
    """An empty read store; its collections and indexes are kept, which is faster than making them anew."""
    for name in await mongo.list_collection_names():
        await mongo[name].delete_many({})
    return opened_read_store


@pytest.fixture
async def another_store(mongo_url: str, read_store: MongoReadStore) -> AsyncIterator[MongoReadStore]:
    """The same documents as those of `read_store`, as another process opens them."""
    async with open_read_store(mongo_url, DATABASE) as store:
        yield store


@pytest.fixture(scope="session")
async def service(mongo_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[InProcess]:
    """One service for all tests of the schema; each test works on products and customers of its own."""
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("service"),
        mongodb_url=mongo_url,
        mongodb_database="schema",
        heartbeat=0.2,
    )
    async with serving(settings) as running:
        yield running


@pytest.fixture
async def impatient(mongo_url: str, tmp_path: Path) -> AsyncIterator[InProcess]:
    """A service of its own, whose reads give up quickly."""
    settings = Settings(
        data_dir=tmp_path, mongodb_url=mongo_url, mongodb_database=tmp_path.name, read_patience=0.1
    )
    async with serving(settings) as running:
        yield running


@pytest.fixture
def client(service: InProcess) -> Client:
    return service.client


@pytest.fixture
def shop(client: Client) -> Shop:
    return Shop(client)
