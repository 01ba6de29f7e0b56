import { createClient } from "graphql-sse";
import { resultOf } from "../examples/graphql-ws.js";
import { echoing } from "../examples/latest-token.js";
import { resuming, unlessRefused } from "../examples/resuming.js";
import { dataOf, texts } from "./operations.js";
import { soon } from "./sockets.js";

export const connect = (url, latest) => {
  const client = resuming(
    createClient({ url, ...unlessRefused(echoing(latest), soon), retryAttempts: Infinity }),
    { pause: 50 },
  );
  const ask = async (name, variables) => dataOf(await resultOf(client, { query: texts[name], variables }));
  const follow = (name, variables, next, error) =>
    client.subscribe({ query: texts[name], variables }, { next: (result) => next(dataOf(result)), error });
  return { query: ask, mutate: ask, follow };
};
