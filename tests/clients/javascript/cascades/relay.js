import { CascadingEnvironment, network } from "diptych-client/relay";
import {
  commitMutation,
  createOperationDescriptor,
  fetchQuery,
  getRequest,
  RecordSource,
  Store,
} from "relay-runtime";
import { accepted } from "./texts.js";

const { default: commands } = await import("../../.generated/relay/MountedCommandsMutation.graphql.js");
const { default: silent } = await import("../../.generated/relay/MountedSilentMutation.graphql.js");

export const connect = (url, latest) => {
  const environment = new CascadingEnvironment({
    network: network(url, latest, {}),
    store: new Store(new RecordSource()),
  });
  return {
    watch: async (query, _document, variables, show) => {
      await fetchQuery(environment, query, variables).toPromise();
      const operation = createOperationDescriptor(getRequest(query), variables);
      environment.retain(operation);
      const snapshot = environment.lookup(operation.fragment);
      environment.subscribe(snapshot, ({ data }) => show(data));
      show(snapshot.data);
    },
    again: (query, _document, variables) =>
      void fetchQuery(environment, query, variables, { networkCacheConfig: { force: true } }).subscribe({}),
    send: async (name, input, cascade) => {
      const list = name === "sendCommands" ? input : { commands: [{ [name]: input }] };
      const mutation = cascade ? commands : silent;
      const data = await new Promise((onCompleted, onError) =>
        commitMutation(environment, { mutation, variables: { input: list }, onCompleted, onError }),
      );
      accepted(data.sendCommands);
    },
  };
};
