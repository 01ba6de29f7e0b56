"""The measure: a bare ASGI app that sends what it is posted to everyone who is connected."""

import socket

import uvicorn
from starlette.types import Receive, Scope, Send

sends: list[Send] = []


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept", "subprotocol": "graphql-transport-ws"})
        await send({"type": "websocket.send", "text": "welcome"})
        sends.append(send)
        while (await receive())["type"] != "websocket.disconnect":
            pass
        sends.remove(send)
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    text = body.decode()
    for each in tuple(sends):
        await each({"type": "websocket.send", "text": text})
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


if __name__ == "__main__":
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(1000)
        print(listening.getsockname()[1], flush=True)
        config = uvicorn.Config(app, log_config=None, lifespan="off", log_level="error", access_log=False)
        uvicorn.Server(config).run(sockets=[listening])
