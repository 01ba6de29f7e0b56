import { Client, fetchExchange } from "@urql/core";
import { pipe, subscribe } from "wonka";
import { consistencyExchange, liveExchange } from "../examples/urql.js";
import { documents } from "./operations.js";
import { sockets } from "./sockets.js";

export const connect = (url, latest) => {
  const exchanges = [consistencyExchange(latest), liveExchange(sockets(url)), fetchExchange];
  const client = new Client({ url, exchanges, preferGetMethod: false });
  const dataOf = ({ data, error }) => {
    if (error) throw error;
    return data;
  };
  return {
    query: async (name, variables) => dataOf(await client.query(documents[name], variables)),
    mutate: async (name, variables) => dataOf(await client.mutation(documents[name], variables)),
    follow: (name, variables, next, error) =>
      pipe(
        client.subscription(documents[name], variables),
        subscribe((result) => (result.error ? error(result.error) : next(result.data))),
      ),
  };
};
