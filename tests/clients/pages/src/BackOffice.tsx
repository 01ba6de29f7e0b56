// The back office, with Apollo Client: the orders as they are now, by status or customer; pay, ship, cancel.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { ApolloProvider, useApolloClient, useMutation, useQuery } from "@apollo/client/react";
import type { List } from "diptych-client";
import { consistencyLink, followList, resumingLink } from "diptych-client/apollo";
import { useEffect, useState } from "react";
import { graphql, useFragment, type FragmentType } from "../../.generated/codegen";
import type { CommandInput, OrderFilter, OrderStatus } from "../../.generated/codegen/graphql";
import { latest, url } from "./connection";
import { Alert, Moment, mount, Price, Status } from "./parts";

const client = new ApolloClient({
  link: ApolloLink.from([resumingLink(), consistencyLink(latest), new HttpLink({ uri: url })]),
  cache: new InMemoryCache(),
});

const OrderRow = graphql(/* GraphQL */ `
  fragment OrderRow on OrderSummary {
    orderId
    customerId
    customerName
    status
    placedAt
    units
    total {
      amount
      currencyCode
    }
    version
  }
`);

const OrdersUpdated = graphql(/* GraphQL */ `
  subscription OrdersUpdated($filter: OrderFilter, $after: ConsistencyToken) {
    ordersUpdated(filter: $filter, first: 50, after: $after) {
      cursor
      hasNextPage
      edges {
        node {
          id
          ...OrderRow
        }
      }
      changes {
        kind
        index
        previousIndex
        edge {
          node {
            id
            ...OrderRow
          }
        }
      }
    }
  }
`);

const OrderTotals = graphql(/* GraphQL */ `
  query OrderTotals($filter: OrderFilter) {
    orders(filter: $filter, first: 0) {
      totals {
        orders
        total {
          amount
          currencyCode
        }
      }
    }
  }
`);

const Send = graphql(/* GraphQL */ `
  mutation Send($commands: [CommandInput!]!) {
    sendCommands(input: { commands: $commands }) {
      errors {
        message
      }
    }
  }
`);

type Edge = { node: { id: string } & FragmentType<typeof OrderRow> };

/** Return the list of orders as it is now, and the sums over all that match. */
const useOrders = (filter: OrderFilter) => {
  const client = useApolloClient();
  const [list, setList] = useState<List<Edge>>();
  const [error, setError] = useState<unknown>();
  const { data, refetch } = useQuery(OrderTotals, { variables: { filter } });
  useEffect(() => followList(client, OrdersUpdated, { filter }, setList, setError), [client, filter]);
  useEffect(() => void (list && refetch()), [list, refetch]);
  return { list, error, totals: data?.orders?.totals };
};

const STATUSES: OrderStatus[] = ["PLACED", "PAID", "SHIPPED", "CANCELLED"];

const Orders = () => {
  const [filter, setFilter] = useState<OrderFilter>({});
  const { list, error, totals } = useOrders(filter);
  const [mutate, { data, error: failure }] = useMutation(Send);
  const send = (...commands: CommandInput[]) => void mutate({ variables: { commands } });
  const rows = useFragment(OrderRow, list?.edges.map(({ node }) => node) ?? []);
  const paid = rows.filter(({ status }) => status === "PAID");
  const toggled = (status: OrderStatus, chosen = filter.status ?? []) =>
    chosen.includes(status) ? chosen.filter((each) => each !== status) : [...chosen, status];

  return (
    <main>
      <h1>Orders</h1>
      <form className="bar">
        {STATUSES.map((status) => (
          <label key={status}>
            <input
              type="checkbox"
              checked={filter.status?.includes(status) ?? false}
              onChange={() => setFilter({ ...filter, status: toggled(status) })}
            />
            {status.toLowerCase()}
          </label>
        ))}
        {filter.customerId && (
          <button type="button" onClick={() => setFilter({ ...filter, customerId: undefined })}>
            All customers
          </button>
        )}
      </form>
      <Alert>{data?.sendCommands?.errors.map(({ message }) => message).join(" ")}</Alert>
      <Alert>{[error, failure].filter(Boolean).map(String).join(" ")}</Alert>
      <table>
        <thead>
          <tr>
            <th>Customer</th>
            <th>Placed</th>
            <th className="number">Units</th>
            <th className="number">Total</th>
            <th>Status</th>
            <th />
          </tr>
        </thead>
        <tbody>
          {rows.map(({ orderId, customerId, customerName, placedAt, units, total, status, version }) => {
            const order = { orderId, expectedVersion: version };
            return (
              <tr key={orderId}>
                <td>
                  <button className="link" onClick={() => setFilter({ ...filter, customerId })}>
                    {customerName ?? "closed"}
                  </button>
                </td>
                <td>
                  <Moment at={placedAt} />
                </td>
                <td className="number">{units}</td>
                <td className="number">
                  <Price {...total} />
                </td>
                <td>
                  <Status is={status} />
                </td>
                <td className="actions">
                  {status === "PLACED" && <button onClick={() => send({ payOrder: order })}>Paid</button>}
                  {status === "PAID" && <button onClick={() => send({ shipOrder: order })}>Ship</button>}
                  {(status === "PLACED" || status === "PAID") && (
                    <button onClick={() => send({ cancelOrder: { ...order, reason: "By the shop" } })}>Cancel</button>
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <footer className="bar">
        {totals && (
          <output>
            {totals.orders} in all, <Price {...totals.total} />
          </output>
        )}
        <button
          disabled={!paid.length}
          onClick={() =>
            send(...paid.map(({ orderId, version }) => ({ shipOrder: { orderId, expectedVersion: version } })))
          }
        >
          Ship all that are paid
        </button>
      </footer>
    </main>
  );
};

mount(
  <ApolloProvider client={client}>
    <Orders />
  </ApolloProvider>,
);
