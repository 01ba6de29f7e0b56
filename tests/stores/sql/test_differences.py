"""A store whose tables are not those of the code is refused at the start, in words."""

import pytest
from sqlalchemy import text

from app.cqrs.unavailable import WriteStoreUnavailable
from app.stores.sql.engines.opening import open_database


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DROP TABLE order_lines", "there is no table order_lines"),
        ("ALTER TABLE customers DROP COLUMN phone", "there is no column customers.phone"),
        ("ALTER TABLE stocks ADD COLUMN shelf INTEGER", "the code does not know the column stocks.shelf"),
    ],
)
async def test_a_store_that_differs_from_the_code_is_refused(
    database_url: str, statement: str, said: str
) -> None:
    async with open_database(database_url) as engines, engines.writing.begin() as connection:
        await connection.execute(text(statement))
    with pytest.raises(WriteStoreUnavailable) as refusal:
        async with open_database(database_url):
            pass
    assert f"after all migrations its tables are not those of the code: {said}" in str(refusal.value)
    assert "Write a migration in app/migrations/versions, or undo what was changed by hand" in str(
        refusal.value
    )


async def test_what_an_operator_adds_beside_is_no_difference(database_url: str) -> None:
    async with open_database(database_url) as engines, engines.writing.begin() as connection:
        await connection.execute(text("CREATE TABLE notes_of_the_operator (note TEXT)"))
        await connection.execute(text("CREATE INDEX by_actor ON events (actor)"))
    async with open_database(database_url) as engines, engines.reading.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM events"))).scalar_one() == 0
