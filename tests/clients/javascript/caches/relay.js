import {
  commitMutation,
  ConnectionHandler,
  createOperationDescriptor,
  Environment,
  fetchQuery,
  getRequest,
  RecordSource,
  ROOT_ID,
  Store,
} from "relay-runtime";
import { network } from "../../examples/relay.js";

const artifact = async (name) => (await import(`../../.generated/relay/Shop${name}.graphql.js`)).default;

export const connect = (url, latest) => {
  const environment = new Environment({ network: network(url, latest), store: new Store(new RecordSource()) });
  const commit = async (name, variables) => {
    const mutation = await artifact(`${name}Mutation`);
    return new Promise((onCompleted, onError) =>
      commitMutation(environment, { mutation, variables, onCompleted, onError }),
    );
  };
  return {
    watch: async (show) => {
      const query = await artifact("OrdersQuery");
      await fetchQuery(environment, query, {}).toPromise();
      const operation = createOperationDescriptor(getRequest(query), {});
      environment.retain(operation);
      const snapshot = environment.lookup(operation.fragment);
      environment.subscribe(snapshot, ({ data }) => show(data.orders.edges));
      show(snapshot.data.orders.edges);
    },
    pay: (input) => commit("PayOrder", { input }),
    place: (input) => {
      const connections = [ConnectionHandler.getConnectionID(ROOT_ID, "Shop_orders")];
      return commit("PlaceListedOrder", { input, connections });
    },
  };
};
