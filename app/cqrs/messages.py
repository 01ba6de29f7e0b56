"""Commands and events: immutable, keyword-only, typed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar, TypeVar, dataclass_transform

import msgspec

from app.cqrs.texts import in_one_form, is_in_one_form


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Message:
    """A message; each subclass becomes a frozen, keyword-only dataclass without a decorator."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        dataclass(frozen=True, kw_only=True)(cls)


class Command(Message):
    """A request to change something, named in the imperative."""


class Event(Message):
    """A fact, named in the past tense; it never changes after it was committed.

    `schema_version` rises when the meaning of the stored data changes.
    """

    schema_version: ClassVar[int] = 1
    personal_fields: ClassVar[Collection[str] | None] = None
    """The names of the fields with data of a person, or with free text, which may be about one. Operators do
    not see them. Each event of a context says it; of one that says nothing, nobody sees any field. They are
    `None` once the person was forgotten, so their types must allow that."""
    person_field: ClassVar[str | None] = None
    """The field with the id of the person whose data it is: the log seals it with a key of that person. Free
    text that may be about anybody is sealed with the key of what it belongs to, such as a product."""
    forgets: ClassVar[bool] = False
    """True if the event says that the person in `person_field` is forgotten: their key is then destroyed."""


M = TypeVar("M", bound=Message)


def defined_in(module: ModuleType, kind: type[M]) -> Sequence[type[M]]:
    """Return the types of messages of this kind that a module itself defines, in order."""
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, kind) and value.__module__ == module.__name__
    ]


def encode(message: Message) -> str:
    """Return a message's data as JSON; decimals are strings, times are ISO 8601."""
    return msgspec.json.encode(message).decode()


def decode(data: str, message_type: type[M]) -> M:
    """Return the message that `encode` wrote, with its text in NFC even if another form was stored.

    Raises `msgspec.ValidationError` if the data does not fit the type.
    """
    message = msgspec.json.decode(data, type=message_type)
    return message if is_in_one_form(data) else in_one_form(message)


def composed(message: M) -> M:
    """Return the message with its text in NFC."""
    try:
        data = encode(message)  # one check for all text of the message
    except UnicodeEncodeError:  # A lone surrogate has no UTF-8 encoding; validation refuses it later.
        return in_one_form(message)
    return message if is_in_one_form(data) else in_one_form(message)
