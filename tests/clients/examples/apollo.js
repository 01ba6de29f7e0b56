import { ApolloLink } from "@apollo/client";
import { tap } from "rxjs";
import { HEADER } from "./latest-token.js";

/** Goes before the `HttpLink`. */
export const consistencyLink = (latest) =>
  new ApolloLink((operation, forward) => {
    operation.setContext(({ headers }) => ({ headers: { ...headers, ...latest.headers } }));
    return forward(operation).pipe(
      tap(({ errors }) => {
        latest.note(operation.getContext().response?.headers.get(HEADER));
        latest.heed(errors);
      }),
    );
  });

/**
 * The `update` of a mutation that puts an edge of its payload first into the lists of a root field that the cache has:
 * `prepending("orders", "orderSummaryEdge")`. Lists with a filter or an order of their own are left alone.
 */
export const prepending = (list, name) => (cache, { data }) => {
  const edge = Object.values(data ?? {})[0]?.[name];
  if (!edge) return;
  const first = (connection, { storeFieldName, toReference }) => {
    if (/"(filter|orderBy|after|before)"/.test(storeFieldName)) return connection;
    return { ...connection, edges: [{ ...edge, node: toReference(edge.node) }, ...connection.edges] };
  };
  cache.modify({ fields: { [list]: first } });
};
