import { getOperationAST, parse } from "graphql";

/** Codes of faults that pass: what was asked may be asked again. Every other error is a refusal. */
export const PASSING = ["SERVICE_STOPPING", "READ_MODEL_BEHIND", "READ_STORE_UNAVAILABLE", "WRITE_STORE_UNAVAILABLE"];

const passes = ({ extensions }) =>
  PASSING.includes(extensions?.code) && extensions.freshness?.state !== "FAILED";

/** Whether they befell the subscription, and not a field of one item after which others come. */
const areOfAll = (errors) => errors.some(({ path }) => !path || path.length < 2);

const isSubscription = ({ query, operationName }) =>
  getOperationAST(parse(query), operationName)?.operation === "subscription";

/**
 * A client of graphql-ws or graphql-sse whose subscriptions go on where they were: when the connection is back,
 * and `pause` milliseconds after a fault of the service that passes. A refusal goes to `sink.error`.
 *
 * Both send a subscription's variables anew when they reconnect: so keep the last item's cursor in `after`.
 * Queries and mutations are left alone. Send mutations with a `commandId`: graphql-ws repeats what was not answered.
 */
export const resuming = (client, { pause = 1000 } = {}) => ({
  ...client,
  subscribe(operation, sink, ...more) {
    if (!isSubscription(operation)) return client.subscribe(operation, sink, ...more);
    const variables = { ...operation.variables };
    let leave, timer;
    const start = () => {
      let ended = false;
      const end = (errors) => {
        ended = true;
        leave?.();
        if (errors.every(passes)) timer = setTimeout(start, pause);
        else sink.error(errors);
      };
      const next = (result) => {
        if (ended) return;
        const { errors } = result;
        if (errors && !result.data && (errors.every(passes) || areOfAll(errors))) return end(errors);
        const [item] = Object.values(result.data ?? {});
        if (item?.cursor) variables.after = item.cursor;
        sink.next(result);
      };
      const error = (reason) => (Array.isArray(reason) ? end(reason) : sink.error(reason));
      const complete = () => ended || sink.complete();
      leave = undefined;
      leave = client.subscribe({ ...operation, variables }, { ...sink, next, error, complete }, ...more);
    };
    start();
    return () => {
      clearTimeout(timer);
      leave?.();
    };
  },
});

/** What graphql-sse needs beside, or it comes back for ever after it was refused (HTTP 4xx): its `fetchFn` and `retry`. */
export const unlessRefused = (fetch, retry) => {
  let refusal;
  return {
    fetchFn: async (url, options) => {
      const response = await fetch(url, options);
      const refused = response.status >= 400 && response.status < 500;
      refusal = refused ? new Error(`HTTP ${response.status}: ${await response.clone().text()}`) : undefined;
      return response;
    },
    retry: async (retries) => {
      if (refusal) throw refusal;
      await retry(retries);
    },
  };
};
