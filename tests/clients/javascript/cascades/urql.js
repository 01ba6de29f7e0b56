import { Client, fetchExchange } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { cascading, consistencyExchange } from "diptych-client/urql";
import { pipe, subscribe } from "wonka";
import { accepted, mutation } from "./texts.js";

const MUTATIONS = ["addProduct", "updateProduct", "changePrice", "discontinueProduct", "receiveStock", "adjustStock"];
MUTATIONS.push("registerCustomer", "updateCustomer", "closeCustomer", "placeOrder", "payOrder", "shipOrder");
MUTATIONS.push("cancelOrder", "forgetCustomer", "sendCommands");

/** Types without an id, whose objects are part of the one that shows them. */
const EMBEDDED = ["Money", "OrderStep", "OrderTotals", "ProductFacets", "CategoryCount", "Sales", "SalesTotals"];
EMBEDDED.push("ProductSales", "Cascade", "CascadeNode", "CascadeField");
const keys = Object.fromEntries(EMBEDDED.map((type) => [type, () => null]));

export const connect = (url, latest) => {
  const updates = { Mutation: Object.fromEntries(MUTATIONS.map((name) => [name, cascading])) };
  const exchanges = [cacheExchange({ updates, keys }), consistencyExchange(latest), fetchExchange];
  const client = new Client({ url, exchanges, preferGetMethod: false });
  return {
    watch: (_artifact, query, variables, show) =>
      pipe(
        client.query(query, variables),
        subscribe(({ data, error }) => {
          if (error) throw error;
          show(data);
        }),
      ),
    again: (_artifact, query, variables) =>
      void client.query(query, variables, { requestPolicy: "cache-and-network" }).toPromise(),
    send: async (name, input, cascade) => {
      const { data, error } = await client.mutation(mutation(name, cascade), { input }).toPromise();
      if (error) throw error;
      accepted(data[name]);
    },
  };
};
