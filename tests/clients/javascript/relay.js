import { commitMutation, Environment, fetchQuery, RecordSource, requestSubscription, Store } from "relay-runtime";
import { network } from "../examples/relay.js";
import { sockets } from "./sockets.js";

const artifact = async (name) => (await import(`../.generated/relay/Shop${name}.graphql.js`)).default;

export const connect = (url, latest) => {
  const environment = new Environment({
    network: network(url, latest, sockets(url)),
    store: new Store(new RecordSource()),
  });
  return {
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
