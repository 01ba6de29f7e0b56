"""What a library keeps private is named in a file of its own in an `internals` folder, and nowhere else.

Ruff's rule SLF001 looks at what the code reads of other objects. It is off in tests, which look into our own
objects, and it is blind to imports and to what a class inherits.
"""

import ast
import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

import aiosqlite
import pytest

OURS = ("app", "schema", "scripts", "tests", "findings")

PYTHONS = ("builtins", "typing", "enum", "abc")
SOURCES = [
    each
    for folder in OURS
    for each in Path(folder).rglob("*.py")
    if not any(part.startswith(".") for part in each.parts)  # as what tests generate
]
TREES = {each: ast.parse(each.read_text(encoding="utf-8")) for each in SOURCES}
INTERNALS = [each for each in SOURCES if each.parent.name == "internals" and each.parts[0] != "tests"]
OTHERS = [each for each in SOURCES if each.parent.name != "internals"]

DOCUMENTED = {"_asdict", "_mapping", "_replace", "_fields"}
"""Of named tuples and rows; the underscore keeps them apart from the names of columns."""


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("_") and name not in DOCUMENTED


def read_of_others(tree: ast.AST) -> Iterator[str]:
    """Yield the private attributes that are read or set of anything but the object itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            match node.value:
                case ast.Name(id="self" | "cls") | ast.Call(func=ast.Name(id="super")):
                    continue
            yield node.attr


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield what is imported from a library's private modules, or is a private name there."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found = [each.name for each in names]
            case ast.ImportFrom(module=str() as module, names=names, level=0):
                found = [f"{module}.{each.name}" for each in names]
            case _:
                continue
        for name in found:
            first, *rest = name.split(".")
            if first not in OURS and first != "__future__" and any(map(is_private, (first, *rest))):
                yield name


def inherited(tree: ast.ClassDef, kind: type) -> set[str]:
    """Return the private names in a class that are names of a library's class above it, too."""
    own = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for each in tree.body:
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
            own.add(each.name)
        elif isinstance(each, ast.Assign | ast.AnnAssign):
            own |= {node.id for node in ast.walk(each) if isinstance(node, ast.Name)}
    above = [each for each in kind.__mro__[1:] if each.__module__.partition(".")[0] not in (*OURS, *PYTHONS)]
    return {name for name in own.intersection(frozenset().union(*map(names_of, above))) if is_private(name)}


@cache
def names_of(kind: type) -> frozenset[str]:
    """Return the attributes of a class, and all names that its functions use."""
    functions = [code for each in vars(kind).values() for code in codes_of(each)]
    return frozenset({*vars(kind), *(name for code in functions for name in code.co_names)})


def codes_of(attribute: Any) -> Iterator[CodeType]:
    """Yield the code of a function, a method or a property, and of the functions in it."""
    for part in ("__func__", "fget", "fset", "func"):
        if (function := getattr(attribute, part, None)) is not None:
            yield from codes_of(function)
    waiting = [getattr(attribute, "__code__", None)]
    while waiting:
        if isinstance(code := waiting.pop(), CodeType):
            yield code
            waiting += code.co_consts


def classes_in(source: Path) -> Iterator[tuple[ast.ClassDef, type]]:
    """Yield the classes of a module, if it has any."""
    found = [each for each in TREES[source].body if isinstance(each, ast.ClassDef)]
    if found:
        module = importlib.import_module(".".join(source.with_suffix("").parts))
        yield from ((each, getattr(module, each.name)) for each in found)


def test_no_private_name_is_imported_from_a_library() -> None:
    assert {str(each): found for each in OTHERS if (found := [*imported(TREES[each])])} == {}


def test_what_is_private_in_a_library_is_asked_of_its_internals() -> None:
    """The application's other private names are for ruff to find."""
    used = {
        node.attr for each in INTERNALS for node in ast.walk(TREES[each]) if isinstance(node, ast.Attribute)
    }
    named = set(filter(is_private, used))
    assert {"_schema", "_thread"} <= named
    assert {
        str(each): found for each in OTHERS if (found := named.intersection(read_of_others(TREES[each])))
    } == {}


def test_no_class_uses_private_names_that_it_inherits_from_a_library() -> None:
    classes = [found for each in OTHERS if each.parts[0] in ("app", "schema") for found in classes_in(each)]
    assert {kind: found for tree, kind in classes if (found := inherited(tree, kind))} == {}


@pytest.mark.parametrize(
    "line",
    [
        "from uvicorn._types import ASGISendEvent",
        "from asyncio import _get_running_loop",
        "import pymongo._csot",
    ],
)
def test_an_import_of_a_private_name_is_found(line: str) -> None:
    assert len([*imported(ast.parse(line))]) == 1


@pytest.mark.parametrize(
    "line", ["shop._schema", "connection._thread.daemon = True", "f(self.info._raw_info)"]
)
def test_a_private_name_of_another_object_is_found(line: str) -> None:
    assert len([*read_of_others(ast.parse(line))]) == 1


@pytest.mark.parametrize("line", ["self._conn", "_tx = None", "async def _execute(self): ..."])
def test_a_private_name_that_a_class_inherits_is_found(line: str) -> None:
    [tree] = ast.parse(f"class Ours(aiosqlite.Connection):\n    {line}").body
    assert isinstance(tree, ast.ClassDef)
    assert len(inherited(tree, type("Ours", (aiosqlite.Connection,), {}))) == 1
