// What a page made with Relay asks; relay-compiler turns it into .generated/relay, which the tests' client imports.
import { graphql } from "relay-runtime";

graphql`
  query ShopQuery {
    ...Shop_products @arguments(first: 10)
  }
`;

graphql`
  fragment Shop_products on Query
  @argumentDefinitions(first: { type: "Int" }, after: { type: "String" })
  @refetchable(queryName: "ShopProductsQuery") {
    products(first: $first, after: $after) @connection(key: "Shop_products") {
      edges {
        node {
          ...Shop_product
        }
      }
    }
  }
`;

graphql`
  fragment Shop_product on Product @refetchable(queryName: "ShopProductAgainQuery") {
    name
    available
  }
`;

graphql`
  query ShopProductQuery($id: ID!) {
    product(id: $id) {
      id
      name
      price {
        amount
      }
    }
  }
`;

graphql`
  mutation ShopAddProductMutation($input: AddProductInput!) {
    addProduct(input: $input) {
      receipt {
        events {
          subject
        }
      }
      errors {
        __typename
        message
        ... on DuplicateSku {
          productId
        }
      }
    }
  }
`;

graphql`
  mutation ShopAddAndShowProductMutation($input: AddProductInput!, $connections: [ID!]!) {
    addProduct(input: $input) {
      product @prependNode(connections: $connections, edgeTypeName: "ProductEdge") {
        ...Shop_product
      }
    }
  }
`;

graphql`
  mutation ShopChangePriceMutation($input: ChangePriceInput!) {
    changePrice(input: $input) {
      receipt {
        token
        events {
          position
        }
      }
      errors {
        __typename
      }
    }
  }
`;

graphql`
  mutation ShopPlaceOrderMutation($input: PlaceOrderInput!) {
    placeOrder(input: $input) {
      errors {
        __typename
        message
        ... on OutOfStock {
          productId
          requested
          available
        }
      }
    }
  }
`;

graphql`
  subscription ShopProductUpdatedSubscription($id: ID!, $after: ConsistencyToken) {
    productUpdated(id: $id, after: $after) {
      cursor
      product {
        id
        price {
          amount
        }
      }
    }
  }
`;

graphql`
  subscription ShopProductsUpdatedSubscription(
    $filter: ProductFilter
    $orderBy: ProductSort
    $first: Int
    $after: ConsistencyToken
  ) {
    productsUpdated(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
      cursor
      hasNextPage
      edges {
        node {
          id
          price {
            amount
          }
        }
      }
      changes {
        kind
        index
        previousIndex
        edge {
          node {
            id
            price {
              amount
            }
          }
        }
      }
    }
  }
`;

graphql`
  subscription ShopReadModelUpdatesSubscription($readModels: [ReadModelName!], $after: ConsistencyToken) {
    readModelUpdates(readModels: $readModels, after: $after) {
      __typename
      ... on DocumentChanged {
        changedFields
        cursor
        documentType
        eventType
        nodeId
        position
      }
      ... on Heartbeat {
        cursor
      }
      ... on Lagged {
        cursor
        count
      }
      ... on Reset {
        cursor
      }
    }
  }
`;

graphql`
  query ShopOrdersQuery {
    orders(first: 10) @connection(key: "Shop_orders") {
      edges {
        node {
          id
          customerName
          status
          version
        }
      }
    }
  }
`;

graphql`
  mutation ShopPayOrderMutation($input: PayOrderInput!) {
    payOrder(input: $input) {
      order {
        id
        status
        version
      }
      orderSummary {
        id
        status
        version
      }
      errors {
        __typename
        message
      }
    }
  }
`;

graphql`
  mutation ShopPlaceListedOrderMutation($input: PlaceOrderInput!, $connections: [ID!]!) {
    placeOrder(input: $input) {
      orderSummaryEdge @prependEdge(connections: $connections) {
        cursor
        node {
          id
          customerName
          status
          version
        }
      }
      errors {
        __typename
        message
      }
    }
  }
`;
