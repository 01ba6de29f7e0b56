import { getOperationAST, parse } from "graphql";
import { cursorIn, hasFailed, passes, refusesCursor, refusesToken } from "./client.js";
import type { Failure, Operation, Result, Sink, SubscriptionClient } from "./client.js";
import { EXTENSION, type LatestToken } from "./token.js";

/** Return the kind of an operation, or tell the sink that its text is none, and return undefined. */
const kindOf = ({ query, documentId, operationName }: Operation, sink: Sink): string | undefined => {
  if (documentId && !query) return "subscription";
  try {
    const kind = getOperationAST(parse(query), operationName)?.operation;
    if (kind) return kind;
    throw new Error("The text has no such operation. Name one in operationName if there are several.");
  } catch (reason) {
    // As the clients tell all errors: after `subscribe` has returned.
    void Promise.resolve().then(() => sink.error(reason));
    return undefined;
  }
};

/** Return a method `iterate` by way of `subscribe`, for a client that has it. */
const iterating = (client: SubscriptionClient, subscribe: (...given: [Operation, Sink]) => () => void): object => {
  const iterate = (operation: Operation, ...more: []): AsyncIterableIterator<Result> => {
    const pending: Result[] = [];
    let failure: { reason: unknown } | undefined;
    let ended = false;
    let wake = () => {};
    const end = () => {
      ended = true;
      wake();
    };
    const next = (result: Result) => {
      pending.push(result);
      wake();
    };
    const error = (reason: unknown) => {
      failure = { reason };
      end();
    };
    const leave = subscribe(operation, { next, error, complete: end }, ...more);
    const results = (async function* () {
      for (;;) {
        for (let result = pending.shift(); result; result = pending.shift()) yield result;
        if (failure) throw failure.reason;
        if (ended) return;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    })();
    // The generator's own would wait for the next result.
    const stop = async () => {
      leave();
      pending.length = 0;
      end();
      return { done: true, value: undefined } as const;
    };
    return Object.assign(results, {
      return: stop,
      throw: async (reason: unknown) => {
        if (!ended) failure = { reason };
        return stop();
      },
    });
  };
  return client.iterate ? { iterate } : {};
};

/**
 * Return a client of graphql-ws or graphql-sse whose operations carry the latest token, and bring a later one. One whose
 * token is refused is sent again without it.
 */
export const consistent = <C extends SubscriptionClient>(client: C, latest: LatestToken): C => {
  const subscribe = (operation: Operation, sink: Sink, ...more: []) => {
    const kind = kindOf(operation, sink);
    if (!kind) return () => {};
    let leave: (() => void) | undefined;
    const start = () => {
      const sent = latest.seen;
      const extensions = { ...operation.extensions, ...latest.extensions };
      let ended = false;
      const isSentAgain = (errors: readonly Failure[] | undefined): boolean => {
        if (ended || !refusesToken(errors) || !latest.refused(sent)) return ended;
        ended = true;
        leave?.();
        start();
        return true;
      };
      const next = (result: Result) => {
        latest.note(result.extensions?.[EXTENSION], { ofMutation: kind === "mutation" });
        if (!isSentAgain(result.errors)) sink.next(result);
      };
      const error = (reason: unknown) => {
        if (!isSentAgain(Array.isArray(reason) ? reason : undefined)) sink.error(reason);
      };
      const complete = () => {
        if (!ended) sink.complete();
      };
      leave = undefined;
      leave = client.subscribe({ ...operation, extensions }, { next, error, complete }, ...more);
    };
    start();
    return () => leave?.();
  };
  return { ...client, subscribe, ...iterating(client, subscribe) };
};

/**
 * Return a client of graphql-ws or graphql-sse whose subscriptions continue after the last item: when the connection
 * is back, and `pause` milliseconds after a fault of the service that passes. A refusal goes to `sink.error`, except that
 * of a cursor which came with an item: then the service's store was replaced, and the subscription starts anew.
 *
 * Select `cursor` in the subscription, and declare `$after`. Queries and mutations are left alone. Send mutations with
 * a `commandId`: graphql-ws sends them again if the connection is lost before the answer.
 */
export const resuming = <C extends SubscriptionClient>(client: C, { pause = 1000 } = {}): C => {
  const subscribe = (operation: Operation, sink: Sink, ...more: []) => {
    const kind = kindOf(operation, sink);
    if (!kind) return () => {};
    if (kind !== "subscription") return client.subscribe(operation, sink, ...more);
    // Both libraries send this very object again when they reconnect.
    const variables = { ...operation.variables };
    const first = variables["after"];
    let leave: (() => void) | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const start = () => {
      let ended = false;
      const end = (errors: readonly Failure[]) => {
        ended = true;
        leave?.();
        if (errors.every(passes)) timer = setTimeout(start, pause);
        else if (refusesCursor(errors) && variables["after"] && variables["after"] !== first) {
          variables["after"] = undefined;
          start();
        } else sink.error(errors);
      };
      const next = (result: Result) => {
        if (ended) return;
        if (hasFailed(result)) return end(result.errors ?? []);
        variables["after"] = cursorIn(result) ?? variables["after"];
        sink.next(result);
      };
      const error = (reason: unknown) => (Array.isArray(reason) ? end(reason) : sink.error(reason));
      const complete = () => {
        if (!ended) sink.complete();
      };
      leave = undefined;
      leave = client.subscribe({ ...operation, variables }, { next, error, complete }, ...more);
    };
    start();
    return () => {
      clearTimeout(timer);
      leave?.();
    };
  };
  return { ...client, subscribe, ...iterating(client, subscribe) };
};

/** Return the one result of a query or a mutation from a client of graphql-ws or graphql-sse. */
export const resultOf = (client: SubscriptionClient, operation: Operation): Promise<Result | undefined> =>
  new Promise((resolve, reject) => {
    let result: Result | undefined;
    const next = (value: Result) => {
      result = value;
    };
    client.subscribe(operation, { next, error: reject, complete: () => resolve(result) });
  });
