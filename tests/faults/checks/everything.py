"""All checks, on the stores of a service that has stopped."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.faults.checks.books import open_books
from tests.faults.checks.checkpoints import check_checkpoints, checkpoint_history
from tests.faults.checks.commands import check_commands
from tests.faults.checks.documents import LIVE, REBUILT, check_documents, documents, rebuild, serving
from tests.faults.checks.rows import check_rows
from tests.faults.checks.watching import check_changes, check_states
from tests.faults.clients import Client
from tests.faults.findings import Finding
from tests.faults.journal import Journal
from tests.faults.watchers import CHANGES, ONE_PRODUCT, ORDER, ORDERS_OF, PRODUCT, Watcher

States = Mapping[str, Any]
"""Nodes as queries show them, by their ids."""

_ORDERS = f"""query ($id: ID!, $after: String) {{
    orders: customer(id: $id) {{ page: orders(first: 100, after: $after) {{
    nodes {{ {ORDER} }} pageInfo {{ endCursor hasNextPage }} }} }} }}"""


async def check_stores(
    write_store: str,
    mongo: str,
    journal: Journal,
    watchers: Sequence[Watcher] = (),
    final: Mapping[str, States] | None = None,
) -> list[Finding]:
    """Everything that is wrong; `final` are the last states of what each watcher follows, by its name."""
    books = await open_books(write_store)
    findings = [*check_commands(journal, books), *check_rows(books)]
    history = await rebuild(write_store, mongo)
    findings += check_documents(await documents(mongo, LIVE), await documents(mongo, REBUILT))
    findings += check_checkpoints(
        await checkpoint_history(mongo, LIVE), await serving(mongo, LIVE), books.head
    )
    for watcher in watchers:
        if watcher.query is CHANGES:
            findings += check_changes(watcher, history, books)
        else:
            findings += check_states(watcher, history, books, (final or {})[watcher.name])
    return findings


async def final_states(client: Client, watcher: Watcher) -> States:
    """What queries say of the documents that a watcher follows; nothing for who follows all changes."""
    if watcher.query is CHANGES:
        return {}
    if watcher.query is ORDERS_OF:
        return await _orders_of(client, watcher)
    field, shown = ("product", PRODUCT) if watcher.query is ONE_PRODUCT else ("order", ORDER)
    answer = await client.ask(
        f"query ($id: ID!) {{ node: {field}(id: $id) {{ {shown} }} }}", {"id": watcher.id}
    )
    assert answer.data, answer
    return {answer.data["node"]["id"]: answer.data["node"]}


async def _orders_of(client: Client, watcher: Watcher) -> States:
    states: dict[str, Any] = {}
    after = None
    while True:
        answer = await client.ask(_ORDERS, {"id": watcher.id, "after": after})
        assert answer.data, answer
        page = answer.data["orders"]["page"]
        states |= {node["id"]: node for node in page["nodes"]}
        if not page["pageInfo"]["hasNextPage"]:
            return states
        after = page["pageInfo"]["endCursor"]
