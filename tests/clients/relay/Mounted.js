// What a page shows while commands are sent; the tests of cascades use these queries with each library.
import { graphql } from "relay-runtime";

graphql`
  query MountedProductsQuery {
    products(first: 50) {
      totalCount
      nodes {
        id
        name
        available
        price {
          amount
        }
      }
      facets {
        categories {
          category
          count
        }
      }
    }
  }
`;

graphql`
  query MountedDearestQuery($category: String!) {
    products(filter: { inStock: true, categories: [$category] }, orderBy: { field: PRICE, direction: DESC }, first: 3) {
      edges {
        cursor
        node {
          id
          price {
            amount
          }
        }
      }
    }
  }
`;

graphql`
  query MountedBySkuQuery($sku: String!) {
    product(sku: $sku) {
      id
      name
    }
  }
`;

graphql`
  query MountedPageQuery($product: ID!) {
    product(id: $product) {
      id
      onHand
    }
  }
`;

graphql`
  query MountedOrdersQuery {
    orders(first: 50) {
      nodes {
        id
        customerName
        status
      }
      totals {
        total {
          amount
        }
      }
    }
  }
`;

graphql`
  query MountedPaidQuery {
    orders(filter: { status: [PAID] }) {
      totalCount
      nodes {
        id
        order {
          id
          timeline {
            status
          }
        }
      }
    }
  }
`;

graphql`
  query MountedOrderQuery($order: ID!) {
    order(id: $order) {
      id
      status
    }
  }
`;

graphql`
  query MountedCustomersQuery {
    customers(orderBy: { field: LIFETIME_SPEND, direction: DESC }, first: 50) {
      nodes {
        id
        name
        orderCount
      }
    }
  }
`;

graphql`
  query MountedAccountQuery($customer: ID!) {
    customer(id: $customer) {
      id
      orders(filter: { status: [PLACED] }) {
        totalCount
        nodes {
          id
          placedAt
        }
      }
    }
  }
`;

graphql`
  query MountedSalesQuery {
    sales {
      total {
        orders
        cancelled
        shipped
      }
      bestSellers(first: 5) {
        title
        units
      }
    }
  }
`;

graphql`
  query MountedActivityQuery {
    activity(first: 5) {
      nodes {
        id
        type
      }
    }
  }
`;

graphql`
  mutation MountedCommandsMutation($input: SendCommandsInput!) {
    sendCommands(input: $input) {
      cascade {
        changed {
          type
          nodeId
        }
        removed {
          type
          nodeId
        }
        fields {
          type
          name
        }
      }
      errors {
        message
      }
    }
  }
`;

graphql`
  mutation MountedSilentMutation($input: SendCommandsInput!) {
    sendCommands(input: $input) {
      errors {
        message
      }
    }
  }
`;
