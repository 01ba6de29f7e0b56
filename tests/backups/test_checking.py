"""The check of a backup compares the rows that commands rely on with what the events make of them."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from app.__main__ import command_line
from app.backups.taking import back_up
from app.config import Settings
from app.domain.customers.commands import RegisterCustomer
from app.domain.orders.commands import CancelOrder
from app.stores.sql.engines.opening import open_database
from tests.domain.shop import made_by, open_shop


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return Settings(data_dir=tmp_path / "data", database_url=database_url)


async def filled(settings: Settings) -> None:
    """A few orders of somebody."""
    async with open_shop(str(settings.database_url)) as shop:
        product = await shop.product(on_hand=9)
        customer = made_by(await shop.accept(RegisterCustomer(name="Ada", email="ada@example.org")))
        first = await shop.order(customer, (product, 2))
        await shop.order(customer, (product, 1))
        await shop.accept(CancelOrder(order_id=first, reason="later"))


async def checked(folder: Path, *more: str) -> tuple[int, str]:
    arguments: Sequence[str] = ["restore", str(folder), "--check", *more]
    result = await asyncio.to_thread(CliRunner(env={"NO_COLOR": "1"}).invoke, command_line, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


async def test_rows_that_are_not_what_their_events_make_them_are_named(
    settings: Settings, tmp_path: Path
) -> None:
    await filled(settings)
    keys = tmp_path / "copies" / "keys"
    await back_up(settings, tmp_path / "right", documents=False, keys_file=keys)
    code, said = await checked(tmp_path / "right")
    assert code == 0, said
    assert "Personal data was not compared, because it is sealed: give --keys FILE for that." in said
    code, said = await checked(tmp_path / "right", "--keys", str(keys))
    assert code == 0, said
    assert "not compared" not in said
    assert not (settings.data_dir / "write.db").exists(), "it has opened no store of the settings"
    async with open_database(str(settings.database_url)) as engines, engines.writing.begin() as connection:
        for wrong in (
            "UPDATE stocks SET on_hand = on_hand + 1",
            "UPDATE orders SET status = 'SHIPPED' WHERE status = 'CANCELLED'",
            "UPDATE customers SET phone = '1'",
            "INSERT INTO stocks VALUES ('00000000000000000000000000000007', 1, 2, 0)",
        ):
            await connection.execute(text(wrong))
    await back_up(settings, tmp_path / "wrong", documents=False)
    code, said = await checked(tmp_path / "wrong")
    assert code == 2
    said = " ".join(said.split())
    assert said.startswith("3 rows are not what the events of the backup make of them: order-")
    assert " differs in status; stock-00000000-0000-0000-0000-000000000007 has a row and no events; " in said
    assert said.endswith(" differs in on_hand. Use another backup.")
    code, said = await checked(tmp_path / "wrong", "--keys", str(keys))
    assert code == 2
    assert " differs in details; " in said
    assert "4 rows are" in " ".join(said.split())
