// The types of diptych-client fit those of the libraries that it is for.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import type { TypedDocumentNode } from "@apollo/client";
import { Client, fetchExchange } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { cascadesIn, consistent, cursorIn, keeping, LatestToken, resultOf, resuming } from "diptych-client";
import type { EdgeIn, List, ListData, ListFields } from "diptych-client";
import { cascadeLink, consistencyLink, followList as followApollo, resumingLink } from "diptych-client/apollo";
import { CascadingEnvironment, followList as followRelay, network } from "diptych-client/relay";
import { cascading, consistencyExchange, followList as followUrql, liveExchange } from "diptych-client/urql";
import { createClient as createEvents } from "graphql-sse";
import { createClient as createSockets } from "graphql-ws";
import { Environment, RecordSource, Store } from "relay-runtime";
import type { GraphQLTaggedNode } from "relay-runtime";

const url = "http://127.0.0.1:8000/graphql";
const latest = new LatestToken();
const sockets = resuming(consistent(createSockets({ url }), latest));
export const events = resuming(consistent(createEvents({ url }), latest));
export const apollo = new ApolloClient({
  link: ApolloLink.from([cascadeLink(), resumingLink(), consistencyLink(latest), new HttpLink({ uri: url })]),
  cache: new InMemoryCache(),
});
export const urql = new Client({
  url,
  exchanges: [cacheExchange({ updates: { Mutation: { placeOrder: cascading } } }), consistencyExchange(latest), liveExchange(sockets), fetchExchange],
  preferGetMethod: false,
});
export const relay = new Environment({ network: network(url, latest, sockets), store: new Store(new RecordSource()) });
export const cursor = async (): Promise<string | undefined> =>
  cursorIn((await resultOf(sockets, { query: "{ __typename }" })) ?? {});
export const fresh = new CascadingEnvironment({
  network: network(url, latest, sockets),
  store: new Store(new RecordSource()),
});
export const stale = (data: unknown): readonly string[] =>
  cascadesIn(data).flatMap((cascade) => cascade?.fields.map(({ type, name }) => `${type}.${name}`) ?? ["everything"]);

interface Edge {
  readonly node: { readonly id: string };
}

interface OrdersUpdated {
  readonly __typename: "Subscription";
  readonly ordersUpdated: {
    readonly cursor: string;
    readonly edges: readonly Edge[] | null;
    readonly changes: readonly { kind: string; index: number | null; previousIndex: number | null; edge: Edge | null }[];
    readonly hasNextPage: boolean;
  };
}

const show = ({ edges }: List<Edge>): string => edges.map(({ node }) => node.id).join();
declare const updates: TypedDocumentNode<OrdersUpdated, { first: number }>;
declare const misfits: TypedDocumentNode<{ readonly order: { readonly id: string } }, { first: number }>;
declare const persisted: GraphQLTaggedNode;
export const ways = [
  followApollo(apollo, updates, { first: 1 }, show, String),
  followUrql(urql, updates, { first: 1 }, show, String),
  followRelay<{ response: OrdersUpdated; variables: { first: number } }>(relay, persisted, { first: 1 }, show, String),
  // @ts-expect-error: there is no list in these data.
  followApollo(apollo, misfits, { first: 1 }, show, String),
  // @ts-expect-error: there is no list in these data.
  followUrql(urql, misfits, { first: 1 }, show, String),
  // @ts-expect-error: the edges are others.
  followApollo(apollo, updates, { first: 1 }, ({ edges }: List<{ readonly other: string }>) => edges, String),
];
export const keep = (data: OrdersUpdated): void => keeping<Edge>(show)(data);
export const listed: ListData<Edge> & ListFields<OrdersUpdated, Edge> = {} as never;
export const shown: EdgeIn<OrdersUpdated> extends Edge ? true : false = true;
export const iterated = async (): Promise<void> => {
  for await (const { data } of sockets.iterate({ query: "{ __typename }" })) console.log(data);
};
