import { commitLocalUpdate, Environment, fetchQuery, Network, Observable, requestSubscription } from "relay-runtime";
import type { GraphQLTaggedNode, OperationDescriptor, OperationType } from "relay-runtime";
import { cascadesIn, type Cascade } from "./cascade.js";
import type { Operation, Result, SubscriptionClient } from "./client.js";
import { keeping, type EdgeIn, type List, type ListData } from "./live-list.js";
import { echoing, type LatestToken } from "./token.js";

/** Return GraphQL's errors as one error to throw. */
const raised = (reason: unknown): Error =>
  Array.isArray(reason)
    ? Object.assign(new Error(reason.map(({ message }) => message).join("\n")), { errors: reason })
    : (reason as Error);

/** The part of Relay's `RequestParameters` that is needed here: a persisted operation has an id, and no text. */
interface Request {
  text?: string | null | undefined;
  id?: string | null | undefined;
}

const documentOf = ({ text, id }: Request): Pick<Operation, "query" | "documentId"> =>
  text || !id ? { query: text ?? "" } : { query: "", documentId: id };

/** Return the result in an answer; throw an error with the answer's status and text if it has none. */
const resultIn = async (response: Response): Promise<Result> => {
  const text = await response.text();
  let result: unknown;
  try {
    result = JSON.parse(text);
  } catch {
    // Such as the answer of a proxy; the error below says so.
  }
  if (result && typeof result === "object" && ("data" in result || "errors" in result)) return result as Result;
  throw new Error(`The answer with the status ${response.status} is not of GraphQL: ${text.slice(0, 500)}`);
};

/** Return a network with queries and mutations over HTTP, and subscriptions through a client of graphql-ws or graphql-sse. */
export const network = (
  url: string,
  latest: LatestToken,
  sockets: SubscriptionClient,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): ReturnType<typeof Network.create> => {
  const headers = { "Content-Type": "application/json", Accept: "application/graphql-response+json" };
  const ask = async (request: Request & { operationKind: string }, variables: object): Promise<Result> => {
    const { written } = latest;
    const body = JSON.stringify({ ...documentOf(request), variables });
    const ofMutation = request.operationKind === "mutation";
    const response = await echoing(latest, fetch, { ofMutation })(url, { method: "POST", headers, body });
    const result = await resultIn(response);
    // A query that was under way when a mutation was answered is asked again: Relay gives its answer also to who asks
    // the same after the mutation, and it would put older data back.
    return request.operationKind === "query" && latest.written !== written ? ask(request, variables) : result;
  };
  const follow = (request: Request, variables: object) =>
    Observable.create((sink: { next(value: never): void; error(error: Error): void; complete(): void }) =>
      sockets.subscribe({ ...documentOf(request), variables: variables as Operation["variables"] }, {
        next: (result: Result) => sink.next(result as never),
        error: (reason: unknown) => sink.error(raised(reason)),
        complete: () => sink.complete(),
      }),
    );
  return Network.create(ask as never, follow as never);
};

/** The edges of a list in what relay-compiler says of a subscription. */
export type EdgeOf<Subscription extends OperationType> = EdgeIn<Subscription["response"]>;

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

const ROOT = "__Root";

/**
 * An environment in which queries go stale that show what a mutation changes, if its payload selects `cascade`. Those
 * that are retained, such as all that hooks show, are asked again at once.
 */
export class CascadingEnvironment extends Environment {
  readonly #retained = new Set<OperationDescriptor>();

  override retain(operation: OperationDescriptor): ReturnType<Environment["retain"]> {
    const retained = super.retain(operation);
    this.#retained.add(operation);
    const dispose = () => {
      this.#retained.delete(operation);
      retained.dispose();
    };
    return { dispose };
  }

  override executeMutation(config: Parameters<Environment["executeMutation"]>[0]): ReturnType<Environment["executeMutation"]> {
    return super.executeMutation(config).do({
      next: (response) => {
        if (!("data" in response)) return;
        for (const cascade of cascadesIn(response.data)) this.apply(cascade);
      },
    });
  }

  /** Mark what a cascade names as stale, and ask retained queries again that show any of it. */
  apply(cascade: Cascade | null): void {
    commitLocalUpdate(this, (store) => {
      if (!cascade) return store.invalidateStore();
      for (const { nodeId } of cascade.removed) store.delete(nodeId);
      for (const { nodeId } of cascade.changed) store.get(nodeId)?.invalidateRecord();
      for (const id of this.#showing(cascade)) store.get(id)?.invalidateRecord();
    });
    for (const operation of this.#retained) {
      if (this.check(operation).status === "available") continue;
      const { request } = operation;
      fetchQuery(this, request.node, request.variables, { networkCacheConfig: { force: true } }).subscribe({});
    }
  }

  /** Return the ids of the lists that fields of a cascade show, or of a field's owner if it shows none. */
  #showing({ fields }: Cascade): Set<string> {
    const source = this.getStore().getSource();
    const found = new Set<string>();
    for (const id of source.getRecordIDs()) {
      const record = source.get(id) as Record<string, unknown> | null | undefined;
      for (const { type, name } of fields) {
        if (record?.["__typename"] !== (type === "Query" ? ROOT : type)) continue;
        for (const [key, value] of Object.entries(record))
          if (key === name || key.startsWith(`${name}(`)) found.add((value as { __ref?: string } | null)?.__ref ?? id);
      }
    }
    return found;
  }
}
