// A baseline of the benchmark: GraphQL as fastify's own adapter serves it, compiled by graphql-jit, over MongoDB's
// driver. It reads the documents of the read models, whose collections the environment names.
import Fastify from "fastify";
import mercurius from "mercurius";
import { MongoClient } from "mongodb";

const { MONGODB_URL, MONGODB_DATABASE, ORDERS, PRODUCTS, CUSTOMERS } = process.env;
const database = new MongoClient(MONGODB_URL).db(MONGODB_DATABASE);
const [orders, products, customers] = [ORDERS, PRODUCTS, CUSTOMERS].map((name) => database.collection(name));

const PAGE = 20;
const schema = `
  scalar Decimal
  scalar DateTime
  enum OrderStatus { PLACED PAID SHIPPED CANCELLED }
  enum ProductSortField { NAME PRICE }
  type Money { amount: Decimal! currencyCode: String! }
  type OrderCustomer { customerId: ID! name: String company: String }
  type OrderLine {
    sku: String! title: String! packaging: String! quantity: Int! discount: Decimal! unitPrice: Money! total: Money!
  }
  type Order {
    id: ID! version: Int! status: OrderStatus! placedAt: DateTime! units: Int!
    subtotal: Money! shippingFee: Money! total: Money! customer: OrderCustomer! lines: [OrderLine!]!
  }
  type OrderConnection { nodes: [Order!]! }
  type Customer { orders(first: Int = ${PAGE}): OrderConnection }
  type Product {
    id: ID! sku: String! name: String! category: String! packaging: String! price: Money! available: Int!
    inStock: Boolean!
  }
  type PageInfo { hasNextPage: Boolean! endCursor: String }
  type ProductConnection { nodes: [Product!]! pageInfo: PageInfo! }
  input ProductFilter { categories: [String!]! }
  input ProductSort { field: ProductSortField! }
  type Query {
    order(id: ID!): Order
    customer(id: ID!): Customer
    products(filter: ProductFilter!, orderBy: ProductSort!, first: Int = ${PAGE}): ProductConnection
  }`;

const projected = (...paths) => ({ projection: Object.fromEntries(paths.map((path) => [path, 1])) });
const LINES = ["sku", "title", "quantity", "unit_price.amount", "total.amount"].map((field) => `lines.${field}`);
const WHOLE_ORDER = projected(
  ...["version", "status", "placed_at", "units", "subtotal", "shipping_fee", "total", "customer"],
  ...[...LINES, "lines.packaging", "lines.discount"],
);
const ORDER_IN_LIST = projected("status", "placed_at", "total.amount", ...LINES);
const PRODUCT = projected("sku", "name", "category", "packaging", "price.amount", "available", "in_stock");
const ORDERED_BY = { PRICE: "price.amount", NAME: "sort_name" };

const encoded = (text) => Buffer.from(text).toString("base64url");
const globalId = (type, key) => encoded(`${type}:${key}`);
const keyIn = (id) => Buffer.from(id, "base64url").toString().split(":")[1];

const resolvers = {
  Query: {
    order: (_, { id }) => orders.findOne({ _id: keyIn(id) }, WHOLE_ORDER),
    customer: (_, { id }) => customers.findOne({ _id: keyIn(id) }, projected("_id")),
    products: async (_, { filter, orderBy, first }) => {
      const path = ORDERED_BY[orderBy.field];
      const found = await products
        .find({ category: { $in: filter.categories } }, { ...PRODUCT, sort: { [path]: 1, _id: 1 }, limit: first + 1 })
        .toArray();
      const nodes = found.slice(0, first);
      const last = nodes.at(-1);
      const cursor = () => encoded(JSON.stringify([[path], [["d", `${last.price.amount}`], ["s", last._id]]]));
      return { nodes, pageInfo: { hasNextPage: found.length > first, endCursor: last ? cursor() : null } };
    },
  },
  Customer: {
    orders: async ({ _id }, { first }) => ({
      nodes: await orders
        .find({ "customer.id": _id }, { ...ORDER_IN_LIST, sort: { placed_at: -1, _id: -1 }, limit: first })
        .toArray(),
    }),
  },
  Order: {
    id: (order) => globalId("Order", order._id),
    placedAt: (order) => order.placed_at.toISOString(),
    shippingFee: (order) => order.shipping_fee,
  },
  OrderCustomer: { customerId: (customer) => globalId("Customer", customer.id) },
  OrderLine: { discount: (line) => line.discount.toString(), unitPrice: (line) => line.unit_price },
  Product: { id: (product) => globalId("Product", product._id), inStock: (product) => product.in_stock },
  Money: { amount: (money) => money.amount.toString(), currencyCode: (money) => money.currency_code },
};

const app = Fastify();
app.register(mercurius, { schema, resolvers, jit: 1 });
console.log(`running on ${await app.listen({ host: "127.0.0.1", port: 0 })}`);
