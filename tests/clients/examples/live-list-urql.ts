import type { AnyVariables, Client, DocumentInput } from "@urql/core";
import { pipe, subscribe } from "wonka";
import { keeping, type List } from "./live-list.ts";

/**
 * Follows a list with urql and its `liveExchange`; returns how to leave it. In a component:
 *
 *   useEffect(() => followList(client, ORDERS_UPDATED, variables, setList, setError), [client, variables]);
 */
export const followList = <Edge>(
  client: Client,
  query: DocumentInput<object, AnyVariables>,
  variables: AnyVariables,
  show: (list: List<Edge>) => void,
  fail: (error: unknown) => void,
): (() => void) => {
  const take = keeping(show);
  const following = pipe(
    client.subscription(query, variables),
    subscribe(({ data, error }) => (error ? fail(error) : take(data))),
  );
  return () => following.unsubscribe();
};
