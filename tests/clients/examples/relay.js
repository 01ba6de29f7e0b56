import { Network, Observable } from "relay-runtime";
import { echoing } from "./latest-token.js";

/** Queries and mutations over HTTP, subscriptions through a client of graphql-ws or graphql-sse. */
export const network = (url, latest, sockets) => {
  const headers = { "Content-Type": "application/json", Accept: "application/graphql-response+json" };
  const ask = async ({ text: query }, variables) => {
    const body = JSON.stringify({ query, variables });
    return (await echoing(latest)(url, { method: "POST", headers, body })).json();
  };
  const follow = ({ text: query }, variables) =>
    Observable.create((sink) => sockets.subscribe({ query, variables }, sink));
  return Network.create(ask, follow);
};
