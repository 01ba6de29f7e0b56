// What a page's author writes; graphql-codegen makes the types, and tsc holds the author to them.
import type { ApolloClient } from "@apollo/client";
import { graphql, useFragment } from "../.generated/codegen";

const Card = graphql(/* GraphQL */ `
  fragment Card on Product {
    name
    price {
      amount
      currencyCode
    }
  }
`);

const Shelf = graphql(/* GraphQL */ `
  query Shelf($filter: ProductFilter, $after: String, $atLeast: [ConsistencyToken!]) {
    products(filter: $filter, first: 10, after: $after, atLeast: $atLeast) {
      nodes {
        id
        ...Card
      }
      pageInfo {
        endCursor
      }
    }
  }
`);

const Restock = graphql(/* GraphQL */ `
  mutation Restock($input: ReceiveStockInput!) {
    receiveStock(input: $input) {
      receipt {
        token
      }
      errors {
        __typename
        message
        ... on StockTooHigh {
          limit
        }
      }
    }
  }
`);

export const prices = async (client: ApolloClient): Promise<string[]> => {
  const { data } = await client.query({ query: Shelf, variables: { filter: { priceFrom: "9.90" } } });
  return (data?.products?.nodes ?? []).map((node) => useFragment(Card, node).price.amount);
};

export const restock = async (client: ApolloClient, productId: string): Promise<string | null> => {
  const { data } = await client.mutate({
    mutation: Restock,
    variables: { input: { productId, quantity: 12, commandId: crypto.randomUUID() } },
  });
  const [refusal] = data?.receiveStock?.errors ?? [];
  if (refusal?.__typename === "StockTooHigh") return `at most ${refusal.limit.toFixed()}`;
  // @ts-expect-error: only a `StockTooHigh` has a limit.
  if (refusal?.limit) return null;
  return refusal?.message ?? data?.receiveStock?.receipt.token ?? null;
};
