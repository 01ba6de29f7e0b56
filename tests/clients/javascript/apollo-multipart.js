import { ApolloClient, HttpLink, InMemoryCache } from "@apollo/client";
import { CombinedProtocolErrors } from "@apollo/client/errors";
import { consistencyLink } from "../examples/apollo.js";
import { PASSING } from "../examples/resuming.js";
import { documents } from "./operations.js";
import { soon } from "./sockets.js";

/** Whether to subscribe again: the connection was lost, or all errors are of those that pass. */
const passes = (error) =>
  error.errors ? error.errors.every(({ extensions }) => PASSING.includes(extensions?.code)) : true;

/** Apollo with one link for all: its `HttpLink` asks for subscriptions in the multipart protocol. */
export const connect = (url, latest) => {
  const client = new ApolloClient({
    link: consistencyLink(latest).concat(new HttpLink({ uri: url })),
    cache: new InMemoryCache(),
    defaultOptions: { query: { fetchPolicy: "network-only" } },
  });
  const follow = (name, variables, next, fail) => {
    const end = async (error) => {
      if (!passes(error)) return fail(error);
      await soon();
      start();
    };
    const start = () => {
      const running = client.subscribe({ query: documents[name], variables }).subscribe({
        next: ({ data, error }) => {
          if (error && (!data || CombinedProtocolErrors.is(error))) {
            running.unsubscribe();
            return end(error);
          }
          const [item] = Object.values(data ?? {});
          if (item?.cursor) variables = { ...variables, after: item.cursor };
          next(data);
        },
        error: end,
      });
    };
    start();
  };
  return {
    query: async (name, variables) => (await client.query({ query: documents[name], variables })).data,
    mutate: async (name, variables) => (await client.mutate({ mutation: documents[name], variables })).data,
    follow,
  };
};
