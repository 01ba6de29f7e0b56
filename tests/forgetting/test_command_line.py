"""People are forgotten, and logs are sealed, from the command line."""

import asyncio
import re
import sqlite3
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from typer.testing import CliRunner

from app.__main__ import command_line
from app.config import Settings
from app.cqrs.messages import Command
from app.cqrs.viewers import OPEN
from app.domain.customers.commands import RegisterCustomer
from app.domain.stock.commands import ReceiveStock
from app.halves.commanding import open_write_side
from app.values import PostalAddress
from schema.circle.ids import global_id
from tests.backups.test_interrupted import killed
from tests.domain.shop import made_by
from tests.domain.wanted import order, product
from tests.forgetting.people import PERSON, files_below, traces_in

EMAIL = str(PERSON["email"])


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


def diptych(*arguments: object) -> tuple[int, str]:
    result = CliRunner(env={"NO_COLOR": "1", "COLUMNS": "200"}).invoke(command_line, [*map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def registered(data_dir: Path, by: str = OPEN.actor) -> str:
    """The id of the person, in a store that is closed again."""

    async def register() -> str:
        async with open_write_side(Settings(data_dir=data_dir)) as write_side:
            details = {name: PERSON[name] for name in ("name", "company", "email", "phone")}
            address = PostalAddress(street="17 Larkspindle Row", city="Thistlecombe", country="Loamshire")
            receipt = await write_side.commands.execute(
                RegisterCustomer(**details, address=address),  # type: ignore[arg-type]
                viewer=replace(OPEN, actor=by),
            )
            return str(made_by(receipt))  # type: ignore[arg-type]

    return asyncio.run(register())


def test_a_customer_is_forgotten_from_the_command_line_once(data_dir: Path, tmp_path: Path) -> None:
    id = registered(data_dir)
    assert [*traces_in(files_below(data_dir))] != []
    code, said = diptych("forget", global_id("Customer", id), "--data-dir", data_dir)
    assert (code, said) == (
        0,
        f"The customer {id} is forgotten. Older backups of keys still have the key: remove them.\n",
    )
    assert [*traces_in(files_below(data_dir))] == []
    assert diptych("forget", id, "--data-dir", data_dir) == (
        0,
        f"The customer {id} was forgotten before.\n",
    )
    unknown = "6f0a3c44-6d5f-4f0e-9d7e-3f1f2b7c8a90"
    assert diptych("forget", unknown, "--data-dir", data_dir) == (
        1,
        "There is no customer with this id.\n",
    )
    code, said = diptych("forget", "x", "--data-dir", data_dir)
    assert code == 2
    assert said.startswith("CUSTOMER x: ")


def test_a_refusal_to_forget_a_customer_names_the_option_of_the_command_line(data_dir: Path) -> None:
    id = registered(data_dir)

    async def place_an_order() -> None:
        async with open_write_side(Settings(data_dir=data_dir)) as write_side:

            async def made(command: Command) -> UUID:
                return made_by(await write_side.commands.execute(command, viewer=OPEN))  # type: ignore[arg-type]

            sold = await made(product())
            await write_side.commands.execute(ReceiveStock(product_id=sold, quantity=2), viewer=OPEN)
            await made(order(UUID(id), (sold, 1)))

    asyncio.run(place_an_order())
    assert diptych("forget", id, "--data-dir", data_dir) == (
        1,
        "This customer has 1 order that is neither shipped nor cancelled. Ship or cancel it first, or set "
        "despiteOpenOrders. Here that is the option --despite-open-orders.\n",
    )
    assert diptych("forget", id, "--despite-open-orders", "--data-dir", data_dir)[0] == 0


@pytest.mark.parametrize(
    "point",
    [
        "app.stores.sql.keys.store:truncate_log",  # when the key is destroyed, and still in the keys' log
        "app.stores.sql.keys.upkeep:truncate_log",  # when it is gone, and the rows are in the store's log
    ],
)
def test_a_forgetting_that_was_killed_is_finished_by_whatever_opens_the_store_next(
    data_dir: Path, point: str
) -> None:
    id = registered(data_dir)
    asyncio.run(killed("forget", id, "--data-dir", data_dir, at=point))
    assert EMAIL not in events_of(data_dir)
    assert [*traces_in(files_below(data_dir))] == []
    with sqlite3.connect(data_dir / "write.db") as store:
        assert store.execute("SELECT done FROM forgotten").fetchall() == [(1,)]
    store.close()


def test_a_backup_is_restored_elsewhere_only_with_its_keys_or_without_anybody(
    data_dir: Path, tmp_path: Path
) -> None:
    registered(data_dir)
    backup, keys, elsewhere = tmp_path / "backup", tmp_path / "keys", tmp_path / "elsewhere"
    code, said = diptych("backup", backup, "--keys", backup / "keys", "--data-dir", data_dir)
    assert code == 1
    assert "lies in the backup, which has to outlive it" in said
    assert diptych("backup", backup, "--keys", keys, "--data-dir", data_dir)[0] == 0
    assert keys.stat().st_mode & 0o077 == 0
    assert [*traces_in(files_below(backup))] == [], "rows are sealed, too"
    code, said = diptych("restore", backup, "--data-dir", elsewhere)
    assert code == 1
    assert "The keys of the backup's personal data are not in" in said
    assert diptych("restore", backup, "--keys", keys, "--data-dir", elsewhere)[0] == 0
    assert EMAIL in events_of(elsewhere)
    without = tmp_path / "without"
    code, said = diptych("restore", backup, "--without-keys", "--data-dir", without)
    assert code == 0
    assert "The keys of 1 people are missing: the next start forgets these people." in said
    assert EMAIL not in events_of(without)
    assert [*traces_in(files_below(without))] == []


def test_lost_keys_are_noticed_and_given_up_or_taken_from_their_backup(
    data_dir: Path, tmp_path: Path
) -> None:
    registered(data_dir)
    keys = tmp_path / "keys"
    assert diptych("backup", tmp_path / "backup", "--keys", keys, "--data-dir", data_dir)[0] == 0
    for file in data_dir.glob("keys.db*"):
        file.unlink()
    code, said = diptych("events", "tail", "--data-dir", data_dir)
    assert code == 1
    assert "the keys of its personal data are not in SQLite" in said
    code, said = diptych("backup", tmp_path / "later", "--data-dir", data_dir)
    assert code == 1
    assert "the keys of its personal data are not in SQLite" in said
    said = diptych("doctor", "--data-dir", data_dir)[1]
    assert "The keys of personal data are not in SQLite" in said
    assert diptych("seal", "--keys", keys, "--data-dir", data_dir)[0] == 0
    assert EMAIL in events_of(data_dir)
    for file in data_dir.glob("keys.db*"):
        file.unlink()
    assert diptych("seal", "--lost", "--data-dir", data_dir)[0] == 0
    assert EMAIL not in events_of(data_dir)


def test_the_keys_of_another_log_are_refused_before_anything_is_changed(
    data_dir: Path, tmp_path: Path
) -> None:
    others, keys, others_keys = tmp_path / "others", tmp_path / "keys", tmp_path / "others.keys"
    for folder, file in ((data_dir, keys), (others, others_keys)):
        registered(folder)
        backup = ("backup", tmp_path / f"of-{folder.name}", "--keys", file, "--data-dir", folder)
        assert diptych(*backup)[0] == 0
    (data_dir / "keys.db").rename(tmp_path / "keys.db")
    code, said = diptych("seal", "--keys", others_keys, "--data-dir", data_dir)
    assert code == 1
    assert "These are not the keys of this log, and nothing was changed." in said
    assert not (data_dir / "keys.db").exists()
    assert diptych("seal", "--keys", keys, "--data-dir", data_dir)[0] == 0

    (data_dir / "write.db").unlink()
    restore = ("restore", tmp_path / "of-others", "--keys", others_keys, "--data-dir", data_dir)
    code, said = diptych(*restore)
    assert code == 1
    assert "which has those of another log.\nMove these away" in said
    (data_dir / "keys.db").unlink()
    assert diptych(*restore)[0] == 0
    assert EMAIL in events_of(data_dir)


def events_of(data_dir: Path) -> str:
    code, said = diptych("events", "tail", "--data-dir", data_dir)
    assert code == 0, said
    return said


def test_an_actor_is_forgotten_from_the_command_line_once(data_dir: Path) -> None:
    registered(data_dir, by="zephyrine@wrenmoor.example")
    assert "zephyrine@wrenmoor.example" in events_of(data_dir)
    code, said = diptych("forget", "--actor", "zephyrine@wrenmoor.example", "--data-dir", data_dir)
    assert code == 0, said
    [shown] = re.findall(r"is shown as: (erased [0-9a-f]{8})\.", said)
    listed = events_of(data_dir)
    assert shown in listed
    assert "ActorForgotten" in listed
    assert "wrenmoor.example  " not in listed
    again = diptych("forget", "--actor", "zephyrine@wrenmoor.example", "--data-dir", data_dir)
    assert again == (1, "No event has the actor zephyrine@wrenmoor.example, or it was forgotten before.\n")
    part = diptych("forget", "--actor", "demo", "--data-dir", data_dir)
    assert part == (2, "--actor demo: That is a part of Diptych, and nobody's name.\n")
    for arguments in ([], ["x", "--actor", "bea"]):
        answer = diptych("forget", *arguments, "--data-dir", data_dir)
        assert answer == (2, "Name either a CUSTOMER or an --actor. Nobody was forgotten.\n")


def test_a_forgetting_of_an_actor_that_was_killed_is_finished_by_whatever_opens_the_store_next(
    data_dir: Path,
) -> None:
    registered(data_dir, by="quillfeather")
    point = "app.stores.sql.keys.store:truncate_log"
    asyncio.run(killed("forget", "--actor", "quillfeather", "--data-dir", data_dir, at=point))
    assert "  quillfeather  " not in events_of(data_dir)
    with sqlite3.connect(data_dir / "keys.db") as keys:
        assert keys.execute("SELECT * FROM actor_names").fetchall() == []
    keys.close()


def test_old_inputs_expire_from_the_command_line(data_dir: Path) -> None:
    registered(data_dir)
    kept = "Removed the fingerprints of 0 commands that are at least 30 days old.\n"
    assert diptych("expire", "--data-dir", data_dir) == (0, kept)
    gone = "Removed the fingerprints of 1 command that is at least 0 days old.\n"
    assert diptych("expire", "--days", 0, "--data-dir", data_dir) == (0, gone)
