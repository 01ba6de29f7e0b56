#!/usr/bin/env bash
# Since graphql-core 3.3, a subscription that waits for its next event can't be closed.
#
# Versions:  graphql-core 3.3.2 against 3.2.14
# Guess:     subscribe() returns an async iterator whose aclose() ends it at any time, as in 3.2: the pending
#            __anext__() raises StopAsyncIteration, and the source's `finally` runs.
# Behaviour: 3.3 returns a plain async generator. While one __anext__() is pending, and a subscription is nearly
#            always waiting for its next event, aclose() raises RuntimeError ("asynchronous generator is already
#            running") and closes nothing: the pending call goes on, returns the next event, and the source stays
#            open.
# Matters:   A websocket server reads in one task and, on "complete" or a disconnect, closes from another. Written for
#            3.2 it now logs an error, and its sources (listeners, change streams) are not released. Cancel the task
#            that waits, wait for its end, and only then close. A pin such as "graphql-core>=3.2" lets both in.
# Seen:
#   3.2.14: aclose() returns; the pending call gets StopAsyncIteration; source closed True
#   3.3.2: aclose() raises RuntimeError; the pending call gets {'ticks': 1}; source closed False
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
for version in 3.2.14 3.3.2; do
  "$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    --target "$folder/$version" "graphql-core==$version"
done

cat >"$folder/close.py" <<'PYTHON'
import asyncio
import inspect
import sys
from importlib.metadata import version

from graphql import GraphQLField, GraphQLInt, GraphQLObjectType, GraphQLSchema, parse, subscribe

closed = False


async def ticks(*_):
    global closed
    try:
        for number in range(10):
            yield {"ticks": number}
            await asyncio.sleep(0.5)
    finally:
        closed = True


async def main():
    query = GraphQLObjectType("Query", {"unused": GraphQLField(GraphQLInt)})
    subscription = GraphQLObjectType("Subscription", {"ticks": GraphQLField(GraphQLInt, subscribe=ticks)})
    results = subscribe(GraphQLSchema(query, subscription=subscription), parse("subscription { ticks }"))
    if inspect.isawaitable(results):
        results = await results
    await anext(results)

    pending = asyncio.ensure_future(anext(results))
    await asyncio.sleep(0.1)  # it waits for the second event, which is due in 0.4 s
    try:
        await results.aclose()
        closing = "returns"
    except RuntimeError as error:
        closing = f"raises {type(error).__name__}"
    try:
        outcome = str((await asyncio.wait_for(pending, 5)).data)
    except StopAsyncIteration as error:
        outcome = type(error).__name__
    seen = f"aclose() {closing}; the pending call gets {outcome}; source closed {closed}"
    print(f"{version('graphql-core')}: {seen}")
    assert seen == sys.argv[1], seen
    await results.aclose()  # now that nothing is pending


asyncio.run(main())
PYTHON
PYTHONPATH="$folder/3.2.14" "$folder/venv/bin/python" "$folder/close.py" \
  "aclose() returns; the pending call gets StopAsyncIteration; source closed True"
PYTHONPATH="$folder/3.3.2" "$folder/venv/bin/python" "$folder/close.py" \
  "aclose() raises RuntimeError; the pending call gets {'ticks': 1}; source closed False"
