// The wrapped clients of graphql-ws and graphql-sse, by all of their methods.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { consistent, LatestToken, resultOf, resuming } from "diptych-client";
import { scripted } from "./scripted.js";

const TICKS = { query: "subscription ($after: String) { ticks(after: $after) { cursor } }" };
const tick = (cursor) => ({ data: { ticks: { cursor } }, extensions: { consistencyToken: cursor } });

test("iterate sends the token, resumes, and ends with the results", async () => {
  const stopping = { errors: [{ message: "Stopping.", extensions: { code: "SERVICE_STOPPING" } }] };
  const sockets = scripted(({ variables }, sink) => {
    if (!variables.after) [tick("1"), tick("2"), stopping].forEach((result) => sink.next(result));
    else {
      sink.next(tick("3"));
      sink.complete();
    }
  });
  const client = resuming(consistent(sockets, new LatestToken("0")), { pause: 0 });
  const cursors = [];
  for await (const { data } of client.iterate(TICKS)) cursors.push(data.ticks.cursor);
  assert.deepEqual(cursors, ["1", "2", "3"]);
  assert.deepEqual(
    sockets.sent.map(({ variables, extensions }) => [variables.after, extensions.consistencyToken]),
    [
      [undefined, "0"],
      ["2", "2"],
    ],
  );
});

test("iterate throws a refusal, and leaves the subscription when it is left", async () => {
  const refusal = [{ message: "No.", extensions: { code: "FORBIDDEN" } }];
  const refused = resuming(scripted((_, sink) => sink.error(refusal)));
  await assert.rejects(refused.iterate(TICKS).next(), (reason) => reason === refusal);

  const sockets = scripted((_, sink) => sink.next(tick("1")));
  const client = resuming(sockets);
  for await (const { data } of client.iterate(TICKS)) if (data) break;
  assert.equal(sockets.left, 1);

  const waiting = client.iterate(TICKS);
  await waiting.next();
  const second = waiting.next();
  assert.deepEqual(await waiting.return(), { done: true, value: undefined });
  assert.deepEqual(await second, { done: true, value: undefined });
  assert.equal(sockets.left, 2);

  const thrown = client.iterate(TICKS);
  await thrown.next();
  const third = thrown.next();
  await thrown.throw(new Error("Enough."));
  await assert.rejects(third, /Enough/);
  assert.equal(sockets.left, 3);
});

test("a client without iterate gets none", () => {
  const { subscribe } = scripted(() => {});
  assert.equal("iterate" in resuming(consistent({ subscribe }, new LatestToken())), false);
});

test("a text that is none is an error of the sink, after subscribe has returned", async () => {
  const sockets = scripted(() => assert.fail("It was sent."));
  for (const client of [consistent(sockets, new LatestToken()), resuming(sockets)]) {
    await assert.rejects(resultOf(client, { query: "{ ticks" }), /Syntax Error/);
    await assert.rejects(resultOf(client, { query: "" }), /Syntax Error/);
    await assert.rejects(resultOf(client, { query: "query A { a } query B { b }" }), /operationName/);
    let hasReturned = false;
    const told = new Promise((resolve) => client.subscribe({ query: "{" }, { error: () => resolve(hasReturned) }));
    hasReturned = true;
    assert.equal(await told, true);
  }
});
