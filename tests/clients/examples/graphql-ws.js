import { EXTENSION } from "./latest-token.js";

/** The one result of a query or a mutation, from a client of graphql-ws or graphql-sse. */
export const resultOf = (client, operation) =>
  new Promise((resolve, reject) => {
    let result;
    const next = (value) => (result = value);
    client.subscribe(operation, { next, error: reject, complete: () => resolve(result) });
  });

/** The same through a socket: having no headers, the token goes and comes in the extensions. */
export const echoingResultOf = async (client, latest, operation) => {
  const result = await resultOf(client, { ...operation, extensions: latest.extensions }).catch((errors) => {
    latest.heed(Array.isArray(errors) ? errors : []);
    throw errors;
  });
  latest.note(result.extensions?.[EXTENSION]);
  return result;
};
