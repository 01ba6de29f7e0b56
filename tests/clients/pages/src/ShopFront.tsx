// The shop front, with urql: a search that is kept up to date, with choices that count; `ProductPage` has the rest.
import type { List } from "diptych-client";
import { consistencyExchange, followList, liveExchange } from "diptych-client/urql";
import { useEffect, useState } from "react";
import { Client, fetchExchange, Provider, useClient, useQuery } from "urql";
import { graphql, useFragment, type FragmentType } from "../../.generated/codegen";
import type { ProductFilter } from "../../.generated/codegen/graphql";
import { latest, sockets, url } from "./connection";
import { Alert, mount, Price, useHash } from "./parts";
import { ProductPage } from "./ProductPage";

const client = new Client({
  url,
  exchanges: [consistencyExchange(latest), liveExchange(sockets), fetchExchange],
  preferGetMethod: false,
});

const Tile = graphql(/* GraphQL */ `
  fragment Tile on ProductEdge {
    node {
      sku
      name
      category
      price {
        amount
        currencyCode
      }
      inStock
    }
    matches {
      field
    }
  }
`);

const ProductsUpdated = graphql(/* GraphQL */ `
  subscription ProductsUpdated($filter: ProductFilter, $after: ConsistencyToken) {
    productsUpdated(filter: $filter, first: 24, after: $after) {
      cursor
      hasNextPage
      edges {
        node {
          id
        }
        ...Tile
      }
      changes {
        kind
        index
        previousIndex
        edge {
          node {
            id
          }
          ...Tile
        }
      }
    }
  }
`);

const Choices = graphql(/* GraphQL */ `
  query Choices($filter: ProductFilter) {
    products(filter: $filter, first: 0) {
      totalCount
      choices {
        categories {
          category
          count
        }
        prices {
          priceFrom {
            amount
            currencyCode
          }
          priceTo {
            amount
            currencyCode
          }
          count
        }
        inStock
      }
    }
  }
`);

type Edge = { node: { id: string } } & FragmentType<typeof Tile>;

/** Return the products that match as they are now, and how many another choice would find. */
const useProducts = (filter: ProductFilter) => {
  const client = useClient();
  const [list, setList] = useState<List<Edge>>();
  const [error, setError] = useState<unknown>();
  const [{ data }, ask] = useQuery({ query: Choices, variables: { filter } });
  useEffect(() => followList(client, ProductsUpdated, { filter }, setList, setError), [client, filter]);
  useEffect(() => void (list && ask({ requestPolicy: "network-only" })), [list, ask]);
  return { list, error, found: data?.products };
};

const Search = () => {
  const [filter, setFilter] = useState<ProductFilter>({ discontinued: false });
  const { list, error, found } = useProducts(filter);
  const choose = (more: ProductFilter) => setFilter({ ...filter, ...more });
  const toggled = (category: string, chosen = filter.categories ?? []) =>
    chosen.includes(category) ? chosen.filter((each) => each !== category) : [...chosen, category];

  return (
    <main className="shop">
      <header>
        <h1>Shop</h1>
        <input
          type="search"
          placeholder="Search"
          aria-label="Search"
          onChange={({ target }) => choose({ search: target.value.trim() || undefined })}
        />
        <output>{found?.totalCount} found</output>
      </header>
      <aside>
        <fieldset>
          <legend>Category</legend>
          {found?.choices?.categories.map(({ category, count }) => (
            <label key={category}>
              <input
                type="checkbox"
                checked={filter.categories?.includes(category) ?? false}
                onChange={() => choose({ categories: toggled(category) })}
              />
              {category} <small>{count}</small>
            </label>
          ))}
        </fieldset>
        <fieldset>
          <legend>Price</legend>
          <label>
            <input
              type="radio"
              name="price"
              checked={!filter.priceFrom && !filter.priceTo}
              onChange={() => choose({ priceFrom: undefined, priceTo: undefined })}
            />
            any
          </label>
          {found?.choices?.prices.map(({ priceFrom, priceTo, count }) => (
            <label key={priceFrom?.amount ?? ""}>
              <input
                type="radio"
                name="price"
                checked={filter.priceFrom === priceFrom?.amount && filter.priceTo === priceTo?.amount}
                onChange={() => choose({ priceFrom: priceFrom?.amount, priceTo: priceTo?.amount })}
              />
              {priceFrom ? <Price {...priceFrom} /> : "up"} to {priceTo ? <Price {...priceTo} /> : "any"}{" "}
              <small>{count}</small>
            </label>
          ))}
        </fieldset>
        <label>
          <input
            type="checkbox"
            checked={filter.inStock ?? false}
            onChange={({ target }) => choose({ inStock: target.checked || undefined })}
          />
          In stock <small>{found?.choices?.inStock}</small>
        </label>
      </aside>
      <section className="tiles">
        <Alert>{error ? String(error) : null}</Alert>
        {list?.edges.map((edge) => (
          <ProductTile key={edge.node.id} edge={edge} />
        ))}
      </section>
    </main>
  );
};

const ProductTile = ({ edge }: { edge: FragmentType<typeof Tile> }) => {
  const { node, matches } = useFragment(Tile, edge);
  return (
    <a className="tile" href={`#${encodeURIComponent(node.sku)}`}>
      <h2>{node.name}</h2>
      <p>
        {node.category} <code>{node.sku}</code>
      </p>
      <p>
        <Price {...node.price} /> {node.inStock || <em>sold out</em>}
      </p>
      {matches.length > 0 && <small>found in {matches.map(({ field }) => field).join(", ")}</small>}
    </a>
  );
};

const Shop = () => {
  const sku = useHash();
  return sku ? <ProductPage key={sku} sku={sku} /> : <Search />;
};

mount(
  <Provider value={client}>
    <Shop />
  </Provider>,
);
