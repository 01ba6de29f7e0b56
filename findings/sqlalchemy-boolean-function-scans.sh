#!/usr/bin/env bash
# A condition that is a boolean function gets "= 1" appended on SQLite, and then no index serves it.
#
# Versions:  SQLAlchemy 2.1.9, Python's sqlite3 (3.11, SQLite 3.40.1)
# Guess:     A FunctionElement of the type Boolean whose SQL comes from @compiles stands in WHERE as it was compiled, so
#            that "id IN (SELECT value FROM json_each(?))" finds its rows by the primary key.
# Behaviour: For a database without booleans of its own, where() compares whatever is a boolean function with 1. SQLite
#            uses an index for "id IN (...)", and reads the whole table for "id IN (...) = 1". func.name(...) with
#            type_=Boolean is treated the same way; column.in_(...) and column.op("IN", is_comparison=True)(...) are
#            not. str(statement) without a dialect, and PostgreSQL, show no "= 1".
# Matters:   All answers stay right, so no test fails, and the statement that is logged while developing with the
#            default dialect or PostgreSQL looks as intended; reads just take longer the more rows there are: of
#            20,000 rows 100 times as long. A custom element must return itself from self_group(), or be an operator.
# Seen:
#   PostgreSQL                   WHERE orders.id = ANY (%(keys)s::VARCHAR)
#   SQLite, a boolean function   WHERE orders.id IN (SELECT value FROM json_each(?)) = 1
#                                SCAN orders
#   SQLite, op("IN")             WHERE orders.id IN (SELECT value FROM json_each(?))
#                                SEARCH orders USING COVERING INDEX sqlite_autoindex_orders_1 (id=?)
#   SQLite, with self_group()    WHERE orders.id IN (SELECT value FROM json_each(?))
#                                SEARCH orders USING COVERING INDEX sqlite_autoindex_orders_1 (id=?)
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sqlalchemy==2.1.9
cd "$folder"

venv/bin/python - <<'PYTHON'
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

orders = sa.Table("orders", sa.MetaData(), sa.Column("id", sa.String(36), primary_key=True))


class Among(FunctionElement):
    """A condition: the column has one of the values of the parameter `keys`."""

    type = sa.Boolean()
    inherit_cache = True


class AmongAsItIs(Among):
    inherit_cache = True

    def self_group(self, against=None):
        return self


@compiles(Among)
def in_json(among, compiler, **options):
    column, keys = (compiler.process(each, **options) for each in among.clauses)
    return f"{column} IN (SELECT value FROM json_each({keys}))"


@compiles(Among, "postgresql")
def in_array(among, compiler, **options):
    column, keys = (compiler.process(each, **options) for each in among.clauses)
    return f"{column} = ANY ({keys})"


keys = sa.bindparam("keys", type_=sa.String())
subquery = sa.select(sa.column("value")).select_from(sa.func.json_each(keys))
conditions = {
    "a boolean function": Among(orders.c.id, keys),
    'op("IN")': orders.c.id.op("IN", is_comparison=True)(subquery.scalar_subquery()),
    "with self_group()": AmongAsItIs(orders.c.id, keys),
}


def where(statement, dialect=None):
    """Return the condition of a statement in the words of a dialect, on one line."""
    return " ".join(str(statement.compile(dialect=dialect)).split()).partition("WHERE ")[2]


seen = {}
engine = sa.create_engine("sqlite://")
with engine.begin() as connection:
    orders.create(connection)
    connection.execute(orders.insert(), [{"id": f"order-{number}"} for number in range(20_000)])
    for name, condition in conditions.items():
        statement = sa.select(orders).where(condition)
        found = connection.execute(statement, {"keys": '["order-7"]'}).all()
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement.compile(engine)}", ('["order-7"]',)).first()
        seen[name] = where(statement, engine.dialect), plan[3], found
on_postgresql = where(sa.select(orders).where(conditions["a boolean function"]), postgresql.dialect())
print(f"{'PostgreSQL':28} WHERE {on_postgresql}")
for name, (sql, plan, _) in seen.items():
    print(f"{'SQLite, ' + name:28} WHERE {sql}\n{'':28} {plan}")
assert on_postgresql == "orders.id = ANY (%(keys)s::VARCHAR)"
assert all(found == [("order-7",)] for *_, found in seen.values())
(compared, scan, _), (operated, by_operator, _), (as_it_is, by_key, _) = seen.values()
assert compared == f"{as_it_is} = 1" and scan == "SCAN orders"
by_func = sa.select(orders).where(sa.func.among(orders.c.id, type_=sa.Boolean))
assert where(by_func, engine.dialect) == "among(orders.id) = 1"
assert operated.startswith("orders.id IN (SELECT value") and by_key.startswith("SEARCH orders")
assert by_operator == by_key
PYTHON
