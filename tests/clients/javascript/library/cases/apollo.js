// The `resumingLink` with answers that the service, or a proxy before it, gives while it is restarted or busy.
import { strict as assert } from "node:assert";
import { createServer } from "node:http";
import { test } from "node:test";
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { resumingLink } from "diptych-client/apollo";
import { parse } from "graphql";

const JSON_TYPE = "application/json";

/** Serve these answers in turn, each `[status, headers, body]`, the last one for ever; note when each was asked for. */
const answering = async (use, ...answers) => {
  const asked = [];
  const server = createServer((_request, response) => {
    const [status, headers, body] = answers[Math.min(asked.length, answers.length - 1)];
    asked.push(performance.now());
    response.writeHead(status, headers).end(body);
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  try {
    return await use(`http://127.0.0.1:${server.address().port}/graphql`, asked);
  } finally {
    server.closeAllConnections();
    server.close();
  }
};

const ITEM = ["--graphql", `Content-Type: ${JSON_TYPE}`, "", '{"payload": {"data": {"ticks": {"cursor": "1"}}}}'];
const STREAM = [200, { "Content-Type": "multipart/mixed; boundary=graphql" }, `\r\n${ITEM.join("\r\n")}\r\n--graphql--\r\n`];

/** Return the first item or error of a subscription through the `resumingLink`. */
const followed = (url) =>
  new Promise((resolve, reject) => {
    const link = ApolloLink.from([resumingLink({ pause: 10 }), new HttpLink({ uri: url })]);
    new ApolloClient({ link, cache: new InMemoryCache() })
      .subscribe({ query: parse("subscription ($after: String) { ticks(after: $after) { cursor } }") })
      .subscribe({ next: ({ data, error }) => (error ? reject(error) : resolve(data)), error: reject });
  });

const COMES_BACK = {
  "502 of a proxy": [502, { "Content-Type": "text/html" }, "<h1>Bad Gateway</h1>"],
  "503 of a proxy": [503, { "Content-Type": "text/plain" }, "no server is available"],
  "504 of a proxy": [504, {}, ""],
  "520 of a proxy": [520, { "Content-Type": "text/html" }, "<h1>Unknown</h1>"],
  "503 of the service": [503, { "Content-Type": JSON_TYPE }, '{"errors": [{"message": "Too many connections are open."}]}'],
  408: [408, {}, ""],
  429: [429, {}, "slower"],
  "429 of the service": [
    429,
    { "Content-Type": "application/graphql-response+json" },
    '{"errors": [{"message": "Slower.", "extensions": {"code": "THROTTLED"}}]}',
  ],
};
for (const [name, answer] of Object.entries(COMES_BACK)) {
  test(`resumingLink comes back after ${name}`, () =>
    answering(async (url, asked) => {
      assert.equal((await followed(url)).ticks.cursor, "1");
      assert.equal(asked.length, 3);
    }, answer, answer, STREAM));
}

const IS_FINAL = {
  400: [400, { "Content-Type": JSON_TYPE }, '{"errors": [{"message": "No such field."}]}'],
  401: [401, {}, ""],
  404: [404, { "Content-Type": "text/html" }, "<h1>Not Found</h1>"],
  "500 of the service": [500, { "Content-Type": JSON_TYPE }, '{"errors": [{"message": "Something went wrong."}]}'],
};
for (const [name, answer] of Object.entries(IS_FINAL)) {
  test(`resumingLink does not come back after ${name}`, () =>
    answering(async (url, asked) => {
      await assert.rejects(followed(url));
      assert.equal(asked.length, 1);
    }, answer, STREAM));
}

test("resumingLink waits as long as Retry-After says", () =>
  answering(async (url, asked) => {
    await followed(url);
    assert.ok(asked[1] - asked[0] >= 990, `${asked[1] - asked[0]} ms`);
  }, [503, { "Retry-After": "1" }, ""], STREAM));

test("resumingLink waits for no date of the past, and at most a minute", async () => {
  const { setTimeout } = globalThis;
  const waits = [];
  globalThis.setTimeout = (act, wait, ...more) => {
    waits.push(wait);
    return setTimeout(act, Math.min(wait, 10), ...more);
  };
  try {
    const saying = (when) => [503, { "Retry-After": when }, ""];
    const [past, future] = [-1, 1].map((sign) => new Date(Date.now() + sign * 3_600_000).toUTCString());
    await answering(followed, saying(past), saying(future), saying("86400"), saying("soon"), STREAM);
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  assert.deepEqual(waits.filter((wait) => wait === 10 || wait >= 60_000), [10, 60_000, 60_000, 10]);
});
