// A product as it is now, and an order for it, with urql.
import { useState } from "react";
import { useMutation, useQuery, useSubscription } from "urql";
import { graphql, useFragment } from "../../.generated/codegen";
import { Alert, Price } from "./parts";

const Product = graphql(/* GraphQL */ `
  fragment Product on Product {
    id
    sku
    name
    description
    packaging
    price {
      amount
      currencyCode
    }
    available
    discontinued
  }
`);

const ProductOfSku = graphql(/* GraphQL */ `
  query ProductOfSku($sku: String!) {
    product(sku: $sku) {
      id
      ...Product
    }
    me {
      id
    }
  }
`);

const ProductUpdated = graphql(/* GraphQL */ `
  subscription ProductUpdated($id: ID!, $after: ConsistencyToken) {
    productUpdated(id: $id, after: $after) {
      cursor
      product {
        ...Product
      }
    }
  }
`);

const PlaceOrder = graphql(/* GraphQL */ `
  mutation PlaceOrder($input: PlaceOrderInput!) {
    placeOrder(input: $input) {
      order {
        id
      }
      errors {
        message
      }
    }
  }
`);

/** Return a product as it is now, and the customer who is signed in. */
const useProduct = (sku: string) => {
  const [{ data, error, fetching }] = useQuery({ query: ProductOfSku, variables: { sku } });
  const id = data?.product?.id ?? "";
  const [{ data: now }] = useSubscription({ query: ProductUpdated, variables: { id }, pause: !id });
  const product = useFragment(Product, now?.productUpdated.product ?? data?.product);
  return { product, error, fetching, customerId: data?.me?.id };
};

export const ProductPage = ({ sku }: { sku: string }) => {
  const { product, error, fetching, customerId } = useProduct(sku);
  const [{ data, error: failure, fetching: sending }, place] = useMutation(PlaceOrder);
  const [quantity, setQuantity] = useState(1);
  const [commandId, setCommandId] = useState(() => crypto.randomUUID());
  const order = async (productId: string, customerId: string) => {
    const { data } = await place({ input: { commandId, customerId, lines: [{ productId, quantity }] } });
    if (data) setCommandId(crypto.randomUUID()); // without an answer the same order is sent again, and placed once
  };

  if (fetching) return null;
  if (!product) return <Alert>{error?.message ?? `There is no ${sku}.`}</Alert>;
  const placed = data?.placeOrder?.order;
  return (
    <main>
      <a href="#">All products</a>
      <h1>{product.name}</h1>
      <p>{product.description}</p>
      <p>
        <code>{product.sku}</code> {product.packaging}
      </p>
      <p>
        <Price {...product.price} />, <output>{product.available} available</output>
      </p>
      {customerId ? (
        <form
          className="bar"
          onSubmit={(event) => {
            event.preventDefault();
            void order(product.id, customerId);
          }}
        >
          <input
            type="number"
            aria-label="Quantity"
            min="1"
            value={quantity}
            onChange={({ target }) => setQuantity(target.valueAsNumber)}
          />
          <button disabled={sending || product.discontinued}>Order</button>
        </form>
      ) : (
        <p>Sign in to order.</p>
      )}
      <Alert>{failure?.message ?? data?.placeOrder?.errors.map(({ message }) => message).join(" ")}</Alert>
      {placed && (
        <p>
          Thank you. <a href={`Customer.html#${encodeURIComponent(placed.id)}`}>Your order</a>
        </p>
      )}
    </main>
  );
};
