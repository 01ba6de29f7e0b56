"""Fingerprints of code: functions with the same code have the same fingerprint in every Python version."""

import ast
import hashlib
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import is_dataclass
from decimal import Decimal
from functools import lru_cache
from types import FunctionType, ModuleType
from typing import Any

from app.cqrs.messages import Message

DIGITS = 8
"""Hexadecimal digits of a fingerprint."""

_IGNORED = {"annotation", "ctx", "decorator_list", "kind", "returns", "type_comment", "type_params"}
"""Parts of the syntax tree that do not affect a function's result, or that some Python versions lack."""

_PLAIN = (str, bytes, int, float, Decimal, type(None))

Definition = FunctionType | type


class NoSource(Exception):
    """The source text of a function can't be read; the message names the function."""


def fingerprint(functions: Iterable[Callable[..., Any]], also: object = ()) -> str:
    """Return the fingerprint of the functions, of all that they use, and of the text of `also`.

    Layout, comments, docstrings, annotations and the module of a definition do not count. Code that a
    function reaches only through the methods of its arguments is not included. Raises `NoSource`.
    """
    used = _Used()
    roots = [used.look_at(function) for function in functions]
    parts = [*roots, *sorted(used.written.values()), *sorted(used.constants), repr(also)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:DIGITS]


def words_in(functions: Iterable[Callable[..., Any]]) -> set[str]:
    """Return the texts and the names of keyword arguments in the functions and in all that they use.

    Raises `NoSource`.
    """
    used = _Used()
    for function in functions:
        used.look_at(function)
    words = set(used.texts)
    for definition in used.written:
        for node in _walked(syntax_of(definition)):
            match node:
                case ast.Constant(value=str(word)) | ast.keyword(arg=str(word)):
                    words.add(word)
    return words


class _Used:
    """The functions, classes and constants that some functions name, within their top-level package."""

    def __init__(self) -> None:
        self.written: dict[Definition, str] = {}
        self.constants: set[str] = set()
        self.texts: set[str] = set()

    def look_at(self, function: Callable[..., Any]) -> str:
        """Record a function and everything that it uses; return its syntax as text."""
        definition = inspect.unwrap(function)
        if not isinstance(definition, FunctionType):
            raise NoSource(f"{function!r} is not a Python function: write it with `def` or `lambda`")
        if definition not in self.written:
            syntax = syntax_of(definition)
            self.written[definition] = _text_of(syntax)
            for value in _named_in(definition, syntax):
                self._note(value, definition.__module__.partition(".")[0])
        return self.written[definition]

    def _note(self, value: Any, package: str) -> str:
        """Record a value, and return it as text; empty if it has no text that could be compared."""
        text = ""
        if callable(value):
            self._note_definition(inspect.unwrap(value), package)
        elif isinstance(value, Mapping):
            text = str({self._note(key, package): self._note(each, package) for key, each in value.items()})
        elif isinstance(value, list | tuple):
            text = str([self._note(each, package) for each in value])
        elif isinstance(value, set | frozenset):
            text = str(sorted(self._note(each, package) for each in value))
        elif isinstance(value, re.Pattern):
            text = str((value.pattern, value.flags))
        elif isinstance(value, _PLAIN) or is_dataclass(value):
            text = repr(value)
            self.texts |= {value} if isinstance(value, str) else set()
        self.constants.add(text)
        return text

    def _note_definition(self, definition: Any, package: str) -> None:
        if getattr(definition, "__module__", "").partition(".")[0] != package:
            return
        if isinstance(definition, FunctionType):
            self.look_at(definition)
        elif isinstance(definition, type) and not issubclass(definition, Message):  # Messages have versions.
            self.written[definition] = _text_of(syntax_of(definition))


def _named_in(function: FunctionType, syntax: ast.AST) -> Iterator[object]:
    """Yield the values of the global and enclosed names in a function."""
    behind = dict(function.__globals__)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        behind[name] = cell.cell_contents
    for node in _walked(syntax):
        match node:
            case ast.Name(id=name) if name in behind:
                yield behind[name]
            case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                if isinstance(module := behind.get(name), ModuleType):
                    yield getattr(module, attribute, None)


def syntax_of(definition: Definition) -> ast.AST:
    """Return the part of the source text that defines a function or class; raises `NoSource`."""
    defined = _definitions(definition.__module__)
    line = 0 if isinstance(definition, type) else definition.__code__.co_firstlineno
    if found := defined.get((definition.__name__, line)):
        return found
    raise NoSource(f"{definition.__qualname__} is not found in the source text of {definition.__module__}")


@lru_cache
def _definitions(module: str) -> Mapping[tuple[str, int], ast.AST]:
    """Return the definitions of a module: classes by name, functions by name and first line."""
    try:
        syntax = ast.parse(inspect.getsource(sys.modules[module]))
    except (KeyError, OSError, TypeError, SyntaxError) as error:
        raise NoSource(f"the source text of {module} can't be read") from error
    found = dict[tuple[str, int], ast.AST]()
    for node in ast.walk(syntax):
        match node:
            case ast.ClassDef():
                found.setdefault((node.name, 0), node)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                found[node.name, first] = node
            case ast.Lambda():
                found.setdefault(("<lambda>", node.lineno), node)
    return found


def _walked(syntax: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that belong to the fingerprint."""
    yield syntax
    for name, value in ast.iter_fields(syntax):
        if name not in _IGNORED:
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, ast.AST) and not _is_docstring(each):
                    yield from _walked(each)


def _text_of(syntax: object) -> str:
    """Return syntax as text, without empty fields: newer Python versions have more of them."""
    match syntax:
        case ast.Constant(value=value):
            return repr(value)
        case ast.AST():
            parts = (
                f"{name}={_text_of(value)}"
                for name, value in ast.iter_fields(syntax)
                if name not in _IGNORED and value not in (None, [])
            )
            return f"{type(syntax).__name__}({', '.join(parts)})"
        case list():
            return f"[{', '.join(_text_of(step) for step in syntax if not _is_docstring(step))}]"
        case _:
            return repr(syntax)


def _is_docstring(step: object) -> bool:
    return isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant)
