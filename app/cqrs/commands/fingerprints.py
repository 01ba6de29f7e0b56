"""Fingerprints of commands: a repeated command has the fingerprint of the first, also across releases."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

import msgspec

from app.cqrs.messages import Command


def fingerprint(command: Command) -> str:
    """Return the fingerprint of a command's values, which optional fields added later do not change.

    Fields with their default are left out, and the others are sorted: the fingerprint stays the same when a
    field with a default is added to the command, or to a value in it.
    """
    # JSON escapes lone surrogates, which UTF-8 can't encode: text is only checked later.
    return _hashed(command, json.dumps(_without_defaults(command), sort_keys=True))


def former_fingerprint(command: Command) -> str:
    """Return the fingerprint as older programs stored it, with defaults; it is still compared."""
    return _hashed(command, json.dumps(msgspec.to_builtins(command)))


def _hashed(command: Command, data: str) -> str:
    return hashlib.sha256(f"{type(command).__name__} {data}".encode()).hexdigest()


def _without_defaults(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_without_defaults(each) for each in value]
    if isinstance(value, Mapping):
        return {
            str(msgspec.to_builtins(key, str_keys=True)): _without_defaults(each)
            for key, each in value.items()
        }
    if is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _without_defaults(given)
            for field in fields(value)
            if not _is_default(given := getattr(value, field.name), field)
        }
    return msgspec.to_builtins(value)


def _is_default(value: object, field: Field[Any]) -> bool:
    if field.default_factory is not MISSING:
        return bool(value == field.default_factory())
    return type(value) is type(field.default) and bool(value == field.default)
