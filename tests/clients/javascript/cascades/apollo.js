import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { cascadeLink, consistencyLink } from "diptych-client/apollo";
import { accepted, mutation } from "./texts.js";

export const connect = (uri, latest) => {
  const link = ApolloLink.from([cascadeLink(), consistencyLink(latest), new HttpLink({ uri })]);
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  return {
    watch: (_artifact, query, variables, show) =>
      client.watchQuery({ query, variables }).subscribe(({ data, error, dataState }) => {
        if (error) throw error;
        if (dataState === "complete") show(data);
      }),
    again: (_artifact, query, variables) =>
      void client.query({ query, variables, fetchPolicy: "network-only" }),
    send: async (name, input, cascade) => {
      const { data } = await client.mutate({ mutation: mutation(name, cascade), variables: { input } });
      accepted(data[name]);
    },
  };
};
