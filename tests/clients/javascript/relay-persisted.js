// Relay with operations that have an id and no text, as relay-compiler writes them with a `persistConfig`:
//   node relay-persisted.js http://127.0.0.1:8000/graphql
// It adds a product, and says the price that a query and a subscription show.
import { consistent, LatestToken, resuming } from "diptych-client";
import { network } from "diptych-client/relay";
import { createClient } from "graphql-ws";
import { commitMutation, Environment, fetchQuery, RecordSource, requestSubscription, Store } from "relay-runtime";

const [url] = process.argv.slice(2);
const artifact = async (name) => (await import(`../.generated/relay-persisted/Shop${name}.graphql.js`)).default;
const latest = new LatestToken();
const sockets = createClient({ url: url.replace("http", "ws"), retryAttempts: Infinity, shouldRetry: () => true });
const environment = new Environment({
  network: network(url, latest, resuming(consistent(sockets, latest))),
  store: new Store(new RecordSource()),
});

const mutation = await artifact("AddProductMutation");
const input = { sku: "KETTLE", name: "Kettle", category: "Kitchen", unitPrice: { amount: "1.00" } };
const { addProduct } = await new Promise((onCompleted, onError) =>
  commitMutation(environment, { mutation, variables: { input }, onCompleted, onError }),
);
const id = addProduct.receipt.events[0].subject;
const { product } = await fetchQuery(environment, await artifact("ProductQuery"), { id }).toPromise();
const subscription = await artifact("ProductUpdatedSubscription");
const { productUpdated } = await new Promise((onNext, onError) =>
  requestSubscription(environment, { subscription, variables: { id }, onNext, onError }),
);
console.log(JSON.stringify({ asked: product.price.amount, followed: productUpdated.product.price.amount }));
process.exit();
