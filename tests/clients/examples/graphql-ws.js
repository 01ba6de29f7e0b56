/** The one result of a query or a mutation, from a client of graphql-ws or graphql-sse. */
export const resultOf = (client, operation) =>
  new Promise((resolve, reject) => {
    let result;
    const next = (value) => (result = value);
    client.subscribe(operation, { next, error: reject, complete: () => resolve(result) });
  });

/** The same through a socket: having no headers, the token comes with the receipt and goes into `atLeast`. */
export const echoingResultOf = async (client, latest, { query, variables }) => {
  const atLeast = latest.seen ? [latest.seen] : null;
  const result = await resultOf(client, { query, variables: { ...variables, atLeast } });
  latest.note(Object.values(result.data ?? {})[0]?.receipt?.token);
  return result;
};
