import { makeOperation } from "@urql/core";
import { map, pipe } from "wonka";
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
