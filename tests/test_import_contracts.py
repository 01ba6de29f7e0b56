"""The import contracts of pyproject.toml hold, and each of them notices when it is broken."""

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")
OPTIONS: dict[str, Any] = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "importlinter"
]
CONTRACTS: dict[str, dict[str, Any]] = {each["name"]: each for each in OPTIONS.pop("contracts")}

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
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a copy of the code."""
    folder = tmp_path_factory.mktemp("contracts")
    for package in OPTIONS["root_packages"]:
        shutil.copytree(package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def verdict(tree: Path, name: str) -> str:
    """Return what the command line says of this one contract in the folder."""

    def table(options: dict[str, Any]) -> str:
        return "".join(f"{key} = {json.dumps(value)}\n" for key, value in options.items())

    settings = (
        f"[tool.importlinter]\n{table(OPTIONS)}[[tool.importlinter.contracts]]\n{table(CONTRACTS[name])}"
    )
    (tree / "contract.toml").write_text(settings, encoding="utf-8")
    command = (LINT_IMPORTS, "--no-logo", "--no-cache", "contract.toml")
    said = subprocess.run(command, cwd=tree, capture_output=True, text=True, encoding="utf-8", check=False)
    assert said.returncode in (0, 1)
    return f"{'kept' if said.returncode == 0 else 'broken'}\n{said.stdout}"


def source_of(tree: Path, module: str) -> Path:
    path = tree / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def test_every_contract_is_broken_on_purpose_below() -> None:
    assert BREAKS.keys() == CONTRACTS.keys()


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_contract_is_kept_and_notices_when_it_is_broken(name: str, tree: Path) -> None:
    assert verdict(tree, name).startswith("kept\n")
    importer, imported = BREAKS[name]
    source = source_of(tree, importer)
    code = source.read_text(encoding="utf-8")
    source.write_text(f"{code}\nimport {imported}\n", encoding="utf-8")
    try:
        assert verdict(tree, name).startswith("broken\n")
    finally:
        source.write_text(code, encoding="utf-8")
