"""The least that a server in Python can do: an answer as long as the path asks for, and nothing else."""

from functools import cache

from starlette.types import Receive, Scope, Send


async def app(scope: Scope, _receive: Receive, send: Send) -> None:
    """`/4000` is answered with 4,000 bytes."""
    if scope["type"] == "http":
        start, body = _answer(scope["path"])
        await send(start)
        await send(body)


@cache
def _answer(path: str) -> tuple[dict[str, object], dict[str, object]]:
    body = b"x" * int(path.rpartition("/")[2])
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    return (
        {"type": "http.response.start", "status": 200, "headers": headers},
        {"type": "http.response.body", "body": body},
    )
