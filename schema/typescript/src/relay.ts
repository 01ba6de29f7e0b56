import { Network, Observable, requestSubscription } from "relay-runtime";
import type { Environment, GraphQLTaggedNode, OperationType } from "relay-runtime";
import type { Operation, Result, SubscriptionClient } from "./client.js";
import { keeping, type List, type ListData } from "./live-list.js";
import { echoing, type LatestToken } from "./token.js";

/** Return GraphQL's errors as one error to throw. */
const raised = (reason: unknown): Error =>
  Array.isArray(reason)
    ? Object.assign(new Error(reason.map(({ message }) => message).join("\n")), { errors: reason })
    : (reason as Error);

/** Return a network with queries and mutations over HTTP, and subscriptions through a client of graphql-ws or graphql-sse. */
export const network = (
  url: string,
  latest: LatestToken,
  sockets: SubscriptionClient,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): ReturnType<typeof Network.create> => {
  const headers = { "Content-Type": "application/json", Accept: "application/graphql-response+json" };
  const ask = async ({ text: query }: { text: string | null | undefined }, variables: object) => {
    const body = JSON.stringify({ query, variables });
    return (await echoing(latest, fetch)(url, { method: "POST", headers, body })).json();
  };
  const follow = ({ text: query }: { text: string | null | undefined }, variables: object) =>
    Observable.create((sink: { next(value: never): void; error(error: Error): void; complete(): void }) =>
      sockets.subscribe({ query: query ?? "", variables: variables as Operation["variables"] }, {
        next: (result: Result) => sink.next(result as never),
        error: (reason: unknown) => sink.error(raised(reason)),
        complete: () => sink.complete(),
      }),
    );
  return Network.create(ask as never, follow as never);
};

/** The edges of a list in what relay-compiler says of a subscription. */
export type EdgeOf<Subscription extends OperationType> = Subscription["response"] extends ListData<infer Edge> ? Edge : never;

/**
 * Follow a list, and show it after each item; return how to leave it. In a component:
 *
 *   useEffect(() => followList<OrdersUpdated>(environment, query, variables, setList, setError), [environment, variables]);
 */
export const followList = <Subscription extends OperationType>(
  environment: Environment,
  subscription: GraphQLTaggedNode,
  variables: Subscription["variables"],
  show: (list: List<EdgeOf<Subscription>>) => void,
  fail: (error: Error) => void,
): (() => void) => {
  const take = keeping(show);
  const following = requestSubscription<OperationType>(environment, {
    subscription,
    variables,
    onNext: (data) => take(data as ListData<EdgeOf<Subscription>>),
    onError: fail,
  });
  return () => following.dispose();
};
