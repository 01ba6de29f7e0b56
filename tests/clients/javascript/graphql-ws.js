import { echoingResultOf } from "../examples/graphql-ws.js";
import { dataOf, texts } from "./operations.js";
import { sockets } from "./sockets.js";

export const connect = (url, latest) => {
  const client = sockets(url);
  const ask = async (name, variables) =>
    dataOf(await echoingResultOf(client, latest, { query: texts[name], variables }));
  const follow = (name, variables, next, error) =>
    client.subscribe({ query: texts[name], variables }, { next: (result) => next(dataOf(result)), error });
  return { query: ask, mutate: ask, follow };
};
