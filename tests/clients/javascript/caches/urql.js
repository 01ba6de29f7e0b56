import { Client, fetchExchange } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { pipe, subscribe } from "wonka";
import { consistencyExchange, prepending } from "../../examples/urql.js";
import { documents } from "../operations.js";

export const connect = (url, latest) => {
  const placeOrder = prepending(documents.Orders, "orders", "orderSummaryEdge");
  const caching = cacheExchange({ updates: { Mutation: { placeOrder } } });
  const exchanges = [caching, consistencyExchange(latest), fetchExchange];
  const client = new Client({ url, exchanges, preferGetMethod: false });
  return {
    watch: (show) =>
      pipe(
        client.query(documents.Orders, {}),
        subscribe(({ data, error }) => {
          if (error) throw error;
          show(data.orders.edges);
        }),
      ),
    pay: (input) => client.mutation(documents.PayOrder, { input }).toPromise(),
    place: (input) => client.mutation(documents.PlaceListedOrder, { input }).toPromise(),
  };
};
