// The types of diptych-client fit those of the libraries that it is for.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { Client, fetchExchange } from "@urql/core";
import { consistent, cursorIn, LatestToken, resultOf, resuming } from "diptych-client";
import { consistencyLink, resumingLink } from "diptych-client/apollo";
import { network } from "diptych-client/relay";
import { consistencyExchange, liveExchange } from "diptych-client/urql";
import { createClient as createEvents } from "graphql-sse";
import { createClient as createSockets } from "graphql-ws";
import { Environment, RecordSource, Store } from "relay-runtime";

const url = "http://127.0.0.1:8000/graphql";
const latest = new LatestToken();
const sockets = resuming(consistent(createSockets({ url }), latest));
export const events = resuming(consistent(createEvents({ url }), latest));
export const apollo = new ApolloClient({
  link: ApolloLink.from([resumingLink(), consistencyLink(latest), new HttpLink({ uri: url })]),
  cache: new InMemoryCache(),
});
export const urql = new Client({
  url,
  exchanges: [consistencyExchange(latest), liveExchange(sockets), fetchExchange],
  preferGetMethod: false,
});
export const relay = new Environment({ network: network(url, latest, sockets), store: new Store(new RecordSource()) });
export const cursor = async (): Promise<string | undefined> =>
  cursorIn((await resultOf(sockets, { query: "{ __typename }" })) ?? {});
