// Relay's network with persisted operations, and with answers that are none of GraphQL.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { consistent, LatestToken, resuming } from "diptych-client";
import { network } from "diptych-client/relay";
import { Environment, fetchQuery, RecordSource, requestSubscription, Store } from "relay-runtime";
import { scripted } from "./scripted.js";

const environmentOf = (fetching, sockets = scripted(() => {})) =>
  new Environment({
    network: network("http://shop.example/graphql", new LatestToken(), sockets, fetching),
    store: new Store(new RecordSource()),
  });
const operation = (operationKind, fields) => ({
  kind: "Request",
  fragment: { argumentDefinitions: [], kind: "Fragment", metadata: null, name: "Persisted", selections: fields, type: "Query" },
  operation: { argumentDefinitions: [], kind: "Operation", name: "Persisted", selections: fields },
  params: { id: "abc", text: null, metadata: {}, name: "Persisted", operationKind },
});
const COUNT = [{ alias: null, args: null, kind: "ScalarField", name: "count", storageKey: null }];

const NOT_GRAPHQL = {
  "text of a proxy": new Response("no server is available", { status: 503 }),
  "JSON of a gateway": Response.json({ message: "no server is available" }, { status: 503 }),
};
for (const [name, response] of Object.entries(NOT_GRAPHQL)) {
  test(`Relay is told of the status and the text of an answer that is ${name}`, async () => {
    const asked = fetchQuery(environmentOf(async () => response), operation("query", COUNT), {}).toPromise();
    await assert.rejects(asked, /503.*no server is available/);
  });
}

test("Relay's persisted operations are sent by their ids", async () => {
  let sent;
  const fetching = async (_url, { body }) => {
    sent = JSON.parse(body);
    return Response.json({ data: { count: 1 } });
  };
  await fetchQuery(environmentOf(fetching), operation("query", COUNT), {}).toPromise();
  assert.deepEqual(sent, { query: "", documentId: "abc", variables: {} });

  const sockets = scripted((_, sink) => sink.next({ data: { count: 2 } }));
  const environment = environmentOf(fetching, resuming(consistent(sockets, new LatestToken())));
  const subscription = operation("subscription", COUNT);
  const data = await new Promise((onNext, onError) =>
    requestSubscription(environment, { subscription, variables: {}, onNext, onError }),
  );
  assert.deepEqual(data, { count: 2 });
  assert.deepEqual(sockets.sent, [
    { query: "", documentId: "abc", variables: {}, extensions: { consistencyToken: null } },
  ]);
});
