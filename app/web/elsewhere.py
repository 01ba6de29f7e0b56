"""The answer of a process that serves no GraphQL, and says which ones do."""

from collections.abc import Collection

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from app.graphql.transport.responses.refused import refused
from app.roles import Role

MISDIRECTED = 421
"""HTTP's status for a request that another server should get."""


def elsewhere(roles: Collection[Role]) -> ASGIApp:
    """Return an application that refuses every request and every websocket of a process with these roles."""
    named = ", ".join(role for role in Role if role in roles)
    text = f"This process has the roles {named}. GraphQL is served by those with the role {Role.QUERY}."

    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": text[:120]})
        else:
            await refused(HTTPException(MISDIRECTED, text))(scope, receive, send)

    return refuse
