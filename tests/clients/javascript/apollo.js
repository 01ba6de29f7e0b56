import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { consistencyLink } from "../examples/apollo.js";
import { documents } from "./operations.js";
import { sockets } from "./sockets.js";

export const connect = (url, latest) => {
  const client = new ApolloClient({
    link: ApolloLink.split(
      ({ operationType }) => operationType === "subscription",
      new GraphQLWsLink(sockets(url)),
      consistencyLink(latest).concat(new HttpLink({ uri: url })),
    ),
    cache: new InMemoryCache(),
    defaultOptions: { query: { fetchPolicy: "network-only" } },
  });
  return {
    query: async (name, variables) => (await client.query({ query: documents[name], variables })).data,
    mutate: async (name, variables) => (await client.mutate({ mutation: documents[name], variables })).data,
    follow: (name, variables, next, error) =>
      client
        .subscribe({ query: documents[name], variables })
        .subscribe((result) => (result.error ? error(result.error) : next(result.data))),
  };
};
