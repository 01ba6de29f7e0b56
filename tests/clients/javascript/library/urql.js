import { Client, fetchExchange } from "@urql/core";
import { createClient } from "graphql-ws";
import { consistent, resuming } from "diptych-client";
import { consistencyExchange, followList, liveExchange } from "diptych-client/urql";
import { pipe, subscribe } from "wonka";
import { documents } from "../operations.js";
import { soon } from "../sockets.js";

/** urql, with graphql-ws for subscriptions. */
export const connect = (url, latest) => {
  const sockets = createClient({
    url: url.replace("http", "ws"),
    retryAttempts: Infinity,
    retryWait: soon,
    shouldRetry: () => true,
  });
  const live = liveExchange(resuming(consistent(sockets, latest), { pause: 50 }));
  const exchanges = [consistencyExchange(latest), live, fetchExchange];
  const client = new Client({ url, exchanges, preferGetMethod: false });
  const dataOf = ({ data, error }) => {
    if (error) throw error;
    return data;
  };
  return {
    keep: (name, variables, show, error) => followList(client, documents[name], variables, show, error),
    query: async (name, variables) => dataOf(await client.query(documents[name], variables)),
    mutate: async (name, variables) => dataOf(await client.mutation(documents[name], variables)),
    follow: (name, variables, next, error) =>
      pipe(
        client.subscription(documents[name], variables),
        subscribe((result) => (result.error ? error(result.error) : next(result.data))),
      ),
  };
};
