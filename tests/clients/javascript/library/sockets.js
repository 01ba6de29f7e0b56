import { consistent, resultOf, resuming } from "diptych-client";
import { createClient } from "graphql-ws";
import { dataOf, texts } from "../operations.js";
import { soon } from "../sockets.js";

/** graphql-ws alone: queries and mutations go over the socket, too, and no header is used. */
export const connect = (url, latest) => {
  const sockets = createClient({
    url: url.replace("http", "ws"),
    retryAttempts: Infinity,
    retryWait: soon,
    shouldRetry: () => true,
  });
  const client = resuming(consistent(sockets, latest), { pause: 50 });
  const ask = async (name, variables) => dataOf(await resultOf(client, { query: texts[name], variables }));
  const follow = (name, variables, next, error) =>
    client.subscribe(
      { query: texts[name], variables },
      { next: (result) => next(dataOf(result)), error, complete: () => {} },
    );
  return { query: ask, mutate: ask, follow };
};
