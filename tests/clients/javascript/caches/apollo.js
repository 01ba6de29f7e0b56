import { ApolloClient, HttpLink, InMemoryCache } from "@apollo/client";
import { consistencyLink, prepending } from "../../examples/apollo.js";
import { documents } from "../operations.js";

export const connect = (url, latest) => {
  const link = consistencyLink(latest).concat(new HttpLink({ uri: url }));
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  const update = prepending("orders", "orderSummaryEdge");
  return {
    watch: (show) =>
      client.watchQuery({ query: documents.Orders }).subscribe(({ data, error, dataState }) => {
        if (error) throw error;
        if (dataState === "complete") show(data.orders.edges);
      }),
    pay: (input) => client.mutate({ mutation: documents.PayOrder, variables: { input } }),
    place: (input) => client.mutate({ mutation: documents.PlaceListedOrder, variables: { input }, update }),
  };
};
