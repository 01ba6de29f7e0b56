"""Messages of clients over websockets, and what is wrong with them."""

from app.graphql.execution.context import TOKEN_HEADER
from app.graphql.execution.requested import complaint_about_operation, is_too_deep

LONGEST_TOKENS = 65_536
"""Characters of the tokens in `connection_init`, which a socket keeps: as many as headers may have."""


def complaint_about_message(message: object) -> str | None:
    """Return why this is no message that a client may send; `None` for one that it may."""
    if not isinstance(message, dict):
        return "A message is an object"
    kind = message.get("type")
    if not isinstance(kind, str):
        return "A message has a type"
    if kind not in {"connection_init", "ping", "pong", "subscribe", "complete"}:
        return f"A server is not sent {kind}"
    if kind in {"subscribe", "complete"} and not (isinstance(message.get("id"), str) and message["id"]):
        return "An id is a string that is not empty"
    payload = message.get("payload")
    if kind == "subscribe":
        return complaint_about_operation(payload)
    if kind != "complete" and not isinstance(payload, dict | None):
        return "A payload is an object or null"
    if is_too_deep(payload):
        return "The payload is nested too deeply"
    if kind == "connection_init" and payload:
        length = len(str(payload.get(TOKEN_HEADER) or ""))
        if length > LONGEST_TOKENS:
            return f"{TOKEN_HEADER} has {length} characters, and may have {LONGEST_TOKENS}: send fewer tokens"
    return None
