"""The commands as an operator calls them, and what they say when they can't do it."""

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from signal import SIGINT

import pytest
from motor.motor_asyncio import AsyncIOMotorDatabase
from typer.testing import CliRunner, Result

from app.__main__ import command_line
from app.cqrs.documents.read_model import Document
from tests.service import running

pytestmark = pytest.mark.campaign

SMALL = ("--products", "3", "--customers", "2", "--orders", "2")
SCHEMA = Path(__file__).parent.parent / "schema" / "schema.graphql"


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "MONGODB_URL", "MONGOD_BIN", "HOST", "PORT", "DATA_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("filled")
    assert run("demo", *SMALL, "--data-dir", str(folder)).exit_code == 0
    return folder


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command_line, arguments)


def refusal(*arguments: str, exit_code: int) -> str:
    """The message of a command that can't be carried out; no exception gets out of it."""
    result = run(*arguments)
    assert result.exit_code == exit_code, result.output
    assert isinstance(result.exception, SystemExit)
    return result.stderr


def test_help_lists_the_commands() -> None:
    said = run("--help").output
    for command in ("serve", "demo", "schema", "events", "projections"):
        assert command in said


def test_schema_prints_what_is_committed() -> None:
    assert run("schema").output == SCHEMA.read_text("utf-8")


def test_demo_says_what_it_added_and_that_nothing_is_added_twice(tmp_path: Path) -> None:
    first = run("demo", *SMALL, "--seed", "9", "--data-dir", str(tmp_path))
    assert first.output.startswith("3 products, 2 customers, 2 orders. ")
    assert first.output.endswith(" events added.\n")
    again = run("demo", *SMALL, "--seed", "9", "--data-dir", str(tmp_path))
    assert "no events added" in again.output


def test_tail_shows_the_newest_events_one_line_each(filled: Path) -> None:
    lines = run("events", "tail", "--limit", "4", "--data-dir", str(filled)).output.splitlines()
    positions = [int(line.split()[0]) for line in lines]
    assert len(positions) == 4
    assert positions == list(range(positions[0], positions[0] + 4))
    assert run("events", "tail", "--after", str(positions[-1]), "--data-dir", str(filled)).output == ""


def test_tail_shows_the_events_behind_a_position(filled: Path) -> None:
    [line] = run(
        "events", "tail", "--after", "0", "--limit", "1", "--data-dir", str(filled)
    ).output.splitlines()
    position, _day, _time, event_type, stream, actor, *_data = line.split()
    assert (position, event_type, actor) == ("1", "ProductAdded", "demo")
    assert stream.startswith("product-")


async def test_tail_follows_what_is_added(filled: Path) -> None:
    command = ("events", "tail", "--after", "0", "--follow", "--data-dir", str(filled))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", *command),
        stdout=PIPE,
        # Tests that run in the background inherit that Ctrl-C is ignored; a terminal's command does not.
        preexec_fn=partial(signal.signal, SIGINT, signal.SIG_DFL),
    )
    assert process.stdout
    seen = [(await process.stdout.readline()).split()[0]]
    more = ("demo", *SMALL[:-1], "3", "--data-dir", str(filled))
    adding = await asyncio.create_subprocess_exec(sys.executable, "-m", "app", *more, stdout=PIPE)
    added, _ = await adding.communicate()
    assert b"no events added" not in added
    head = json.loads(await asyncio.to_thread(newest, filled))["position"]
    async with asyncio.timeout(20):
        while int(seen[-1]) < head:
            seen.append((await process.stdout.readline()).split()[0])
    assert [int(position) for position in seen] == list(range(1, head + 1))
    process.send_signal(SIGINT)
    rest, _ = await process.communicate()
    assert (process.returncode, rest) == (0, b"")


def newest(folder: Path) -> str:
    [line] = run("events", "tail", "--limit", "1", "--data-dir", str(folder)).output.splitlines()
    return run("events", "show", line.split()[0], "--data-dir", str(folder)).output


def test_show_prints_an_event_by_position_and_by_id(filled: Path) -> None:
    shown = run("events", "show", "1", "--data-dir", str(filled)).output
    event = json.loads(shown)
    assert event["type"] == "ProductAdded"
    assert event["data"]["name"] == "Fog Harbour Breakfast"
    assert event["schema_version"] == 1
    assert event["stream_version"] == 1
    assert run("events", "show", event["event_id"], "--data-dir", str(filled)).output == shown


@pytest.mark.parametrize(
    ("which", "exit_code", "message"),
    [
        ("999999", 1, "There is no event 999999. The newest event is at position"),
        ("99999999999999999999", 1, "There is no event 99999999999999999999"),
        ("0190a5ac-6fd4-7c07-8fb5-35ac4b2e8e4f", 1, "There is no event 0190a5ac"),
        ("first", 2, "first is neither a position nor an event id. Give a number such as 471, or a UUID."),
    ],
)
def test_show_says_that_there_is_no_such_event(
    filled: Path, which: str, exit_code: int, message: str
) -> None:
    assert message in refusal("events", "show", which, "--data-dir", str(filled), exit_code=exit_code)


def test_reading_events_makes_no_store_where_there_is_none(tmp_path: Path) -> None:
    said = refusal("events", "tail", "--data-dir", str(tmp_path / "none"), exit_code=1)
    assert "There is no write store" in said
    assert not (tmp_path / "none").exists()


def test_projections_says_that_no_service_answers() -> None:
    said = refusal("projections", "--url", "http://127.0.0.1:1/graphql", exit_code=1)
    assert "No Diptych service answers at http://127.0.0.1:1/graphql" in said
    assert "No Diptych service answers at nowhere" in refusal(
        "projections", "status", "--url", "nowhere", exit_code=1
    )


async def test_a_failed_read_model_goes_on_once_its_event_was_mended(filled: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(filled, folder)
    with closing(sqlite3.connect(folder / "write.db", isolation_level=None)) as database:
        event = "SELECT position, data FROM events WHERE type = 'CustomerRegistered' LIMIT 1"
        position, whole = database.execute(event).fetchone()
        torn = f"UPDATE events SET data = ? WHERE position = {position}"
        database.execute(torn, ["{"])

        async with running(folder, "--no-demo") as service:
            endpoint = ("--url", service.url + "/graphql")
            retry = ("projections", "retry", *endpoint)
            both = (*retry, "Customer-Overview", "activity")
            async with asyncio.timeout(30):
                while (tried := await asyncio.to_thread(run, *both)).stderr.count("FAILED again") < 2:
                    assert "was retried. It is" in tried.output  # on its way there
            assert tried.exit_code == 1
            named = f"CustomerRegistered at position {position} can't be applied (EventUnreadable)"
            assert tried.stderr.count(named) == 2
            shown = (await asyncio.to_thread(run, "projections", *endpoint)).output
            assert "FAILED" in shown
            assert "LIVE" in shown

            database.execute(torn, [whole])
            mended = await asyncio.to_thread(run, "projections", *endpoint, "retry", "--all")
            assert mended.exit_code == 0
            assert re.search(r"customer_overview was retried. It is \w+ at position \d+\.", mended.output)
            assert re.search(r"activity was retried. It is \w+ at position \d+\.", mended.output)
            assert len(mended.output.splitlines()) == 2

            again = await asyncio.to_thread(run, *retry, "--all")
            assert again.output == "No read model has failed.\n"
            head = json.loads(await asyncio.to_thread(newest, folder))["position"]
            fine = await asyncio.to_thread(run, *retry, "order_list")
            assert fine.output == f"order_list has not failed: it is LIVE at position {head}.\n"
            unknown = await asyncio.to_thread(refusal, *retry, "orders", exit_code=2)
            assert "There is no read model orders. Choose from: activity, customer_overview, " in unknown
            assert "No read model is named" in await asyncio.to_thread(refusal, *retry, exit_code=2)


async def test_prune_drops_what_older_programs_made(
    mongo_url: str, mongo: AsyncIOMotorDatabase[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing_to_do = run("projections", "prune").output
    assert "There is nothing to do" in nothing_to_do
    monkeypatch.setenv("MONGODB_URL", mongo_url)
    monkeypatch.setenv("MONGODB_DATABASE", "pruned")
    database = mongo.client["pruned"]
    await database["checkpoints"].insert_many(
        [{"_id": "activity_v1", "position": 0}, {"_id": "order_list_v1", "position": 7}]
    )
    await database["activity_v1"].insert_one({"_id": "a"})
    lease = {
        "_id": "activity_v1",
        "holder": "another process",
        "until": datetime.now(UTC) + timedelta(days=1),
    }
    await database["leases"].insert_one(lease)
    said = await asyncio.to_thread(refusal, "projections", "prune", exit_code=1)
    assert "A running process projects activity_v1, which would be dropped. Nothing was dropped." in said
    await database.drop_collection("leases")
    said = (await asyncio.to_thread(run, "projections", "prune")).output
    assert "activity_v1 was dropped. It was at position 0.\n" in said
    assert "order_list keeps its older documents: this version's own are not as far yet.\n" in said
    assert await database.list_collection_names() == ["checkpoints"]
    await mongo.client.drop_database("pruned")
    assert "no older documents" in (await asyncio.to_thread(run, "projections", "prune")).output


def test_retry_says_that_no_service_answers() -> None:
    nowhere = ("--url", "http://127.0.0.1:1/graphql")
    for command in (("retry", "activity", *nowhere), (*nowhere, "retry", "activity")):
        said = refusal("projections", *command, exit_code=1)
        assert "No Diptych service answers at http://127.0.0.1:1/graphql" in said


def test_serve_says_that_the_port_is_taken(tmp_path: Path, taken_port: int) -> None:
    said = refusal("serve", "--port", str(taken_port), "--data-dir", str(tmp_path), exit_code=2)
    assert f"Can't listen on 127.0.0.1:{taken_port}: Address already in use." in said
    assert "--port" in said


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_serve_refuses_to_be_open_to_others_by_accident(tmp_path: Path, host: str) -> None:
    said = refusal("serve", "--host", host, "--port", "0", "--data-dir", str(tmp_path), exit_code=2)
    assert (
        f"Refusing to listen on {host}:0: everybody who reaches it could read and change everything." in said
    )
    assert "AUTH_ISSUER, AUTH_JWKS_URL, AUTH_PUBLIC_KEY or AUTH_SECRET; or set AUTH=none" in said


def test_serve_says_that_the_host_is_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH", "none")
    said = refusal("serve", "--host", "192.0.2.1", "--port", "0", "--data-dir", str(tmp_path), exit_code=2)
    assert "Can't listen on 192.0.2.1:0: " in said


async def test_serve_says_how_to_get_a_mongod(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "serve", "--port", "0", "--data-dir", str(tmp_path)),
        stdout=PIPE,
        stderr=STDOUT,
        env={"MONGOD_BIN": "/nowhere/mongod"},
    )
    said, _ = await process.communicate()
    assert process.returncode == 2
    assert b"found no mongod that runs" in said
    assert b"/nowhere/mongod can't be started" in said
    assert b"Traceback" not in said


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_says_that_the_data_folder_can_not_be_used(tmp_path: Path, command: str) -> None:
    (tmp_path / "file").touch()
    exit_code = 2 if command == "serve" else 1
    options = ("--port", "0") if command == "serve" else ()
    said = refusal(command, *options, "--data-dir", str(tmp_path / "file"), exit_code=exit_code)
    assert f"Can't use the data folder {tmp_path / 'file'}: " in said
    assert "choose another folder with --data-dir" in said
    assert "mongod" not in said


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_says_that_nothing_can_be_written_to_the_data_folder(command: str) -> None:
    said = refusal(command, "--data-dir", "/proc/self", exit_code=2 if command == "serve" else 1)
    assert "Can't use the data folder /proc/self: " in said
    assert "mongod" not in said


def test_demo_says_that_the_store_is_none(tmp_path: Path) -> None:
    (tmp_path / "write.db").write_text("Dear diary, today nothing happened.")
    said = refusal("demo", "--data-dir", str(tmp_path), exit_code=1)
    assert f"Can't open the write store (SQLite, {tmp_path}/write.db): file is not a database." in said


@pytest.mark.parametrize(
    ("host", "asked"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::1", "[::1]")]
)
def test_projections_are_asked_for_where_the_settings_have_the_service_listen(
    monkeypatch: pytest.MonkeyPatch, host: str, asked: str
) -> None:
    monkeypatch.setenv("HOST", host)
    monkeypatch.setenv("PORT", "1")
    said = refusal("projections", exit_code=1)
    assert f"No Diptych service answers at http://{asked}:1/graphql" in said


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PORT", "none", "PORT=none: Input should be a valid integer"),
        ("HEARTBEAT", "0", "HEARTBEAT=0: Input should be greater than 0"),
        (
            "DATABASE_URL",
            "nonsense",
            "Set it to a URL like sqlite+aiosqlite:///file or postgresql+asyncpg://user:password@",
        ),
        ("DATABASE_URL", "sqlite:///x.db", "Set it to a URL like sqlite+aiosqlite:///file"),
        ("DATABASE_URL", "", "DATABASE_URL=: It is empty."),
        (
            "ALLOWED_ORIGINS",
            "localhost:5173",
            "ALLOWED_ORIGINS=localhost:5173: localhost:5173 can't be allowed",
        ),
        (
            "ALLOWED_HOSTS",
            "shop.example, http://shop.example:80",
            "http://shop.example:80 can't be allowed: a host has no scheme and no path",
        ),
        ("MONGODB_DATABASE", "a.b", "MONGODB_DATABASE=a.b: A database's name can't contain '.'."),
        ("SEARCH_ENGINE", "lucene", "SEARCH_ENGINE=lucene: Input should be 'mongodb' or 'fts5'."),
        ("MONGODB_URL", "http://localhost", "MONGODB_URL is no URL of a MongoDB: Invalid URI scheme"),
    ],
)
def test_serve_says_which_setting_is_bad(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv("MONGODB_URL", "mongodb://127.0.0.1:1/")
    monkeypatch.setenv(name, value)
    assert message in refusal(
        "serve",
        "--no-demo",
        *(() if name == "PORT" else ("--port", "0")),
        "--data-dir",
        str(tmp_path),
        exit_code=2,
    )


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (
            "MONGODB_URL",
            "mongodb://ada:secret@127.0.0.1:1/?replicaSet=rs0",
            "127.0.0.1:1: Connection refused",
        ),
        (
            "DATABASE_URL",
            "postgresql+asyncpg://ada:secret@127.0.0.1:1/shop",
            "at 127.0.0.1:1): Connection refused",
        ),
        ("DATABASE_URL", "sqlite+aiosqlite:///file:{filled}/write.db?mode=ro&uri=true", "readonly database"),
    ],
)
async def test_a_start_without_a_store_fails_within_seconds_and_says_which(
    filled: Path, tmp_path: Path, name: str, value: str, said: str
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "serve", "--port", "0", "--data-dir", str(tmp_path)),
        stdout=PIPE,
        stderr=STDOUT,
        env={
            **os.environ,
            name: value.format(filled=filled),
            "KEYS_URL": f"sqlite+aiosqlite:///{filled}/keys.db",
        },
    )
    async with asyncio.timeout(60):
        output, _ = await process.communicate()
    assert process.returncode == 2
    assert said in output.decode().replace("[Errno 111] ", "")
    assert name in output.decode()
    for word in ("Traceback", "secret", "playground"):
        assert word not in output.decode()


def test_tail_shows_an_event_that_cannot_be_read(filled: Path, tmp_path: Path) -> None:
    shutil.copytree(filled, tmp_path / "copy")
    with closing(sqlite3.connect(tmp_path / "copy" / "write.db", isolation_level=None)) as database:
        database.execute("UPDATE events SET data = '{' WHERE position = 1")
    said = run("events", "tail", "--after", "0", "--limit", "1", "--data-dir", str(tmp_path / "copy")).output
    assert "ProductAdded" in said
    assert "can't be read: Input data was truncated" in said
