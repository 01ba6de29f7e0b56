"""The import contracts of pyproject.toml hold, and each of them notices when it is broken."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.example.placing import placed

pytestmark = pytest.mark.campaign

LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")
OPTIONS: dict[str, Any] = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "importlinter"
]
CONTRACTS: dict[str, dict[str, Any]] = {each["name"]: each for each in OPTIONS.pop("contracts")}

BREAKS = {
    "Imports only run down": ("app.cqrs.log.relay", "app.stores.mongo.store"),
    "In the rooms of the circle, imports only run down": (
        "app.cqrs.log.relay",
        "app.cqrs.freshness.progress",
    ),
    "On the way of an operation, imports only run down": (
        "app.graphql.execution.context",
        "app.graphql.transport.http",
    ),
    "The generic part knows no shop, no driver and no GraphQL": (
        "app.cqrs.projecting.projector",
        "pymongo",
    ),
    "Commands, events, refusals and models are pure": ("app.domain.orders.model", "sqlalchemy"),
    "Of the write side, the read models know the events only": (
        "app.read_models.order_list",
        "app.domain.orders.model",
    ),
    "The write side knows no read model": ("app.domain.orders.handlers", "app.read_models.order_list"),
    "Read models do not read one another": ("app.read_models.order_list", "app.read_models.order_details"),
    "Queries and subscriptions never touch a store": ("schema.orders", "app.stores.sql.write_store"),
    "A context reaches another through what that publishes": (
        "app.domain.orders.handlers",
        "app.domain.catalog.tables",
    ),
    "GraphQL's machinery knows no shop": ("app.graphql.compiled.plans", "schema.orders"),
    "What any shop shows of the circle knows no context": ("schema.circle.nodes", "schema.orders"),
    "MongoDB's driver lives in its store": ("app.bootstrap", "motor"),
    "NATS's driver lives in its store": ("app.bootstrap", "nats"),
    "SQL lives in its store, in the contexts' tables and in migrations": (
        "app.domain.orders.handlers",
        "sqlalchemy",
    ),
    "GraphQL lives in the schema and its machinery": ("app.web.health", "strawberry"),
    "Tokens are verified in one room": ("app.graphql.transport.senders.authentication", "jwt"),
    "OpenTelemetry lives in one room": ("app.cqrs.measured.tracing", "opentelemetry"),
    "Access knows no shop, no store and no transport": ("app.access.settings", "app.config"),
}
"""For each contract an import, from a module to another, that must not be."""

BREAKS_OF_A_NEW_CONTEXT = [
    ("Commands, events, refusals and models are pure", "app.domain.reviews.events", "sqlalchemy"),
    (
        "Of the write side, the read models know the events only",
        "app.read_models.product_reviews",
        "app.domain.reviews.model",
    ),
    (
        "The write side knows no read model",
        "app.domain.reviews.handlers",
        "app.read_models.product_reviews",
    ),
    (
        "Read models do not read one another",
        "app.read_models.product_reviews",
        "app.read_models.activity",
    ),
    ("Queries and subscriptions never touch a store", "schema.reviews", "app.domain.reviews.tables"),
    (
        "A context reaches another through what that publishes",
        "app.domain.reviews.handlers",
        "app.domain.catalog.model",
    ),
    (
        "A context reaches another through what that publishes",
        "app.domain.stock.handlers",
        "app.domain.reviews.events",
    ),
    ("GraphQL's machinery knows no shop", "app.graphql.compiled.plans", "schema.reviews"),
    ("What any shop shows of the circle knows no context", "schema.circle.nodes", "schema.reviews"),
    (
        "SQL lives in its store, in the contexts' tables and in migrations",
        "app.domain.reviews.handlers",
        "sqlalchemy",
    ),
]
"""The same for a context that no contract names."""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a copy of the code."""
    folder = tmp_path_factory.mktemp("contracts")
    for package in OPTIONS["root_packages"]:
        shutil.copytree(package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def lint_imports(tree: Path, settings: Path) -> "subprocess.CompletedProcess[str]":
    """Check the code in one folder with the `pyproject.toml` in another.

    The command finds its settings in the current folder: how it is told of other files differs by release.
    """
    said = subprocess.run(
        (LINT_IMPORTS, "--no-cache"),
        cwd=settings,
        env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert said.returncode in (0, 1), said.stderr
    return said


def verdict(tree: Path, name: str) -> str:
    """Return what the command line says of this one contract in the folder."""

    def table(options: dict[str, Any]) -> str:
        return "".join(f"{key} = {json.dumps(value)}\n" for key, value in options.items())

    settings = (
        f"[tool.importlinter]\n{table(OPTIONS)}[[tool.importlinter.contracts]]\n{table(CONTRACTS[name])}"
    )
    with TemporaryDirectory() as alone:
        Path(alone, "pyproject.toml").write_text(settings, encoding="utf-8")
        said = lint_imports(tree, Path(alone))
    return f"{'kept' if said.returncode == 0 else 'broken'}\n{said.stdout}"


def source_of(tree: Path, module: str) -> Path:
    path = tree / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def test_every_contract_is_broken_on_purpose_below() -> None:
    assert BREAKS.keys() == CONTRACTS.keys()


@pytest.fixture(scope="module")
def tree_with_example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a copy of the code, to which the example's context was added."""
    return placed(tmp_path_factory.mktemp("contracts"))


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_contract_is_kept_and_notices_when_it_is_broken(name: str, tree: Path) -> None:
    assert verdict(tree, name).startswith("kept\n")
    importer, imported = BREAKS[name]
    assert broken_by(tree, name, importer, imported)


def test_a_new_context_keeps_all_contracts(tree_with_example: Path) -> None:
    said = lint_imports(tree_with_example, tree_with_example)
    assert said.returncode == 0, said.stdout
    assert f"{len(CONTRACTS)} kept, 0 broken" in said.stdout


@pytest.mark.parametrize(("name", "importer", "imported"), BREAKS_OF_A_NEW_CONTEXT)
def test_the_contract_covers_a_new_context(
    name: str, importer: str, imported: str, tree_with_example: Path
) -> None:
    assert broken_by(tree_with_example, name, importer, imported)


def broken_by(tree: Path, name: str, importer: str, imported: str) -> bool:
    """Tell whether the contract notices an import that is added to the copy for a moment."""
    source = source_of(tree, importer)
    code = source.read_text(encoding="utf-8")
    source.write_text(f"{code}\nimport {imported}\n", encoding="utf-8")
    try:
        return verdict(tree, name).startswith("broken\n")
    finally:
        source.write_text(code, encoding="utf-8")
