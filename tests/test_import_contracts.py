"""The import contracts of pyproject.toml hold, and each of them notices when it is broken."""

from copy import deepcopy
from typing import Any

import grimp
import pytest
from importlinter.api import read_configuration
from importlinter.application import use_cases
from importlinter.application.user_options import UserOptions
from importlinter.domain.contract import Contract, registry

CONFIGURATION = read_configuration("pyproject.toml")
CONTRACTS: dict[str, dict[str, Any]] = {each["name"]: each for each in CONFIGURATION["contracts_options"]}

BREAKS = {
    "Imports only run down": ("app.cqrs.relay", "app.stores.mongo"),
    "The generic part knows no shop, no driver and no GraphQL": ("app.cqrs.projector", "pymongo"),
    "Commands, events, refusals and models are pure": ("app.domain.orders.model", "sqlalchemy"),
    "Of the write side, the read models know the events only": (
        "app.read_models.order_list",
        "app.domain.orders.model",
    ),
    "The write side knows no read model": ("app.domain.orders.handlers", "app.read_models.order_list"),
    "Read models do not read one another": ("app.read_models.order_list", "app.read_models.order_details"),
    "Queries and subscriptions never touch a store": ("schema.orders", "app.stores.write_store"),
    "Others reach the catalog through what it publishes": (
        "app.domain.orders.handlers",
        "app.domain.catalog.tables",
    ),
    "Others reach the stock through what it publishes": (
        "app.domain.orders.handlers",
        "app.domain.stock.model",
    ),
    "Others reach the customers through what they publish": (
        "app.domain.orders.handlers",
        "app.domain.customers.handlers",
    ),
    "Nobody reaches into the orders": ("app.domain.stock.published", "app.domain.orders.events"),
    "Compiled queries know types and read models, and no shop": ("schema.compiled.plans", "schema.orders"),
    "MongoDB's driver lives in its store": ("app.bootstrap", "motor"),
    "SQL lives in its store and in the contexts' tables": ("app.domain.orders.handlers", "sqlalchemy"),
    "GraphQL lives in the schema": ("app.web.health", "strawberry"),
}
"""For each contract an import, from a module to another, that must not be."""


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("app", "schema", include_external_packages=True, cache_dir=None)


def contract(name: str) -> Contract:
    use_cases._register_contract_types(
        UserOptions(session_options=CONFIGURATION["session_options"], contracts_options=[])
    )
    options = {key: value for key, value in CONTRACTS[name].items() if key not in {"name", "type"}}
    contract_class = registry.get_contract_class(CONTRACTS[name]["type"])
    return contract_class(
        name=name, session_options=CONFIGURATION["session_options"], contract_options=options
    )


def test_every_contract_is_broken_on_purpose_below() -> None:
    assert BREAKS.keys() == CONTRACTS.keys()


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_contract_is_kept(name: str, graph: grimp.ImportGraph) -> None:
    assert contract(name).check(deepcopy(graph), verbose=False).kept


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_contract_notices_when_it_is_broken(name: str, graph: grimp.ImportGraph) -> None:
    broken = deepcopy(graph)
    importer, imported = BREAKS[name]
    assert not broken.direct_import_exists(importer=importer, imported=imported)
    broken.add_import(importer=importer, imported=imported)
    assert not contract(name).check(broken, verbose=False).kept
