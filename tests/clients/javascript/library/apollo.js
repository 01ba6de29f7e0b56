import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { consistencyLink, followList, resumingLink } from "diptych-client/apollo";
import { documents } from "../operations.js";

/** Apollo without websockets: its `HttpLink` asks for subscriptions in the multipart protocol. */
export const connect = (url, latest) => {
  const client = new ApolloClient({
    link: ApolloLink.from([resumingLink({ pause: 50 }), consistencyLink(latest), new HttpLink({ uri: url })]),
    cache: new InMemoryCache(),
    defaultOptions: { query: { fetchPolicy: "network-only" } },
  });
  return {
    keep: (name, variables, show, error) => followList(client, documents[name], variables, show, error),
    query: async (name, variables) => (await client.query({ query: documents[name], variables })).data,
    mutate: async (name, variables) => (await client.mutate({ mutation: documents[name], variables })).data,
    follow: (name, variables, next, error) =>
      client
        .subscribe({ query: documents[name], variables })
        .subscribe({ next: (result) => (result.error ? error(result.error) : next(result.data)), error }),
  };
};
