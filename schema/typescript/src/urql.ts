import { makeErrorResult, makeOperation, makeResult, stringifyDocument } from "@urql/core";
import type { AnyVariables, Client, DocumentInput } from "@urql/core";
import type { CombinedError, Exchange, ExecutionResult, Operation as Request, OperationResult } from "@urql/core";
import { filter, make, map, merge, mergeMap, pipe, subscribe, takeUntil } from "wonka";
import { cascadesIn, type CascadeNode } from "./cascade.js";
import type { Operation, Result, SubscriptionClient } from "./client.js";
import { keeping, type EdgeIn, type List, type ListData, type ListFields } from "./live-list.js";
import { echoing, type LatestToken } from "./token.js";

/**
 * Return an exchange that sends the latest token, and notes the one that comes back; it goes before `fetchExchange`.
 *
 * A query that was under way when a mutation was answered is asked again: urql gives its answer also to who asks the same
 * after the mutation, and Graphcache hides it behind what the mutation has invalidated.
 */
export const consistencyExchange =
  (latest: LatestToken): Exchange =>
  ({ client, forward }) =>
  (operations) => {
    const writtenBefore = new Map<number, number>();
    const withToken = (operation: Request) => {
      if (operation.kind === "query") writtenBefore.set(operation.key, latest.written);
      if (operation.kind === "teardown") writtenBefore.delete(operation.key);
      const fetch = echoing(latest, operation.context.fetch, { ofMutation: operation.kind === "mutation" });
      return makeOperation(operation.kind, operation, { ...operation.context, fetch });
    };
    const withFollowUp = (result: OperationResult): OperationResult => {
      const { operation } = result;
      const before = writtenBefore.get(operation.key) ?? latest.written;
      writtenBefore.delete(operation.key);
      if (before === latest.written) return result;
      const context = { ...operation.context, requestPolicy: "network-only" as const };
      // The client sends none again before it has shown the result.
      void Promise.resolve().then(() => client.reexecuteOperation(makeOperation(operation.kind, operation, context)));
      return { ...result, stale: true };
    };
    return pipe(forward(pipe(operations, map(withToken))), map(withFollowUp));
  };

/**
 * Return an exchange for subscriptions through a client of graphql-ws or graphql-sse, each result on its own. urql's
 * `subscriptionExchange` merges them: an event without errors gets those of an earlier one.
 */
export const liveExchange =
  (client: SubscriptionClient): Exchange =>
  ({ forward }) =>
  (operations) => {
    const follow = (operation: Request) => {
      const variables = operation.variables as Operation["variables"];
      const request = { query: stringifyDocument(operation.query), variables };
      const results = make<OperationResult>(({ next, complete }) =>
        client.subscribe(request, {
          next: (result: Result) => next(makeResult(operation, result as ExecutionResult)),
          error: (reason: unknown) => {
            const failed = Array.isArray(reason)
              ? makeResult(operation, { errors: reason } as ExecutionResult)
              : makeErrorResult(operation, reason as CombinedError);
            next(failed);
            complete();
          },
          complete,
        }),
      );
      const leaves = ({ kind, key }: Request) => kind === "teardown" && key === operation.key;
      return pipe(results, takeUntil(pipe(operations, filter(leaves))));
    };
    const isFollowed = ({ kind }: Request) => kind === "subscription";
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
 * Follow a list with the `liveExchange`, and show it after each item; return how to leave it. In a component:
 *
 *   useEffect(() => followList(client, OrdersUpdated, variables, setList, setError), [client, variables]);
 */
export const followList = <Data extends ListFields<Data>, Variables extends AnyVariables>(
  client: Client,
  query: DocumentInput<Data, Variables>,
  variables: NoInfer<Variables>,
  show: (list: List<EdgeIn<Data>>) => void,
  fail: (error: unknown) => void,
): (() => void) => {
  const take = keeping(show);
  const following = pipe(
    client.subscription<Data>(query, variables as AnyVariables),
    subscribe(({ data, error }) => (error ? fail(error) : take(data as ListData<EdgeIn<Data>> | undefined))),
  );
  return () => following.unsubscribe();
};

/** The part of Graphcache's `Cache` that is needed here. */
interface Cache {
  invalidate(entity: string | { __typename: string; id: string }, field?: string, args?: Record<string, unknown> | null): void;
  inspectFields(entity: string): { fieldName: string; arguments: Record<string, unknown> | null }[];
}

/**
 * Invalidate in Graphcache what a mutation changes, if its payload selects `cascade`. Queries on the page that show any
 * of it are asked again at once, others when they are shown next. It is the update of each such mutation:
 *
 * `cacheExchange({ updates: { Mutation: { placeOrder: cascading, payOrder: cascading } } })`.
 */
export const cascading = (result: unknown, _arguments: unknown, cache: Cache): void => {
  for (const cascade of cascadesIn(result)) {
    const entity = ({ type: __typename, nodeId: id }: CascadeNode) => ({ __typename, id });
    for (const node of cascade ? [...cascade.changed, ...cascade.removed] : []) cache.invalidate(entity(node));
    const ofQuery = new Set(cascade?.fields.filter(({ type }) => type === "Query").map(({ name }) => name));
    for (const { fieldName, arguments: given } of cache.inspectFields("Query"))
      if (!cascade || ofQuery.has(fieldName)) cache.invalidate("Query", fieldName, given);
    // Graphcache lists no objects of a type whose one field could be invalidated.
    for (const { type } of cascade?.fields ?? []) if (type !== "Query") cache.invalidate(type);
  }
};
