// The operations that run in each tab. GraphiQL supports only one at a time: it stops a subscription when another tab
// is opened, and shows a late response in whichever tab is open. Here subscriptions continue, and responses wait until
// their tab is opened.

import { failure } from "./fetcher.js";
import { identify } from "./operations.js";

const MESSAGES_SHOWN = 20;

/** Return the functions that run operations in tabs, which they identify by id, and report outcomes to `status`. */
export function createTabs(transport, status) {
  const watches = new Map();
  const answers = new Map();
  const pending = new Map();
  let open = null;
  let resumed = null;
  let runs = 0;
  let show = () => {};

  async function introspect(params, headers) {
    const result = await transport.post(params, headers);
    if (result.errors) status.notSent(`The schema could not be loaded: ${result.errors[0].message}`);
    return result;
  }

  async function answer(tab, { params, kind }, headers) {
    const run = ++runs;
    const begun = performance.now();
    pending.set(tab, run);
    const result = await transport.post(params, headers);
    status.answered(result, { kind, milliseconds: performance.now() - begun, token: transport.token() });
    if (pending.get(tab) !== run) return new Promise(() => {}); // a later operation of this tab replaces it
    pending.delete(tab);
    if (tab === open && run === runs) return result;
    answers.set(tab, JSON.stringify(result, null, 2));
    if (tab === open) show(tab);
    return new Promise(() => {}); // GraphiQL would show the result in the tab that is open now
  }

  function watch(tab, { params, name }) {
    let observer = null;
    let received = 0;
    let newestFirst = [];
    let ended = false;
    let last = {};

    const shown = () => ({ ...last, received, newestFirst });
    const end = (outcome) => {
      ended = true;
      last = outcome ?? {};
      if (observer) {
        watches.delete(tab);
        observer.next(shown());
        observer.complete();
      }
      status.ended(tab, self, outcome ?? newestFirst[0]); // the last message may have the error that ended it
    };
    const stop = transport.subscribe(params, {
      next(message) {
        received += 1;
        newestFirst = [message, ...newestFirst].slice(0, MESSAGES_SHOWN);
        status.received(tab, self, message);
        observer?.next(shown());
      },
      error: (reason) => end(failure(reason)),
      complete: () => ended || end(),
    });
    const self = {
      name: name ?? "subscription",
      get received() {
        return received;
      },
      stop() {
        ended = true;
        watches.delete(tab);
        stop();
        status.stopped(tab, self);
      },
      subscribe(newObserver) {
        observer = newObserver;
        if (received || ended) observer.next(shown());
        if (ended) {
          watches.delete(tab);
          queueMicrotask(() => newObserver.complete()); // after GraphiQL has recorded its subscription
        }
        return {
          unsubscribe() {
            observer = null;
            // GraphiQL also unsubscribes before it opens another tab. If the tab is the same, Stop was pressed.
            setTimeout(() => !observer && !ended && tab === open && self.stop());
          },
        };
      },
    };
    watches.set(tab, self);
    status.started(tab, self);
    return self;
  }

  return {
    /** Send an operation of the open tab; this is GraphiQL's fetcher. */
    async fetch(params, { headers } = {}) {
      if (resumed) return resumed;
      if (params.operationName === "IntrospectionQuery") return introspect(params, headers);
      const operation = identify(params);
      return operation.kind === "subscription" ? watch(open, operation) : answer(open, operation, headers);
    },
    /** Show the response that has arrived for the opened tab, or resume its subscription with `run`. */
    opened(tab, all, { run, showAnswer }) {
      open = tab;
      show = (id) => {
        showAnswer(answers.get(id));
        answers.delete(id);
      };
      for (const [id, each] of watches) if (!all.includes(id)) each.stop();
      if (answers.has(tab)) show(tab);
      if (watches.has(tab)) {
        resumed = watches.get(tab);
        run();
        resumed = null;
      }
    },
    /** Record which tab is open, before anything is stopped or shown. */
    opening(tab) {
      open = tab;
    },
    notSent: status.notSent,
    /** Return whether a query or a mutation of this tab waits for its response. */
    isWaiting: (tab) => pending.has(tab),
    /** Return the name of the type of the node with this id, or undefined if there is none. */
    async typeOf(id) {
      const query = "query TypeOf($id: ID!) { node(id: $id) { __typename } }";
      return (await transport.post({ query, variables: { id } })).data?.node?.__typename;
    },
  };
}
