import { ApolloLink, Observable } from "@apollo/client";
import type { ApolloCache, ApolloClient, OperationVariables, TypedDocumentNode } from "@apollo/client";
import {
  CombinedProtocolErrors,
  graphQLResultHasProtocolErrors,
  PROTOCOL_ERRORS_SYMBOL,
  ServerError,
  ServerParseError,
} from "@apollo/client/errors";
import { mergeMap, of, tap } from "rxjs";
import { cascadesIn, type Cascade } from "./cascade.js";
import { cursorIn, hasFailed, passes, refusesCursor, refusesToken, type Failure, type Result } from "./client.js";
import { keeping, type EdgeIn, type List, type ListData, type ListFields } from "./live-list.js";
import { EXTENSION, HEADER, type LatestToken } from "./token.js";

/**
 * Return a link that sends the latest token, and notes the one that comes back. It goes before the `HttpLink`.
 *
 * An operation whose token is refused is sent again, and so is a query that was under way when a mutation was answered:
 * Apollo gives its answer also to who asks the same after the mutation.
 */
export const consistencyLink = (latest: LatestToken): ApolloLink =>
  new ApolloLink((operation, forward) => {
    const ask = (): Observable<ApolloLink.Result> => {
      const { seen: sent, written } = latest;
      // A subscription that is resumed comes again with the token of before.
      operation.setContext(({ headers }) => {
        const { [HEADER]: _before, ...others } = (headers ?? {}) as Record<string, string>;
        return { headers: { ...others, ...latest.headers } };
      });
      return forward(operation).pipe(
        mergeMap((result) => {
          const { response } = operation.getContext() as { response?: Response };
          latest.note(result.extensions?.[EXTENSION]);
          latest.note(response?.headers.get(HEADER), { ofMutation: operation.operationType === "mutation" });
          const isOutdated = operation.operationType === "query" && latest.written !== written;
          const isRefused = refusesToken(failuresOf(result)) && latest.refused(sent);
          return isOutdated || isRefused ? ask() : of(result);
        }),
      );
    };
    return ask();
  });

const failuresOf = (result: ApolloLink.Result): readonly Failure[] | undefined => {
  if (graphQLResultHasProtocolErrors(result)) return result.extensions[PROTOCOL_ERRORS_SYMBOL].errors;
  return hasFailed(result as Result) ? (result.errors ?? []) : undefined;
};

/**
 * Return a link whose subscriptions continue after the last item, for those that the `HttpLink` behind it opens in the
 * multipart protocol. It waits `pause` milliseconds after a lost connection, a fault of the service that passes, or an
 * answer of a proxy that does not reach the service; longer, up to a minute, where the answer says so in `Retry-After`. If
 * the cursor of an item is refused, because the service's store was replaced, the subscription starts anew.
 *
 * Select `cursor` in the subscription, and declare `$after`.
 */
export const resumingLink = ({ pause = 1000 } = {}): ApolloLink =>
  new ApolloLink((operation, forward) => {
    if (operation.operationType !== "subscription") return forward(operation);
    return new Observable((observer) => {
      let running: { unsubscribe(): void } | undefined;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const first: unknown = operation.variables["after"];
      const start = () => {
        let ended = false;
        const again = (response?: Response) => {
          ended = true;
          running?.unsubscribe();
          timer = setTimeout(start, Math.max(pause, askedToWait(response)));
        };
        const isAnew = (failures: readonly Failure[] | undefined): boolean => {
          const { after, ...variables } = operation.variables;
          if (!refusesCursor(failures) || !after || after === first) return false;
          operation.variables = variables;
          return true;
        };
        running = forward(operation).subscribe({
          next: (result) => {
            if (ended) return;
            const failures = failuresOf(result);
            const { response } = operation.getContext() as { response?: Response };
            if (failures && response && isBusy(response)) return again(response);
            if (failures?.every(passes) || isAnew(failures)) return again();
            const cursor = cursorIn(result as Result);
            if (cursor) operation.variables = { ...operation.variables, after: cursor };
            observer.next(result);
          },
          error: (reason: unknown) => {
            const isFinal = isRefusal(reason) && !(CombinedProtocolErrors.is(reason) && isAnew(reason.errors));
            if (isFinal) observer.error(reason);
            else again(isAnswer(reason) ? reason.response : undefined);
          },
          complete: () => ended || observer.complete(),
        });
      };
      start();
      return () => {
        clearTimeout(timer);
        running?.unsubscribe();
      };
    });
  });

const isAnswer = (reason: unknown): reason is ServerError | ServerParseError =>
  ServerError.is(reason) || ServerParseError.is(reason);

/** Return whether an error is final. Without an answer the connection was lost. */
const isRefusal = (reason: unknown): boolean => {
  if (CombinedProtocolErrors.is(reason)) return !reason.errors.every(passes);
  if (!isAnswer(reason) || isBusy(reason.response)) return false;
  return reason.statusCode < 500 || isOfService(reason.bodyText);
};

/** Return whether an answer, of whomever, says by its status that the same may be asked again. */
const isBusy = ({ status }: Response): boolean => [408, 429, 502, 503, 504].includes(status);

/** Return whether an answer is of the service: a proxy knows no GraphQL. */
const isOfService = (body: string): boolean => {
  try {
    return Array.isArray((JSON.parse(body) as { errors?: unknown } | null)?.errors);
  } catch {
    return false;
  }
};

const LONGEST_WAIT = 60_000;

/** Return the milliseconds that an answer asks to wait, in seconds or as a date; 0 if it does not say. */
const askedToWait = (response: Response | undefined): number => {
  const asked = response?.headers.get("Retry-After") ?? "";
  const wait = /^\d+$/.test(asked) ? Number(asked) * 1000 : Date.parse(asked) - Date.now();
  return Number.isNaN(wait) ? 0 : Math.min(wait, LONGEST_WAIT);
};

/**
 * Follow a list, and show it after each item; return how to leave it. In a component:
 *
 *   useEffect(() => followList(client, OrdersUpdated, variables, setList, setError), [client, variables]);
 */
export const followList = <Data extends ListFields<Data>, Variables extends OperationVariables>(
  client: ApolloClient,
  query: TypedDocumentNode<Data, Variables>,
  variables: NoInfer<Variables>,
  show: (list: List<EdgeIn<Data>>) => void,
  fail: (error: unknown) => void,
): (() => void) => {
  const take = keeping(show);
  const following = client
    .subscribe<unknown>({ query, variables })
    .subscribe(({ data, error }) => (error ? fail(error) : take(data as ListData<EdgeIn<Data>> | undefined)));
  return () => following.unsubscribe();
};

/**
 * Return a link that has the cache forget what a mutation changes, if its payload selects `cascade`. Queries on the page
 * that show any of it are asked again at once, others when they are shown next. It goes before the `HttpLink`.
 */
export const cascadeLink = (): ApolloLink => {
  let cascades = 0;
  return new ApolloLink((operation, forward) => {
    // An answer that was under way when a cascade came may be older than that, and is asked for again.
    const ask = (): Observable<ApolloLink.Result> => {
      const before = cascades;
      return forward(operation).pipe(mergeMap((result) => (cascades === before ? of(result) : ask())));
    };
    if (operation.operationType === "query") return ask();
    if (operation.operationType !== "mutation") return forward(operation);
    return forward(operation).pipe(
      tap(({ data }) => {
        for (const cascade of cascadesIn(data)) {
          cascades += 1;
          const { cache } = operation.client;
          cache.batch({ update: () => forget(cache, cascade) }); // which tells its watchers once
        }
      }),
    );
  });
};

const ROOT = "ROOT_QUERY";

const forget = (cache: ApolloCache, cascade: Cascade | null): void => {
  if (!cascade) {
    cache.evict({ id: ROOT });
    return;
  }
  const idOf = ({ type, nodeId }: { type: string; nodeId: string }) => cache.identify({ __typename: type, id: nodeId });
  for (const node of cascade.removed) cache.evict({ id: idOf(node) });
  // Without its fields, rather than without the object: the cache leaves objects that are missing out of lists.
  for (const node of cascade.changed)
    cache.modify({
      id: idOf(node),
      fields: (value, { fieldName, DELETE }) => (fieldName === "__typename" || fieldName === "id" ? value : DELETE),
    });
  const ids = Object.keys(cache.extract() as object);
  for (const { type, name: fieldName } of cascade.fields) {
    const owners = type === "Query" ? [ROOT] : ids.filter((id) => id.startsWith(`${type}:`));
    for (const id of owners) cache.evict({ id, fieldName });
  }
};
