import { makeErrorResult, makeOperation, makeResult, stringifyDocument } from "@urql/core";
import { filter, make, map, merge, mergeMap, pipe, takeUntil } from "wonka";
import { echoing } from "./latest-token.js";

/** Goes before the `fetchExchange`. */
export const consistencyExchange =
  (latest) =>
  ({ forward }) =>
  (operations) => {
    const withToken = (operation) =>
      makeOperation(operation.kind, operation, {
        ...operation.context,
        fetch: echoing(latest, operation.context.fetch),
      });
    return forward(pipe(operations, map(withToken)));
  };

/**
 * Subscriptions through a client of graphql-ws or graphql-sse, each result on its own. urql's `subscriptionExchange`
 * merges them: an event without errors gets those of an earlier one, and one without data the earlier data.
 */
export const liveExchange =
  (client) =>
  ({ forward }) =>
  (operations) => {
    const follow = (operation) => {
      const request = { query: stringifyDocument(operation.query), variables: operation.variables };
      const results = make(({ next, complete }) =>
        client.subscribe(request, {
          next: (result) => next(makeResult(operation, result)),
          error: (reason) => {
            const refused = Array.isArray(reason);
            next(refused ? makeResult(operation, { errors: reason }) : makeErrorResult(operation, reason));
            complete();
          },
          complete,
        }),
      );
      const leaves = ({ kind, key }) => kind === "teardown" && key === operation.key;
      return pipe(results, takeUntil(pipe(operations, filter(leaves))));
    };
    const isFollowed = ({ kind }) => kind === "subscription";
    return merge([
      pipe(operations, filter(isFollowed), mergeMap(follow)),
      pipe(
        operations,
        filter((operation) => !isFollowed(operation)),
        forward,
      ),
    ]);
  };

/**
 * An update for Graphcache, after a mutation of this name, that puts an edge of its payload first into the lists that
 * the `query` shows: `prepending(ORDERS, "orders", "orderSummaryEdge")`. Lists that have a filter or an order of their
 * own are those of other queries.
 */
export const prepending = (query, list, name) => (result, _arguments, cache) => {
  const edge = Object.values(result)[0]?.[name];
  if (!edge) return;
  cache.updateQuery({ query }, (data) => {
    if (!data?.[list]) return data;
    return { ...data, [list]: { ...data[list], edges: [edge, ...data[list].edges] } };
  });
};
