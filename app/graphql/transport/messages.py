"""The messages that clients send over websockets, and their validation."""

from collections.abc import Mapping
from sys import getsizeof
from typing import Any, NamedTuple

import orjson

from app.graphql.execution.context import TOKEN_HEADER
from app.graphql.execution.operation import TOKEN_EXTENSION, is_too_deep, problem_with_operation
from app.graphql.transport.closing import Close, Disconnected

LONGEST_TOKENS = 65_536
"""Characters of the tokens in `connection_init`, which a socket keeps; headers may have as many."""

_TOKEN_KEYS = {TOKEN_HEADER.lower(), TOKEN_EXTENSION.lower()}


class Message(NamedTuple):
    """A client's message, and the bytes that its text takes in memory."""

    parts: dict[str, Any]
    size: int


def message_in(received: Mapping[str, Any]) -> Message:
    """Return the message in an ASGI event; raise `Close` if it is not valid, and `Disconnected`."""
    if received["type"] == "websocket.disconnect":
        raise Disconnected
    if received.get("text") is None:
        raise Close(4400, "A message must be text, not binary")
    try:
        message = orjson.loads(received["text"])
    except orjson.JSONDecodeError:
        raise Close(4400, "A message must be JSON") from None
    if problem := problem_with_message(message):
        raise Close(4400, problem)
    return Message(message, getsizeof(received["text"]))


def problem_with_message(message: object) -> str | None:
    """Return what is wrong with a client's message, as the reason of a close frame; `None` if it is valid."""
    if not isinstance(message, dict):
        return "A message must be a JSON object"
    kind = message.get("type")
    if not isinstance(kind, str):
        return "A message must have a type"
    if kind not in {"connection_init", "ping", "pong", "subscribe", "complete"}:
        return f"A client must not send messages of the type {kind}"
    if kind in {"subscribe", "complete"} and not (isinstance(message.get("id"), str) and message["id"]):
        return "An id must be a string that is not empty"
    payload = message.get("payload")
    if kind == "subscribe":
        return problem_with_operation(payload)
    if kind != "complete" and not isinstance(payload, dict | None):
        return "A payload must be an object or null"
    if is_too_deep(payload):
        return "The payload is nested too deeply"
    if kind == "connection_init" and payload:
        length = len(tokens_of(payload))
        if length > LONGEST_TOKENS:
            return f"{TOKEN_HEADER} has {length} characters, and may have {LONGEST_TOKENS}: send fewer tokens"
    return None


def tokens_of(payload: Mapping[str, Any]) -> str:
    """Return the consistency tokens in the payload of `connection_init`, separated by commas.

    The key is the header's name in any case, or that of the extension.
    """
    sent = (value for name, value in payload.items() if name.lower() in _TOKEN_KEYS)
    return ",".join(str(value) for value in sent if value is not None)


def error_message(id: str, text: str, code: str) -> dict[str, Any]:
    """Return the message that ends an operation with an error."""
    return {"id": id, "type": "error", "payload": [{"message": text, "extensions": {"code": code}}]}
