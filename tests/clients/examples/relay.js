import { Network, Observable } from "relay-runtime";
import { echoing } from "./latest-token.js";

/** GraphQL's errors as one to throw. */
const raised = (reason) =>
  Array.isArray(reason)
    ? Object.assign(new Error(reason.map(({ message }) => message).join("\n")), { errors: reason })
    : reason;

/** Queries and mutations over HTTP, subscriptions through a client of graphql-ws or graphql-sse. */
export const network = (url, latest, sockets) => {
  const headers = { "Content-Type": "application/json", Accept: "application/graphql-response+json" };
  const ask = async ({ text: query }, variables) => {
    const body = JSON.stringify({ query, variables });
    return (await echoing(latest)(url, { method: "POST", headers, body })).json();
  };
  const follow = ({ text: query }, variables) =>
    Observable.create((sink) => {
      const error = (reason) => sink.error(raised(reason));
      return sockets.subscribe({ query, variables }, { ...sink, error });
    });
  return Network.create(ask, follow);
};
