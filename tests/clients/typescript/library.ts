// The types of diptych-client fit those of the libraries that it is for.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { Client, fetchExchange } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { cascadesIn, consistent, cursorIn, LatestToken, resultOf, resuming } from "diptych-client";
import { cascadeLink, consistencyLink, resumingLink } from "diptych-client/apollo";
import { CascadingEnvironment, network } from "diptych-client/relay";
import { cascading, consistencyExchange, liveExchange } from "diptych-client/urql";
import { createClient as createEvents } from "graphql-sse";
import { createClient as createSockets } from "graphql-ws";
import { Environment, RecordSource, Store } from "relay-runtime";

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
