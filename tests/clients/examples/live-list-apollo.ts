import type { ApolloClient, DocumentNode, OperationVariables } from "@apollo/client";
import { keeping, type List } from "./live-list.ts";

/**
 * Follows a list with Apollo Client; returns how to leave it. In a component:
 *
 *   useEffect(() => followList(client, ORDERS_UPDATED, variables, setList, setError), [client, variables]);
 *
 * With `resuming` below its link, the list goes on where it was when the connection is back.
 */
export const followList = <Edge>(
  client: ApolloClient,
  query: DocumentNode,
  variables: OperationVariables,
  show: (list: List<Edge>) => void,
  fail: (error: unknown) => void,
): (() => void) => {
  const take = keeping(show);
  const following = client
    .subscribe<object>({ query, variables })
    .subscribe(({ data, error }) => (error ? fail(error) : take(data)));
  return () => following.unsubscribe();
};
