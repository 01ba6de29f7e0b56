// A customer's own page, with Relay: their orders as they are now, one order, and its cancellation.
import { network } from "diptych-client/relay";
import { Suspense, useMemo, useState } from "react";
import {
  graphql,
  RelayEnvironmentProvider,
  useFragment,
  useLazyLoadQuery,
  useMutation,
  usePaginationFragment,
  useSubscription,
} from "react-relay";
import { Environment, RecordSource, Store } from "relay-runtime";
import type { CustomerCancelMutation } from "../../.generated/pages/CustomerCancelMutation.graphql";
import type { CustomerLiveSubscription } from "../../.generated/pages/CustomerLiveSubscription.graphql";
import type { CustomerOneOrderQuery } from "../../.generated/pages/CustomerOneOrderQuery.graphql";
import type { CustomerQuery } from "../../.generated/pages/CustomerQuery.graphql";
import type { Customer_order$key } from "../../.generated/pages/Customer_order.graphql";
import type { Customer_orders$key } from "../../.generated/pages/Customer_orders.graphql";
import type { Customer_row$key } from "../../.generated/pages/Customer_row.graphql";
import { latest, sockets, url } from "./connection";
import { Alert, Moment, mount, Price, Status, useHash } from "./parts";

const environment = new Environment({
  network: network(url, latest, sockets),
  store: new Store(new RecordSource()),
});

const Page = () => {
  const { me } = useLazyLoadQuery<CustomerQuery>(
    graphql`
      query CustomerQuery {
        me {
          name
          ...Customer_orders
        }
      }
    `,
    {},
  );
  const orderId = useHash();
  if (!me) return <Alert>Sign in to see your orders.</Alert>;
  return (
    <main>
      <h1>Orders of {me.name}</h1>
      <Orders customer={me} />
      <Suspense>{orderId && <OneOrder id={orderId} />}</Suspense>
    </main>
  );
};

const Orders = ({ customer }: { customer: Customer_orders$key }) => {
  const { data, hasNext, loadNext } = usePaginationFragment(
    graphql`
      fragment Customer_orders on Customer
      @argumentDefinitions(first: { type: "Int", defaultValue: 10 }, after: { type: "String" })
      @refetchable(queryName: "CustomerOrdersQuery") {
        id
        orders(first: $first, after: $after) @connection(key: "Customer_orders") {
          __id
          edges {
            node {
              id
              ...Customer_row
            }
          }
        }
      }
    `,
    customer,
  );
  useLiveOrders(data.id, data.orders?.__id);
  return (
    <>
      <ul className="rows">
        {data.orders?.edges.map(({ node }) => <Row key={node.id} order={node} />)}
      </ul>
      {hasNext && <button onClick={() => loadNext(10)}>Older orders</button>}
    </>
  );
};

/** Keep every order in the store as it is now, and put new ones first into the list. */
const useLiveOrders = (customerId: string, connection: string | undefined) =>
  useSubscription<CustomerLiveSubscription>(
    useMemo(
      () => ({
        subscription: graphql`
          subscription CustomerLiveSubscription(
            $customerId: ID!
            $connections: [ID!]!
            $after: ConsistencyToken
          ) {
            customerOrdersUpdated(customerId: $customerId, after: $after) {
              cursor
              order @prependNode(connections: $connections, edgeTypeName: "OrderEdge") {
                ...Customer_row
                ...Customer_order
              }
            }
          }
        `,
        variables: { customerId, connections: connection ? [connection] : [], after: latest.seen || null },
      }),
      [customerId, connection],
    ),
  );

const Row = ({ order }: { order: Customer_row$key }) => {
  const { id, placedAt, status, total } = useFragment(
    graphql`
      fragment Customer_row on Order {
        id
        placedAt
        status
        total {
          amount
          currencyCode
        }
      }
    `,
    order,
  );
  return (
    <li>
      <a href={`#${encodeURIComponent(id)}`}>
        <Moment at={placedAt} />
      </a>
      <Price {...total} /> <Status is={status} />
    </li>
  );
};

const OneOrder = ({ id }: { id: string }) => {
  const { order } = useLazyLoadQuery<CustomerOneOrderQuery>(
    graphql`
      query CustomerOneOrderQuery($id: ID!) {
        order(id: $id) {
          ...Customer_order
        }
      }
    `,
    { id },
  );
  return order ? <Details order={order} /> : <Alert>There is no such order.</Alert>;
};

const Details = ({ order }: { order: Customer_order$key }) => {
  const { id, status, lines, total, timeline, version } = useFragment(
    graphql`
      fragment Customer_order on Order {
        id
        status
        lines {
          sku
          title
          quantity
          total {
            amount
            currencyCode
          }
        }
        total {
          amount
          currencyCode
        }
        timeline {
          status
          at
        }
        version
      }
    `,
    order,
  );
  return (
    <section aria-label="Order">
      <table>
        <tbody>
          {lines.map((line) => (
            <tr key={line.sku}>
              <td className="number">{line.quantity} ×</td>
              <td>
                <a href={`ShopFront.html#${encodeURIComponent(line.sku)}`}>{line.title}</a>
              </td>
              <td className="number">
                <Price {...line.total} />
              </td>
            </tr>
          ))}
          <tr>
            <td />
            <td>Total</td>
            <td className="number">
              <Price {...total} />
            </td>
          </tr>
        </tbody>
      </table>
      <ol>
        {timeline.map(({ status, at }) => (
          <li key={status}>
            <Status is={status} /> <Moment at={at} />
          </li>
        ))}
      </ol>
      {(status === "PLACED" || status === "PAID") && <Cancel orderId={id} expectedVersion={version} />}
    </section>
  );
};

const Cancel = (order: { orderId: string; expectedVersion: number }) => {
  const [cancel, sending] = useMutation<CustomerCancelMutation>(graphql`
    mutation CustomerCancelMutation($input: CancelOrderInput!) {
      cancelOrder(input: $input) {
        order {
          ...Customer_order
        }
        errors {
          message
        }
      }
    }
  `);
  const [refusal, setRefusal] = useState("");
  const onCompleted = ({ cancelOrder }: CustomerCancelMutation["response"]) =>
    setRefusal(cancelOrder?.errors.map(({ message }) => message).join(" ") ?? "");
  return (
    <>
      <button disabled={sending} onClick={() => cancel({ variables: { input: order }, onCompleted })}>
        Cancel this order
      </button>
      <Alert>{refusal}</Alert>
    </>
  );
};

mount(
  <RelayEnvironmentProvider environment={environment}>
    <Suspense>
      <Page />
    </Suspense>
  </RelayEnvironmentProvider>,
);
