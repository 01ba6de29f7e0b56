#!/usr/bin/env bash
# A client that must not reconnect still tries its first connection sixty times, two seconds apart.
#
# Versions:  nats-py 2.16.0
# Guess:     connect() to a port where nobody listens raises NoServersError at once. `allow_reconnect=False` surely means
#            one attempt, since `max_reconnect_attempts` and `reconnect_time_wait` are about reconnecting.
# Behaviour: Both of them also govern the first connection, and `allow_reconnect` does not. With the defaults (60 and 2 s)
#            connect() stays away for two minutes, and raises nothing until then. `connect_timeout` limits one attempt.
# Matters:   A health check, or a command that an operator waits for, hangs where it should say that NATS is away.
# Seen (allow_reconnect=False, connections refused at once):
#   5 attempts allowed, 0.2 s apart     6 errors reported, NoServersError after 1.0 s
#   1 attempt allowed, 0 s apart        2 errors reported, NoServersError after 0.0 s
#   the defaults                        3 errors reported within 5 s, and nothing raised
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nats-py==2.16.0 2>"$folder/pip.log" \
  || { cat "$folder/pip.log"; exit 1; }

"$folder/venv/bin/python" - <<'PYTHON'
import asyncio
import socket
import time

import nats
from nats.errors import NoServersError


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


async def attempt(patience, **options):
    """Return how many errors were reported, and the seconds until connect() raised; None if it did not."""
    seen = []

    async def note(error):
        seen.append(error)

    began = time.monotonic()
    try:
        async with asyncio.timeout(patience):
            await nats.connect(
                f"nats://127.0.0.1:{closed_port()}", allow_reconnect=False, connect_timeout=1, error_cb=note, **options
            )
    except NoServersError:
        return len(seen), time.monotonic() - began
    except TimeoutError:
        return len(seen), None


async def main():
    many = await attempt(20, max_reconnect_attempts=5, reconnect_time_wait=0.2)
    one = await attempt(20, max_reconnect_attempts=1, reconnect_time_wait=0)
    default = await attempt(5)
    print("5 attempts allowed, 0.2 s apart   ", many)
    print("1 attempt allowed, 0 s apart      ", one)
    print("the defaults, within 5 s          ", default)
    assert many[1] is not None and many[1] >= 0.7 and many[0] >= 4, many
    assert one[1] is not None and one[1] < 0.5, one
    assert default[1] is None, default


asyncio.run(main())
PYTHON
