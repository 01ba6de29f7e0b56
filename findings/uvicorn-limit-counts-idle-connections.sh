#!/usr/bin/env bash
# uvicorn's limit of concurrency counts idle connections and websockets, yet never refuses a websocket.
#
# Versions:  uvicorn 0.54.0, httptools 0.9.0, websockets 17.4
# Guess:     limit_concurrency=4 lets four requests run at a time; the fifth gets 503. Connections that are kept alive
#            and idle are free. Websockets, if they count, are refused beyond the limit like requests.
# Behaviour: A request is refused once there are as many *connections* as the limit, its own included: with three idle
#            kept-alive connections the next request gets 503 on a server that does nothing. An open websocket counts
#            as such a connection as well, but its own handshake is not checked: ten websockets get in at a limit of
#            four, and from then on every HTTP request gets 503, the health check too.
# Matters:   A GraphQL service with subscriptions that is given `--limit-concurrency 1000` for its protection stops
#            answering queries at 999 subscribers, and still accepts more of them. The orchestrator sees the health
#            check fail and restarts it. Limit requests in the application.
# Seen (limit_concurrency=4, no request at work):
#   idle connections before: 0   a request gets 200
#   idle connections before: 1   a request gets 200
#   idle connections before: 2   a request gets 200
#   idle connections before: 3   a request gets 503
#   websockets: 10 of 10 accepted, then a request gets 503
#   websockets closed: a request gets 200
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check uvicorn==0.54.0 httptools==0.9.0 websockets==17.4

"$folder/venv/bin/python" - <<'PYTHON'
import asyncio
import contextlib
import socket

import uvicorn
from websockets.asyncio.client import connect


async def application(scope, receive, send):
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass
    else:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


async def main():
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    config = uvicorn.Config(application, limit_concurrency=4, lifespan="off", log_level="error", timeout_keep_alive=60)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        await asyncio.sleep(0.01)

    async def request(kept):
        """Return the status that a new connection's request gets; the connection stays open in `kept`."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        kept.callback(writer.close)
        writer.write(b"GET /health HTTP/1.1\r\nHost: shop\r\n\r\n")
        return int((await reader.readline()).split()[1])

    async def none_left():
        while server.server_state.connections:
            await asyncio.sleep(0.01)

    statuses = []
    with contextlib.ExitStack() as idle:
        for number in range(4):
            statuses.append(await request(idle))
            print(f"idle connections before: {number}   a request gets {statuses[-1]}")
    await none_left()
    with contextlib.ExitStack() as idle:
        websockets = [await connect(f"ws://127.0.0.1:{port}/", proxy=None) for _ in range(10)]
        statuses.append(await request(idle))
        print(f"websockets: {len(websockets)} of 10 accepted, then a request gets {statuses[-1]}")
        for websocket in websockets:
            await websocket.close()
    await none_left()
    with contextlib.ExitStack() as idle:
        statuses.append(await request(idle))
        print(f"websockets closed: a request gets {statuses[-1]}")
    server.should_exit = True
    await serving
    assert statuses == [200, 200, 200, 503, 503, 200], statuses


asyncio.run(main())
PYTHON
