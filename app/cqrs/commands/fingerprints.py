"""Fingerprints of commands: a repeated command has that of the first, also after a deployment in between."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

import msgspec

from app.cqrs.messages import Command


def fingerprint(command: Command) -> str:
    """Return the fingerprint of what a command asks for, whatever optional fields it may have by now.

    Fields that have their default are left out, and the others sorted: a command stays the same when a field
    with a default is added to it, or to a value in it.
    """
    # Plain JSON escapes what UTF-8 has no bytes for: a command is told apart before its text is checked.
    return _hashed(command, json.dumps(_told(command), sort_keys=True))


def former_fingerprint(command: Command) -> str:
    """Return the fingerprint that was stored before defaults were left out: it is still compared with."""
    return _hashed(command, json.dumps(msgspec.to_builtins(command)))


def _hashed(command: Command, data: str) -> str:
    return hashlib.sha256(f"{type(command).__name__} {data}".encode()).hexdigest()


def _told(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_told(each) for each in value]
    if isinstance(value, Mapping):
        return {str(msgspec.to_builtins(key, str_keys=True)): _told(each) for key, each in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _told(given)
            for field in fields(value)
            if not _is_default(given := getattr(value, field.name), field)
        }
    return msgspec.to_builtins(value)


def _is_default(value: object, field: Field[Any]) -> bool:
    if field.default_factory is not MISSING:
        return bool(value == field.default_factory())
    return type(value) is type(field.default) and bool(value == field.default)
