import { consistent, resuming } from "diptych-client";
import { followList, network } from "diptych-client/relay";
import { createClient } from "graphql-ws";
import { commitMutation, Environment, fetchQuery, RecordSource, requestSubscription, Store } from "relay-runtime";
import { soon } from "../sockets.js";

const artifact = async (name) => (await import(`../../.generated/relay/Shop${name}.graphql.js`)).default;

/** Relay, with graphql-ws for subscriptions. */
export const connect = (url, latest) => {
  const sockets = createClient({
    url: url.replace("http", "ws"),
    retryAttempts: Infinity,
    retryWait: soon,
    shouldRetry: () => true,
  });
  const environment = new Environment({
    network: network(url, latest, resuming(consistent(sockets, latest), { pause: 50 })),
    store: new Store(new RecordSource()),
  });
  return {
    keep: async (name, variables, show, error) =>
      followList(environment, await artifact(`${name}Subscription`), variables, show, error),
    query: async (name, variables) =>
      fetchQuery(environment, await artifact(`${name}Query`), variables).toPromise(),
    mutate: async (name, variables) => {
      const mutation = await artifact(`${name}Mutation`);
      return new Promise((onCompleted, onError) =>
        commitMutation(environment, { mutation, variables, onCompleted, onError }),
      );
    },
    follow: async (name, variables, onNext, onError) => {
      const subscription = await artifact(`${name}Subscription`);
      requestSubscription(environment, { subscription, variables, onNext, onError });
    },
  };
};
